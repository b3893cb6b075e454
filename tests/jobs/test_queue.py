"""The job queue with a real Huey consumer and a real database."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from job_waits import count, ended, in_state, until

from appliance.errors import InvalidInput, StoreError
from appliance.issues import IssueBoard
from appliance.jobs.queue import Handler, JobContext, JobKind, JobQueue
from appliance.metrics import Metrics

OpenQueue = Callable[..., JobQueue]


class Clock:
    """A clock that the test moves."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def issues() -> IssueBoard:
    return IssueBoard()


@pytest.fixture
def open_queue(tmp_path: Path, metrics: Metrics, issues: IssueBoard) -> Iterator[OpenQueue]:
    """Open queues on one file; they sweep and retry quickly and are stopped at the end."""
    opened: list[JobQueue] = []

    def open_one(handlers: Mapping[str, Handler], retry_seconds: float = 0.01, **options: Any) -> JobQueue:
        quick = {"sweep_seconds": 0.05, "stop_seconds": 2.0}
        kinds = [JobKind(name=name, handler=do, retry_seconds=retry_seconds) for name, do in handlers.items()]
        queue = JobQueue(tmp_path / "jobs.db", kinds, metrics, issues, **(quick | options))
        opened.append(queue)
        return queue

    yield open_one
    for queue in opened:
        queue.stop()


def test_a_job_runs_once_and_keeps_its_result(open_queue: OpenQueue, metrics: Metrics) -> None:
    calls: list[dict[str, Any]] = []

    def double(context: JobContext) -> dict[str, int]:
        calls.append(context.args)
        context.report(0.5, "half")
        return {"twice": context.args["n"] * 2}

    queue = open_queue({"double": double})
    queue.start()
    job = ended(queue, queue.submit("double", {"n": 21}).id)
    assert (job.state, job.result, job.attempts, job.progress, job.error) == ("done", {"twice": 42}, 1, 1.0, "")
    assert job.started_at is not None
    assert job.ended_at is not None
    assert calls == [{"n": 21}]
    # Counted once the row is on the disk, which is what was waited for above.
    until(lambda: count(metrics, "double", "done") == 1)


def test_jobs_submitted_before_the_start_wait_for_it(open_queue: OpenQueue) -> None:
    queue = open_queue({"a": lambda _: {}})
    job = queue.submit("a")
    assert job.state == "queued"
    queue.start()
    assert ended(queue, job.id).state == "done"


def test_one_of_a_kind_runs_at_once_and_one_waits_behind_it(open_queue: OpenQueue) -> None:
    inside, release = threading.Event(), threading.Event()
    at_once: list[int] = []
    running = 0

    def hold(_: JobContext) -> dict[str, Any]:
        nonlocal running
        running += 1
        at_once.append(running)
        inside.set()
        assert release.wait(20)
        running -= 1
        return {}

    queue = open_queue({"hold": hold, "other": lambda _: {}})
    queue.start()
    first = queue.submit("hold", {"part": True})
    assert inside.wait(20)
    second = queue.submit("hold")
    assert second.id != first.id
    assert queue.submit("hold", {"part": True}).id == second.id
    assert [job.id for job in queue.active("hold")] == [first.id, second.id]
    queue.sweep()
    assert ended(queue, queue.submit("other").id).state == "done"
    release.set()
    assert ended(queue, second.id).state == "done"
    assert at_once == [1, 1]
    assert list(queue.active("hold")) == []


def test_progress_is_seen_while_the_job_runs(open_queue: OpenQueue) -> None:
    reported, release = threading.Event(), threading.Event()

    def slow(context: JobContext) -> dict[str, Any]:
        context.report(0.4, "reading")
        reported.set()
        assert release.wait(20)
        return {}

    queue = open_queue({"slow": slow})
    queue.start()
    job_id = queue.submit("slow").id
    assert reported.wait(20)
    job = queue.get(job_id)
    assert job is not None
    assert (job.state, job.progress, job.message) == ("running", 0.4, "reading")
    release.set()
    ended(queue, job_id)


def test_a_failing_job_is_tried_again_and_its_issue_is_cured(open_queue: OpenQueue, issues: IssueBoard) -> None:
    attempts: list[int] = []

    def flaky(context: JobContext) -> dict[str, Any]:
        attempts.append(context.attempt)
        if context.args["until"] > len(attempts):
            raise OSError("the disk was busy")
        return {}

    queue = open_queue({"flaky": flaky})
    queue.start()
    assert ended(queue, queue.submit("flaky", {"until": 99}).id).state == "dead"
    assert attempts == [1, 2, 3, 4, 5]
    # The row ends first and the board is told right after it.
    until(lambda: len(issues.open()) == 1)
    (issue,) = issues.open()
    assert (issue.id, issue.code, "busy" in issue.detail) == ("job:flaky", "job_failed", True)
    job = ended(queue, queue.submit("flaky", {"until": 7}).id)
    assert (job.state, job.attempts) == ("done", 2)
    until(lambda: issues.open() == [])


def test_refused_input_is_not_tried_again(open_queue: OpenQueue, metrics: Metrics) -> None:
    def refuse(_: JobContext) -> dict[str, Any]:
        raise InvalidInput("The file has no column id.", hint="Add it.")

    queue = open_queue({"refuse": refuse})
    queue.start()
    job = ended(queue, queue.submit("refuse").id)
    assert (job.state, job.attempts, job.error) == ("failed", 1, "The file has no column id. Add it.")
    until(lambda: count(metrics, "refuse", "failed") == 1)


def test_an_unknown_kind_is_refused_at_submission_and_fails_when_found(open_queue: OpenQueue) -> None:
    old = open_queue({"gone": lambda _: {}})
    job_id = old.submit("gone").id
    old.stop()
    queue = open_queue({"known": lambda _: {}})
    with pytest.raises(InvalidInput, match="no job 'gone'"):
        queue.submit("gone")
    queue.start()
    assert ended(queue, job_id).state == "failed"


def test_stopping_interrupts_a_job_and_the_next_start_runs_it_again(open_queue: OpenQueue) -> None:
    inside = threading.Event()

    def until_cancelled(context: JobContext) -> dict[str, Any]:
        inside.set()
        assert context.cancelled.wait(20)
        raise RuntimeError("stopped half-way")

    first = open_queue({"long": until_cancelled})
    first.start()
    job_id = first.submit("long").id
    assert inside.wait(20)
    first.stop()
    second = open_queue({"long": lambda context: {"attempt": context.attempt}})
    waiting = second.get(job_id)
    assert waiting is not None
    assert (waiting.state, waiting.attempts) == ("queued", 0)
    second.start()
    assert ended(second, job_id).result == {"attempt": 1}


def test_a_stop_does_not_wait_for_a_handler_that_ignores_it(open_queue: OpenQueue) -> None:
    inside, release, left = threading.Event(), threading.Event(), threading.Event()

    def stubborn(_: JobContext) -> dict[str, Any]:
        inside.set()
        release.wait(20)
        left.set()
        return {"late": True}

    first = open_queue({"stubborn": stubborn}, stop_seconds=0.2)
    first.start()
    job_id = first.submit("stubborn").id
    assert inside.wait(20)
    first.stop()
    second = open_queue({"stubborn": lambda _: {"late": False}})
    second.start()
    job = ended(second, job_id)
    release.set()
    assert left.wait(20)
    assert job.result == {"late": False}
    again = second.get(job_id)
    assert again is not None
    assert again.result == {"late": False}


def test_a_clock_that_jumps_ahead_does_not_run_a_job_twice(open_queue: OpenQueue) -> None:
    inside, release = threading.Event(), threading.Event()
    runs: list[int] = []
    clock = Clock()

    def hold(context: JobContext) -> dict[str, Any]:
        runs.append(context.attempt)
        inside.set()
        assert release.wait(20)
        return {}

    queue = open_queue({"hold": hold, "other": lambda _: {}}, now=clock)
    queue.start()
    job_id = queue.submit("hold").id
    assert inside.wait(20)
    clock.at += 5 * 365 * 86400
    queue.sweep()
    assert ended(queue, queue.submit("other").id).state == "done"
    queue.sweep()
    release.set()
    assert ended(queue, job_id).attempts == 1
    assert runs == [1]


def test_a_clock_that_jumps_back_does_not_strand_a_retry(open_queue: OpenQueue) -> None:
    clock = Clock()

    def once(context: JobContext) -> dict[str, Any]:
        if context.attempt == 1:
            raise OSError("try again")
        return {}

    queue = open_queue({"once": once}, now=clock, retry_seconds=600.0)
    queue.start()
    job_id = queue.submit("once").id
    in_state(queue, job_id, "queued")
    clock.at -= 5 * 365 * 86400
    assert ended(queue, job_id).state == "done"


def test_the_host_keeps_its_signal_handlers(open_queue: OpenQueue) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    queue = open_queue({"a": lambda _: {}})
    queue.start()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before


def test_a_planted_pickle_in_the_doorbell_does_not_run(open_queue: OpenQueue, tmp_path: Path) -> None:
    import pickle
    import sqlite3

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "exploded",)

    queue = open_queue({"a": lambda _: {}})
    queue.start()
    with sqlite3.connect(tmp_path / "jobs.db") as connection:
        connection.execute("insert into task (queue, data, priority) values ('jobs', ?, 9)", [pickle.dumps(Bomb())])
    connection.close()
    assert ended(queue, queue.submit("a").id).state == "done"
    assert not (tmp_path / "exploded").exists()


def test_jobs_are_listed_newest_first_and_stopping_twice_is_harmless(open_queue: OpenQueue) -> None:
    queue = open_queue({"a": lambda _: {}, "b": lambda _: {}})
    first, second = queue.submit("a"), queue.submit("b")
    assert [job.id for job in queue.list(10)] == [second.id, first.id]
    assert queue.get("nothing") is None
    queue.stop()
    queue.stop()
    with pytest.raises(StoreError):
        queue.submit("a")
