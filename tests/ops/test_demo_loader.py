"""Filling real stores with the demo shop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from appliance.domain import Interaction, Product
from appliance.metrics import Metrics
from appliance.ops.demo.loader import DemoSize, demo_products, fill
from appliance.settings import Ingest, Weights
from appliance.store.catalogue import Catalogue
from appliance.store.journal import Journal
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

NOW = 1_760_000_000.0
SMALL = DemoSize(products=60, events=3000)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    store = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield Catalogue(store)
    store.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.db", Ingest(), Metrics())
    opened.start()
    yield opened
    opened.close()


def test_products_and_events_are_in_the_stores(catalogue: Catalogue, journal: Journal) -> None:
    told: list[tuple[float, str]] = []
    report = fill(
        catalogue, journal, now=NOW, size=SMALL, progress=lambda fraction, part: told.append((fraction, part))
    )
    assert (report.products, report.interactions, report.visitors) == (60, 3000, 100)
    assert len(catalogue) == 60 and journal.lag == 3000
    assert set(report.handles) == {card.handle for card in catalogue.cards().values()}
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert told[0] == (0.0, "products") and told[-1] == (1.0, "events")


def test_what_the_catalogue_keeps_is_what_was_generated(catalogue: Catalogue) -> None:
    fill(catalogue, None, now=NOW, size=SMALL)
    made = demo_products(SMALL, 7, NOW)
    kept = {product.id: product for product in catalogue.iter_products()}
    assert set(kept) == {product.id for product in made}
    for product in made:
        again = kept[product.id]
        assert (again.title, again.title_en, again.description) == (
            product.title,
            product.title_en,
            product.description,
        )
        assert (again.attributes, again.price, again.in_stock) == (product.attributes, product.price, product.in_stock)
        assert {variant.id for variant in again.variants} == {variant.id for variant in product.variants}
    assert catalogue.category("Túi đeo chéo") is not None


def test_filling_again_changes_no_product(catalogue: Catalogue) -> None:
    fill(catalogue, None, now=NOW, size=SMALL)
    revision = catalogue.revision
    fill(catalogue, None, now=NOW, size=SMALL)
    assert catalogue.revision == revision and len(catalogue) == 60


def test_without_a_journal_only_products_are_written(catalogue: Catalogue) -> None:
    report = fill(catalogue, None, now=NOW, size=SMALL)
    assert report.interactions == 0 and report.visitors == 0 and len(catalogue) == 60


def test_the_shops_own_weights_count(catalogue: Catalogue) -> None:
    class Kept:
        """Keeps what it is given."""

        def __init__(self) -> None:
            self.records: list[Interaction] = []

        def append_sync(self, records: Sequence[Interaction]) -> None:
            self.records += records

    sink = Kept()
    fill(catalogue, sink, now=NOW, size=SMALL, weights=Weights(view=0.25))
    assert {event.weight for event in sink.records if event.interaction_type == "view"} == {0.25}


def test_large_shops_come_from_the_benchmark_catalogue() -> None:
    products = demo_products(DemoSize(products=1500), 7, NOW)
    assert len(products) == 1500 and isinstance(products[0], Product)
    assert max(product.created_at for product in products) < NOW
