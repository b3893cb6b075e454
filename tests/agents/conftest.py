"""Fixtures of the whole assistant's tests; this file also puts ``talk_shop`` within reach of the folders below."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from talk_shop import TalkShop


@pytest.fixture
def talk_shop(tmp_path: Path) -> Iterator[TalkShop]:
    """The fixture shop, of this test alone."""
    shop = TalkShop(tmp_path)
    yield shop
    shop.close()
