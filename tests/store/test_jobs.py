"""Job rows: claims, leases and fencing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.store.jobs import LONGEST_WAIT, Job, JobRepository
from appliance.store.migrations.jobs import MIGRATIONS
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


def claimed(rows: JobRepository, owner: str, kind: str = "train") -> Job:
    job = rows.claim(rows.submit(kind, {})[0].id, owner, 30.0)
    assert job is not None
    return job


def test_only_one_claims(rows: JobRepository) -> None:
    job = claimed(rows, "1:a")
    assert (job.state, job.attempts) == ("running", 1)
    assert rows.claim(job.id, "2:b", 30.0) is None
    assert rows.claim("nothing", "1:a", 30.0) is None


def test_a_waiting_job_stands_for_those_that_ask_no_more(rows: JobRepository) -> None:
    narrow, _ = rows.submit("train", {"search_only": True})
    assert rows.submit("train", {"search_only": True}) == (narrow, False)
    wide, is_new = rows.submit("train", {"search_only": False})
    assert is_new
    assert rows.submit("train", {}) == (wide, False)
    assert rows.active("train") == [narrow, wide]
    assert rows.claim(narrow.id, "1:a", 30.0) is not None
    assert rows.submit("train", {"search_only": True}) == (wide, False)
    assert rows.submit("backup", {})[1]


def test_a_job_waits_behind_one_of_its_kind_that_runs(rows: JobRepository) -> None:
    running = claimed(rows, "1:a")
    successor, is_new = rows.submit("train", {})
    assert is_new
    assert rows.submit("train", {}) == (successor, False)
    assert rows.claim(successor.id, "1:a", 30.0) is None
    assert rows.claimable() == []
    assert rows.retry(running.id, "1:a", "again", 10.0) == "queued"
    assert rows.claimable() == [successor.id]
    assert rows.claim(successor.id, "1:a", 30.0) is not None
    assert rows.release("1:a") == 1
    assert len(rows.active("train")) == 2


def test_a_period_that_begins_while_the_job_runs_does_not_double_it(rows: JobRepository, clock: Clock) -> None:
    rows.submit_due("nightly", 86_400.0, 0.0, "train", {})
    running = claimed(rows, "1:a")
    clock.at += 86_400
    assert rows.submit_due("nightly", 86_400.0, 0.0, "train", {}) == rows.get(running.id)
    assert len(rows.active("train")) == 1


def test_a_store_of_the_first_version_keeps_its_jobs(tmp_path: Path) -> None:
    old = SqliteStore(tmp_path / "old.db", MIGRATIONS[:1])
    job = claimed(JobRepository(old), "1:a")
    old.close()
    store = SqliteStore(tmp_path / "old.db", MIGRATIONS)
    rows = JobRepository(store)
    assert rows.active("train") == [job]
    assert rows.submit("train", {})[1]
    store.close()


def test_a_lost_lease_can_be_taken_and_its_loser_writes_nothing(rows: JobRepository, clock: Clock) -> None:
    job = claimed(rows, "1:a")
    clock.at += 29
    assert rows.claimable() == []
    clock.at += 2
    assert rows.claimable() == [job.id]
    taken = rows.claim(job.id, "2:b", 30.0)
    assert taken is not None
    assert taken.attempts == 2
    assert not rows.finish(job.id, "1:a", {"by": "a"})
    assert not rows.fail(job.id, "1:a", "late")
    assert rows.retry(job.id, "1:a", "late", 0.0) is None
    rows.report(job.id, "1:a", 0.9, "late")
    assert rows.finish(job.id, "2:b", {"by": "b"})
    assert not rows.finish(job.id, "2:b", {"by": "b again"})
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
    job_id = rows.submit("train", {}, max_attempts=2)[0].id
    assert rows.claim(job_id, "1:a", 30.0) is not None
    assert rows.retry(job_id, "1:a", "first", 10.0) == "queued"
    assert rows.claimable() == []
    clock.at += 10
    assert rows.claim(job_id, "1:a", 30.0) is not None
    assert rows.retry(job_id, "1:a", "second", 10.0) == "dead"
    dead = rows.get(job_id)
    assert dead is not None
    assert (dead.error, dead.ended_at) == ("second", clock.at)
    assert rows.submit("train", {})[1]


def test_a_job_that_kills_its_worker_each_time_is_buried(rows: JobRepository, clock: Clock) -> None:
    job_id = rows.submit("train", {}, max_attempts=2)[0].id
    for _ in range(2):
        assert rows.claim(job_id, "1:a", 30.0) is not None
        assert rows.bury("killed") == []
        clock.at += 31
    assert rows.claim(job_id, "1:a", 30.0) is None
    (dead,) = rows.bury("killed")
    assert (dead.id, dead.state, dead.error) == (job_id, "dead", "killed")


def test_moments_from_a_wrong_clock_do_not_strand_a_job(rows: JobRepository, clock: Clock) -> None:
    clock.at += 10 * LONGEST_WAIT
    running, waiting = claimed(rows, "1:a"), claimed(rows, "1:a", "backup")
    rows.retry(waiting.id, "1:a", "again", LONGEST_WAIT)
    clock.at -= 10 * LONGEST_WAIT
    assert set(rows.claimable()) == {running.id, waiting.id}


def test_old_jobs_are_pruned_and_active_ones_stay(rows: JobRepository, clock: Clock) -> None:
    ended = []
    for _ in range(5):
        clock.at += 1
        job = claimed(rows, "1:a")
        rows.finish(job.id, "1:a", {})
        ended.append(job.id)
    active = rows.submit("train", {})[0].id
    assert rows.prune(2) == 3
    assert [job.id for job in rows.list()] == [active, ended[4], ended[3]]
