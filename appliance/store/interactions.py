"""The interaction log: merged into exactly once, folded, and asked in the ways that the shop needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from appliance.domain import Interaction
from appliance.store import exporting
from appliance.store.analytics import Analytics
from appliance.store.attribution import Attribution
from appliance.store.exporting import PopularCount
from appliance.store.folding import MergeResult, Resolve, merge_rows, unpark
from appliance.store.journal_rows import JournalRow
from appliance.store.migrations.analytics import PREFERENCES, SIMILARITIES
from appliance.store.recent import RecentIndex
from appliance.store.shortlists import NEIGHBOURS, TASTES
from appliance.store.snapshot import InteractionArrays

_CHUNK = 10_000
"""Rows made into one text; making it holds the interpreter, and with it the event loop."""
_WATERMARK = "select max(seq) from merge_watermarks where journal_id = ?"
_COUNTS = """
select (select count(*) from interaction_events), (select count(*) from rec_user_interactions),
    (select count(*) from parked_events), (select count(*) from rec_impressions),
    (select count(distinct session_id) from session_links)"""
_VERIFY = """
select (select count(*) - count(distinct event_key) from interaction_events),
    (select count(*) from (select 1 from rec_user_interactions
        group by user_id, session_id, product_id, interaction_type having count(*) > 1))"""
_SIMILAR = """
select product_id_2, similarity_score, "content", "collaborative" from rec_product_similarities
where product_id_1 = ? order by similarity_score desc, product_id_2 limit ?"""
_PREFERENCES = """
select category, score from rec_user_preferences where user_id = ? order by score desc, category limit ?"""
_PURCHASES = """
select event_id, user_id, product_id, epoch(occurred_at),
    coalesce(metadata ->> 'order_id', metadata ->> 'transaction_id', '')
from interaction_events where interaction_type = 'purchase' and occurred_at between ? and ?
    and product_id in (select unnest(?::varchar[])) order by seq"""
_CATEGORIES = "select category, weight from category_totals order by weight desc, category limit ?"


class LogCounts(msgspec.Struct, frozen=True):
    """How much the log holds."""

    events: int
    folded: int
    """Rows of ``rec_user_interactions``."""
    parked: int
    """Events whose product the catalogue does not know yet."""
    impressions: int
    linked_sessions: int


class Similarity(msgspec.Struct, frozen=True, gc=False):
    """A neighbour of a product; the scores are cosines."""

    product_id: str
    score: float
    content: float
    collaborative: float


class TrackedPurchase(msgspec.Struct, frozen=True, gc=False):
    """A purchase in the log. ``order`` is the order's id or number where the storefront told it."""

    event_id: str
    user_id: str
    product_id: str
    occurred_at: float
    """Unix seconds."""
    order: str


class _Rehearsed(Exception):
    """Rolls a rehearsal back."""


class InteractionLog:
    """The log, its fold and what training derived from it. Reads are safe on any thread; merging is for one.

    Every method raises ``StoreError`` while DuckDB cannot be used.
    """

    def __init__(self, analytics: Analytics) -> None:
        self.analytics = analytics
        self.attribution = Attribution(analytics)
        """What recommendations led to."""
        self._recent = RecentIndex(analytics)

    def watermark(self, journal_id: str) -> int:
        """Return the last row of a journal that the log holds; 0 for an unknown journal."""
        found = self.analytics.q("watermark", _WATERMARK, [journal_id])
        return int(found[0][0] or 0)

    def merge(self, journal_id: str, rows: Sequence[JournalRow], resolve: Resolve) -> MergeResult:
        """Take journal rows into the log together with the new watermark; rows that it holds already are skipped.

        When this raises, the transaction may have been committed or not: ask ``watermark`` before going on.
        """
        with self.analytics.write("merge") as cursor:
            known = cursor.execute(_WATERMARK, [journal_id]).fetchall()[0][0]
            fresh = [row for row in rows if row.seq > (known or 0)]
            result = merge_rows(cursor, fresh, resolve) if fresh else MergeResult(0, 0)
            if known is None:
                cursor.execute("insert into merge_watermarks values (?, ?)", [journal_id, rows[-1].seq])
            elif fresh:
                cursor.execute("update merge_watermarks set seq = ? where journal_id = ?", [rows[-1].seq, journal_id])
        return MergeResult(records=sum(row.records for row in rows), events=result.events)

    def rehearse(self, row: JournalRow, resolve: Resolve) -> None:
        """Take a row in and back out again; raises what ``merge`` would, and changes nothing."""
        with suppress(_Rehearsed), self.analytics.write("rehearse") as cursor:
            merge_rows(cursor, [row], resolve)
            raise _Rehearsed

    def unpark(self, resolve: Resolve, limit: int = 20_000) -> int:
        """Fold parked events whose product has become known, at most ``limit``; return how many."""
        with self.analytics.write("unpark") as cursor:
            return unpark(cursor, resolve, limit)

    def follow(self, slices: int = 10_000) -> bool:
        """Bring the index behind the access paths up to the log; tell whether it is level."""
        return self._recent.follow(slices)

    def recent_of_user(self, user_id: str, limit: int = 50) -> list[Interaction]:
        """Return a user's latest events, newest first, those as a guest of a linked session included."""
        return self._recent.of_owner(user_id, limit)

    def of_product(self, product_id: str, interaction_type: str, limit: int = 50) -> list[Interaction]:
        """Return a product's latest events of one type, newest first."""
        return self._recent.of_product(product_id, interaction_type, limit)

    def of_session(self, session_id: str, limit: int = 1000) -> list[Interaction]:
        """Return a session's events in order of arrival."""
        return self._recent.of_session(session_id, limit)

    def preferences(self, user_id: str, limit: int = 50) -> list[tuple[str, float]]:
        """Return a user's taste as (category, score), the strongest first."""
        rows = self._recent.shortlists.find(TASTES, user_id)
        if rows is None:
            return self.analytics.q("preferences", _PREFERENCES, [user_id, limit])
        return [(category, score) for category, score in rows[:limit]]

    def top_categories(self, limit: int = 20) -> list[tuple[str, float]]:
        """Return (category, weight) of all events that name one in their metadata, the heaviest first."""
        return self.analytics.q("top_categories", _CATEGORIES, [limit])

    def similar(self, product_id: str, limit: int = 20) -> list[Similarity]:
        """Return a product's neighbours, the nearest first."""
        rows = self._recent.shortlists.find(NEIGHBOURS, product_id)
        if rows is None:
            rows = self.analytics.q("similar", _SIMILAR, [product_id, limit])
        return [Similarity(*row) for row in rows[:limit]]

    def purchases(self, product_ids: Sequence[str], since: float, until: float) -> list[TrackedPurchase]:
        """Return the purchases of some products that occurred in a span of time (Unix seconds), as they arrived."""
        span = [datetime.fromtimestamp(at, UTC).replace(tzinfo=None) for at in (since, until)]
        rows = self.analytics.q("purchases", _PURCHASES, [*span, list(product_ids)])
        return [TrackedPurchase(*row) for row in rows]

    def counts(self) -> LogCounts:
        """Return how much the log holds."""
        return LogCounts(*self.analytics.q("counts", _COUNTS)[0])

    def parked(self) -> int:
        """Return how many events wait for their product."""
        return int(self.analytics.q("parked", "select count(*) from parked_events")[0][0])

    def verify(self) -> tuple[int, int]:
        """Return how many events are there twice and how many keys of the fold; both are 0 in a sound log."""
        repeated, keys = self.analytics.q("verify", _VERIFY)[0]
        return int(repeated), int(keys)

    def popular(self, since: float) -> list[PopularCount]:
        """Return the counts by product, type and UTC day of what occurred since a moment (Unix seconds)."""
        return exporting.popular(self.analytics, since)

    def recent_visitors(self, limit: int, since: float = 0.0, *, each: int = 20) -> Iterator[list[Interaction]]:
        """Yield the events of the ``limit`` newest visitors in order of arrival, to rebuild what was in memory.

        The events reach back to where that many visitors were seen, and are ``limit * each`` at most; ``since`` (Unix
        seconds) bounds when they were received. Guests of a linked session carry the user's id.
        """
        return exporting.recent_events(self.analytics, limit, each, since)

    def export_arrays(self, opted_out: Collection[tuple[str, str]] = ()) -> InteractionArrays:
        """Return all events with a known product for training; those of ``opted_out`` belong to nobody.

        ``opted_out`` is what ``PrivacyRepository.opted_out`` returns.
        """
        return exporting.export_arrays(self.analytics, opted_out)

    def replace_similarities(self, rows: Iterable[tuple[str, str, float, float, float]]) -> int:
        """Replace the neighbours by (product, neighbour, score, content, collaborative); return how many."""
        order = "product_id_1, similarity_score desc"
        return self._replace(NEIGHBOURS, SIMILARITIES, rows, order)

    def replace_preferences(self, rows: Iterable[tuple[str, str, float]]) -> int:
        """Replace the tastes by (user, category, score); return how many."""
        return self._replace(TASTES, PREFERENCES, rows, "user_id, score desc")

    def forget_preferences(self, user_id: str) -> None:
        """Delete a user's taste at once, from the table and from its copy."""
        with self.analytics.write("forget_preferences") as cursor:
            cursor.execute("delete from rec_user_preferences where user_id = ?", [user_id])
        self._recent.shortlists.drop(TASTES, user_id)

    def close(self) -> None:
        """Close the index; the DuckDB connection belongs to whoever opened it."""
        self._recent.close()

    def _replace(self, table: str, definition: str, rows: Iterable[Sequence[Any]], order: str) -> int:
        """Write a table anew, in the order in which it is asked, and have it copied for quick look-ups."""
        count = 0
        rows = iter(rows)
        with self.analytics.write(f"replace_{table}") as cursor:
            cursor.execute(f"create temp table fresh as select * from {table} limit 0")  # noqa: S608  (our own names)
            width = len(cursor.execute("describe fresh").fetchall())
            columns = ", ".join(f"e[{number}]" for number in range(1, width + 1))
            insert = f"insert into fresh select {columns} from (select unnest(from_json(?, '[[\"VARCHAR\"]]')) as e)"  # noqa: S608
            while chunk := list(islice(rows, _CHUNK)):
                cursor.execute(insert, [msgspec.json.encode(chunk).decode()])
                count += len(chunk)
            cursor.execute(f"drop table {table}")
            cursor.execute(definition)
            cursor.execute(f"insert into {table} select * from fresh order by {order}")  # noqa: S608
            cursor.execute("update table_generations set generation = generation + 1 where name = ?", [table])
        self._recent.shortlists.outdate(table)
        self._recent.shortlists.follow()
        return count
