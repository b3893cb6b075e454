"""A file whose making was cut short: SQLite's rollback journal is still beside it, and the store opens all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sqlite_utils

from appliance.store.migrations import Migration
from appliance.store.sqlite import SqliteStore

KILLED = """
import appliance.__main__
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("pragma cache_size = 1")
db.execute("begin")
db.execute("create table half (text)")
for _ in range(100):
    db.execute("insert into half values (hex(randomblob(2000)))")
os._exit(0)
"""


def _make(db: sqlite_utils.Database) -> None:
    db.execute("create table thing (id integer primary key)")


def test_a_store_opens_beside_a_hot_rollback_journal(tmp_path: Path) -> None:
    file = tmp_path / "thing.db"
    subprocess.run([sys.executable, "-c", KILLED, str(file)], check=True)
    assert file.with_name("thing.db-journal").stat().st_size
    assert file.stat().st_size
    store = SqliteStore(file, (Migration(1, "things", _make),))
    tables = {row[0] for row in store.read().execute("select name from sqlite_master where type = 'table'").fetchall()}
    assert "thing" in tables
    assert "half" not in tables
    store.close()
