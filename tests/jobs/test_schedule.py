"""Periodic submissions: once a period, one catch-up, never twice, whatever the clock does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import InvalidSetting
from appliance.jobs.schedule import Periodic, Schedule, training_entries
from appliance.settings import Recommender, Settings, Shop
from appliance.store.jobs import JobRepository, NewJob
from appliance.store.migrations.jobs import MIGRATIONS
from appliance.store.periodic import PeriodicRepository
from appliance.store.sqlite import SqliteStore

DAY = 86_400.0
START = 1_800_000_000.0 // DAY * DAY
SECONDS = Periodic(name="train", kind="train", period=DAY, offset=7200.0)
CLOCK = Periodic(name="train", kind="train", cron="0 2 * * *")
"""The same by a crontab line, in a zone whose clock is never put forward or back."""


class Box:
    """A box with a clock and a job store; submitted jobs end at once."""

    def __init__(self, path: Path, entry: Periodic, zone: str = "UTC") -> None:
        self.at = START
        self.store = SqliteStore(path, MIGRATIONS, now=lambda: self.at)
        self.rows = JobRepository(self.store, lambda: self.at)
        self.entry = entry
        self.zone = zone

    def schedule(self) -> Schedule:
        """Return the schedule of a process that knows nothing of earlier ones."""
        times = PeriodicRepository(self.store, self.rows, lambda: self.at)
        return Schedule((self.entry,), times, new_job, lambda: self.at, self.zone)

    def ticks_at(self, at: float, schedule: Schedule | None = None) -> int:
        """Set the clock, let a new process tick, or the given one, and return what it submitted."""
        self.at = at
        jobs = (schedule or self.schedule()).tick()
        for job in jobs:
            assert self.rows.claim("1:test", 10.0) is not None
            assert self.rows.finish(job.id, "1:test", {}) is not None
        return len(jobs)


def new_job(kind: str, args: Mapping[str, Any], priority: int | None) -> NewJob:
    return NewJob(kind=kind, args=args, priority=50 if priority is None else priority)


@pytest.fixture(params=[SECONDS, CLOCK], ids=["seconds", "crontab"])
def box(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Box]:
    made = Box(tmp_path / "jobs.db", request.param)
    yield made
    made.store.close()


def test_a_period_begins_once(box: Box) -> None:
    seconds = (0, 60, 7199, 7200, 7260, DAY, DAY + 7200, DAY + 7230, 2 * DAY + 7199)
    assert [box.ticks_at(START + second) for second in seconds] == [0, 0, 0, 1, 0, 0, 1, 0, 0]


def test_downtime_is_caught_up_once(box: Box) -> None:
    assert [box.ticks_at(START + second) for second in (0, 9 * DAY, 9 * DAY + 1)] == [0, 1, 0]


def test_a_wrong_clock_makes_no_storm_and_does_not_stop_the_schedule(box: Box) -> None:
    years = 5 * 365 * DAY
    box.ticks_at(START)
    assert box.ticks_at(START + years) == 1
    assert [box.ticks_at(START + second) for second in (10, 20)] == [0, 0]
    assert [box.ticks_at(START + second) for second in (DAY + 7200, DAY + 7210)] == [1, 0]
    assert [box.ticks_at(START - years + second) for second in (0, 60)] == [0, 0]
    assert box.ticks_at(START - years + DAY + 7200) == 1


def test_what_still_waits_is_not_doubled(box: Box) -> None:
    schedule = box.schedule()
    schedule.tick()
    for day in (1, 2, 3):
        box.at = START + day * DAY + 7200
        schedule.tick()
    assert len(box.rows.list()) == 1
    running = box.rows.claim("1:test", 10.0)
    assert running is not None
    box.at = START + 4 * DAY + 7200
    assert [job.id for job in schedule.tick()] == [running.id]
    assert len(box.rows.list()) == 1


@settings(deadline=None, max_examples=50)
@given(
    steps=st.lists(
        st.floats(min_value=-3 * DAY, max_value=9 * DAY) | st.sampled_from((DAY, -DAY, 1825 * DAY, -1825 * DAY)),
        min_size=1,
        max_size=30,
    ),
    entry=st.sampled_from((SECONDS, CLOCK)),
    restarts=st.booleans(),
)
def test_never_more_submissions_than_periods_begun(
    steps: list[float], entry: Periodic, restarts: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    box = Box(tmp_path_factory.mktemp("schedule") / "jobs.db", entry)
    schedule = None if restarts else box.schedule()
    at = START
    box.ticks_at(at, schedule)
    submitted, begun = 0, 0
    for step in steps:
        before, at = at, at + step
        now = box.ticks_at(at, schedule)
        assert now <= 1
        submitted += now
        begun += max(0, int((at - 7200) // DAY) - int((before - 7200) // DAY))
    box.store.close()
    assert submitted <= begun


@pytest.mark.parametrize("step", [60.0, 1800.0, 3600.0])
@pytest.mark.parametrize("month", [3, 10])
def test_every_night_has_one_run_where_the_clock_is_put_forward_or_back(
    tmp_path: Path, month: int, step: float
) -> None:
    zone = ZoneInfo("Europe/London")
    box = Box(tmp_path / "jobs.db", Periodic(name="train", kind="train", cron="30 1 * * *"), "Europe/London")
    schedule, nights = box.schedule(), []
    begin = datetime(2026, month, 1, tzinfo=UTC).timestamp()
    for tick in range(int(35 * DAY / step)):
        at = begin + tick * step
        if box.ticks_at(at, schedule):
            nights.append(datetime.fromtimestamp(at, zone).date())
    box.store.close()
    assert len(nights) == len(set(nights)) == 35


def test_a_schedule_that_is_switched_on_again_waits_for_its_next_time(box: Box) -> None:
    entry = box.entry
    box.ticks_at(START)
    box.entry = msgspec.structs.replace(entry, enabled=False)
    assert box.ticks_at(START + DAY + 7200) == 0
    (seen,) = box.schedule().entries()
    assert (seen.last_run, seen.next_due) == (None, None)
    box.entry = entry
    assert [box.ticks_at(START + second) for second in (DAY + 7300, 2 * DAY + 7200)] == [0, 1]


def test_people_see_when_it_ran_and_when_it_is_due(box: Box) -> None:
    box.ticks_at(START)
    (seen,) = box.schedule().entries()
    assert (seen.periodic, seen.last_run, seen.next_due) == (box.entry, None, START + 7200)
    box.ticks_at(START + 7230)
    (seen,) = box.schedule().entries()
    assert (seen.last_run, seen.next_due) == (START + 7230, START + DAY + 7200)


def test_arguments_and_priority_reach_the_job(tmp_path: Path) -> None:
    entry = Periodic(name="sync", kind="sync", period=60.0, args={"mode": "changes"}, priority=77)
    box = Box(tmp_path / "jobs.db", entry)
    box.ticks_at(START)
    box.ticks_at(START + 60)
    (job,) = box.rows.list()
    assert (job.kind, job.args, job.priority) == ("sync", {"mode": "changes"}, 77)
    box.store.close()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "crontab line or a period"),
        ({"cron": "0 2 * * *", "period": 60.0}, "crontab line or a period"),
        ({"period": -1.0}, "crontab line or a period"),
        ({"cron": "0 25 * * *"}, "'nightly' cannot be kept: '25' is no hour"),
    ],
)
def test_a_wrong_entry_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidSetting, match=told):
        Periodic(name="nightly", kind="train", **given)


def test_two_entries_of_one_name_are_refused(box: Box) -> None:
    times = PeriodicRepository(box.store, box.rows)
    with pytest.raises(InvalidSetting, match="same name"):
        Schedule((SECONDS, CLOCK), times, new_job, lambda: START)


@pytest.mark.parametrize(("hours", "times"), [(24, ["03:00"]), (12, ["03:00", "15:00"]), (6, ["03:00", "09:00"])])
def test_training_is_counted_from_three_in_the_shops_night(tmp_path: Path, hours: float, times: list[str]) -> None:
    wanted = Settings(recommender=Recommender(retrain_hours=hours), shop=Shop(timezone="Europe/London"))
    (entry,) = training_entries(wanted)
    box = Box(tmp_path / "jobs.db", entry, "Europe/London")
    for month in (1, 7):
        box.at = datetime(2026, month, 5, tzinfo=UTC).timestamp()
        seen = []
        for _ in times:
            (found,) = box.schedule().entries()
            assert found.next_due is not None
            box.at = found.next_due
            seen.append(datetime.fromtimestamp(box.at, ZoneInfo("Europe/London")).strftime("%H:%M"))
        assert seen == times
    box.store.close()


def test_an_uneven_rhythm_of_training_goes_by_seconds() -> None:
    (entry,) = training_entries(Settings(recommender=Recommender(retrain_hours=36)))
    assert (entry.cron, entry.period) == ("", 36 * 3600)


def test_training_can_be_left_to_the_owner() -> None:
    by_hand = Settings(recommender=Recommender(retrain_hours=0))
    assert training_entries(by_hand) == ()
