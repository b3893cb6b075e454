"""Rows of background jobs. The row is the truth: the queue's messages are only doorbells that may be lost or doubled.

A worker *claims* a row, which counts an attempt and takes a lease; it *beats* while it works; every later write names
its owner, so that a worker that lost its lease cannot write over the one that took it (fencing). One job of a kind
runs at once; what is submitted meanwhile waits, because the one that runs may have read its data already.
"""

from __future__ import annotations

import builtins
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec
import sqlite_utils

from appliance.store.sqlite import SqliteStore

JobState = Literal["queued", "running", "done", "failed", "dead"]
MAX_ATTEMPTS = 5
_NONE_RUNS = "not exists (select 1 from job other where other.kind = job.kind and other.state = 'running')"
LONGEST_WAIT = 3600.0
"""Seconds. A moment further ahead than this was written under a wrong clock and counts as reached."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One background job. Times are Unix seconds."""

    id: str
    kind: str
    args: dict[str, Any]
    state: JobState
    """``failed``: its input was refused, so that trying again is no use; ``dead``: every attempt failed."""
    progress: float = 0.0
    """0 to 1."""
    message: str = ""
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    attempts: int = 0
    error: str = ""
    result: dict[str, Any] | None = None


class JobRepository:
    """All job rows of one ``jobs.db``. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def submit(self, kind: str, args: Mapping[str, Any], max_attempts: int = MAX_ATTEMPTS) -> tuple[Job, bool]:
        """Return a waiting job of a kind that does all that is asked, or a new one, and whether it is new.

        Arguments narrow a job: one with fewer of them (those that are false or null do not count) does more. Durable
        on return.
        """
        with self._store.write() as db:
            return self._submit(
                db, kind, args, max_attempts, [job for job in _active(db, kind) if job.state == "queued"]
            )

    def submit_due(self, name: str, period: float, offset: float, kind: str, args: Mapping[str, Any]) -> Job | None:
        """Submit a periodic job when a new period has begun, once a period whoever asks, or return ``None``.

        Periods begin at ``offset`` plus multiples of ``period`` (seconds since 1970). Missed periods count as one. An
        entry that is seen for the first time waits for its next period. A clock that was far ahead is forgiven. A job
        that still waits or runs is not doubled.
        """
        now = self._now()
        due = (now - offset) // period * period + offset
        with self._store.write() as db:
            values = {"name": name, "due": due, "ahead": now + period}
            db.execute("insert into periodic (name, last_due) values (:name, :due) on conflict do nothing", values)
            db.execute("update periodic set last_due = :due where name = :name and last_due > :ahead", values)
            begun = db.execute("update periodic set last_due = :due where name = :name and last_due < :due", values)
            if begun.rowcount != 1:
                return None
            return self._submit(db, kind, args, MAX_ATTEMPTS, _active(db, kind))[0]

    def active(self, kind: str) -> builtins.list[Job]:
        """Return the jobs of a kind that wait or run, the oldest first."""
        return _active(self._store.read(), kind)

    def claim(self, job_id: str, owner: str, lease: float) -> Job | None:
        """Take a job that is due, or whose worker let its lease run out; ``None`` when there is nothing to take.

        One that waits cannot be taken while another of its kind runs.
        """
        now = self._now()
        with self._store.write() as db:
            jobs = _jobs(
                db.execute(
                    f"""update job set state = 'running', attempts = attempts + 1, owner = :owner,
                    lease_until = :now + :lease, started_at = :now, ended_at = null, progress = 0, message = ''
                    where id = :id and attempts < max_attempts
                    and (state = 'queued' and (run_after <= :now or run_after > :now + :longest) and {_NONE_RUNS}
                    or state = 'running' and (lease_until < :now or lease_until > :now + :longest)) returning *""",  # noqa: S608
                    {"id": job_id, "owner": owner, "now": now, "lease": lease, "longest": LONGEST_WAIT},
                )
            )
        return jobs[0] if jobs else None

    def beat(self, owner: str, job_ids: Iterable[str], lease: float) -> None:
        """Renew an owner's leases on the jobs that it is working on."""
        until = self._now() + lease
        with self._store.write() as db:
            for job_id in job_ids:
                db.execute(
                    "update job set lease_until = ? where id = ? and owner = ? and state = 'running'",
                    [until, job_id, owner],
                )

    def report(self, job_id: str, owner: str, progress: float, message: str) -> None:
        """Record how far a job is (0 to 1)."""
        with self._store.write() as db:
            db.execute(
                "update job set progress = ?, message = ? where id = ? and owner = ? and state = 'running'",
                [progress, message, job_id, owner],
            )

    def finish(self, job_id: str, owner: str, result: Mapping[str, Any]) -> bool:
        """Record success; false when the owner had lost the job, whose result is then not its to give."""
        return self._end(job_id, owner, "done", error="", result=msgspec.json.encode(result).decode())

    def fail(self, job_id: str, owner: str, error: str) -> bool:
        """Record that trying again is of no use; false when the owner had lost the job."""
        return self._end(job_id, owner, "failed", error=error, result=None)

    def retry(self, job_id: str, owner: str, error: str, wait: float) -> JobState | None:
        """Queue a failed job again after ``wait`` seconds, or bury it when its attempts are used up.

        Returns the state it has now, ``None`` when the owner had lost it.
        """
        with self._store.write() as db:
            rows = db.execute(
                "update job set state = case when attempts >= max_attempts then 'dead' else 'queued' end,"
                " ended_at = case when attempts >= max_attempts then :now end,"
                " error = :error, run_after = :now + :wait, owner = ''"
                " where id = :id and owner = :owner and state = 'running' returning state",
                {"id": job_id, "owner": owner, "error": error, "now": self._now(), "wait": min(wait, LONGEST_WAIT)},
            ).fetchall()
        return rows[0][0] if rows else None

    def release(self, owner: str) -> int:
        """Queue what an owner still runs, without counting the attempt: it was stopped, it did not fail."""
        with self._store.write() as db:
            return int(
                db.execute(
                    "update job set state = 'queued', attempts = attempts - 1, run_after = 0, owner = ''"
                    " where owner = ? and state = 'running'",
                    [owner],
                ).rowcount
            )

    def expire(self, gone: Callable[[str], bool]) -> int:
        """End the leases of workers that are known to be gone, so that their jobs need not wait for it."""
        rows = self._store.read().execute("select distinct owner from job where state = 'running'").fetchall()
        dead = [row[0] for row in rows if gone(row[0])]
        with self._store.write() as db:
            return sum(
                db.execute("update job set lease_until = 0 where owner = ? and state = 'running'", [owner]).rowcount
                for owner in dead
            )

    def claimable(self) -> list[str]:
        """Return the ids of the jobs that a worker may claim now, the oldest first."""
        rows = self._store.read().execute(
            f"""select id from job where attempts < max_attempts
            and (state = 'queued' and (run_after <= :now or run_after > :now + :longest) and {_NONE_RUNS}
            or state = 'running' and (lease_until < :now or lease_until > :now + :longest))
            order by created_at, rowid""",  # noqa: S608
            {"now": self._now(), "longest": LONGEST_WAIT},
        )
        return [row[0] for row in rows.fetchall()]

    def bury(self, error: str) -> list[Job]:
        """Mark as dead, and return, the jobs whose last permitted attempt lost its lease: they kill their worker."""
        with self._store.write() as db:
            return _jobs(
                db.execute(
                    """update job set state = 'dead', error = :error, ended_at = :now, owner = ''
                    where state = 'running' and attempts >= max_attempts
                    and (lease_until < :now or lease_until > :now + :longest) returning *""",
                    {"now": self._now(), "longest": LONGEST_WAIT, "error": error},
                )
            )

    def get(self, job_id: str) -> Job | None:
        """Return one job."""
        jobs = _jobs(self._store.read().execute("select * from job where id = ?", [job_id]))
        return jobs[0] if jobs else None

    def list(self, limit: int = 50) -> list[Job]:
        """Return the newest jobs, the newest first."""
        return _jobs(
            self._store.read().execute("select * from job order by created_at desc, rowid desc limit ?", [limit])
        )

    def prune(self, keep: int) -> int:
        """Delete all but the newest ``keep`` ended jobs."""
        with self._store.write() as db:
            return int(
                db.execute(
                    "delete from job where state in ('done', 'failed', 'dead') and id not in (select id from job"
                    " where state in ('done', 'failed', 'dead') order by created_at desc, rowid desc limit ?)",
                    [keep],
                ).rowcount
            )

    def _submit(
        self,
        db: sqlite_utils.Database,
        kind: str,
        args: Mapping[str, Any],
        max_attempts: int,
        known: Iterable[Job],
    ) -> tuple[Job, bool]:
        for job in known:
            if _does_all_of(job.args, args):
                return job, False
        new = db.execute(
            """insert into job (id, kind, args, state, created_at, max_attempts) values (?, ?, ?, 'queued', ?, ?)
            returning *""",
            [str(uuid.uuid4()), kind, msgspec.json.encode(args).decode(), self._now(), max_attempts],
        )
        return _jobs(new)[0], True

    def _end(self, job_id: str, owner: str, state: JobState, *, error: str, result: str | None) -> bool:
        with self._store.write() as db:
            ended = db.execute(
                "update job set state = :state, ended_at = :now, error = :error, result = :result, owner = '',"
                " progress = case when :state = 'done' then 1 else progress end"
                " where id = :id and owner = :owner and state = 'running'",
                {"id": job_id, "owner": owner, "state": state, "now": self._now(), "error": error, "result": result},
            )
            return ended.rowcount == 1


def _active(db: sqlite_utils.Database, kind: str) -> list[Job]:
    active = "select * from job where kind = ? and state in ('queued', 'running') order by created_at, rowid"
    return _jobs(db.execute(active, [kind]))


def _does_all_of(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    return all(narrow.get(name) == value for name, value in wide.items() if value is not None and value is not False)


def _jobs(cursor: Any) -> list[Job]:
    names = [column[0] for column in cursor.description]
    jobs = []
    for row in cursor.fetchall():
        values = dict(zip(names, row, strict=True))
        values["args"] = msgspec.json.decode(values["args"])
        values["result"] = None if values["result"] is None else msgspec.json.decode(values["result"])
        jobs.append(Job(**{name: values[name] for name in Job.__struct_fields__}))
    return jobs
