"""Crontab lines in a time zone: when one was last due, and when it is next.

A line names times on the shop's clock. Where that clock is put forward, a time that it leaves out is due as much later
as it was put forward; where it is put back, a time that it shows twice is due the first time. Lines for every hour
(``*`` or ``*/n`` in the second field) are due the second time as well, so that frequent work does not pause.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
_PIECE = re.compile(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([0-9]{1,2}))?")
_SHIFT = timedelta(hours=26)
"""No zone's clock is ever put forward or back by more."""
_LEAP_YEAR = 2000


class Crontab:
    """One line of five fields: minute, hour, day of the month, month, day of the week (0 or 7 for Sunday).

    A field is ``*``, a number, ``a-b``, either of them with ``/step``, or several of these with commas. As in cron, a
    line that limits both kinds of day is due on either. Raises ``ValueError`` that says what is wrong.
    """

    def __init__(self, line: str) -> None:
        fields = line.split()
        if len(fields) != len(_FIELDS):
            raise ValueError(
                f"{line[:100]!r} is no crontab line: it takes five fields (minute, hour, day, month, day of the week),"
                " as in '30 3 * * *'"
            )
        minutes, hours, self._days, self._months, weekdays = (
            _values(text, *field) for text, field in zip(fields, _FIELDS, strict=True)
        )
        self._times = [time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)]
        self._weekdays = {day % 7 for day in weekdays}
        self._is_hourly = fields[1].startswith("*")
        self._limits_day, self._limits_weekday = not fields[2].startswith("*"), not fields[4].startswith("*")
        if not self._limits_weekday and not any(
            day <= calendar.monthrange(_LEAP_YEAR, month)[1] for month in self._months for day in self._days
        ):
            raise ValueError(f"{line!r} names a day that no month has")

    def last(self, now: float, zone: ZoneInfo) -> float:
        """Return the last due moment at or before a moment; both are Unix seconds."""
        return self._nearest(now, zone, -1)

    def next(self, now: float, zone: ZoneInfo) -> float:
        """Return the first due moment after a moment; both are Unix seconds."""
        return self._nearest(now, zone, 1)

    def _nearest(self, now: float, zone: ZoneInfo, step: int) -> float:
        """Look one way (-1 or 1) from now. The clock's shifts can put neighbours out of order, so all near are seen."""
        here = datetime.fromtimestamp(now, zone).replace(tzinfo=None)
        found: tuple[float, datetime] | None = None
        for wall in self._walls(here - step * _SHIFT, step):
            if found is not None and (wall - found[1]) * step > _SHIFT:
                break
            for moment in self._moments(wall, zone):
                is_beyond = moment > now if step > 0 else moment <= now
                if is_beyond and (found is None or (moment - found[0]) * step < 0):
                    found = moment, wall
        assert found is not None, "the days that a line names never end"
        return found[0]

    def _walls(self, start: datetime, step: int) -> Iterator[datetime]:
        """Yield the times on the clock's face that the line names, from a time on, forward or back."""
        day = start.date()
        while True:
            if self._names(day):
                for clock in self._times[::step]:
                    wall = datetime.combine(day, clock)
                    if (wall - start) * step >= timedelta(0):
                        yield wall
            day += timedelta(days=step)

    def _moments(self, wall: datetime, zone: ZoneInfo) -> Iterator[float]:
        first = wall.replace(tzinfo=zone).timestamp()
        yield first
        if self._is_hourly:
            second = wall.replace(tzinfo=zone, fold=1).timestamp()
            # Earlier than the first where the clock never shows this time.
            if second > first:
                yield second

    def _names(self, day: date) -> bool:
        if day.month not in self._months:
            return False
        by_day, by_weekday = day.day in self._days, day.isoweekday() % 7 in self._weekdays
        return by_day or by_weekday if self._limits_day and self._limits_weekday else by_day and by_weekday


def _values(text: str, name: str, lowest: int, highest: int) -> set[int]:
    """Return the numbers that a field stands for. Raises ``ValueError``."""
    values: set[int] = set()
    for piece in text.split(","):
        match = _PIECE.fullmatch(piece)
        first, last, step = match.groups() if match else (None, None, None)
        if match is None or (step is not None and (int(step) == 0 or (first is not None and last is None))):
            raise ValueError(f"{text[:100]!r} is no {name} of a crontab line: use *, 5, 1-5, */10, 0-30/10 or 1,15")
        begin, end = (lowest, highest) if first is None else (int(first), int(last or first))
        if not lowest <= begin <= end <= highest:
            raise ValueError(f"{text[:100]!r} is no {name} of a crontab line: it runs from {lowest} to {highest}")
        values.update(range(begin, end + 1, int(step or 1)))
    return values
