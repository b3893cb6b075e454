"""Opening hours: those that an owner's text states beyond doubt, and those of the settings."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from appliance.agents.service.words import service_words
from appliance.text import words

_TIME = r"(\d{1,2})(?:[:h.](\d{2})|h|g|giờ)?\s?(am|pm)?"
_SPAN = re.compile(
    rf"(?<![\d.,]){_TIME}\s?(?:-|–|đến|tới|to)\s?{_TIME}(?![\d.,])(?!\s?(?:ngày|tháng|days|months))", re.I
)
_MINUTES = 24 * 60

log = structlog.get_logger(__name__)

Span = tuple[int, int]
"""Minutes of the day from which and until which it is open."""


def stated_hours(answer: str) -> Span | None:
    """Return the daily opening hours that a text states, or ``None`` unless there is exactly one span for every day."""
    said = f" {' '.join(words(answer))} "
    if not any(f" {phrase} " in said for phrase in service_words().daily):
        return None
    spans = [span for found in _SPAN.finditer(answer) if (span := _span(found)) is not None]
    return spans[0] if len(spans) == 1 else None


def within(span: Span, minute: int) -> bool:
    """Tell whether a minute of the day lies in a span."""
    return span[0] <= minute < span[1]


def configured_hours(setting: str) -> Span | None:
    """Return the span of a setting such as ``08:30-21:00``, or ``None`` for an empty one: at all hours."""
    if not setting:
        return None
    opens, closes = (int(time[:2]) * 60 + int(time[3:]) for time in setting.split("-"))
    return opens, closes


def minute_of_day(now: float, timezone: str) -> int | None:
    """Return the minute of the day in a time zone, or ``None`` on a machine without the zone's data."""
    try:
        local = datetime.fromtimestamp(now, ZoneInfo(timezone))
    except ZoneInfoNotFoundError:
        log.warning("time_zone_unknown", timezone=timezone)
        return None
    return local.hour * 60 + local.minute


def _span(found: re.Match[str]) -> Span | None:
    first, first_minutes, first_half, last, last_minutes, last_half = found.groups()
    if not (first_minutes or last_minutes or first_half or last_half or re.search(r"h|g", found[0], re.I)):
        return None
    opens = _minute(first, first_minutes, first_half)
    closes = _minute(last, last_minutes, last_half)
    return (opens, closes) if 0 <= opens < closes <= _MINUTES else None


def _minute(hour: str, minutes: str | None, half: str | None) -> int:
    hours = int(hour) % 12 + (12 if half.lower() == "pm" else 0) if half else int(hour)
    return hours * 60 + int(minutes or 0)
