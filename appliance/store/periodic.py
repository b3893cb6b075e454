"""When periodic jobs were last due and last submitted. Kept beside the jobs, so that both change in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from appliance.store.jobs import Job, JobRepository, NewJob
from appliance.store.sqlite import SqliteStore


class LastTime(NamedTuple):
    """What is known of a periodic entry; Unix seconds."""

    due: float
    """The last due moment that was acted on, or was past when the entry was first seen."""
    submitted: float | None


class PeriodicRepository:
    """The periodic entries of one ``jobs.db``. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, jobs: JobRepository, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._jobs = jobs
        self._now = now

    def submit_due(self, name: str, due: float, upcoming: float, wanted: NewJob) -> Job | None:
        """Submit a periodic job when it is due anew, once whoever asks, or return ``None``.

        ``due`` is the last due moment up to now and ``upcoming`` the one after it. Moments that were missed count as
        one. An entry that is seen for the first time waits for its next moment. A clock that was far ahead is
        forgiven. A job that still waits or runs is not doubled.
        """
        values = {"name": name, "due": due, "upcoming": upcoming, "now": self._now()}
        with self._store.write() as db:
            db.execute("insert into periodic (name, last_due) values (:name, :due) on conflict do nothing", values)
            db.execute("update periodic set last_due = :due where name = :name and last_due > :upcoming", values)
            begun = db.execute(
                "update periodic set last_due = :due, submitted_at = :now where name = :name and last_due < :due",
                values,
            )
            if begun.rowcount != 1:
                return None
            return self._jobs.submit_unless_active(wanted)[0]

    def forget(self, name: str) -> None:
        """Forget an entry that is switched off: when it is switched on again it waits for its next moment."""
        with self._store.write() as db:
            db.execute("delete from periodic where name = ?", [name])

    def last_times(self) -> Mapping[str, LastTime]:
        """Return what is known of each entry, by name."""
        rows = self._store.read().execute("select name, last_due, submitted_at from periodic").fetchall()
        return {name: LastTime(due, submitted) for name, due, submitted in rows}
