"""Claims jobs and does them: one run of a handler, from the claim to what is recorded of its end."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Mapping

import psutil
import structlog

from appliance.errors import ApplianceError, InvalidInput, RateLimited
from appliance.issues import IssueBoard, Severity
from appliance.jobs.feed import JobFeed
from appliance.jobs.kinds import JobContext, JobKind
from appliance.metrics import Metrics
from appliance.store.jobs import Job, JobRepository

LONGEST_RETRY = 600.0
_KILLER = "The process ended during each attempt."

log = structlog.get_logger(__name__)


class JobRunner:
    """Does the jobs of one process, on whatever thread asks it to; ``lease_seconds`` is what a claim is good for."""

    def __init__(
        self,
        kinds: Mapping[str, JobKind],
        rows: JobRepository,
        feed: JobFeed,
        metrics: Metrics,
        issues: IssueBoard,
        lease_seconds: float,
    ) -> None:
        self._kinds = kinds
        self._rows = rows
        self._feed = feed
        self._metrics = metrics
        self._issues = issues
        self._lease_seconds = lease_seconds
        self._owner = f"{os.getpid()}:{uuid.uuid4()}"
        self._claiming = threading.Lock()
        """Held from a claim until its job is known as running here, and while one is cancelled."""
        self._lock = threading.Lock()
        self._running: dict[str, threading.Event] = {}
        """Jobs that run here, each with what tells its handler to end."""
        self._stopping = False

    def kind(self, name: str) -> JobKind:
        """Return a kind by its name. Raises ``InvalidInput``."""
        kind = self._kinds.get(name)
        if kind is None:
            raise InvalidInput(f"There is no job {name!r}.", hint=f"Known jobs: {', '.join(sorted(self._kinds))}.")
        return kind

    def running(self) -> list[str]:
        """Return the ids of the jobs that run here."""
        with self._lock:
            return sorted(self._running)

    def work(self, kind: str = "") -> bool:
        """Do the best job there is, of one kind where it is given; false when there is none, or after ``stop``."""
        with self._claiming:
            # The lease alone would not do: a clock that jumps ahead ends it while the job still runs here.
            busy = self.running()
            job = None if self._stopping else self._rows.claim(self._owner, self._lease_seconds, busy=busy, kind=kind)
            if job is None:
                return False
            cancelled = threading.Event()
            with self._lock:
                self._running[job.id] = cancelled
                if self._stopping:
                    cancelled.set()
        try:
            self._run(job, cancelled)
        finally:
            with self._lock:
                self._running.pop(job.id, None)
        return True

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a job that waits, or have one that runs told to end; ``None`` when it does neither."""
        with self._claiming:
            job = self._rows.cancel(job_id)
            with self._lock:
                cancelled = self._running.get(job_id)
            if job is not None and cancelled is not None:
                cancelled.set()
        if job is not None:
            log.info("job_cancelling", kind=job.kind, job=job.id, state=job.state)
            self._left(job)
        return job

    def beat(self) -> None:
        """Renew the leases of the jobs that run here."""
        running = self.running()
        if running:
            self._rows.beat(self._owner, running, self._lease_seconds)

    def expire(self) -> int:
        """Give up the claims of processes that are gone, and return how many there were."""
        return self._rows.expire(self._is_gone)

    def bury(self) -> None:
        """End the jobs that lost their lease and must not run again."""
        for job in self._rows.bury(_KILLER, busy=self.running()):
            self._left(job)

    def stop(self) -> None:
        """Claim no more, and tell every handler to end."""
        with self._lock:
            self._stopping = True
            for cancelled in self._running.values():
                cancelled.set()

    def release(self) -> None:
        """Queue what still runs after a stop, for the next process."""
        try:
            self._rows.release(self._owner)
        except ApplianceError as error:
            log.warning("jobs_not_released", error=error.message)

    def _run(self, job: Job, cancelled: threading.Event) -> None:
        log.info("job_started", kind=job.kind, job=job.id, attempt=job.attempts)
        self._feed.tell(job)
        try:
            result = self.kind(job.kind).handler(JobContext(job, self._reporter(job), cancelled))
        except Exception as error:  # noqa: BLE001 - a job's failure is recorded in its row and as an issue
            self._failed(job, error)
        else:
            self._left(self._rows.finish(job.id, self._owner, result))

    def _reporter(self, job: Job) -> Callable[[float, str], None]:
        def report(progress: float, message: str) -> None:
            told = self._rows.report(job.id, self._owner, progress, message)
            if told is not None:
                self._feed.tell(told)

        return report

    def _failed(self, job: Job, error: Exception) -> None:
        text = f"{error.message} {error.hint}".strip() if isinstance(error, ApplianceError) else repr(error)
        if self._stopping:
            log.info("job_interrupted", kind=job.kind, job=job.id)
        elif _is_final(error):
            self._left(self._rows.fail(job.id, self._owner, text))
        else:
            log.warning("job_attempt_failed", kind=job.kind, job=job.id, attempt=job.attempts, exc_info=error)
            wait = min(self._kinds[job.kind].retry_seconds * 2 ** (job.attempts - 1), LONGEST_RETRY)
            self._left(self._rows.retry(job.id, self._owner, text, wait))

    def _left(self, job: Job | None) -> None:
        """Tell of a job that a handler left, or somebody cancelled; ``None``: another process had taken it."""
        if job is None:
            return
        if job.state not in ("queued", "running"):
            self._metrics.jobs.labels(job.kind, job.state).inc()
            log.info("job_ended", kind=job.kind, job=job.id, state=job.state, error=job.error)
        if job.state == "done":
            self._issues.cure(f"job:{job.kind}")
        elif job.state in ("failed", "dead"):
            self._issues.report(f"job:{job.kind}", "job_failed", Severity.WARNING, "jobs", job.error)
        self._feed.tell(job)

    def _is_gone(self, owner: str) -> bool:
        pid = int(owner.partition(":")[0])
        # The same number and another token: the system gave us the number of a process that ended.
        return owner != self._owner and (pid == os.getpid() or not psutil.pid_exists(pid))


def _is_final(error: Exception) -> bool:
    """Whether trying again with the same input cannot help."""
    return isinstance(error, ApplianceError) and error.status < 500 and not isinstance(error, RateLimited)
