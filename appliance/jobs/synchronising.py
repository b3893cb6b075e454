"""Jobs that keep the shop in step with Medusa, when they start by themselves, and what starts them besides."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec
import structlog

from appliance.errors import ApplianceError, InvalidInput
from appliance.jobs.kinds import JobContext, JobKind
from appliance.jobs.queue import JobQueue
from appliance.jobs.schedule import Periodic
from appliance.medusa.connectivity import Connectivity
from appliance.medusa.reading_pass import Mode
from appliance.medusa.service import MedusaService
from appliance.settings import Settings

FOLLOW, PUSH, SYNC, COPY, WRITE_BACK = "follow", "push", "sync", "copy", "write_back"
"""Events are followed, edits sent and changes looked for beside a full comparison, which may take long."""
TRAIN = "train"
WORKERS = 6
"""One for each of these and one for a heavy job, so that none waits for another."""
_WHOLE = ("now", "full")
"""Passes that make up for missed ones."""
_ASK_AGAIN_SECONDS = 60.0

log = structlog.get_logger(__name__)


class Synchroniser:
    """Starts what keeps both in step. While Medusa is away jobs end well and say so: the next one goes on."""

    def __init__(self, medusa: MedusaService, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._medusa = medusa
        self._settings = settings
        self._now = now
        self._queue: JobQueue | None = None
        self._asked_at = float("-inf")

    def kinds(self) -> tuple[JobKind, ...]:
        """Return the kinds of jobs that speak to Medusa."""
        return (
            JobKind(name=FOLLOW, handler=self._follow, priority=90),
            JobKind(name=PUSH, handler=self._push, priority=80),
            JobKind(name=SYNC, handler=self._sync, priority=70),
            JobKind(name=COPY, handler=self._copy, priority=30),
            JobKind(name=WRITE_BACK, handler=self._write_back, priority=10),
        )

    def entries(self) -> tuple[Periodic, ...]:
        """Return when Medusa is read: quick looks often, sweeps now and then, everything in the quiet of the night."""
        medusa = self._settings.medusa
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
            entries.append(Periodic(name="medusa_full", kind=COPY, cron=medusa.reconcile_at))
        return tuple(entries)

    def start(self, queue: JobQueue) -> None:
        """Look at Medusa at once, not at the next full minute: a new box has nothing to show until its first copy."""
        self._queue = queue
        self._medusa.edits.on_change = self.push
        self._medusa.client.on_change(self._tell)
        queue.submit(SYNC, {"mode": "changes"})

    def follow(self) -> None:
        """Have the events that Medusa sent followed."""
        self._submit(FOLLOW)

    def push(self) -> None:
        """Have the owner's edits sent."""
        self._submit(PUSH)

    def trained(self) -> None:
        """Have what a new model recommends written to Medusa, where the owner wants that."""
        if self._settings.medusa.write_recommendations:
            self._submit(WRITE_BACK)

    def look_after(self) -> None:
        """Take up what an outage left: a missed pass, edits whose time has come, events that could not be followed."""
        queue = self._queue
        if queue is None:
            return
        # A quick look that waits or runs is no reason to put it off: in a slow shop there always is one.
        catching_up = queue.active(COPY) or any(job.args.get("mode") in _WHOLE for job in queue.active(SYNC))
        if self._medusa.owes_pass and not catching_up:
            queue.submit(SYNC, {"mode": "now"})
        if self._medusa.push_is_due() and not queue.active(PUSH):
            queue.submit(PUSH)
        may_ask = self._medusa.client.state.state == "online" or self._now() - self._asked_at >= _ASK_AGAIN_SECONDS
        # Before the first copy there is nothing that an event could be about.
        may_ask = may_ask and self._medusa.is_copied()
        if may_ask and self._medusa.events_wait() and not queue.active(FOLLOW):
            self._asked_at = self._now()
            queue.submit(FOLLOW)

    def _submit(self, kind: str) -> None:
        if self._queue is not None:
            self._queue.submit(kind)

    def _tell(self, connection: Connectivity) -> None:
        if connection.state != "online":
            return
        try:
            self.push()
        except ApplianceError as error:
            # Told in the middle of a call that went well, which must not fail for that; ``look_after`` submits again.
            log.warning("push_not_submitted", error=error.message)

    def _sync(self, context: JobContext) -> Mapping[str, Any]:
        mode = context.args.get("mode", "now")
        if mode not in get_args(Mode):
            raise InvalidInput(f"There is no way to synchronise called {mode!r}.")
        return self._pass(mode, context)

    def _copy(self, context: JobContext) -> Mapping[str, Any]:
        return self._pass("full", context)

    def _pass(self, mode: Mode, context: JobContext) -> Mapping[str, Any]:
        is_first = not self._medusa.is_copied()
        report = self._medusa.pull(mode, context.report, context.cancelled.is_set)
        if is_first and self._medusa.is_copied() and self._settings.recommender.retrain_hours:
            self._submit(TRAIN)
        return report

    def _follow(self, context: JobContext) -> Mapping[str, Any]:
        return self._medusa.pull("events", context.report, context.cancelled.is_set)

    def _push(self, context: JobContext) -> Mapping[str, Any]:
        return self._medusa.push(context.report, context.cancelled.is_set)

    def _write_back(self, context: JobContext) -> Mapping[str, Any]:
        report: Mapping[str, Any] = msgspec.to_builtins(
            self._medusa.write_recommendations(context.report, context.cancelled.is_set)
        )
        return report
