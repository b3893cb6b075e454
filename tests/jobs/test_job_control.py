"""Priorities, the lane of heavy jobs, cancelling, trying again, and who is told of changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from job_waits import count, ended, in_state, until

from appliance.errors import Conflict, InvalidInput, InvalidSetting, NotFound
from appliance.issues import IssueBoard
from appliance.jobs.queue import Job, JobContext, JobKind, JobQueue
from appliance.jobs.schedule import Periodic
from appliance.metrics import Metrics

OpenQueue = Callable[..., JobQueue]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def issues() -> IssueBoard:
    return IssueBoard()


@pytest.fixture
def open_queue(tmp_path: Path, metrics: Metrics, issues: IssueBoard) -> Iterator[OpenQueue]:
    """Open queues on one file; they sweep quickly and are stopped at the end."""
    opened: list[JobQueue] = []

    def open_one(*kinds: JobKind, **options: Any) -> JobQueue:
        quick = {"sweep_seconds": 0.05, "stop_seconds": 2.0}
        queue = JobQueue(tmp_path / "jobs.db", kinds, metrics, issues, **(quick | options))
        opened.append(queue)
        return queue

    yield open_one
    for queue in opened:
        queue.stop()


class Gate:
    """A handler that waits until it is let go, or told to end."""

    def __init__(self) -> None:
        self.inside = threading.Event()
        self.go = threading.Event()
        self.runs: list[dict[str, Any]] = []

    def __call__(self, context: JobContext) -> dict[str, Any]:
        self.runs.append(context.args)
        self.inside.set()
        while not self.go.wait(0.01):
            if context.cancelled.is_set():
                raise RuntimeError("told to end")
        return {}


def nothing(_: JobContext) -> dict[str, Any]:
    return {}


def test_the_worker_takes_what_matters_most(open_queue: OpenQueue) -> None:
    order: list[str] = []
    gate = Gate()

    def note(context: JobContext) -> dict[str, Any]:
        order.append(context.kind)
        return {}

    queue = open_queue(
        JobKind(name="gate", handler=gate, priority=100),
        JobKind(name="nightly", handler=note, priority=20),
        JobKind(name="mail", handler=note),
        JobKind(name="refresh", handler=note, priority=10),
        workers=1,
    )
    queue.start()
    queue.submit("gate")
    assert gate.inside.wait(20)
    jobs = [queue.submit("nightly"), queue.submit("mail"), queue.submit("refresh", priority=90)]
    assert [job.priority for job in jobs] == [20, 50, 90]
    gate.go.set()
    for job in jobs:
        assert ended(queue, job.id).state == "done"
    assert order == ["refresh", "mail", "nightly"]


def test_heavy_jobs_leave_a_worker_for_the_others(open_queue: OpenQueue) -> None:
    train, evaluate = Gate(), Gate()
    queue = open_queue(
        JobKind(name="train", handler=train, heavy=True),
        JobKind(name="evaluate", handler=evaluate, heavy=True, priority=90),
        JobKind(name="push", handler=nothing, priority=1),
    )
    queue.start()
    queue.submit("train")
    assert train.inside.wait(20)
    second = queue.submit("evaluate")
    assert ended(queue, queue.submit("push").id).state == "done"
    waiting = queue.get(second.id)
    assert waiting is not None
    assert (waiting.state, evaluate.runs) == ("queued", [])
    train.go.set()
    evaluate.go.set()
    assert ended(queue, second.id).state == "done"


def test_a_waiting_job_is_cancelled_at_once(open_queue: OpenQueue, metrics: Metrics, issues: IssueBoard) -> None:
    queue = open_queue(JobKind(name="a", handler=nothing))
    job = queue.submit("a")
    assert queue.cancel(job.id).state == "cancelled"
    assert queue.cancel(job.id).state == "cancelled"
    assert count(metrics, "a", "cancelled") == 1
    queue.start()
    assert ended(queue, queue.submit("a").id).state == "done"
    left = queue.get(job.id)
    assert left is not None
    assert (left.state, left.attempts) == ("cancelled", 0)
    assert issues.open() == []


def test_a_running_job_is_asked_to_end_and_does_not_run_again(open_queue: OpenQueue, issues: IssueBoard) -> None:
    gate, other = Gate(), Gate()
    queue = open_queue(JobKind(name="gate", handler=gate, retry_seconds=0.0), JobKind(name="other", handler=other))
    queue.start()
    job, neighbour = queue.submit("gate"), queue.submit("other")
    assert gate.inside.wait(20)
    assert other.inside.wait(20)
    asked = queue.cancel(job.id)
    assert (asked.state, asked.cancelling) == ("running", True)
    done = ended(queue, job.id)
    assert (done.state, done.error, len(gate.runs)) == ("cancelled", "", 1)
    untouched = queue.get(neighbour.id)
    assert untouched is not None
    assert untouched.state == "running"
    other.go.set()
    assert ended(queue, neighbour.id).state == "done"
    assert issues.open() == []


def test_a_job_that_ends_well_although_it_was_cancelled_is_done(open_queue: OpenQueue) -> None:
    inside = threading.Event()

    def too_late(context: JobContext) -> dict[str, Any]:
        inside.set()
        assert context.cancelled.wait(20)
        return {"published": True}

    queue = open_queue(JobKind(name="a", handler=too_late))
    queue.start()
    job = queue.submit("a")
    assert inside.wait(20)
    queue.cancel(job.id)
    assert ended(queue, job.id).result == {"published": True}


def test_what_was_cancelled_before_a_stop_does_not_run_at_the_next_start(open_queue: OpenQueue) -> None:
    inside, release = threading.Event(), threading.Event()

    def deaf(_: JobContext) -> dict[str, Any]:
        inside.set()
        release.wait(20)
        raise OSError("too late")

    queue = open_queue(JobKind(name="deaf", handler=deaf), stop_seconds=0.1)
    queue.start()
    job = queue.submit("deaf")
    assert inside.wait(20)
    queue.cancel(job.id)
    queue.stop()
    release.set()
    again = open_queue(JobKind(name="deaf", handler=nothing), JobKind(name="b", handler=nothing))
    again.start()
    assert ended(again, again.submit("b").id).state == "done"
    left = again.get(job.id)
    assert left is not None
    assert left.state == "cancelled"


def test_what_ended_cannot_be_cancelled(open_queue: OpenQueue) -> None:
    queue = open_queue(JobKind(name="a", handler=nothing))
    queue.start()
    job = ended(queue, queue.submit("a").id)
    with pytest.raises(Conflict):
        queue.cancel(job.id)
    with pytest.raises(NotFound):
        queue.cancel("nothing")


def test_a_failed_job_is_tried_again_by_hand(open_queue: OpenQueue) -> None:
    broken = True
    args: list[dict[str, Any]] = []

    def flaky(context: JobContext) -> dict[str, Any]:
        args.append(context.args)
        if broken:
            raise InvalidInput("The file has no column id.")
        return {}

    queue = open_queue(JobKind(name="a", handler=flaky))
    queue.start()
    job = ended(queue, queue.submit("a", {"n": 1}).id)
    assert job.state == "failed"
    broken = False
    again = queue.retry(job.id)
    assert (again.id, again.state, again.attempts) == (job.id, "queued", 0)
    in_state(queue, job.id, "done")
    assert args == [{"n": 1}, {"n": 1}]
    with pytest.raises(Conflict):
        queue.retry(job.id)
    with pytest.raises(NotFound):
        queue.retry("nothing")


def test_each_kind_has_its_own_number_of_attempts(open_queue: OpenQueue) -> None:
    attempts: list[int] = []

    def broken(context: JobContext) -> dict[str, Any]:
        attempts.append(context.attempt)
        raise OSError("no")

    queue = open_queue(JobKind(name="a", handler=broken, max_attempts=2, retry_seconds=0.0))
    queue.start()
    assert ended(queue, queue.submit("a").id).state == "dead"
    assert attempts == [1, 2]


def test_a_job_can_be_done_without_workers(open_queue: OpenQueue) -> None:
    order: list[dict[str, Any]] = []

    def note(context: JobContext) -> dict[str, Any]:
        order.append(context.args)
        return {"n": context.args["n"]}

    queue = open_queue(JobKind(name="a", handler=note), JobKind(name="b", handler=note))
    queue.submit("a", {"n": 1})
    other, mine = queue.submit("b", {"n": 2}), queue.submit("a", {"n": 3})
    assert queue.run_here(mine.id).result == {"n": 3}
    assert order == [{"n": 1}, {"n": 3}]
    left = queue.get(other.id)
    assert left is not None
    assert left.state == "queued"
    with pytest.raises(NotFound):
        queue.run_here("nothing")


def test_changes_are_told_in_order(open_queue: OpenQueue) -> None:
    told: list[tuple[str, float, str]] = []

    def half(context: JobContext) -> dict[str, Any]:
        context.report(0.5, "half")
        return {}

    queue = open_queue(JobKind(name="a", handler=half))
    ends = threading.Event()

    def listen(job: Job | None) -> None:
        if job is None:
            ends.set()
        else:
            told.append((job.state, job.progress, job.message))

    def fails(_: Job | None) -> None:
        raise ValueError("a listener's fault")

    queue.feed.subscribe(fails)
    forget = queue.feed.subscribe(listen)
    job = queue.submit("a")
    queue.start()
    assert ended(queue, job.id).state == "done"
    until(lambda: len(told) == 4)
    assert told == [("queued", 0.0, ""), ("running", 0.0, ""), ("running", 0.5, "half"), ("done", 1.0, "half")]
    queue.stop()
    assert ends.is_set()
    forget()
    late: list[Job | None] = []
    queue.feed.subscribe(late.append)
    assert late == [None]


def test_a_schedule_of_an_unknown_kind_is_refused(open_queue: OpenQueue) -> None:
    with pytest.raises(InvalidSetting, match="'magic'"):
        open_queue(JobKind(name="a", handler=nothing), schedule=[Periodic(name="n", kind="magic", period=60.0)])


def test_a_periodic_job_runs_with_the_priority_of_its_kind(open_queue: OpenQueue) -> None:
    now = 1_800_000_000.0
    queue = open_queue(
        JobKind(name="sync", handler=nothing, priority=70),
        schedule=[Periodic(name="sync", kind="sync", cron="* * * * *")],
        timezone="Asia/Ho_Chi_Minh",
        now=lambda: now,
    )
    queue.start()
    queue.sweep()
    now += 60
    until(lambda: len(queue.list(kind="sync", state="done")) == 1)
    (job,) = queue.list()
    assert job.priority == 70
    (entry,) = queue.schedule.entries()
    assert (entry.last_run, entry.next_due) == (now, now + 60)
