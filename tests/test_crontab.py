"""Crontab lines in time zones, against a walk through every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.crontab import Crontab

ZONES = (
    "Asia/Ho_Chi_Minh",
    "UTC",
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Asia/Beirut",  # put forward at midnight
    "Pacific/Apia",  # left out a whole day in 2011
    "Africa/Casablanca",  # puts its clock back for a month
)
SHIFTS = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 3, 28, 22, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2026, 2, 15, 2, tzinfo=UTC),
    datetime(2026, 3, 22, 2, tzinfo=UTC),
)
"""Around these some zone's clock is put forward or back."""
DAYS = 3
"""Walked each way."""


def numbers(field: str, lowest: int, highest: int) -> set[int]:
    """Return what a field of the lines below stands for."""
    found: set[int] = set()
    for piece in field.split(","):
        span, _, step = piece.partition("/")
        first, _, last = span.partition("-")
        begin, end = (lowest, highest) if span == "*" else (int(first), int(last or first))
        found.update(range(begin, end + 1, int(step or 1)))
    return found


def walked(line: str, zone: ZoneInfo, middle: datetime) -> set[float]:
    """Return the due moments around a moment by looking at every minute, and at every one that the clock leaps over."""
    minute, hour, day, month, weekday = line.split()
    minutes, hours, days, months = (
        numbers(minute, 0, 59),
        numbers(hour, 0, 23),
        numbers(day, 1, 31),
        numbers(month, 1, 12),
    )
    weekdays = {number % 7 for number in numbers(weekday, 0, 7)}

    def named(wall: datetime) -> bool:
        if wall.minute not in minutes or wall.hour not in hours or wall.month not in months:
            return False
        by_day, by_weekday = wall.day in days, wall.isoweekday() % 7 in weekdays
        if day.startswith("*") or weekday.startswith("*"):
            return by_day and by_weekday
        return by_day or by_weekday

    due: set[float] = set()
    before = (middle - timedelta(days=DAYS, minutes=1)).astimezone(zone)
    for step in range(2 * DAYS * 1440 + 1):
        here = (middle + timedelta(days=-DAYS, minutes=step)).astimezone(zone)
        if named(here) and (here.fold == 0 or hour.startswith("*")):
            due.add(here.timestamp())
        expected = before.replace(tzinfo=None) + timedelta(minutes=1)
        leapt = here.replace(tzinfo=None) - expected
        for more in range(int(leapt.total_seconds()) // 60):
            if named(expected + timedelta(minutes=more)):
                due.add(here.timestamp() + more * 60)
        before = here
    return due


def fields(lowest: int, highest: int) -> st.SearchStrategy[str]:
    number = st.integers(lowest, highest)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    stepped = st.tuples(st.just("*") | span, st.integers(1, 30)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    piece = number.map(str) | span | stepped
    return st.just("*") | piece | st.lists(piece, min_size=2, max_size=3).map(",".join)


LINES = st.tuples(fields(0, 59), fields(0, 23), st.just("*") | fields(1, 28), st.just("*"), st.just("*") | fields(0, 7))


@settings(deadline=None, max_examples=150)
@given(
    line=LINES.map(" ".join),
    zone=st.sampled_from(ZONES),
    middle=st.sampled_from(SHIFTS),
    away=st.integers(-2 * 86_400, 2 * 86_400),
)
def test_it_agrees_with_a_walk_through_every_minute(line: str, zone: str, middle: datetime, away: int) -> None:
    due = walked(line, ZoneInfo(zone), middle)
    now = middle.timestamp() + away
    crontab = Crontab(line)
    last, upcoming = crontab.last(now, ZoneInfo(zone)), crontab.next(now, ZoneInfo(zone))
    begin, end = middle.timestamp() - DAYS * 86_400, middle.timestamp() + DAYS * 86_400
    assert last <= now < upcoming
    assert (last if last >= begin else None) == max((moment for moment in due if moment <= now), default=None)
    assert (upcoming if upcoming <= end else None) == min(
        (moment for moment in due if now < moment <= end), default=None
    )


def shown(line: str, zone: str, start: datetime, count: int) -> list[str]:
    """Return the next due moments as the zone's clock shows them."""
    at, found = start.timestamp(), []
    for _ in range(count):
        at = Crontab(line).next(at, ZoneInfo(zone))
        found.append(datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%d %H:%M"))
    return found


def test_a_nightly_line_is_due_once_a_night() -> None:
    start = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert shown("30 1 * * *", "Europe/London", start, 3) == ["28 01:30", "29 02:30", "30 01:30"]
    start = datetime(2026, 10, 23, 12, tzinfo=UTC)
    assert shown("30 1 * * *", "Europe/London", start, 3) == ["24 01:30", "25 01:30", "26 01:30"]
    assert shown("30 3 * * *", "Asia/Ho_Chi_Minh", start, 2) == ["24 03:30", "25 03:30"]


def test_an_hourly_line_does_not_pause_when_the_clock_is_put_back() -> None:
    start = datetime(2026, 10, 24, 23, 45, tzinfo=UTC)
    assert shown("30 * * * *", "Europe/London", start, 3) == ["25 01:30", "25 01:30", "25 02:30"]


def test_both_kinds_of_day_mean_either() -> None:
    start = datetime(2026, 6, 1, 12, tzinfo=UTC)  # a Monday
    assert shown("0 0 13 * 5", "UTC", start, 4) == ["05 00:00", "12 00:00", "13 00:00", "19 00:00"]
    assert shown("0 0 * * 7", "UTC", start, 2) == shown("0 0 * * 0", "UTC", start, 2) == ["07 00:00", "14 00:00"]


def test_the_29th_of_february_comes_in_leap_years() -> None:
    zone, crontab = ZoneInfo("UTC"), Crontab("0 0 29 2 *")

    def day(year: int, month: int, number: int) -> float:
        return datetime(year, month, number, tzinfo=UTC).timestamp()

    assert crontab.next(day(2096, 3, 1), zone) == day(2104, 2, 29)
    assert crontab.last(day(2027, 1, 1), zone) == day(2024, 2, 29)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "five fields"),
        ("0 3 * *", "five fields"),
        ("0 3 * * * *", "five fields"),
        ("@daily", "five fields"),
        ("60 3 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 3 0 * *", "day of the month"),
        ("0 3 * 13 *", "month"),
        ("0 3 * * 8", "day of the week"),
        ("0 3 * * mon", "day of the week"),
        ("5/10 3 * * *", "minute"),
        ("*/0 3 * * *", "minute"),
        ("30-10 3 * * *", "minute"),
        ("1,,2 3 * * *", "minute"),
        ("-1 3 * * *", "minute"),
        ("٣ 3 * * *", "minute"),
        ("0 0 30 2 *", "no month"),
        ("0 0 31 2,4,6 *", "no month"),
    ],
)
def test_a_wrong_line_is_refused_with_the_reason(line: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Crontab(line)
