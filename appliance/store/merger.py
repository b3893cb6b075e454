"""The thread that moves the journal into the log, exactly once."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator

import duckdb
import msgspec
import structlog

from appliance.domain import CatalogueChange
from appliance.errors import ApplianceError, StoreError
from appliance.issues import IssueBoard, Severity
from appliance.metrics import Metrics
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.interactions import InteractionLog
from appliance.store.journal import Journal
from appliance.store.journal_rows import JournalRow

log = structlog.get_logger(__name__)

ISSUE = "merge"
ISSUE_SET_ASIDE = "merge:set_aside"
_GATHER_SECONDS = 0.5
_SLICES = 4
"""Slices that the index takes over between two merges."""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 4.0
_REFUSALS = (duckdb.DataError, duckdb.InvalidInputException, msgspec.DecodeError)
"""Errors that lie in the data: trying again would not help."""


class Merger:
    """Merges whenever something was journalled, at most twice a second unless there is a whole batch.

    One transaction holds the events, their fold and the journal's position; the journal is purged afterwards. A killed
    merge is repeated or found done, never applied twice. While the log cannot be used the journal keeps everything.
    """

    def __init__(
        self,
        journal: Journal,
        interactions: InteractionLog,
        catalogue: Catalogue,
        settings: Settings,
        metrics: Metrics,
        issues: IssueBoard,
        *,
        gather: float = _GATHER_SECONDS,
    ) -> None:
        self._journal = journal
        self._log = interactions
        self._catalogue = catalogue
        self._batch = settings.ingest.merge_batch
        self._metrics = metrics
        self._issues = issues
        self._gather = gather
        self._listeners: list[Callable[[int], None]] = []
        self._wanted = threading.Event()
        self._urgent = threading.Event()
        self._stopping = threading.Event()
        self._rounds_ended = threading.Condition()
        self._rounds = 0
        self._busy = threading.Lock()
        self._parked_changed = True
        self._level = False
        self._position: int | None = None
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="merger", daemon=True)
        try:
            # Before anything is acknowledged: a number below the log's position would be forgotten unseen.
            self._position = self._take_position()
        except (ApplianceError, duckdb.Error) as error:
            self._report(error)
        journal.on_commit(self._wanted.set)
        catalogue.subscribe(self._catalogue_changed)

    def subscribe(self, listener: Callable[[int], None]) -> None:
        """Have a function called on the merging thread after each merge with the number of new events."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Start the thread."""
        self._wanted.set()
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End the thread after the merge at hand; what is journalled stays there."""
        self._stopping.set()
        self._urgent.set()
        self._wanted.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def wake(self) -> None:
        """Merge now instead of gathering more."""
        self._urgent.set()
        self._wanted.set()

    def flush(self, timeout: float = 60.0) -> bool:
        """Wait until everything journalled is in the log and its index; tell whether that was reached in time.

        Without the thread the merging is done here.
        """
        end = time.monotonic() + timeout
        while not self._settled():
            left = end - time.monotonic()
            if left <= 0:
                return False
            if self._thread.is_alive():
                self._await_round(min(left, 1.0))
            else:
                self.round()
                self._wanted.wait(min(left, 0.05))
                self._wanted.clear()
        return True

    def round(self) -> None:
        """Merge what waits, fold parked events, bring the index level. Failures are reported, not raised."""
        with self._busy:
            try:
                while self._merge_batch() * 2 >= self._batch and not self._stopping.is_set():
                    pass
                self._unpark()
                self._follow()
            except (ApplianceError, duckdb.Error, sqlite3.Error) as error:
                if not self._failing:
                    log.error("merge_failed", error=str(error)[:500])
                self._report(error)
                return
            except Exception as error:
                # A defect: the thread must live all the same, and the journal keeps everything meanwhile.
                if not self._failing:
                    log.error("merge_failed", exc_info=error)
                self._report(error)
                return
        if self._failing:
            self._failing = False
            self._issues.cure(ISSUE)
            log.info("merge_recovered")

    def _settled(self) -> bool:
        return self._journal.pending == 0 and self._journal.lag == 0 and self._level and not self._parked_changed

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            self._wanted.wait()
            if self._journal.lag < self._batch:
                self._urgent.wait(self._gather)
            self._urgent.clear()
            self._wanted.clear()
            if self._stopping.is_set():
                break
            self.round()
            with self._rounds_ended:
                self._rounds += 1
                self._rounds_ended.notify_all()
            if self._failing:
                self._stopping.wait(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
            else:
                pause = _FIRST_PAUSE
            if self._failing or self._parked_changed or not self._level:
                self._wanted.set()

    def _await_round(self, timeout: float) -> None:
        with self._rounds_ended:
            seen = self._rounds
            self.wake()
            self._rounds_ended.wait_for(lambda: self._rounds > seen, timeout)

    def _take_position(self) -> int:
        """Ask the log how far it is and have the journal start behind that."""
        position = self._log.watermark(self._journal.identity)
        if not self._journal.align(position):
            position = self._log.watermark(self._journal.identity)
        return position

    def _merge_batch(self) -> int:
        """Merge one batch and return how many records it had."""
        if not self._log.analytics.ensure_open():
            raise StoreError("The interaction log cannot be opened yet.")
        if self._position is None:
            self._position = self._take_position()
        rows = self._journal.read(self._position, self._batch)
        if not rows:
            return 0
        with self._metrics.merge_seconds.time():
            events = self._merge_or_split(rows)
        self._position = rows[-1].seq
        self._level = False
        self._journal.purge(self._position)
        self._metrics.events_parked.set(self._log.parked())
        for listener in self._listeners:
            listener(events)
        return sum(row.records for row in rows)

    def _merge_or_split(self, rows: list[JournalRow]) -> int:
        """Merge rows; when the log refuses a batch, find the records that it cannot take and set those aside."""
        try:
            return self._log.merge(self._journal.identity, rows, self._catalogue.resolve).events
        except _REFUSALS as error:
            if len(rows) > 1:
                return sum(self._merge_or_split([row]) for row in rows)
            return self._set_aside(rows[0], str(error))
        except duckdb.OutOfMemoryException:
            if len(rows) == 1:
                raise
            half = len(rows) // 2
            return self._merge_or_split(rows[:half]) + self._merge_or_split(rows[half:])

    def _set_aside(self, row: JournalRow, reason: str) -> int:
        """Set aside the records of a row that the log refuses and merge the others; return the new events."""
        parts = row.parts()
        bad = set(self._refused(row, parts, 0)) if len(parts) > 1 else set()
        good = row.holding([part for place, part in enumerate(parts) if place not in bad])
        if not bad or not good.records:
            # Either nothing of it can be read, or the records are refused together only.
            self._journal.set_aside(row, reason[:500])
            self._report_set_aside(row, row.records, reason)
            return 0
        self._journal.set_aside_records(row, good, row.holding([parts[place] for place in sorted(bad)]), reason[:500])
        self._report_set_aside(row, len(bad), reason)
        return self._merge_or_split([good])

    def _refused(self, row: JournalRow, parts: list[msgspec.Raw], first: int) -> Iterator[int]:
        """Yield the places of the records that the log refuses, by halving; ``first`` is the place of the first."""
        try:
            self._log.rehearse(row.holding(parts), self._catalogue.resolve)
        except _REFUSALS:
            half = len(parts) // 2
            if not half:
                yield first
                return
            yield from self._refused(row, parts[:half], first)
            yield from self._refused(row, parts[half:], first + half)

    def _report_set_aside(self, row: JournalRow, records: int, reason: str) -> None:
        log.error("journal_records_set_aside", seq=row.seq, records=records, error=reason)
        detail = f"{records} of {row.records} records of row {row.seq}: {reason}"[:500]
        self._issues.report(ISSUE_SET_ASIDE, "events_set_aside", Severity.ERROR, "ingest", detail)

    def _unpark(self) -> None:
        if not self._parked_changed:
            return
        self._parked_changed = False
        try:
            folded = self._log.unpark(self._catalogue.resolve)
        except BaseException:
            self._parked_changed = True
            raise
        if folded:
            # There may be more than one transaction's worth.
            self._parked_changed = True
            self._level = False
            self._metrics.events_parked.set(self._log.parked())
            log.info("parked_events_folded", events=folded)

    def _follow(self) -> None:
        if not self._level:
            self._level = self._log.follow(slices=_SLICES)

    def _catalogue_changed(self, change: CatalogueChange) -> None:
        if change.changed:
            self._parked_changed = True
            self._wanted.set()

    def _report(self, error: Exception) -> None:
        self._failing = True
        self._position = None
        self._issues.report(ISSUE, "merge_failing", Severity.WARNING, "analytics", str(error)[:500])
