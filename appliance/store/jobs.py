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

JobState = Literal["queued", "running", "done", "failed", "dead", "cancelled"]
MAX_ATTEMPTS = 5
LONGEST_WAIT = 3600.0
"""Seconds. A moment further ahead than this was written under a wrong clock and counts as reached."""
_CLAIMABLE = """attempts < max_attempts and not cancelling
    and (state = 'queued' and (run_after <= :now or run_after > :now + :longest)
        and not exists (select 1 from job other where other.state = 'running'
            and (other.kind = job.kind or other.heavy and job.heavy))
    or state = 'running' and (lease_until < :now or lease_until > :now + :longest))"""
_BEST_FIRST = "order by priority desc, created_at, rowid"


class NewJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job to be submitted."""

    kind: str
    args: Mapping[str, Any] = {}
    priority: int = 50
    """Higher goes first."""
    heavy: bool = False
    """Of these one runs at a time, whatever their kinds."""
    max_attempts: int = MAX_ATTEMPTS


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One background job. Times are Unix seconds."""

    id: str
    kind: str
    args: dict[str, Any]
    state: JobState
    """``failed``: its input was refused, so that trying again is no use; ``dead``: every attempt failed."""
    priority: int = 50
    """Higher goes first."""
    heavy: bool = False
    cancelling: bool = False
    """Somebody asked for its end while it ran: it stops when it can and is not run again."""
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

    def submit(self, wanted: NewJob) -> tuple[Job, bool]:
        """Return a waiting job of a kind that does all that is asked, or a new one, and whether it is new.

        Arguments narrow a job: one with fewer of them (those that are false or null do not count) does more. One that
        waits takes the higher of both priorities. Durable on return.
        """
        with self._store.write() as db:
            return _submit(db, wanted, [job for job in _active(db, wanted.kind) if job.state == "queued"], self._now())

    def submit_unless_active(self, wanted: NewJob) -> tuple[Job, bool]:
        """Like ``submit``; but a job that runs already stands for the new one as well."""
        with self._store.write() as db:
            return _submit(db, wanted, _active(db, wanted.kind), self._now())

    def active(self, kind: str) -> builtins.list[Job]:
        """Return the jobs of a kind that wait or run, the oldest first."""
        return _active(self._store.read(), kind)

    def claim(self, owner: str, lease: float, *, busy: Iterable[str] = (), kind: str = "") -> Job | None:
        """Take the best job that is due, or whose worker let its lease run out; ``None`` when there is none.

        The best has the highest priority, then the greatest age. One that waits cannot be taken while another of its
        kind runs, nor a heavy one while another heavy one does. ``busy`` are left alone; ``kind`` limits the choice.
        """
        values = {"owner": owner, "now": self._now(), "lease": lease, "longest": LONGEST_WAIT, "kind": kind}
        with self._store.write() as db:
            jobs = _jobs(
                db.execute(
                    f"""update job set state = 'running', attempts = attempts + 1, owner = :owner,
                    lease_until = :now + :lease, started_at = :now, ended_at = null, progress = 0, message = ''
                    where id = (select id from job where {_CLAIMABLE} and :kind in ('', kind)
                        and id not in (select value from json_each(:busy)) {_BEST_FIRST} limit 1) returning *""",  # noqa: S608
                    {**values, "busy": _json(list(busy))},
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

    def report(self, job_id: str, owner: str, progress: float, message: str) -> Job | None:
        """Record how far a job is (0 to 1), and return it; ``None`` when the owner had lost it."""
        with self._store.write() as db:
            jobs = _jobs(
                db.execute(
                    "update job set progress = ?, message = ? where id = ? and owner = ? and state = 'running'"
                    " returning *",
                    [progress, message, job_id, owner],
                )
            )
        return jobs[0] if jobs else None

    def finish(self, job_id: str, owner: str, result: Mapping[str, Any]) -> Job | None:
        """Record success; ``None`` when the owner had lost the job, whose result is then not its to give."""
        return self._leave(
            "state = 'done', ended_at = :now, error = '', progress = 1, result = :result",
            {"id": job_id, "owner": owner, "result": _json(result)},
        )

    def fail(self, job_id: str, owner: str, error: str) -> Job | None:
        """Record that trying again is of no use; ``None`` when the owner had lost the job."""
        return self._leave(
            "state = iif(cancelling, 'cancelled', 'failed'), ended_at = :now, error = iif(cancelling, '', :error)",
            {"id": job_id, "owner": owner, "error": error},
        )

    def retry(self, job_id: str, owner: str, error: str, wait: float) -> Job | None:
        """Queue a failed job again after ``wait`` seconds, or bury it when its attempts are used up.

        Returns it as it is now, ``None`` when the owner had lost it. One that is to be cancelled is not queued again.
        """
        return self._leave(
            "state = case when cancelling then 'cancelled' when attempts >= max_attempts then 'dead' else 'queued' end,"
            " ended_at = iif(cancelling or attempts >= max_attempts, :now, null),"
            " error = iif(cancelling, '', :error), run_after = :now + :wait",
            {"id": job_id, "owner": owner, "error": error, "wait": min(wait, LONGEST_WAIT)},
        )

    def release(self, owner: str) -> int:
        """Queue what an owner still runs, without counting the attempt: it was stopped, it did not fail."""
        with self._store.write() as db:
            return int(
                db.execute(
                    "update job set state = iif(cancelling, 'cancelled', 'queued'), attempts = attempts - 1,"
                    " ended_at = iif(cancelling, :now, null), run_after = 0, owner = ''"
                    " where owner = :owner and state = 'running'",
                    {"owner": owner, "now": self._now()},
                ).rowcount
            )

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a job that waits, or note that one that runs is to end; ``None`` when it does neither. Durable."""
        with self._store.write() as db:
            jobs = _jobs(
                db.execute(
                    "update job set cancelling = 1, ended_at = iif(state = 'queued', :now, null),"
                    " state = iif(state = 'queued', 'cancelled', state)"
                    " where id = :id and state in ('queued', 'running') returning *",
                    {"id": job_id, "now": self._now()},
                )
            )
        return jobs[0] if jobs else None

    def again(self, job_id: str) -> Job | None:
        """Queue a job that ended without success once more, with all its attempts; ``None`` when it did not.

        When one that waits already does all that it would, that one is returned and the old one stays as it is.
        """
        with self._store.write() as db:
            found = _jobs(
                db.execute("select * from job where id = ? and state in ('failed', 'dead', 'cancelled')", [job_id])
            )
            if not found:
                return None
            for job in _active(db, found[0].kind):
                if job.state == "queued" and _does_all_of(job.args, found[0].args):
                    return job
            return _jobs(
                db.execute(
                    "update job set state = 'queued', attempts = 0, cancelling = 0, run_after = 0, progress = 0,"
                    " message = '', error = '', started_at = null, ended_at = null where id = ? returning *",
                    [job_id],
                )
            )[0]

    def expire(self, gone: Callable[[str], bool]) -> int:
        """End the leases of workers that are known to be gone, so that their jobs need not wait for it."""
        rows = self._store.read().execute("select distinct owner from job where state = 'running'").fetchall()
        dead = [row[0] for row in rows if gone(row[0])]
        with self._store.write() as db:
            return sum(
                db.execute("update job set lease_until = 0 where owner = ? and state = 'running'", [owner]).rowcount
                for owner in dead
            )

    def claimable(self) -> builtins.list[str]:
        """Return the ids of the jobs that a worker may claim now, the best first."""
        rows = self._store.read().execute(
            f"select id from job where {_CLAIMABLE} {_BEST_FIRST}",  # noqa: S608
            {"now": self._now(), "longest": LONGEST_WAIT},
        )
        return [row[0] for row in rows.fetchall()]

    def bury(self, error: str, *, busy: Iterable[str] = ()) -> builtins.list[Job]:
        """End, and return, the jobs that lost their lease and must not run again.

        They are dead when that was their last permitted attempt (they kill their worker), or cancelled when somebody
        had asked for it. ``busy`` are left alone.
        """
        values = {"now": self._now(), "longest": LONGEST_WAIT, "error": error, "busy": _json(list(busy))}
        with self._store.write() as db:
            return _jobs(
                db.execute(
                    """update job set state = iif(cancelling, 'cancelled', 'dead'), ended_at = :now, owner = '',
                    error = iif(cancelling, '', :error)
                    where state = 'running' and (cancelling or attempts >= max_attempts)
                    and (lease_until < :now or lease_until > :now + :longest)
                    and id not in (select value from json_each(:busy)) returning *""",
                    values,
                )
            )

    def get(self, job_id: str) -> Job | None:
        """Return one job."""
        jobs = _jobs(self._store.read().execute("select * from job where id = ?", [job_id]))
        return jobs[0] if jobs else None

    def list(self, limit: int = 50, *, kind: str = "", state: JobState | None = None) -> builtins.list[Job]:
        """Return the newest jobs, the newest first."""
        return _jobs(
            self._store.read().execute(
                "select * from job where :kind in ('', kind) and (:state is null or state = :state)"
                " order by created_at desc, rowid desc limit :limit",
                {"kind": kind, "state": state, "limit": limit},
            )
        )

    def prune(self, keep: int) -> int:
        """Delete ended jobs but the newest ``keep`` of each kind that were done and as many that were not."""
        with self._store.write() as db:
            return int(
                db.execute(
                    """delete from job where id in (select id from (select id, row_number() over (
                        partition by kind, state = 'done' order by ended_at desc, rowid desc) place
                        from job where state not in ('queued', 'running')) where place > ?)""",
                    [keep],
                ).rowcount
            )

    def _leave(self, change: str, values: Mapping[str, Any]) -> Job | None:
        """End a claim with a change, and return the job; ``None`` when the owner had lost it."""
        with self._store.write() as db:
            jobs = _jobs(
                db.execute(
                    f"update job set {change}, owner = ''"  # noqa: S608
                    " where id = :id and owner = :owner and state = 'running' returning *",
                    {**values, "now": self._now()},
                )
            )
        return jobs[0] if jobs else None


def _submit(db: sqlite_utils.Database, wanted: NewJob, known: Iterable[Job], now: float) -> tuple[Job, bool]:
    for job in known:
        if _does_all_of(job.args, wanted.args):
            if job.state != "queued" or job.priority >= wanted.priority:
                return job, False
            raised = db.execute("update job set priority = ? where id = ? returning *", [wanted.priority, job.id])
            return _jobs(raised)[0], False
    new = db.execute(
        """insert into job (id, kind, args, state, priority, heavy, created_at, max_attempts)
        values (?, ?, ?, 'queued', ?, ?, ?, ?) returning *""",
        [
            *(str(uuid.uuid4()), wanted.kind, _json(wanted.args), wanted.priority, int(wanted.heavy)),
            *(now, wanted.max_attempts),
        ],
    )
    return _jobs(new)[0], True


def _active(db: sqlite_utils.Database, kind: str) -> list[Job]:
    active = "select * from job where kind = ? and state in ('queued', 'running') order by created_at, rowid"
    return _jobs(db.execute(active, [kind]))


def _does_all_of(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    return all(narrow.get(name) == value for name, value in wide.items() if value is not None and value is not False)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _jobs(cursor: Any) -> list[Job]:
    names = [column[0] for column in cursor.description]
    jobs = []
    for row in cursor.fetchall():
        values = dict(zip(names, row, strict=True))
        values["args"] = msgspec.json.decode(values["args"])
        values["result"] = None if values["result"] is None else msgspec.json.decode(values["result"])
        values |= {"heavy": bool(values["heavy"]), "cancelling": bool(values["cancelling"])}
        jobs.append(Job(**{name: values[name] for name in Job.__struct_fields__}))
    return jobs
