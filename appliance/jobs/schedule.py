"""Jobs that the process submits by itself, once a period."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog

from appliance.crontab import Crontab
from appliance.errors import InvalidInput, InvalidSetting
from appliance.settings import Settings
from appliance.store.jobs import Job, NewJob
from appliance.store.periodic import LastTime, PeriodicRepository

_QUIET_HOUR = 3
"""Local hour at which daily work begins."""

log = structlog.get_logger(__name__)


class Periodic(msgspec.Struct, frozen=True, kw_only=True):
    """One periodic submission. A job that still waits or runs when the next period begins is not doubled.

    Give either ``cron`` or ``period``. Raises ``InvalidSetting`` that names the entry and what is wrong.
    """

    name: str
    """Unique; what was last done is remembered under it."""
    kind: str
    cron: str = ""
    """A crontab line in the shop's time zone, as ``30 3 * * *``."""
    period: float = 0.0
    """Seconds."""
    offset: float = 0.0
    """Seconds after a multiple of the period since 1970, UTC."""
    args: dict[str, Any] = {}
    priority: int | None = None
    """Instead of the kind's own."""
    enabled: bool = True

    def __post_init__(self) -> None:
        if bool(self.cron) == (self.period > 0):
            raise InvalidSetting(f"The schedule {self.name!r} needs a crontab line or a period in seconds, not both.")
        if self.cron:
            try:
                Crontab(self.cron)
            except ValueError as error:
                raise InvalidSetting(f"The schedule {self.name!r} cannot be kept: {error}.") from None


class ScheduleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A periodic submission as people see it. Times are Unix seconds."""

    periodic: Periodic
    last_run: float | None
    """When its job was last submitted; ``None`` before the first time."""
    next_due: float | None
    """``None`` while it is switched off."""


class Schedule:
    """Submits what is due: once a period, one catch-up after downtime, never twice, whatever the clock does.

    ``new_job`` makes a job of a kind, arguments and a priority. Raises ``InvalidSetting`` for entries that share a name
    or have a kind that it does not know.
    """

    def __init__(
        self,
        entries: Sequence[Periodic],
        rows: PeriodicRepository,
        new_job: Callable[[str, Mapping[str, Any], int | None], NewJob],
        now: Callable[[], float],
        timezone: str = "UTC",
    ) -> None:
        names = [entry.name for entry in entries]
        if len(names) != len(set(names)):
            raise InvalidSetting(f"Two schedules have the same name: {', '.join(sorted(names))}.")
        for entry in entries:
            try:
                new_job(entry.kind, entry.args, entry.priority)
            except InvalidInput as error:
                raise InvalidSetting(f"The schedule {entry.name!r} is of no use: {error.message}") from None
        self._rhythms = [_Rhythm(entry, ZoneInfo(timezone)) for entry in entries]
        self._rows = rows
        self._new_job = new_job
        self._now = now
        self._known: dict[str, float | None] = {}
        """The due moment that the store was last asked about, by entry; nothing changes before another one."""

    def tick(self) -> list[Job]:
        """Submit the entries whose period has begun since they were last submitted, and return their jobs."""
        now, jobs = self._now(), []
        for rhythm in self._rhythms:
            entry = rhythm.entry
            due, upcoming = rhythm.around(now) if entry.enabled else (None, None)
            if self._known.get(entry.name, -1.0) == due:
                continue
            if due is None or upcoming is None:
                self._rows.forget(entry.name)
            else:
                wanted = self._new_job(entry.kind, entry.args, entry.priority)
                job = self._rows.submit_due(entry.name, due, upcoming, wanted)
                if job is not None:
                    log.info("job_due", name=entry.name, kind=entry.kind, job=job.id)
                    jobs.append(job)
            self._known[entry.name] = due
        return jobs

    def entries(self) -> list[ScheduleEntry]:
        """Return every entry with its last and its next time."""
        now, last_times = self._now(), self._rows.last_times()
        never = LastTime(0.0, None)
        return [
            ScheduleEntry(
                periodic=rhythm.entry,
                last_run=last_times.get(rhythm.entry.name, never).submitted,
                next_due=rhythm.around(now)[1] if rhythm.entry.enabled else None,
            )
            for rhythm in self._rhythms
        ]


class _Rhythm:
    """When an entry is due; remembers the moments around now."""

    def __init__(self, entry: Periodic, zone: ZoneInfo) -> None:
        self.entry = entry
        self._zone = zone
        self._crontab = Crontab(entry.cron) if entry.cron else None
        self._around = (0.0, 0.0)

    def around(self, now: float) -> tuple[float, float]:
        """Return the last due moment up to now, and the next; Unix seconds."""
        due, upcoming = self._around
        if not due <= now < upcoming:
            self._around = self._looked_up(now)
        return self._around

    def _looked_up(self, now: float) -> tuple[float, float]:
        if self._crontab is not None:
            return self._crontab.last(now, self._zone), self._crontab.next(now, self._zone)
        period, offset = self.entry.period, self.entry.offset
        due = (now - offset) // period * period + offset
        return due, due + period


def training_entries(settings: Settings) -> tuple[Periodic, ...]:
    """Return the periodic training that the settings ask for, counted from three in the morning in the shop's zone."""
    hours = settings.recommender.retrain_hours
    if hours <= 0:
        return ()
    if hours >= 1 and hours == int(hours) and 24 % hours == 0:
        times = ",".join(str(hour) for hour in sorted((_QUIET_HOUR + step) % 24 for step in range(0, 24, int(hours))))
        return (Periodic(name="train", kind="train", cron=f"0 {times} * * *"),)
    # A rhythm that no day holds a whole number of; where it begins does not matter.
    return (Periodic(name="train", kind="train", period=hours * 3600),)
