"""Job rows: claims, leases and fencing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.store.jobs import LONGEST_WAIT, Job, JobRepository, NewJob
from appliance.store.migrations.jobs import MIGRATIONS
from appliance.store.periodic import LastTime, PeriodicRepository
from appliance.store.sqlite import SqliteStore


class Clock:
    """A clock that the test moves."""

    at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rows(tmp_path: Path, clock: Clock) -> Iterator[JobRepository]:
    store = SqliteStore(tmp_path / "jobs.db", MIGRATIONS, now=clock)
    yield JobRepository(store, clock)
    store.close()


def submit(rows: JobRepository, kind: str, args: dict[str, Any] | None = None, **more: Any) -> tuple[Job, bool]:
    return rows.submit(NewJob(kind=kind, args=args or {}, **more))


def claimed(rows: JobRepository, owner: str, kind: str = "train", **more: Any) -> Job:
    submit(rows, kind, **more)
    job = rows.claim(owner, 30.0, kind=kind)
    assert job is not None
    return job


def state(job: Job | None) -> str:
    assert job is not None
    return job.state


def test_only_one_claims(rows: JobRepository) -> None:
    job = claimed(rows, "1:a")
    assert (job.state, job.attempts) == ("running", 1)
    assert rows.claim("2:b", 30.0) is None


def test_claims_go_by_priority_then_age(rows: JobRepository) -> None:
    for kind, priority in (("train", 20), ("backup", 50), ("sync", 70), ("mail", 50)):
        submit(rows, kind, priority=priority)
    assert [job.kind for job in map(rows.get, rows.claimable()) if job] == ["sync", "backup", "mail", "train"]
    taken = [rows.claim("1:a", 30.0) for _ in range(4)]
    assert [job.kind for job in taken if job] == ["sync", "backup", "mail", "train"]


def test_a_waiting_job_takes_the_higher_priority(rows: JobRepository) -> None:
    low, _ = submit(rows, "train", priority=20)
    submit(rows, "backup", priority=50)
    raised, is_new = submit(rows, "train", priority=90)
    assert (raised.id, raised.priority, is_new) == (low.id, 90, False)
    assert submit(rows, "train", priority=20)[0].priority == 90
    best = rows.claim("1:a", 30.0)
    assert best is not None
    assert best.id == low.id


def test_one_heavy_job_runs_at_a_time(rows: JobRepository) -> None:
    first = claimed(rows, "1:a", heavy=True)
    submit(rows, "evaluate", heavy=True, priority=90)
    submit(rows, "sync", priority=10)
    light = rows.claim("1:a", 30.0)
    assert light is not None
    assert light.kind == "sync"
    assert rows.claim("1:a", 30.0) is None
    assert rows.finish(first.id, "1:a", {}) is not None
    second = rows.claim("1:a", 30.0)
    assert second is not None
    assert second.kind == "evaluate"


def test_what_a_worker_is_busy_with_is_not_taken_again(rows: JobRepository, clock: Clock) -> None:
    job = claimed(rows, "1:a", max_attempts=1)
    other, _ = submit(rows, "backup")
    clock.at += 5 * 365 * 86_400
    taken = rows.claim("1:a", 30.0, busy=[job.id])
    assert taken is not None
    assert taken.id == other.id
    assert rows.bury("killed", busy=[job.id, other.id]) == []
    assert state(rows.get(job.id)) == "running"


def test_a_waiting_job_stands_for_those_that_ask_no_more(rows: JobRepository) -> None:
    narrow, _ = submit(rows, "train", {"search_only": True})
    assert submit(rows, "train", {"search_only": True}) == (narrow, False)
    wide, is_new = submit(rows, "train", {"search_only": False})
    assert is_new
    assert submit(rows, "train") == (wide, False)
    assert rows.active("train") == [narrow, wide]
    taken = rows.claim("1:a", 30.0)
    assert taken is not None
    assert taken.id == narrow.id
    assert submit(rows, "train", {"search_only": True}) == (wide, False)
    assert submit(rows, "backup")[1]


def test_a_job_waits_behind_one_of_its_kind_that_runs(rows: JobRepository) -> None:
    running = claimed(rows, "1:a")
    successor, is_new = submit(rows, "train")
    assert is_new
    assert submit(rows, "train") == (successor, False)
    assert rows.claim("1:a", 30.0) is None
    assert rows.claimable() == []
    assert state(rows.retry(running.id, "1:a", "again", 10.0)) == "queued"
    assert rows.claimable() == [successor.id]
    assert rows.claim("1:a", 30.0) is not None
    assert rows.release("1:a") == 1
    assert len(rows.active("train")) == 2


def test_a_store_of_an_earlier_version_keeps_its_jobs(tmp_path: Path) -> None:
    old = SqliteStore(tmp_path / "old.db", MIGRATIONS[:2])
    with old.write() as db:
        for job_id, job_state in (("b", "done"), ("a", "running"), ("c", "queued")):
            db.execute(
                "insert into job (id, kind, args, state, created_at, attempts, max_attempts, owner)"
                " values (?, 'train', '{\"k\":1}', ?, 5.0, 1, 5, '1:a')",
                [job_id, job_state],
            )
        db.execute("insert into periodic values ('nightly', 7.0)")
    old.close()
    store = SqliteStore(tmp_path / "old.db", MIGRATIONS)
    rows = JobRepository(store)
    # Those of one moment keep their order.
    assert [(job.id, job.state, job.priority, job.args) for job in rows.list()] == [
        ("c", "queued", 50, {"k": 1}),
        ("a", "running", 50, {"k": 1}),
        ("b", "done", 50, {"k": 1}),
    ]
    assert rows.finish("a", "1:a", {}) is not None
    assert PeriodicRepository(store, rows).last_times() == {"nightly": LastTime(7.0, None)}
    store.close()


def test_a_lost_lease_can_be_taken_and_its_loser_writes_nothing(rows: JobRepository, clock: Clock) -> None:
    job = claimed(rows, "1:a")
    clock.at += 29
    assert rows.claimable() == []
    clock.at += 2
    assert rows.claimable() == [job.id]
    taken = rows.claim("2:b", 30.0)
    assert taken is not None
    assert taken.attempts == 2
    assert rows.finish(job.id, "1:a", {"by": "a"}) is None
    assert rows.fail(job.id, "1:a", "late") is None
    assert rows.retry(job.id, "1:a", "late", 0.0) is None
    assert rows.report(job.id, "1:a", 0.9, "late") is None
    assert rows.finish(job.id, "2:b", {"by": "b"}) is not None
    assert rows.finish(job.id, "2:b", {"by": "b again"}) is None
    done = rows.get(job.id)
    assert done is not None
    assert (done.state, done.result, done.message) == ("done", {"by": "b"}, "")


def test_a_beat_keeps_the_lease_of_the_named_jobs_only(rows: JobRepository, clock: Clock) -> None:
    kept, lost = claimed(rows, "1:a"), claimed(rows, "1:a", "backup")
    clock.at += 20
    rows.beat("1:a", [kept.id], 30.0)
    clock.at += 20
    assert rows.claimable() == [lost.id]


def test_leases_of_vanished_workers_end_at_once(rows: JobRepository) -> None:
    mine, theirs = claimed(rows, "1:a"), claimed(rows, "2:b", "backup")
    assert rows.expire(lambda owner: owner == "2:b") == 1
    assert rows.claimable() == [theirs.id]
    assert rows.release("1:a") == 1
    released = rows.get(mine.id)
    assert released is not None
    assert (released.state, released.attempts) == ("queued", 0)


def test_a_retry_waits_and_the_last_one_buries(rows: JobRepository, clock: Clock) -> None:
    job_id = submit(rows, "train", max_attempts=2)[0].id
    assert rows.claim("1:a", 30.0) is not None
    assert state(rows.retry(job_id, "1:a", "first", 10.0)) == "queued"
    assert rows.claimable() == []
    clock.at += 10
    assert rows.claim("1:a", 30.0) is not None
    assert state(rows.retry(job_id, "1:a", "second", 10.0)) == "dead"
    dead = rows.get(job_id)
    assert dead is not None
    assert (dead.error, dead.ended_at) == ("second", clock.at)
    assert submit(rows, "train")[1]


def test_a_job_that_kills_its_worker_each_time_is_buried(rows: JobRepository, clock: Clock) -> None:
    job_id = submit(rows, "train", max_attempts=2)[0].id
    for _ in range(2):
        assert rows.claim("1:a", 30.0) is not None
        assert rows.bury("killed") == []
        clock.at += 31
    assert rows.claim("1:a", 30.0) is None
    (dead,) = rows.bury("killed")
    assert (dead.id, dead.state, dead.error) == (job_id, "dead", "killed")


def test_moments_from_a_wrong_clock_do_not_strand_a_job(rows: JobRepository, clock: Clock) -> None:
    clock.at += 10 * LONGEST_WAIT
    running, waiting = claimed(rows, "1:a"), claimed(rows, "1:a", "backup")
    rows.retry(waiting.id, "1:a", "again", LONGEST_WAIT)
    clock.at -= 10 * LONGEST_WAIT
    assert set(rows.claimable()) == {running.id, waiting.id}


def test_a_frequent_kind_does_not_push_out_the_others(rows: JobRepository, clock: Clock) -> None:
    def done(kind: str) -> str:
        clock.at += 1
        job = claimed(rows, "1:a", kind)
        rows.finish(job.id, "1:a", {})
        return job.id

    rare, failed = done("train"), claimed(rows, "1:a", "sync")
    rows.fail(failed.id, "1:a", "refused")
    frequent = [done("sync") for _ in range(5)]
    active = submit(rows, "sync")[0].id
    assert rows.prune(2) == 3
    assert [job.id for job in rows.list()] == [active, frequent[4], frequent[3], failed.id, rare]
    assert rows.prune(2) == 0


def test_jobs_are_listed_by_kind_and_state(rows: JobRepository) -> None:
    train, sync = submit(rows, "train")[0].id, claimed(rows, "1:a", "sync").id
    assert [job.id for job in rows.list(kind="train")] == [train]
    assert [job.id for job in rows.list(state="running")] == [sync]
    assert rows.list(kind="train", state="running") == []


def test_a_waiting_job_is_cancelled_at_once(rows: JobRepository, clock: Clock) -> None:
    job = submit(rows, "train")[0]
    cancelled = rows.cancel(job.id)
    assert cancelled is not None
    assert (cancelled.state, cancelled.ended_at) == ("cancelled", clock.at)
    assert rows.claimable() == []
    assert rows.claim("1:a", 30.0) is None
    assert rows.cancel(job.id) is None
    assert rows.cancel("nothing") is None


@pytest.mark.parametrize("end", ["fail", "retry", "release", "killed"])
def test_a_job_that_was_to_be_cancelled_never_runs_again(rows: JobRepository, clock: Clock, end: str) -> None:
    job = claimed(rows, "1:a")
    asked = rows.cancel(job.id)
    assert asked is not None
    assert (asked.state, asked.cancelling, asked.ended_at) == ("running", True, None)
    if end == "fail":
        rows.fail(job.id, "1:a", "half-way")
    elif end == "retry":
        rows.retry(job.id, "1:a", "half-way", 0.0)
    elif end == "release":
        rows.release("1:a")
    else:
        rows.expire(lambda _: True)
        assert rows.claimable() == []
        assert [job.id for job in rows.bury("killed")] == [job.id]
    clock.at += 3600
    ended = rows.get(job.id)
    assert ended is not None
    assert (ended.state, ended.error, ended.ended_at) == ("cancelled", "", clock.at - 3600)
    assert rows.claim("1:a", 30.0) is None


def test_a_job_that_is_done_before_it_heeds_is_done(rows: JobRepository) -> None:
    job = claimed(rows, "1:a")
    rows.cancel(job.id)
    assert state(rows.finish(job.id, "1:a", {})) == "done"


def test_a_failed_job_runs_again_with_all_its_attempts(rows: JobRepository) -> None:
    job = submit(rows, "train", {"k": 3}, max_attempts=1)[0]
    assert rows.again(job.id) is None
    assert rows.claim("1:a", 30.0) is not None
    assert rows.again(job.id) is None
    assert state(rows.retry(job.id, "1:a", "broken", 0.0)) == "dead"
    again = rows.again(job.id)
    assert again is not None
    assert (again.id, again.state, again.attempts, again.error, again.args) == (job.id, "queued", 0, "", {"k": 3})
    assert rows.claim("1:a", 30.0) is not None
    rows.finish(job.id, "1:a", {})
    assert rows.again(job.id) is None


def test_a_cancelled_job_that_is_tried_again_can_run(rows: JobRepository) -> None:
    job = submit(rows, "train")[0]
    rows.cancel(job.id)
    again = rows.again(job.id)
    assert again is not None
    assert not again.cancelling
    assert rows.claimable() == [job.id]


def test_trying_again_does_not_double_what_waits(rows: JobRepository) -> None:
    old = submit(rows, "train", {"k": 3})[0]
    rows.cancel(old.id)
    waiting = submit(rows, "train")[0]
    assert rows.again(old.id) == waiting
    assert state(rows.get(old.id)) == "cancelled"
