"""One SQLite file: transactions, snapshots, threads, and errors that say what is wrong."""

from __future__ import annotations

import gc
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import Busy, DiskFull, NewerStore, StoreDamaged, StoreError
from appliance.store.migrations import Migration
from appliance.store.sqlite import SqliteStore, translated_errors

STEPS: tuple[Migration[Any], ...] = (
    Migration(1, "letters", lambda db: db.execute("create table letters (id integer primary key, body text not null)")),
)
INSERT = "insert into letters (body) values (?)"


def _count(store: SqliteStore) -> int:
    with store.reading() as db:
        count: int = db.execute("select count(*) from letters").fetchone()[0]
    return count


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db", STEPS)
    yield opened
    opened.close()


def test_a_write_commits_or_leaves_nothing(store: SqliteStore) -> None:
    with store.write() as db:
        db.execute(INSERT, ["a"])
    with pytest.raises(RuntimeError), store.write() as db:
        db.execute(INSERT, ["b"])
        raise RuntimeError("no")
    assert _count(store) == 1


def test_a_nested_write_is_a_savepoint(store: SqliteStore) -> None:
    with store.write() as outer:
        outer.execute(INSERT, ["a"])
        with pytest.raises(RuntimeError), store.write() as inner:
            inner.execute(INSERT, ["b"])
            raise RuntimeError("no")
        outer.execute(INSERT, ["c"])
    assert _count(store) == 2


def test_pragmas_are_the_durable_ones(store: SqliteStore) -> None:
    with store.write() as db:
        assert db.execute("pragma journal_mode").fetchone()[0] == "wal"
        assert db.execute("pragma synchronous").fetchone()[0] == 2
        assert db.execute("pragma foreign_keys").fetchone()[0] == 1
        assert db.execute("pragma journal_size_limit").fetchone()[0] > 0
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_reader_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(StoreError), store.reading() as db:
        db.execute(INSERT, ["a"])
    assert _count(store) == 0


def test_a_snapshot_does_not_move_while_others_write(store: SqliteStore) -> None:
    with store.reading() as db:
        before = db.execute("select count(*) from letters").fetchone()[0]
        with store.write() as writer:
            writer.execute(INSERT, ["a"])
        assert db.execute("select count(*) from letters").fetchone()[0] == before
    assert _count(store) == before + 1


def test_threads_write_in_turn_and_read_on_their_own_connection(store: SqliteStore) -> None:
    connections: list[int] = []

    def work() -> None:
        for _ in range(20):
            with store.write() as db:
                db.execute(INSERT, ["x"])
        connections.append(id(store.read()))
        assert store.read() is store.read()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(store) == 80
    assert len(connections) == 4


def test_the_connection_of_an_ended_thread_is_closed(store: SqliteStore) -> None:
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(store.read().conn))
    thread.start()
    thread.join()
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError):
        seen[0].execute("select 1")


def test_close_closes_the_readers_and_folds_the_log(store: SqliteStore) -> None:
    with store.write() as db:
        db.execute(INSERT, ["a"])
    connection = store.read().conn
    store.close()
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("select 1")
    with pytest.raises(StoreError):
        store.read()
    with pytest.raises(StoreError), store.write():
        pass
    assert not store.path.with_name("store.db-wal").exists()


def test_a_full_disk_is_named_and_passes(store: SqliteStore) -> None:
    with store.write() as db:
        db.execute(INSERT, ["kept"])
    store._writer.execute("pragma max_page_count = 20").fetchall()
    with pytest.raises(DiskFull), store.write() as db:
        for _ in range(100):
            db.execute(INSERT, ["x" * 4000])
    assert _count(store) == 1
    store._writer.execute("pragma max_page_count = 1000000").fetchall()
    with store.write() as db:
        db.execute(INSERT, ["again"])
    assert _count(store) == 2


def test_a_lock_of_another_program_is_busy(store: SqliteStore) -> None:
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("begin immediate")
    store._writer.execute("pragma busy_timeout = 10").fetchall()
    with pytest.raises(Busy), store.write():
        pass
    other.execute("rollback")
    other.close()
    with store.write() as db:
        db.execute(INSERT, ["a"])


def test_errors_that_are_bugs_pass_unchanged(store: SqliteStore) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.write() as db:
        db.execute("insert into letters (body) values (null)")


def test_an_input_output_error_is_a_store_error(tmp_path: Path) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    with pytest.raises(StoreError), translated_errors(tmp_path / "x.db"):
        raise error


@pytest.mark.parametrize("content", [b"not a database at all" * 400, os.urandom(8192)])
def test_a_file_that_is_no_database_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with pytest.raises(StoreDamaged):
        SqliteStore(path, STEPS)
    assert path.read_bytes() == content


def test_a_zeroed_page_is_damage_at_open(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = SqliteStore(path, STEPS)
    with store.write() as db:
        db.conn.executemany(INSERT, [("x" * 500,) for _ in range(200)])
    store.close()
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\0" * 4096)
    with pytest.raises(StoreDamaged) as caught:
        SqliteStore(path, STEPS)
    assert "store.db" in caught.value.message


def test_a_newer_store_keeps_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    newer = (*STEPS, Migration(2, "later", lambda db: db.execute("create table later (x)")))
    SqliteStore(path, newer).close()
    before = path.read_bytes()
    with pytest.raises(NewerStore):
        SqliteStore(path, STEPS)
    assert path.read_bytes() == before


def test_a_newer_store_that_was_killed_keeps_its_log(tmp_path: Path) -> None:
    live, path = tmp_path / "live.db", tmp_path / "store.db"
    newer = (*STEPS, Migration(2, "later", lambda db: db.execute("create table later (x)")))
    store = SqliteStore(live, newer)
    for suffix in ("", "-wal"):
        (tmp_path / f"store.db{suffix}").write_bytes((tmp_path / f"live.db{suffix}").read_bytes())
    store.close()
    before = path.read_bytes(), (tmp_path / "store.db-wal").read_bytes()
    with pytest.raises(NewerStore):
        SqliteStore(path, STEPS)
    assert (path.read_bytes(), (tmp_path / "store.db-wal").read_bytes()) == before


def test_a_read_only_file_is_read_and_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    store = SqliteStore(path, STEPS)
    with store.write() as db:
        db.execute(INSERT, ["a"])
    store.close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    store = SqliteStore(path, STEPS)
    assert store.read_only
    assert _count(store) == 1
    with pytest.raises(StoreError), store.write():
        pass
    store.close()


def test_a_read_only_file_of_an_older_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    SqliteStore(path, STEPS).close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    later = Migration[Any](2, "later", lambda db: db.execute("create table later (x)"))
    with pytest.raises(StoreError, match="upgrade"):
        SqliteStore(path, (*STEPS, later))


def test_a_missing_folder_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        SqliteStore(tmp_path / "missing" / "store.db", STEPS)


def test_the_log_stays_bounded_under_writes(store: SqliteStore) -> None:
    for _ in range(60):
        with store.write() as db:
            db.conn.executemany(INSERT, [("x" * 2000,) for _ in range(500)])
    with store.write() as db:
        db.execute(INSERT, ["a"])
    assert store.path.with_name("store.db-wal").stat().st_size < 32 << 20
