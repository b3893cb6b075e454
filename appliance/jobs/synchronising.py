"""Jobs that keep the shop in step with Medusa, and when they start by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from appliance.errors import InvalidInput
from appliance.jobs.kinds import JobContext, JobKind
from appliance.jobs.schedule import Periodic
from appliance.medusa.reading_pass import Mode
from appliance.medusa.service import MedusaService
from appliance.settings import Settings

FOLLOW, SYNC = "follow", "sync"
"""Events are followed beside a pass that may take minutes."""


def medusa_kinds(medusa: MedusaService) -> tuple[JobKind, ...]:
    """Return the kinds of jobs that read Medusa.

    While Medusa is away they end well and say so: the next one goes on, and nobody has to look at failed jobs.
    """

    def sync(context: JobContext) -> Mapping[str, Any]:
        mode = context.args.get("mode", "now")
        if mode not in get_args(Mode):
            raise InvalidInput(f"There is no way to synchronise called {mode!r}.")
        return medusa.pull(mode, context.report, context.cancelled.is_set)

    def follow(context: JobContext) -> Mapping[str, Any]:
        return medusa.pull("events", context.report, context.cancelled.is_set)

    return (
        JobKind(name=FOLLOW, handler=follow, priority=90),
        JobKind(name=SYNC, handler=sync, priority=70),
    )


def medusa_entries(settings: Settings) -> tuple[Periodic, ...]:
    """Return when Medusa is read: quick looks often, sweeps now and then, everything in the quiet of the night."""
    medusa = settings.medusa
    rhythms = (
        ("medusa_changes", "changes", medusa.sync_seconds, 70),
        ("medusa_stock", "stock", medusa.stock_minutes * 60, 65),
        ("medusa_sweep", "sweep", medusa.sweep_minutes * 60, 60),
    )
    entries = [
        Periodic(name=name, kind=SYNC, period=period, args={"mode": mode}, priority=priority)
        for name, mode, period, priority in rhythms
        if period > 0
    ]
    if medusa.reconcile_at:
        nightly = Periodic(name="medusa_full", kind=SYNC, cron=medusa.reconcile_at, args={"mode": "full"}, priority=30)
        entries.append(nightly)
    return tuple(entries)
