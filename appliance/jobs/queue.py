"""Background jobs that survive a crash: rows in ``jobs.db``, worked off by threads of this process.

A row is committed before its doorbell rings. Whoever claims it counts an attempt and holds a lease; a killed process
leaves a row that the next one takes up at once. At most one job of a kind runs at any time.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import structlog

from appliance.errors import ApplianceError, InvalidInput, RateLimited
from appliance.issues import IssueBoard, Severity
from appliance.jobs.doorbell import Doorbell
from appliance.jobs.schedule import Periodic, Schedule
from appliance.metrics import Metrics
from appliance.store.jobs import Job, JobRepository, JobState
from appliance.store.migrations.jobs import MIGRATIONS
from appliance.store.sqlite import SqliteStore, translated_errors

__all__ = ["Handler", "Job", "JobContext", "JobQueue", "JobState"]

KEPT_JOBS = 500
"""Ended jobs that stay listed."""
LONGEST_RETRY = 600.0
_REVIVE_SECONDS = 10.0

log = structlog.get_logger(__name__)


class JobContext:
    """What a handler knows of the job it runs, and how it tells its progress."""

    def __init__(self, job: Job, report: Callable[[float, str], None], cancelled: threading.Event) -> None:
        self.id = job.id
        self.kind = job.kind
        self.args = job.args
        self.attempt = job.attempts
        """From 1."""
        self.cancelled = cancelled
        """Set when the process stops. A handler that ends by raising after that runs again at the next start."""
        self._report = report
        self._last: tuple[int, str] = (0, "")

    def report(self, progress: float, message: str = "") -> None:
        """Record the progress (0 to 1); what a person could not tell apart is not written."""
        mark = (int(progress * 100), message)
        if mark != self._last:
            self._last = mark
            self._report(min(max(progress, 0.0), 1.0), message)


Handler = Callable[[JobContext], Mapping[str, Any]]
"""Does a job and returns what to keep of it. It may run again after a crash, so its effect must be idempotent."""


class JobQueue:
    """The jobs of one data directory. Opening raises what ``SqliteStore`` raises; every method is thread-safe."""

    def __init__(
        self,
        path: Path,
        handlers: Mapping[str, Handler],
        metrics: Metrics,
        issues: IssueBoard,
        now: Callable[[], float] = time.time,
        *,
        schedule: Sequence[Periodic] = (),
        workers: int = 2,
        sweep_seconds: float = 2.0,
        lease_seconds: float = 30.0,
        retry_seconds: float = 5.0,
        stop_seconds: float = 4.0,
    ) -> None:
        self._handlers = dict(handlers)
        self._metrics = metrics
        self._issues = issues
        self._sweep_seconds = sweep_seconds
        self._lease_seconds = lease_seconds
        self._retry_seconds = retry_seconds
        self._store = SqliteStore(path, MIGRATIONS, now=now)
        self._rows = JobRepository(self._store, now)
        self._schedule = Schedule(schedule, self._rows)
        with ExitStack() as undo:
            undo.callback(self._store.close)
            # On a read-only or full disk the doorbell cannot make its tables.
            with translated_errors(path):
                self._doorbell = Doorbell(path, self._answer, workers=workers, stop_seconds=stop_seconds)
            undo.pop_all()
        self._owner = f"{os.getpid()}:{uuid.uuid4()}"
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._rung: set[str] = set()
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None

    def start(self) -> None:
        """Take up what an earlier process left, and start the workers. Returns at once."""
        self._rows.prune(KEPT_JOBS)
        left = self._rows.expire(self._is_gone)
        if left:
            log.warning("jobs_interrupted", count=left)
        self._doorbell.start()
        self._keeper = threading.Thread(target=self._keep, name="jobs-keeper", daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """Stop within ``stop_seconds`` and a little; a job that does not end by then runs again at the next start."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._keeper is not None:
            self._doorbell.stop()
            self._keeper.join()
        try:
            self._rows.release(self._owner)
        except ApplianceError as error:
            log.warning("jobs_not_released", error=error.message)
        self._store.close()

    def submit(self, kind: str, args: Mapping[str, Any] | None = None) -> Job:
        """Return a new job, durable, or one of this kind that waits already and will do all that is asked.

        Behind one that runs it waits: that one may have read its data before what the new one is about.
        Raises ``InvalidInput`` for a kind that nobody handles.
        """
        if kind not in self._handlers:
            raise InvalidInput(f"There is no job {kind!r}.", hint=f"Known jobs: {', '.join(sorted(self._handlers))}.")
        job, is_new = self._rows.submit(kind, args or {})
        if is_new:
            log.info("job_submitted", kind=kind, job=job.id)
            self._ring(job.id)
        return job

    def active(self, kind: str) -> Sequence[Job]:
        """Return the jobs of a kind that wait or run, the oldest first."""
        return self._rows.active(kind)

    def get(self, job_id: str) -> Job | None:
        """Return one job."""
        return self._rows.get(job_id)

    def list(self, limit: int = 50) -> list[Job]:
        """Return the newest jobs, the newest first."""
        return self._rows.list(limit)

    def sweep(self) -> None:
        """Submit what is due, bury what kills its workers, and ring for every job that may be claimed."""
        self._schedule.tick()
        for job in self._rows.bury("The process ended during each attempt."):
            self._ended(job, "dead", "the process ended during each attempt")
        if self._doorbell.silent():
            with self._lock:
                self._rung.clear()
        for job_id in self._rows.claimable():
            self._ring(job_id)

    def _keep(self) -> None:
        beat_at = revive_at = time.monotonic()
        while True:
            try:
                if time.monotonic() >= beat_at:
                    beat_at = time.monotonic() + self._lease_seconds / 4
                    self._beat()
                if time.monotonic() >= revive_at:
                    revive_at = time.monotonic() + _REVIVE_SECONDS
                    self._doorbell.revive()
                self.sweep()
                self._issues.cure("jobs")
            except Exception as error:  # noqa: BLE001 - the keeper outlives a full disk; the owner is told
                log.warning("jobs_sweep_failed", error=str(error))
                self._issues.report("jobs", "jobs_store", Severity.WARNING, "jobs", str(error))
            if self._stopping.wait(self._sweep_seconds):
                return

    def _beat(self) -> None:
        with self._lock:
            running = sorted(self._running)
        if running:
            self._rows.beat(self._owner, running, self._lease_seconds)

    def _ring(self, job_id: str) -> None:
        with self._lock:
            if self._keeper is None or job_id in self._rung or job_id in self._running:
                return
            self._rung.add(job_id)
        self._doorbell.ring(job_id)

    def _answer(self, job_id: str) -> None:
        with self._lock:
            self._rung.discard(job_id)
            # The lease alone would not do: a clock that jumps ahead ends it while the job still runs here.
            if self._stopping.is_set() or job_id in self._running:
                return
            self._running.add(job_id)
        try:
            job = self._rows.claim(job_id, self._owner, self._lease_seconds)
            if job is not None:
                self._run(job)
        finally:
            with self._lock:
                self._running.discard(job_id)

    def _run(self, job: Job) -> None:
        log.info("job_started", kind=job.kind, job=job.id, attempt=job.attempts)
        try:
            result = self._handler(job.kind)(JobContext(job, self._reporter(job), self._stopping))
        except Exception as error:  # noqa: BLE001 - a job's failure is recorded in its row and as an issue
            self._failed(job, error)
            return
        if self._rows.finish(job.id, self._owner, result):
            self._ended(job, "done")

    def _handler(self, kind: str) -> Handler:
        handler = self._handlers.get(kind)
        if handler is None:
            raise InvalidInput(f"This version has no job {kind!r}.")
        return handler

    def _reporter(self, job: Job) -> Callable[[float, str], None]:
        return lambda progress, message: self._rows.report(job.id, self._owner, progress, message)

    def _failed(self, job: Job, error: Exception) -> None:
        text = f"{error.message} {error.hint}".strip() if isinstance(error, ApplianceError) else repr(error)
        if self._stopping.is_set():
            log.info("job_interrupted", kind=job.kind, job=job.id)
        elif _is_final(error):
            if self._rows.fail(job.id, self._owner, text):
                self._ended(job, "failed", text)
        else:
            log.warning("job_attempt_failed", kind=job.kind, job=job.id, attempt=job.attempts, exc_info=error)
            wait = min(self._retry_seconds * 2 ** (job.attempts - 1), LONGEST_RETRY)
            if self._rows.retry(job.id, self._owner, text, wait) == "dead":
                self._ended(job, "dead", text)

    def _ended(self, job: Job, state: JobState, error: str = "") -> None:
        self._metrics.jobs.labels(job.kind, state).inc()
        log.info("job_ended", kind=job.kind, job=job.id, state=state, error=error)
        if state == "done":
            self._issues.cure(f"job:{job.kind}")
        else:
            self._issues.report(f"job:{job.kind}", "job_failed", Severity.WARNING, "jobs", error)

    def _is_gone(self, owner: str) -> bool:
        pid = int(owner.partition(":")[0])
        # The same number and another token: the system gave us the number of a process that ended.
        return owner != self._owner and (pid == os.getpid() or not psutil.pid_exists(pid))


def _is_final(error: Exception) -> bool:
    """Whether trying again with the same input cannot help."""
    return isinstance(error, ApplianceError) and error.status < 500 and not isinstance(error, RateLimited)
