"""Group commit for writes that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils

from appliance.errors import DiskFull
from appliance.store.group_writer import GroupWriter
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


def put(word: str, meaning: str | None = "x") -> Callable[[sqlite_utils.Database], object]:
    def write(db: sqlite_utils.Database) -> object:
        return db.execute("insert into shop_words values (?, ?, 0)", [word, meaning])

    return write


def stored(store: SqliteStore) -> list[str]:
    with store.reading() as db:
        return [row[0] for row in db.execute("select word from shop_words order by word")]


def test_a_write_that_can_never_succeed_harms_no_other(store: SqliteStore) -> None:
    writer = GroupWriter(store, interval=3600)
    for write in (put("a"), put("b", None), put("a"), put("\ud800"), put("c")):
        writer.later(write)
    assert writer.waiting == 5
    writer.flush()
    assert stored(store) == ["a", "c"]
    writer.close()


def test_a_read_waits_for_what_is_being_written(store: SqliteStore) -> None:
    writer = GroupWriter(store, interval=3600)
    began, go = threading.Event(), threading.Event()

    def slowly(db: sqlite_utils.Database) -> object:
        began.set()
        assert go.wait(5)
        return put("slow")(db)

    writer.later(slowly)
    flushing = threading.Thread(target=writer.flush)
    flushing.start()
    assert began.wait(5)
    assert writer.waiting == 0
    threading.Timer(0.05, go.set).start()
    writer.settle()
    assert stored(store) == ["slow"]
    flushing.join(5)
    writer.close()


def test_a_full_disk_keeps_the_writes_waiting_up_to_a_bound(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = GroupWriter(store, interval=3600, most=3)
    real = store.write

    def full() -> Any:
        raise DiskFull("no room")

    monkeypatch.setattr(store, "write", full)
    for word in "abcde":
        writer.later(put(word))
    assert (writer.waiting, writer.dropped) == (3, 2)
    with pytest.raises(DiskFull):
        writer.flush()
    with pytest.raises(DiskFull):
        writer.now(put("z"))
    writer.settle()
    monkeypatch.setattr(store, "write", real)
    assert writer.now(lambda db: db.execute("select count(*) from shop_words").fetchone()[0]) == 3
    assert stored(store) == ["c", "d", "e"]
    writer.close()


def test_a_full_queue_is_written_by_who_fills_it(store: SqliteStore) -> None:
    writer = GroupWriter(store, interval=3600, most=3)
    for word in "abcd":
        writer.later(put(word))
    assert writer.waiting == 0
    writer.later(put("e"))
    writer.close()
    assert stored(store) == list("abcde")
    writer.later(put("f"))
    assert stored(store) == list("abcdef")
