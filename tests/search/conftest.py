"""Shops to search in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from search_shop import ASSORTMENT, Opener, Shop

from appliance.domain import Product


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterable[Opener]:
    """Open shops with given products; all are closed at the end."""
    opened: list[Shop] = []

    def open_one(products: Iterable[Product]) -> Shop:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(Shop(folder, products))
        return opened[-1]

    yield open_one
    for shop in opened:
        shop.store.close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Shop]:
    """The assortment, for tests that only ask."""
    opened = Shop(tmp_path_factory.mktemp("shop"), ASSORTMENT)
    yield opened
    opened.store.close()
