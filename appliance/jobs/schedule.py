"""Jobs that the process submits by itself, once a period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog

from appliance.settings import Settings
from appliance.store.jobs import Job, JobRepository

_QUIET_HOUR = 3
"""Local hour at which daily work begins."""

log = structlog.get_logger(__name__)


class Periodic(msgspec.Struct, frozen=True, kw_only=True):
    """One periodic submission. A job that still waits or runs when the next period begins is not doubled."""

    name: str
    kind: str
    period: float
    """Seconds."""
    offset: float = 0.0
    """Seconds after a multiple of the period since 1970, UTC."""
    args: dict[str, Any] = {}


class Schedule:
    """Submits what is due: once a period, one catch-up after downtime, never twice, whatever the clock does."""

    def __init__(self, entries: Sequence[Periodic], rows: JobRepository) -> None:
        self._entries = tuple(entries)
        self._rows = rows

    def tick(self) -> list[Job]:
        """Submit the entries whose period has begun since they were last submitted, and return their jobs."""
        due = []
        for entry in self._entries:
            job = self._rows.submit_due(entry.name, entry.period, entry.offset, entry.kind, entry.args)
            if job is not None:
                log.info("job_due", name=entry.name, kind=entry.kind, job=job.id)
                due.append(job)
        return due


def training_entries(settings: Settings) -> tuple[Periodic, ...]:
    """Return the periodic training that the settings ask for, counted from three in the morning in the shop's zone."""
    period = settings.recommender.retrain_hours * 3600
    if period <= 0:
        return ()
    offset = (_QUIET_HOUR * 3600 - _utc_offset(settings.shop.timezone)) % period
    return (Periodic(name="train", kind="train", period=period, offset=offset),)


def _utc_offset(timezone: str) -> float:
    offset = datetime.now(ZoneInfo(timezone)).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0
