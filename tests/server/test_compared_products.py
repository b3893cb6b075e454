"""The owner's product list as the comparison with Medusa reads it."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from server_shop import Shop

SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_all_pages_are_read_with_their_variants(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    side = importlib.import_module("medusa_mirror").read_api(shop.owner, "VND")
    products, variants = side["API: product"], side["API: variant"]
    assert (len(products), len(variants)) == (13, 25)
    assert (products["p11"]["status"], products["p11"]["categories"]) == ("draft", ["Giày"])
    assert products["p1"]["variants"] == ["p1:38", "p1:39"]
    sold_out = variants["p5:38"]
    assert (sold_out["product_id"], sold_out["price VND"], sold_out["stock in all"]) == ("p5", 600_000, 0)
