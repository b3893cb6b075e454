"""Shops for the catalogue agent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from catalogue_shop import FIXTURE, NOW, AgentShop, OpenShop

from appliance.metrics import Metrics
from appliance.ops.importing import import_products
from appliance.ops.importing.sinks import LocalSink
from appliance.settings import Settings
from appliance.store.journal import Journal


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterable[OpenShop]:
    """Open empty shops, closed at the end."""
    opened: list[AgentShop] = []

    def open_one(**options: object) -> AgentShop:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(AgentShop(folder, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for shop in opened:
        shop.close()


@pytest.fixture(scope="session")
def fixture_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterable[AgentShop]:
    """The fixture shop, for tests that only ask."""
    folder = tmp_path_factory.mktemp("fixture-shop")
    shop = AgentShop(folder)
    journal = Journal(folder / "journal.db", Settings().ingest, Metrics())
    journal.start()
    sink = LocalSink(shop.catalogue, journal)
    report = import_products(FIXTURE, sink, Settings(), data_dir=folder, form="auto", now=lambda: NOW)
    assert not report.rejected
    journal.close()
    yield shop
    shop.close()
