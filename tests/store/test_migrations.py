"""The runner of numbered migrations, on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlite_utils

from appliance.errors import NewerStore
from appliance.store.migrations import Migration, applied_numbers, apply_migrations, pending_migrations

STEPS: tuple[Migration[Any], ...] = (
    Migration(1, "first", lambda db: db.execute("create table a (x integer)")),
    Migration(2, "second", lambda db: db.execute("insert into a values (1)")),
    Migration(3, "third", lambda db: db.execute("create table c (x integer)")),
)


def _sqlite(path: Path) -> sqlite_utils.Database:
    return sqlite_utils.Database(path)


def _duckdb(path: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(path))


@pytest.fixture(params=[_sqlite, _duckdb])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    connect: Callable[[Path], Any] = request.param
    connection = connect(tmp_path / "store.db")
    yield connection
    connection.close()


def test_steps_apply_once_and_in_order(db: Any) -> None:
    assert apply_migrations(db, STEPS[:1], lambda: 5.0) == [1]
    assert apply_migrations(db, STEPS, lambda: 6.0) == [2, 3]
    assert apply_migrations(db, STEPS) == []
    assert db.execute("select x from a").fetchall() == [(1,)]
    rows = db.execute("select number, name, applied_at from schema_version order by number").fetchall()
    assert rows == [(1, "first", 5.0), (2, "second", 6.0), (3, "third", 6.0)]


def test_a_failing_step_is_undone_and_earlier_ones_stay(db: Any) -> None:
    def half_way(connection: Any) -> None:
        connection.execute("create table b (x integer)")
        connection.execute("insert into a values (2)")
        raise RuntimeError("power cut")

    broken = (*STEPS[:1], Migration(2, "second", half_way), STEPS[2])
    with pytest.raises(RuntimeError):
        apply_migrations(db, broken)
    assert applied_numbers(db) == {1}
    assert db.execute("select count(*) from a").fetchall() == [(0,)]
    assert apply_migrations(db, STEPS) == [2, 3]


def test_a_failing_first_step_leaves_nothing(db: Any) -> None:
    def fail(connection: Any) -> None:
        connection.execute("create table a (x integer)")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        apply_migrations(db, [Migration(1, "first", fail)])
    assert db.execute("select count(*) from sqlite_master where type = 'table'").fetchall() == [(0,)]


def test_a_newer_store_is_refused(db: Any) -> None:
    apply_migrations(db, STEPS)
    with pytest.raises(NewerStore) as caught:
        apply_migrations(db, STEPS[:2])
    assert "3" in caught.value.message
    assert caught.value.hint
    assert applied_numbers(db) == {1, 2, 3}


def test_numbers_must_not_have_gaps(db: Any) -> None:
    with pytest.raises(ValueError, match="without gaps"):
        pending_migrations(db, [STEPS[0], STEPS[2]])
