"""What tests of jobs wait for."""

from __future__ import annotations

import time
from collections.abc import Callable

from appliance.jobs.queue import Job, JobQueue
from appliance.metrics import Metrics


def in_state(queue: JobQueue, job_id: str, *states: str) -> Job:
    """Wait until a job that was tried is in one of the states and return it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        job = queue.get(job_id)
        assert job is not None
        if job.state in states and job.attempts:
            return job
        time.sleep(0.01)
    raise AssertionError(f"the job stays as it is: {queue.get(job_id)}")


def ended(queue: JobQueue, job_id: str) -> Job:
    """Wait until a job that was tried has ended and return it."""
    return in_state(queue, job_id, "done", "failed", "dead", "cancelled")


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.005)


def count(metrics: Metrics, kind: str, state: str) -> float:
    """Return how many jobs of a kind ended in a state."""
    return metrics.registry.get_sample_value("appliance_jobs_total", {"kind": kind, "state": state}) or 0.0
