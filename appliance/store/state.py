"""Small facts that outlive a restart, as text by key: the owner's settings and the state of synchronising."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from sqlite_utils import Database

from appliance.store.normalise import encodable
from appliance.store.sqlite import SqliteStore

_GET = {
    "settings": "select value from settings where key = ?",
    "sync_state": "select value from sync_state where key = ?",
}
_PUT = {
    "settings": """
insert into settings (key, value, updated_at) values (?, ?, ?)
on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at
""",
    "sync_state": """
insert into sync_state (key, value, updated_at) values (?, ?, ?)
on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at
""",
}
_DELETE = {
    "settings": "delete from settings where key = ? returning key",
    "sync_state": "delete from sync_state where key = ? returning key",
}


class StateRepository:
    """Texts by key in one of the two tables. Safe to use from any thread."""

    def __init__(
        self,
        store: SqliteStore,
        table: Literal["settings", "sync_state"] = "settings",
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._table = table
        self._now = now

    def get(self, key: str) -> str | None:
        """Return the text of a key."""
        with self._store.reading() as db:
            row = db.execute(_GET[self._table], [encodable(key)]).fetchone()
        return row[0] if row else None

    def put(self, key: str, value: str) -> None:
        """Set the text of a key; durable when it returns."""
        with self._store.write() as db:
            self.put_within(db, key, value)

    def put_within(self, db: Database, key: str, value: str) -> None:
        """Set the text of a key inside the caller's transaction."""
        db.execute(_PUT[self._table], [encodable(key), encodable(value), self._now()])

    def delete(self, key: str) -> bool:
        """Forget a key and return whether it was there."""
        with self._store.write() as db:
            return bool(db.execute(_DELETE[self._table], [encodable(key)]).fetchall())
