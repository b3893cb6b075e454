"""Small facts by key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore
from appliance.store.state import StateRepository


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


def test_a_value_is_put_replaced_and_forgotten(store: SqliteStore) -> None:
    state = StateRepository(store)
    assert state.get("claimed") is None
    state.put("claimed", "no")
    state.put("claimed", "có")
    assert StateRepository(store).get("claimed") == "có"
    assert state.delete("claimed")
    assert not state.delete("claimed")
    assert state.get("claimed") is None


def test_the_two_tables_do_not_mix(store: SqliteStore) -> None:
    settings, sync = StateRepository(store), StateRepository(store, "sync_state")
    settings.put("cursor", "a")
    sync.put("cursor", "b")
    assert (settings.get("cursor"), sync.get("cursor")) == ("a", "b")


def test_hostile_keys_are_only_keys(store: SqliteStore) -> None:
    state = StateRepository(store)
    for key in ("", "'; drop table settings; --", "\x00", "\ud800", "đ" * 1000):
        state.put(key, key)
    assert state.get("'; drop table settings; --") == "'; drop table settings; --"
    assert state.get("\ud800") == "?"
