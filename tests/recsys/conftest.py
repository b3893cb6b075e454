"""Fixtures of the recommender's tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from recsys_shop import ShopMaker, TestShop, leather_and_shoes

from appliance.domain import Product
from appliance.settings import Recommender


@pytest.fixture
def make_shop(tmp_path: Path) -> Iterator[ShopMaker]:
    """Open shops that are closed after the test."""
    opened: list[TestShop] = []

    def make(products: Sequence[Product] | None = None, settings: Recommender | None = None) -> TestShop:
        folder = tmp_path / f"shop{len(opened)}"
        folder.mkdir()
        opened.append(TestShop(folder, leather_and_shoes() if products is None else products, settings))
        return opened[-1]

    yield make
    for shop in opened:
        shop.close()


@pytest.fixture
def shop(make_shop: ShopMaker) -> TestShop:
    """The shop of leather and shoes, not yet trained."""
    return make_shop()
