"""Shared fixtures: the same SQLite that the product uses, and a hermetic environment."""

from __future__ import annotations

import os

import pytest

import appliance.__main__  # noqa: F401  (swaps in the newer SQLite before anything imports sqlite3)


@pytest.fixture(autouse=True)
def _hermetic_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the tests off from a developer's own appliance settings."""
    for name in [name for name in os.environ if name.startswith("APPLIANCE_")]:
        monkeypatch.delenv(name)
