"""Background jobs that survive a crash: rows in ``jobs.db``, worked off by threads of this process.

A row is committed before its doorbell rings. A worker that wakes takes the best job there is, not the one that rang.
Whoever claims a job counts an attempt and holds a lease; a killed process leaves a row that the next one takes up at
once. At most one job of a kind runs at any time, and at most one heavy one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import structlog

from appliance.errors import Conflict, NotFound
from appliance.issues import IssueBoard, Severity
from appliance.jobs.doorbell import Doorbell
from appliance.jobs.feed import JobFeed
from appliance.jobs.kinds import Handler, JobContext, JobKind
from appliance.jobs.runner import JobRunner
from appliance.jobs.schedule import Periodic, Schedule
from appliance.metrics import Metrics
from appliance.store.jobs import Job, JobRepository, JobState, NewJob
from appliance.store.migrations.jobs import MIGRATIONS
from appliance.store.periodic import PeriodicRepository
from appliance.store.sqlite import SqliteStore, translated_errors

__all__ = ["Handler", "Job", "JobContext", "JobKind", "JobQueue", "JobState"]

KEPT_JOBS = 50
"""Jobs of each kind that stay listed once they were done, and as many that were not."""
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
        self._issues = issues
        self._sweep_seconds = sweep_seconds
        self._beat_seconds = lease_seconds / 4
        self._store = SqliteStore(path, MIGRATIONS, now=now)
        self._rows = JobRepository(self._store, now)
        self.feed = JobFeed()
        """Tells of every change of a job."""
        named = {kind.name: kind for kind in kinds}
        self._runner = JobRunner(named, self._rows, self.feed, metrics, issues, lease_seconds)
        with ExitStack() as undo:
            undo.callback(self._store.close)
            times = PeriodicRepository(self._store, self._rows, now)
            self.schedule = Schedule(schedule, times, self._new_job, now, timezone)
            # On a read-only or full disk the doorbell cannot make its tables.
            with translated_errors(path):
                self._doorbell = Doorbell(path, self._answer, workers=workers, stop_seconds=stop_seconds)
            undo.pop_all()
        self._lock = threading.Lock()
        self._rung: set[str] = set()
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None

    def start(self) -> None:
        """Take up what an earlier process left, and start the workers. Returns at once."""
        left = self._runner.expire()
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
        self._runner.stop()
        if self._keeper is not None:
            self._doorbell.stop()
            self._keeper.join()
        self._runner.release()
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
        job = self._runner.cancel(job_id)
        if job is None:
            job = self._known(job_id)
            if job.state != "cancelled":
                raise Conflict("The job has ended already.", hint="Only a job that waits or runs can be cancelled.")
        return job

    def retry(self, job_id: str) -> Job:
        """Queue a job that failed, died or was cancelled once more, with the same arguments and all its attempts.

        Returns it, or one that waits already and does all that it would. Raises ``NotFound``, ``Conflict`` for one in
        another state, ``InvalidInput`` for a kind that nobody handles any more.
        """
        self._runner.kind(self._known(job_id).kind)
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
        self._runner.expire()
        before = job = self._known(job_id)
        while job.state == "queued" and job.attempts == before.attempts:
            if not self._runner.work(job.kind):
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
        self._runner.bury()
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
                    beat_at = time.monotonic() + self._beat_seconds
                    self._runner.beat()
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

    def _ring(self, job_id: str) -> None:
        with self._lock:
            if self._keeper is None or job_id in self._rung:
                return
            self._rung.add(job_id)
        self._doorbell.ring(job_id)

    def _answer(self, job_id: str) -> None:
        """Work until nothing can be claimed: what a job kept waiting may be free now."""
        with self._lock:
            self._rung.discard(job_id)
        while self._runner.work():
            pass

    def _changed(self, job: Job) -> None:
        """Tell of a job that waits, and have a worker look."""
        self.feed.tell(job)
        self._ring(job.id)

    def _new_job(self, kind: str, args: Mapping[str, Any], priority: int | None) -> NewJob:
        return self._runner.kind(kind).new_job(args, priority)

    def _known(self, job_id: str) -> Job:
        job = self._rows.get(job_id)
        if job is None:
            raise NotFound("There is no such job.")
        return job
