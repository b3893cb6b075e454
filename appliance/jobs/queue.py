"""Background jobs that survive a crash: rows in ``jobs.db``, worked off by threads of this process.

A row is committed before its doorbell rings. A worker that wakes takes the best job there is, not the one that rang.
Whoever claims a job counts an attempt and holds a lease; a killed process leaves a row that the next one takes up at
once. At most one job of a kind runs at any time, and at most one heavy one.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import structlog

from appliance.errors import ApplianceError, Conflict, InvalidInput, NotFound, RateLimited
from appliance.issues import IssueBoard, Severity
from appliance.jobs.doorbell import Doorbell
from appliance.jobs.feed import JobFeed
from appliance.jobs.kinds import Handler, JobContext, JobKind
from appliance.jobs.schedule import Periodic, Schedule
from appliance.metrics import Metrics
from appliance.store.jobs import Job, JobRepository, JobState, NewJob
from appliance.store.migrations.jobs import MIGRATIONS
from appliance.store.periodic import PeriodicRepository
from appliance.store.sqlite import SqliteStore, translated_errors

__all__ = ["Handler", "Job", "JobContext", "JobKind", "JobQueue", "JobState"]

KEPT_JOBS = 50
"""Jobs of each kind that stay listed once they were done, and as many that were not."""
LONGEST_RETRY = 600.0
_REVIVE_SECONDS = 10.0
_PRUNE_SECONDS = 600.0

log = structlog.get_logger(__name__)


class JobQueue:
    """The jobs of one data directory. Opening raises what ``SqliteStore`` raises; every method is thread-safe."""

    def __init__(
        self,
        path: Path,
        kinds: Iterable[JobKind],
        metrics: Metrics,
        issues: IssueBoard,
        now: Callable[[], float] = time.time,
        *,
        schedule: Sequence[Periodic] = (),
        timezone: str = "UTC",
        workers: int = 2,
        sweep_seconds: float = 2.0,
        lease_seconds: float = 30.0,
        stop_seconds: float = 4.0,
    ) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._metrics = metrics
        self._issues = issues
        self._sweep_seconds = sweep_seconds
        self._lease_seconds = lease_seconds
        self._store = SqliteStore(path, MIGRATIONS, now=now)
        self._rows = JobRepository(self._store, now)
        self.feed = JobFeed()
        """Tells of every change of a job."""
        self.schedule = Schedule(
            schedule, PeriodicRepository(self._store, self._rows, now), self._new_job, now, timezone
        )
        with ExitStack() as undo:
            undo.callback(self._store.close)
            # On a read-only or full disk the doorbell cannot make its tables.
            with translated_errors(path):
                self._doorbell = Doorbell(path, self._answer, workers=workers, stop_seconds=stop_seconds)
            undo.pop_all()
        self._owner = f"{os.getpid()}:{uuid.uuid4()}"
        self._lock = threading.Lock()
        self._claiming = threading.Lock()
        """Held from a claim until its job is known as running here, and while one is cancelled."""
        self._running: dict[str, threading.Event] = {}
        """Jobs that run here, each with what tells its handler to end."""
        self._rung: set[str] = set()
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None

    def start(self) -> None:
        """Take up what an earlier process left, and start the workers. Returns at once."""
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
        self.feed.close()
        with self._lock:
            for cancelled in self._running.values():
                cancelled.set()
        if self._keeper is not None:
            self._doorbell.stop()
            self._keeper.join()
        try:
            self._rows.release(self._owner)
        except ApplianceError as error:
            log.warning("jobs_not_released", error=error.message)
        self._store.close()

    def submit(self, kind: str, args: Mapping[str, Any] | None = None, *, priority: int | None = None) -> Job:
        """Return a new job, durable, or one of this kind that waits already and will do all that is asked.

        Behind one that runs it waits: that one may have read its data before what the new one is about. A ``priority``
        (0 to 100, higher first) stands for the kind's own. Raises ``InvalidInput`` for a kind that nobody handles.
        """
        job, is_new = self._rows.submit(self._new_job(kind, args or {}, priority))
        if is_new:
            log.info("job_submitted", kind=kind, job=job.id, priority=job.priority)
            self._changed(job)
        return job

    def cancel(self, job_id: str) -> Job:
        """Cancel a job: at once when it waits; one that runs is asked to end, and does not run again whatever happens.

        Raises ``NotFound``, or ``Conflict`` for one that has ended otherwise.
        """
        with self._claiming:
            job = self._rows.cancel(job_id)
            with self._lock:
                cancelled = self._running.get(job_id)
            if job is not None and cancelled is not None:
                cancelled.set()
        if job is None:
            job = self._known(job_id)
            if job.state != "cancelled":
                raise Conflict("The job has ended already.", hint="Only a job that waits or runs can be cancelled.")
            return job
        log.info("job_cancelling", kind=job.kind, job=job.id, state=job.state)
        if job.state == "cancelled":
            self._ended(job)
        else:
            self.feed.tell(job)
        return job

    def retry(self, job_id: str) -> Job:
        """Queue a job that failed, died or was cancelled once more, with the same arguments and all its attempts.

        Returns it, or one that waits already and does all that it would. Raises ``NotFound``, ``Conflict`` for one in
        another state, ``InvalidInput`` for a kind that nobody handles any more.
        """
        self._kind(self._known(job_id).kind)
        job = self._rows.again(job_id)
        if job is None:
            raise Conflict(
                "The job waits, runs or was done.", hint="Only a job that failed or was cancelled can be tried again."
            )
        log.info("job_retried", kind=job.kind, job=job.id)
        self._changed(job)
        return job

    def run_here(self, job_id: str) -> Job:
        """Try a job once on this thread, for a process whose workers do not run, and return it as it is then.

        Others of its kind that wait before it are tried first. Raises ``NotFound``; ``Conflict`` while another job that
        an earlier process left keeps it waiting.
        """
        self._rows.expire(self._is_gone)
        before = job = self._known(job_id)
        while job.state == "queued" and job.attempts == before.attempts:
            if not self._work(job.kind):
                raise Conflict(
                    "Another job must end before this one.", hint="`appliance serve` takes it up; this one follows."
                )
            job = self._known(job_id)
        return job

    def active(self, kind: str) -> Sequence[Job]:
        """Return the jobs of a kind that wait or run, the oldest first."""
        return self._rows.active(kind)

    def get(self, job_id: str) -> Job | None:
        """Return one job."""
        return self._rows.get(job_id)

    def list(self, limit: int = 50, *, kind: str = "", state: JobState | None = None) -> list[Job]:
        """Return the newest jobs, the newest first; of one kind or in one state where these are given."""
        return self._rows.list(limit, kind=kind, state=state)

    def sweep(self) -> None:
        """Submit what is due, bury what kills its workers, and ring for every job that may be claimed."""
        for job in self.schedule.tick():
            self.feed.tell(job)
        with self._lock:
            busy = list(self._running)
        for job in self._rows.bury("The process ended during each attempt.", busy=busy):
            self._ended(job)
        if self._doorbell.silent():
            with self._lock:
                self._rung.clear()
        for job_id in self._rows.claimable():
            self._ring(job_id)

    def _keep(self) -> None:
        beat_at = revive_at = prune_at = time.monotonic()
        while True:
            try:
                if time.monotonic() >= beat_at:
                    beat_at = time.monotonic() + self._lease_seconds / 4
                    self._beat()
                if time.monotonic() >= revive_at:
                    revive_at = time.monotonic() + _REVIVE_SECONDS
                    self._doorbell.revive()
                if time.monotonic() >= prune_at:
                    prune_at = time.monotonic() + _PRUNE_SECONDS
                    self._rows.prune(KEPT_JOBS)
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
        """Work until nothing can be claimed: what a job kept waiting may be free now."""
        with self._lock:
            self._rung.discard(job_id)
        while self._work():
            pass

    def _work(self, kind: str = "") -> bool:
        """Do the best job there is, of one kind where it is given; false when there is none."""
        with self._claiming:
            with self._lock:
                # The lease alone would not do: a clock that jumps ahead ends it while the job still runs here.
                busy = list(self._running)
            if self._stopping.is_set():
                return False
            job = self._rows.claim(self._owner, self._lease_seconds, busy=busy, kind=kind)
            if job is None:
                return False
            cancelled = threading.Event()
            with self._lock:
                self._running[job.id] = cancelled
                if self._stopping.is_set():
                    cancelled.set()
        try:
            self._run(job, cancelled)
        finally:
            with self._lock:
                self._running.pop(job.id, None)
        return True

    def _run(self, job: Job, cancelled: threading.Event) -> None:
        log.info("job_started", kind=job.kind, job=job.id, attempt=job.attempts)
        self.feed.tell(job)
        try:
            result = self._kind(job.kind).handler(JobContext(job, self._reporter(job), cancelled))
        except Exception as error:  # noqa: BLE001 - a job's failure is recorded in its row and as an issue
            self._failed(job, error)
            return
        ended = self._rows.finish(job.id, self._owner, result)
        if ended is not None:
            self._ended(ended)

    def _kind(self, name: str) -> JobKind:
        kind = self._kinds.get(name)
        if kind is None:
            raise InvalidInput(f"There is no job {name!r}.", hint=f"Known jobs: {', '.join(sorted(self._kinds))}.")
        return kind

    def _new_job(self, kind: str, args: Mapping[str, Any], priority: int | None) -> NewJob:
        return self._kind(kind).new_job(args, priority)

    def _known(self, job_id: str) -> Job:
        job = self._rows.get(job_id)
        if job is None:
            raise NotFound("There is no such job.")
        return job

    def _reporter(self, job: Job) -> Callable[[float, str], None]:
        def report(progress: float, message: str) -> None:
            told = self._rows.report(job.id, self._owner, progress, message)
            if told is not None:
                self.feed.tell(told)

        return report

    def _failed(self, job: Job, error: Exception) -> None:
        text = f"{error.message} {error.hint}".strip() if isinstance(error, ApplianceError) else repr(error)
        if self._stopping.is_set():
            log.info("job_interrupted", kind=job.kind, job=job.id)
            return
        if _is_final(error):
            left = self._rows.fail(job.id, self._owner, text)
        else:
            first = self._kinds[job.kind].retry_seconds
            wait = min(first * 2 ** (job.attempts - 1), LONGEST_RETRY)
            left = self._rows.retry(job.id, self._owner, text, wait)
        if left is None:
            return
        if left.state == "queued":
            log.warning("job_attempt_failed", kind=job.kind, job=job.id, attempt=job.attempts, exc_info=error)
            self.feed.tell(left)
        else:
            self._ended(left)

    def _changed(self, job: Job) -> None:
        """Tell of a job that waits, and have a worker look."""
        self.feed.tell(job)
        self._ring(job.id)

    def _ended(self, job: Job) -> None:
        self._metrics.jobs.labels(job.kind, job.state).inc()
        log.info("job_ended", kind=job.kind, job=job.id, state=job.state, error=job.error)
        if job.state == "done":
            self._issues.cure(f"job:{job.kind}")
        elif job.state != "cancelled":
            self._issues.report(f"job:{job.kind}", "job_failed", Severity.WARNING, "jobs", job.error)
        self.feed.tell(job)

    def _is_gone(self, owner: str) -> bool:
        pid = int(owner.partition(":")[0])
        # The same number and another token: the system gave us the number of a process that ended.
        return owner != self._owner and (pid == os.getpid() or not psutil.pid_exists(pid))


def _is_final(error: Exception) -> bool:
    """Whether trying again with the same input cannot help."""
    return isinstance(error, ApplianceError) and error.status < 500 and not isinstance(error, RateLimited)
