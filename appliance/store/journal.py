"""The journal: what is acknowledged is on the disk first, many records to one commit.

Producers queue records; one thread writes whatever waits in one transaction with ``synchronous=FULL`` and then resolves
all their futures in a single callback on the event loop. The merger reads rows in order and has them purged once the
log holds them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import structlog

from appliance import settings
from appliance.domain import Impression, Interaction
from appliance.errors import ApplianceError, Busy, DiskFull, StoreError
from appliance.issues import IssueBoard, Severity
from appliance.metrics import Metrics
from appliance.store.journal_rows import Identification, JournalRow, JournalRows
from appliance.store.journal_ticket import Group, Ticket, resolve
from appliance.store.migrations.journal import MIGRATIONS
from appliance.store.sqlite import SqliteStore

log = structlog.get_logger(__name__)

ISSUE = "journal"
_RETRY_PENDING = 1.0
_RETRY_UNMERGED = 10.0
_IDLE_SECONDS = 1.0
_NOTE_SECONDS = 1.0
_CLOSE_SECONDS = 30.0


class Journal:
    """Durable queue in front of the log. Safe to use from any thread; ``append`` from any event loop.

    Raises ``StoreError``, ``StoreDamaged`` or ``NewerStore`` when the file cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        ingest: settings.Ingest,
        metrics: Metrics,
        now: Callable[[], float] = time.time,
        issues: IssueBoard | None = None,
    ) -> None:
        self._limits = ingest
        self._metrics = metrics
        self._now = now
        self._issues = issues
        self._rows = JournalRows(SqliteStore(path, MIGRATIONS, now=now))
        self.identity = self._rows.identity()
        """Tells this journal file from another; the log keeps its watermark under it."""
        self._unmerged = self._rows.records()
        self._pending = 0
        self._queue: list[Ticket] = []
        self._noted: list[Impression] = []
        self._purge_to = 0
        self._wanted = threading.Condition()
        self._closing = False
        self._failing = False
        self._listeners: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self.impressions_dropped = 0
        """Impressions that found no room since the start."""
        metrics.journal_pending.set_function(lambda: self._pending)
        metrics.journal_lag.set_function(lambda: self._unmerged)

    @property
    def lag(self) -> int:
        """Records on the disk that the log does not hold yet, or that are not yet forgotten since."""
        return self._unmerged

    @property
    def pending(self) -> int:
        """Records in memory that wait for the disk."""
        return self._pending

    def start(self) -> None:
        """Start the writing thread; records that were appended earlier wait for it."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, stop the thread and close the file."""
        with self._wanted:
            if self._closing:
                return
            self._closing = True
            self._wanted.notify()
        if self._thread.ident is not None:
            self._thread.join(_CLOSE_SECONDS)
        while self._queue or self._noted:
            self._write(self._take())
        self._rows.close()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Have a function called on the writing thread after each commit; it must be quick."""
        self._listeners.append(listener)

    async def append(self, records: Sequence[Interaction]) -> None:
        """Return once the events are durable.

        Raises ``Busy`` when too much waits, ``DiskFull`` or ``StoreError`` when the commit fails; then nothing was
        kept.
        """
        if records:
            await self._commit("events", records)

    async def identify(self, session_id: str, user_id: str) -> None:
        """Link a session to a user, durably and in order with the events; raises as ``append`` does."""
        await self._commit("identify", [Identification(session_id, user_id, self._now())])

    def append_sync(self, records: Sequence[Interaction], timeout: float = 60.0) -> None:
        """Return once the events are durable; for threads without an event loop. Raises as ``append`` does."""
        if records:
            self._commit_sync("events", records, timeout)

    def link_sync(self, links: Sequence[Identification], timeout: float = 60.0) -> None:
        """Link sessions to users, durably; for threads without an event loop. Raises as ``append`` does."""
        if links:
            self._commit_sync("identify", links, timeout)

    def note(self, impression: Impression) -> None:
        """Queue an impression and return at once; it is dropped and counted when there is no room."""
        with self._wanted:
            full = self._pending >= self._limits.max_pending or self._unmerged >= self._limits.max_unmerged
            if full or self._closing:
                self.impressions_dropped += 1
                self._metrics.events_rejected.labels(code="impression_dropped").inc()
                return
            self._pending += 1
            self._noted.append(impression)
            if len(self._noted) == 1:
                self._wanted.notify()

    def read(self, after: int, limit: int) -> list[JournalRow]:
        """Return the rows behind a position, in order, until they hold ``limit`` records (at least one row)."""
        return self._rows.read(after, limit)

    def latest(self, after: int, limit: int) -> list[JournalRow]:
        """Return the newest rows behind a position, in order, with ``limit`` records together at most."""
        return self._rows.latest(after, limit)

    def align(self, merged_to: int) -> bool:
        """Take over the log's position: forget what the log holds and never use those numbers again.

        A file that has not come as far as the log is an older copy, put back after the log had moved on: its rows may
        be new or not. It gets a new identity, so that all of them are merged and repeated events are found by their
        ids; the answer is ``False`` then and the position is to be asked for again.
        """
        aligned, records = self._rows.align(merged_to)
        if not aligned:
            self.identity = self._rows.identity()
        self._forgotten(records)
        return aligned

    def purge(self, merged_to: int) -> None:
        """Forget the rows up to a position; the writing thread does it with its next transaction."""
        with self._wanted:
            self._purge_to = max(self._purge_to, merged_to)
            self._wanted.notify()

    def set_aside(self, row: JournalRow, reason: str) -> None:
        """Move a row that the log refuses out of the way; it stays in the file."""
        self._rows.set_aside(row, reason)
        self._forgotten(row.records)

    def set_aside_records(self, row: JournalRow, good: JournalRow, bad: JournalRow, reason: str) -> None:
        """Move the records of ``bad``, which the log refuses, out of ``row``; those of ``good`` stay in it."""
        self._rows.set_aside_records(row, good, bad, reason)
        self._forgotten(bad.records)

    async def _commit(self, kind: str, records: Sequence[Interaction] | Sequence[Identification]) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._submit(Ticket(kind, records, loop=loop, future=future))
        await future

    def _commit_sync(
        self, kind: str, records: Sequence[Interaction] | Sequence[Identification], timeout: float
    ) -> None:
        done = threading.Event()
        ticket = Ticket(kind, records, done=done)
        self._submit(ticket)
        if not done.wait(timeout):
            raise Busy("The disk did not take the events in time; they may be kept yet.", retry_after=_RETRY_UNMERGED)
        if ticket.error is not None:
            raise ticket.error

    def _submit(self, ticket: Ticket) -> None:
        count = len(ticket.records)
        with self._wanted:
            if self._closing:
                raise StoreError("The journal is closed.", hint="The appliance is stopping; send it again.")
            if self._pending + count > self._limits.max_pending:
                raise Busy("Too many events wait for the disk.", retry_after=_RETRY_PENDING)
            if self._unmerged + self._pending + count > self._limits.max_unmerged:
                raise Busy("Too many events wait for the log.", retry_after=_RETRY_UNMERGED)
            self._pending += count
            self._queue.append(ticket)
            self._wanted.notify()

    def _run(self) -> None:
        tidy = True
        while self._await_work(None if tidy else _IDLE_SECONDS):
            group = self._take()
            if group.tickets or group.purge_to:
                self._write(group)
                tidy = False
            elif not self._unmerged:
                self._tidy()
                tidy = True

    def _await_work(self, timeout: float | None) -> bool:
        """Wait for something to write; ``False`` when all is written and the journal closes."""
        with self._wanted:
            if not (self._queue or self._noted or self._purge_to or self._closing):
                self._wanted.wait(timeout)
            if self._noted and not (self._queue or self._closing):
                # Nobody waits for an impression: those of a second share one row and one commit.
                self._wanted.wait_for(lambda: bool(self._queue) or self._closing, _NOTE_SECONDS)
            return bool(self._queue or self._noted) or not self._closing

    def _take(self) -> Group:
        with self._wanted:
            count = tickets = 0
            while tickets < len(self._queue) and count < self._limits.commit_batch:
                count += len(self._queue[tickets].records)
                tickets += 1
            taken = self._queue[:tickets]
            self._queue = self._queue[tickets:]
            if self._noted:
                taken.append(Ticket("impressions", self._noted))
                count += len(self._noted)
                self._noted = []
            group = Group(taken, count, self._purge_to)
            self._purge_to = 0
            return group

    def _write(self, group: Group) -> None:
        error: ApplianceError | None = None
        forgotten = 0
        try:
            with self._metrics.journal_commit_seconds.time():
                forgotten = self._rows.write(group)
        except ApplianceError as failure:
            error = failure
        except (sqlite3.Error, OSError, msgspec.EncodeError) as failure:
            error = StoreError(f"journal.db cannot be written: {failure}", hint="Send it again.")
        with self._wanted:
            self._pending -= group.records
            if error is None:
                self._unmerged += group.records - forgotten
            else:
                self._purge_to = max(self._purge_to, group.purge_to)
        self._report(error)
        resolve(group.tickets, error)
        if error is None:
            for listener in self._listeners:
                listener()
        elif not group.tickets:
            # A purge alone is tried again; without a pause a full disk would spin the thread.
            time.sleep(0.2)

    def _forgotten(self, records: int) -> None:
        with self._wanted:
            self._unmerged -= records

    def _report(self, error: ApplianceError | None) -> None:
        if error is None:
            if self._failing:
                self._failing = False
                log.info("journal_recovered")
                if self._issues is not None:
                    self._issues.cure(ISSUE)
            return
        if not self._failing:
            log.error("journal_commit_failed", error=error.message)
        self._failing = True
        if self._issues is not None:
            code = "disk_full" if isinstance(error, DiskFull) else "journal_failing"
            self._issues.report(ISSUE, code, Severity.ERROR, "ingest", error.message)

    def _tidy(self) -> None:
        try:
            self._rows.tidy()
        except (ApplianceError, sqlite3.Error) as error:
            log.warning("journal_not_tidied", error=str(error))
