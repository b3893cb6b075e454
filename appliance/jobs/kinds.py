"""What a kind of job is, and what its handler knows of the job that it does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.store.jobs import MAX_ATTEMPTS, Job, NewJob


class JobContext:
    """What a handler knows of the job it runs, and how it tells its progress."""

    def __init__(self, job: Job, report: Callable[[float, str], None], cancelled: threading.Event) -> None:
        self.id = job.id
        self.kind = job.kind
        self.args = job.args
        self.attempt = job.attempts
        """From 1."""
        self.cancelled = cancelled
        """Set when the process stops or somebody cancels this job; the handler then ends soon, by raising.

        After a stop the job runs again at the next start, after a cancellation it does not. A handler that returns all
        the same has done its job.
        """
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


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """One kind of job. Of each kind one job runs at a time; work that must not overlap is one kind with arguments."""

    name: str
    handler: Handler
    priority: int = 50
    """0 to 100; higher goes first."""
    heavy: bool = False
    """It takes long or much of the machine. Of all heavy jobs one runs at a time, so that others find a worker."""
    max_attempts: int = MAX_ATTEMPTS
    retry_seconds: float = 5.0
    """Wait before the second attempt; it doubles with each one more."""

    def new_job(self, args: Mapping[str, Any], priority: int | None = None) -> NewJob:
        """Return a job of this kind for the store."""
        return NewJob(
            kind=self.name,
            args=args,
            priority=self.priority if priority is None else priority,
            heavy=self.heavy,
            max_attempts=self.max_attempts,
        )
