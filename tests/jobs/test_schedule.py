"""Periodic submissions: once a period, one catch-up, never twice, whatever the clock does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.jobs.schedule import Periodic, Schedule, training_entries
from appliance.settings import Recommender, Settings
from appliance.store.jobs import JobRepository
from appliance.store.migrations.jobs import MIGRATIONS
from appliance.store.sqlite import SqliteStore

DAY = 86_400.0
START = 1_800_000_000.0 // DAY * DAY


class Box:
    """A box with a clock and a job store; submitted jobs end at once."""

    def __init__(self, path: Path) -> None:
        self.at = START
        self.store = SqliteStore(path, MIGRATIONS, now=lambda: self.at)
        self.rows = JobRepository(self.store, lambda: self.at)
        self.entries = (Periodic(name="train", kind="train", period=DAY, offset=7200.0),)

    def ticks_at(self, at: float) -> int:
        """Set the clock, let a process that knows nothing of earlier ones tick, and return what it submitted."""
        self.at = at
        jobs = Schedule(self.entries, self.rows).tick()
        for job in jobs:
            assert self.rows.claim(job.id, "1:test", 10.0) is not None
            assert self.rows.finish(job.id, "1:test", {})
        return len(jobs)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path / "jobs.db")
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
    schedule = Schedule(box.entries, box.rows)
    schedule.tick()
    for day in (1, 2, 3):
        box.at = START + day * DAY + 7200
        schedule.tick()
    assert len(box.rows.list()) == 1


@settings(deadline=None, max_examples=50)
@given(steps=st.lists(st.floats(min_value=-3 * DAY, max_value=9 * DAY), min_size=1, max_size=30))
def test_never_more_submissions_than_periods_begun(
    steps: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    box = Box(tmp_path_factory.mktemp("schedule") / "jobs.db")
    at = START
    box.ticks_at(at)
    submitted, begun = 0, 0
    for step in steps:
        before, at = at, at + step
        submitted += box.ticks_at(at)
        begun += max(0, int((at - 7200) // DAY) - int((before - 7200) // DAY))
    box.store.close()
    assert submitted <= begun


def test_training_is_daily_at_three_in_the_shops_night() -> None:
    (entry,) = training_entries(Settings())
    assert (entry.kind, entry.period) == ("train", DAY)
    begins = datetime.fromtimestamp(START + entry.offset, UTC).astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))
    assert (begins.hour, begins.minute) == (3, 0)


def test_training_can_be_left_to_the_owner() -> None:
    by_hand = Settings(recommender=Recommender(retrain_hours=0))
    assert training_entries(by_hand) == ()
