"""What a card knows of a product's attributes: its margin and how soon a buyer may want it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.domain import Product, Variant
from appliance.store.catalogue import Catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore


@pytest.mark.parametrize(
    ("attributes", "margin", "days"),
    [
        ({"margin": "35%", "repurchase_days": "14"}, 0.35, 14.0),
        ({"margin": "0,2"}, 0.2, None),
        ({"margin": "cao", "repurchase_days": "soon"}, None, None),
        ({"brand": "x"}, None, None),
        ({}, None, None),
    ],
)
def test_a_card_knows_margin_and_interval(
    tmp_path: Path, attributes: dict[str, str], margin: float | None, days: float | None
) -> None:
    store = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    made = Product(id="p", handle="p", title="P", attributes=attributes, variants=(Variant(id="v", price=1),))
    fresh = Catalogue(store)
    fresh.upsert([made])
    for catalogue in (fresh, Catalogue(store)):
        card = catalogue.card("p")
        assert card is not None
        assert (card.margin, card.repurchase_days) == (margin, days)
    store.close()
