"""An index of the log by visitor, session and product: ``recent.db``, derived from DuckDB and rebuilt at will.

DuckDB finds the events of one visitor by reading a column of the whole log: 8 ms at a million events, and more with
each million. B-trees on disk answer in a tenth of a millisecond whatever the size and need no memory. The index follows
the log in slices; both sides handle a slice as one JSON text, so that no Python runs for each event.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlite_utils import Database

from appliance.domain import Interaction
from appliance.errors import NewerStore, StoreDamaged
from appliance.store.analytics import Analytics
from appliance.store.migrations import Migration
from appliance.store.ownership import OWNER, owner_join
from appliance.store.shortlists import SCHEMA as SHORTLISTS
from appliance.store.shortlists import Shortlists
from appliance.store.sqlite import SqliteStore, translated_errors

log = structlog.get_logger(__name__)

FILE_NAME = "recent.db"
SLICE = 20_000

_SCHEMA = (
    """create table recent (
        seq integer primary key,
        event_id text not null,
        owner text not null,
        session_id text not null,
        product_id text not null,
        product_handle text not null,
        interaction_type text not null,
        weight real not null,
        occurred_at real not null,
        received_at real not null,
        recommendation_id text not null,
        metadata text not null
    ) strict""",
    "create index recent_owner on recent (owner, seq) where owner <> ''",
    "create index recent_session on recent (session_id, seq) where session_id <> ''",
    "create index recent_product on recent (product_id, interaction_type, seq) where product_id <> ''",
    "create table position (log_id text not null, last_seq integer not null) strict",
    "insert into position values ('', 0)",
)

_SLICE = f"""
with slice as (select * from interaction_events where seq > ? and seq <= ?),
links as (select * from session_links where session_id in (select session_id from slice where user_id = '')),
renamed as (select seq, product_id from event_resolutions where seq > ? and seq <= ?)
select string_agg(json_array(
    e.seq, e.event_id, {OWNER}, e.session_id, coalesce(r.product_id, e.product_id), e.product_handle,
    e.interaction_type, e.weight, epoch(e.occurred_at), epoch(e.received_at), e.recommendation_id,
    e.metadata::varchar)::varchar, ',')
from slice e {owner_join("links")}
left join renamed r on e.seq = r.seq"""  # noqa: S608  (our own text)
_FIRST_LINKS = """
select session_id, arg_min(user_id, seq) from session_links
where session_id in (select session_id from session_links where seq > ? and seq <= ?)
group by session_id having min(seq) > ?"""
_RESOLUTIONS = "select product_id, seq from event_resolutions where position > ? and position <= ? and seq <= ?"
_INSERT = """
insert or replace into recent
select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value ->> 10, value ->> 11
from json_each('[' || coalesce(?, '') || ']')"""
_ADOPT = "update recent set owner = ? where session_id = ? and session_id <> '' and owner = ''"
_RENAME = "update recent set product_id = ? where seq = ?"
_SELECT = """
select event_id, owner, session_id, product_id, product_handle, interaction_type, weight, occurred_at, received_at,
    recommendation_id, case when metadata = '{}' then '' else metadata end
from recent where """
_OF_OWNER = _SELECT + "owner = ? and owner <> '' order by seq desc limit ?"
_OF_SESSION = _SELECT + "session_id = ? and session_id <> '' order by seq limit ?"
_OF_PRODUCT = _SELECT + "product_id = ? and product_id <> '' and interaction_type = ? order by seq desc limit ?"


def _initial(db: Database) -> None:
    for statement in _SCHEMA + SHORTLISTS:
        db.execute(statement)


_MIGRATIONS: tuple[Migration[Database], ...] = (Migration(1, "recent events", _initial),)


class RecentIndex:
    """Reads on any thread; ``follow`` on one.

    A damaged file is thrown away and built again from the log.
    """

    def __init__(self, analytics: Analytics, now: Callable[[], float] = time.time) -> None:
        self._analytics = analytics
        self._path = analytics.path.with_name(FILE_NAME)
        self._now = now
        self._store = self._open()
        self.shortlists = Shortlists(analytics, lambda: self._store)

    def of_owner(self, user_id: str, limit: int) -> list[Interaction]:
        """Return a user's latest events, newest first, those as a guest of a linked session included."""
        return self._select(_OF_OWNER, [user_id, limit])

    def of_session(self, session_id: str, limit: int) -> list[Interaction]:
        """Return a session's events in order of arrival."""
        return self._select(_OF_SESSION, [session_id, limit])

    def of_product(self, product_id: str, interaction_type: str, limit: int) -> list[Interaction]:
        """Return a product's latest events of one type, newest first."""
        return self._select(_OF_PRODUCT, [product_id, interaction_type, limit])

    def follow(self, slices: int = 10_000) -> bool:
        """Take over what the log has gained, at most so many slices; tell whether the index is level with it."""
        try:
            return self._follow(slices)
        except StoreDamaged as error:
            log.error("recent_index_damaged", error=error.message)
            self._rebuild()
            return False

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _follow(self, slices: int) -> bool:
        last, log_id = self._analytics.q("position", "select last_seq, log_id from log_position")[0]
        known_id, at = self._position()
        if known_id != log_id or at > last:
            # Another log, or one restored from a backup: what is here may not be in it.
            if known_id:
                self._rebuild()
            at = 0
        for _ in range(slices):
            if at >= last:
                break
            upper = min(at + SLICE, last)
            self._take_over(log_id, at, upper)
            at = upper
        if at < last:
            return False
        self.shortlists.follow()
        return True

    def _take_over(self, log_id: str, lower: int, upper: int) -> None:
        query = self._analytics.q
        payload = query("recent_slice", _SLICE, [lower, upper, lower, upper])[0][0]
        adopted = query("recent_links", _FIRST_LINKS, [lower, upper, lower])
        renamed = query("recent_resolutions", _RESOLUTIONS, [lower, upper, lower])
        with self._store.write() as db:
            db.conn.execute(_INSERT, [payload])
            db.conn.executemany(_ADOPT, [(user_id, session_id) for session_id, user_id in adopted])
            db.conn.executemany(_RENAME, renamed)
            db.conn.execute("update position set log_id = ?, last_seq = ?", [log_id, upper])

    def _position(self) -> tuple[str, int]:
        with translated_errors(self._path):
            log_id, last = self._store.read().conn.execute("select log_id, last_seq from position").fetchone()
        return log_id, last

    def _select(self, sql: str, params: Sequence[Any]) -> list[Interaction]:
        with translated_errors(self._path):
            rows = self._store.read().conn.execute(sql, params).fetchall()
        return [Interaction(*row) for row in rows]

    def _open(self) -> SqliteStore:
        try:
            return SqliteStore(self._path, _MIGRATIONS, quick_check=False, now=self._now)
        except (StoreDamaged, NewerStore, sqlite3.Error) as error:
            log.warning("recent_index_unusable", error=str(error))
            self._delete()
            return SqliteStore(self._path, _MIGRATIONS, quick_check=False, now=self._now)

    def _rebuild(self) -> None:
        self.shortlists.forget()
        self._store.close()
        self._delete()
        self._store = self._open()

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
