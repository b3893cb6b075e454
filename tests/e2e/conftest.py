"""One prepared shop for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_shop import prepare


@pytest.fixture(scope="session")
def prepared_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained demo shop that nobody serves; tests copy it."""
    return prepare(tmp_path_factory.mktemp("prepared") / "shop")
