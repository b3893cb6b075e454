"""What training wrote to DuckDB, packed one row a key in ``recent.db``: a product's neighbours, a user's tastes.

A table sorted by its key still costs DuckDB 2 to 5 ms a look-up, because it reads a row group of 122,880 rows; a B-tree
answers in a tenth of a millisecond. The packed copy is derived: whoever finds it missing or old asks DuckDB.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import msgspec

from appliance.store.analytics import Analytics
from appliance.store.sqlite import SqliteStore, translated_errors

NEIGHBOURS = "rec_product_similarities"
TASTES = "rec_user_preferences"
_KEYS_A_SLICE = 1000

_GENERATIONS = "select name, generation from table_generations"
_BOUNDS = {
    NEIGHBOURS: """
select key from (
    select product_id_1 as key, row_number() over (order by product_id_1) as place
    from (select distinct product_id_1 from rec_product_similarities)
) where (place - 1) % ? = 0 order by key""",
    TASTES: """
select key from (
    select user_id as key, row_number() over (order by user_id) as place
    from (select distinct user_id from rec_user_preferences)
) where (place - 1) % ? = 0 order by key""",
}
# string_agg, because a list of a slice's rows took DuckDB 2.0 past its memory limit and once down with it.
_SLICES = {
    NEIGHBOURS: """
select string_agg(
    json_array(product_id_1, product_id_2, similarity_score, "content", "collaborative")::varchar, ',')
from rec_product_similarities where product_id_1 >= ? and (? = '' or product_id_1 < ?)""",
    TASTES: """
select string_agg(json_array(user_id, category, score)::varchar, ',')
from rec_user_preferences where user_id >= ? and (? = '' or user_id < ?)""",
}
_INSERT = """
insert into shortlists select ?, ?, value ->> 0, json_group_array(json_remove(value, '$[0]'))
from json_each('[' || ? || ']') group by value ->> 0"""
_FIND = "select packed from shortlists where kind = ? and generation = ? and key = ?"

SCHEMA = (
    """create table shortlists (
        kind text not null,
        generation integer not null,
        key text not null,
        packed text not null,
        primary key (kind, generation, key)
    ) strict, without rowid""",
    "create table shortlist_generations (kind text primary key, generation integer not null) strict",
)


class Shortlists:
    """Reads on any thread; copies on whichever thread asks, one at a time."""

    def __init__(self, analytics: Analytics, store: Callable[[], SqliteStore]) -> None:
        """``store`` gives the file that is in use; it changes when a damaged one is replaced."""
        self._analytics = analytics
        self._store = store
        self._copying = threading.Lock()
        self._current: dict[str, int] = {}

    def find(self, kind: str, key: str) -> list[Any] | None:
        """Return a key's rows in order (none for an unknown key), or ``None`` when the copy cannot be used now."""
        generation = self._current.get(kind)
        if generation is None:
            return None
        store = self._store()
        with translated_errors(store.path):
            found = store.read().conn.execute(_FIND, [kind, generation, key]).fetchone()
        rows: list[Any] = msgspec.json.decode(found[0]) if found else []
        return sorted(rows, key=_strongest_first)

    def outdate(self, kind: str) -> None:
        """Use the copy of a table no more until ``follow`` has made a new one."""
        self._current.pop(kind, None)

    def follow(self) -> None:
        """Copy the tables that were replaced since they were copied last."""
        with self._copying:
            wanted: dict[str, int] = dict(self._analytics.q("generations", _GENERATIONS))
            store = self._store()
            with translated_errors(store.path):
                rows = store.read().conn.execute("select kind, generation from shortlist_generations").fetchall()
            copied: dict[str, int] = dict(rows)
            for kind, generation in wanted.items():
                if copied.get(kind) != generation:
                    self._copy(store, kind, generation)
                self._current[kind] = generation

    def drop(self, kind: str, key: str) -> None:
        """Delete a key's rows from the copy."""
        with self._copying:
            store = self._store()
            with store.write() as db:
                db.conn.execute("delete from shortlists where kind = ? and key = ?", [kind, key])

    def forget(self) -> None:
        """The file was replaced by an empty one."""
        self._current.clear()

    def _copy(self, store: SqliteStore, kind: str, generation: int) -> None:
        """Copy in slices, each its own transaction, so that neither memory nor write-ahead log grows large."""
        self.outdate(kind)
        with store.write() as db:
            db.conn.execute("delete from shortlists where kind = ?", [kind])
        bounds = [row[0] for row in self._analytics.q("shortlist_bounds", _BOUNDS[kind], [_KEYS_A_SLICE])]
        for lower, upper in zip_longest(bounds, bounds[1:], fillvalue=""):
            packed = self._analytics.q("shortlist_slice", _SLICES[kind], [lower, upper, upper])[0][0]
            with store.write() as db:
                db.conn.execute(_INSERT, [kind, generation, packed])
        with store.write() as db:
            db.conn.execute("insert or replace into shortlist_generations values (?, ?)", [kind, generation])


def _strongest_first(row: list[Any]) -> tuple[float, str]:
    return -row[1], row[0]
