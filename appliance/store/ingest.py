"""Taking events in: judged one by one, made durable together, shown to listeners, then acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import msgspec
import structlog

from appliance.domain import Interaction
from appliance.errors import ApplianceError, InvalidInput
from appliance.metrics import Metrics
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.event_in import EventIn, Judge, Refusal, Rejection, decode_events, names_user
from appliance.store.journal import Journal
from appliance.store.privacy import PrivacyRepository

__all__ = ["EventIn", "Ingest", "IngestResult", "Rejection"]

log = structlog.get_logger(__name__)

_REMEMBERED = 50_000
"""Ids of acknowledged events kept in memory, so that a client's retry reaches neither disk nor listeners."""

Listener = Callable[[Sequence[Interaction]], None]


class IngestResult(msgspec.Struct, frozen=True):
    """What became of a batch. Repeated events count as accepted: they are kept."""

    accepted: int
    rejected: list[Rejection]


class Ingest:
    """The way in for events of shoppers; for one event loop."""

    def __init__(
        self,
        journal: Journal,
        catalogue: Catalogue,
        privacy: PrivacyRepository,
        settings: Settings,
        metrics: Metrics,
        now: Callable[[], float] = time.time,
        recognise: Callable[[Interaction], Interaction] = lambda event: event,
    ) -> None:
        """``recognise`` gives an event the id under which what it tells of was counted already."""
        self._journal = journal
        self._privacy = privacy
        self._judge = Judge(catalogue, privacy, settings.weights, settings.ingest).judge
        self._metrics = metrics
        self._now = now
        self._recognise = recognise
        self._listeners: list[Listener] = []
        self._link_listeners: list[Callable[[str, str], None]] = []
        # Two generations: dropping the older one whole costs nothing, where a queue would cost each event.
        self._acknowledged: set[str] = set()
        self._acknowledged_before: set[str] = set()
        self._in_flight: dict[str, asyncio.Future[None]] = {}
        """Ids on their way to the disk, with what ends when they are there or refused."""

    def subscribe(self, listener: Listener) -> None:
        """Have a function called on the event loop with new durable events, before they are acknowledged."""
        self._listeners.append(listener)

    def subscribe_links(self, listener: Callable[[str, str], None]) -> None:
        """Have a function called on the event loop with (session, user) once a link is durable."""
        self._link_listeners.append(listener)

    def names_user(self, raw_events: Sequence[msgspec.Raw]) -> bool:
        """Tell whether any event names a user; an event that cannot be read names none, and will be rejected."""
        return names_user(raw_events)

    async def submit(
        self,
        raw_events: Sequence[msgspec.Raw],
        *,
        user_allowed: bool,
        own_user: str = "",
        default_type: str | None = None,
    ) -> IngestResult:
        """Keep what is good and return once it is durable.

        ``own_user`` is the signed-in shopper, whose are the events that name no user. Without ``user_allowed`` an
        event that names another user is rejected. Raises ``Busy``, ``DiskFull`` or ``StoreError``; none of the events
        was kept then.
        """
        now = self._now()
        kept: list[Interaction] = []
        rejected: list[Rejection] = []
        for index, event in enumerate(decode_events(raw_events)):
            verdict = (
                event
                if isinstance(event, Refusal)
                else self._judge(event, now, default_type, user_allowed=user_allowed, own_user=own_user)
            )
            if isinstance(verdict, Refusal):
                rejected.append(Rejection(index, verdict.code, verdict.message))
                self._metrics.events_rejected.labels(code=verdict.code).inc()
            else:
                kept.append(self._recognise(verdict))
        await self._keep(kept)
        self._metrics.events_accepted.inc(len(kept))
        return IngestResult(len(kept), rejected)

    async def identify(self, session_id: str, user_id: str) -> None:
        """Link a session to a user, durably and in order with the events around it.

        One who opted out is not linked. Raises ``InvalidInput`` for an empty id, and as ``submit`` does.
        """
        if not session_id or not user_id:
            raise InvalidInput("A session and a user are needed.", fields=(("user_id", "is missing"),))
        if self._privacy.is_opted_out(session_id, user_id):
            return
        await self._journal.identify(session_id, user_id)
        for listener in self._link_listeners:
            try:
                listener(session_id, user_id)
            except Exception as error:
                log.error("link_listener_failed", exc_info=error)

    async def _keep(self, interactions: Sequence[Interaction]) -> None:
        """Make durable, and tell the listeners of, each event id that is neither kept yet nor on its way."""
        fresh = self._fresh(interactions)
        while repeated := fresh.keys() & self._in_flight.keys():
            # Acknowledged means durable, for the repeat too; should the first sender fail, this one tries.
            await asyncio.wait({self._in_flight[event_id] for event_id in repeated})
            fresh = self._fresh(interactions)
        if not fresh:
            return
        landed = asyncio.get_running_loop().create_future()
        self._in_flight.update(dict.fromkeys(fresh, landed))
        records = list(fresh.values())
        try:
            await self._journal.append(records)
            self._remember(records)
        except ApplianceError as error:
            self._metrics.events_rejected.labels(code=error.code).inc(len(records))
            raise
        finally:
            for event_id in fresh:
                del self._in_flight[event_id]
            landed.set_result(None)
        self._tell(records)

    def _fresh(self, interactions: Sequence[Interaction]) -> dict[str, Interaction]:
        """Return by id, the first of each, the events that were not acknowledged yet."""
        fresh: dict[str, Interaction] = {}
        for interaction in interactions:
            if not self._was_acknowledged(interaction.event_id):
                fresh.setdefault(interaction.event_id, interaction)
        return fresh

    def _remember(self, interactions: Sequence[Interaction]) -> None:
        self._acknowledged.update(interaction.event_id for interaction in interactions)
        if len(self._acknowledged) >= _REMEMBERED:
            self._acknowledged_before = self._acknowledged
            self._acknowledged = set()

    def _was_acknowledged(self, event_id: str) -> bool:
        return event_id in self._acknowledged or event_id in self._acknowledged_before

    def _tell(self, interactions: Sequence[Interaction]) -> None:
        for listener in self._listeners:
            try:
                listener(interactions)
            except Exception as error:
                # The events are durable: a failing listener must not make the client send them again.
                log.error("event_listener_failed", exc_info=error)
