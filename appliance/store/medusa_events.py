"""Events that Medusa sent: kept until they were followed, and remembered a while so that none is taken twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from appliance.store.sqlite import SqliteStore

_ADD = """
insert into medusa_events (digest, event, ids, received_at, handled) values (?, ?, ?, ?, ?)
on conflict (digest) do nothing
"""
_WAITING = "select digest, event, ids from medusa_events where handled = 0 order by received_at limit ?"
_HANDLED = "update medusa_events set handled = 1 where digest = ?"
_CROWD = "select count(*) from medusa_events where handled = 0"
_FORGET = "delete from medusa_events where handled = 1 and received_at < ?"


class MedusaEvent(msgspec.Struct, frozen=True):
    """One event that was not followed yet."""

    digest: bytes
    event: str
    """Its name, for example ``product.updated``."""
    ids: tuple[str, ...]


class MedusaEventRepository:
    """Events on disk. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def add(self, digest: bytes, event: str, ids: Sequence[str], *, remember: float, followed: bool = False) -> bool:
        """Keep an event and return whether it is new; durable on return.

        ``digest`` tells equal bodies. Events that were followed are forgotten after ``remember`` seconds; with
        ``followed`` it is only remembered.
        """
        now = self._now()
        with self._store.write() as db:
            db.execute(_FORGET, [now - remember])
            body = msgspec.json.encode(list(ids)).decode()
            return bool(db.execute(_ADD, [digest, event, body, now, int(followed)]).rowcount)

    def crowd(self) -> int:
        """Return how many events wait."""
        with self._store.reading() as db:
            return int(db.execute(_CROWD).fetchone()[0])

    def waiting(self, limit: int = 1000) -> list[MedusaEvent]:
        """Return events that were not followed yet, the oldest first."""
        with self._store.reading() as db:
            rows = db.execute(_WAITING, [limit]).fetchall()
        return [
            MedusaEvent(digest, event, tuple(msgspec.json.decode(ids, type=list[str]))) for digest, event, ids in rows
        ]

    def followed(self, digests: Sequence[bytes]) -> None:
        """Mark events as followed."""
        with self._store.write() as db:
            db.conn.executemany(_HANDLED, [(digest,) for digest in digests])
