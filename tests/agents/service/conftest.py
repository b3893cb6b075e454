"""Fixtures of the service agent's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from service_shop import Chat, ServiceShop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ServiceShop]:
    """The fixture shop."""
    opened = ServiceShop(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def empty_shop(tmp_path: Path) -> Iterator[ServiceShop]:
    """A shop that has written nothing yet."""
    opened = ServiceShop(tmp_path, filled=False)
    yield opened
    opened.close()


@pytest.fixture
def chat(shop: ServiceShop) -> Chat:
    """A conversation in Vietnamese."""
    return Chat(shop)
