"""Taking events in: judged one by one, made durable together, shown to listeners, then acknowledged."""

from __future__ import annotations

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
    ) -> None:
        self._journal = journal
        self._privacy = privacy
        self._judge = Judge(catalogue, privacy, settings.weights, settings.ingest).judge
        self._metrics = metrics
        self._now = now
        self._listeners: list[Listener] = []
        self._link_listeners: list[Callable[[str, str], None]] = []
        # Two generations: dropping the older one whole costs nothing, where a queue would cost each event.
        self._acknowledged: set[str] = set()
        self._acknowledged_before: set[str] = set()

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
        self, raw_events: Sequence[msgspec.Raw], *, user_allowed: bool, default_type: str | None = None
    ) -> IngestResult:
        """Keep what is good and return once it is durable.

        Without ``user_allowed`` an event that names a user is rejected. Raises ``Busy``, ``DiskFull`` or
        ``StoreError``; none of the events was kept then.
        """
        now = self._now()
        kept: list[Interaction] = []
        rejected: list[Rejection] = []
        for index, event in enumerate(decode_events(raw_events)):
            verdict = (
                event
                if isinstance(event, Refusal)
                else self._judge(event, now, default_type, user_allowed=user_allowed)
            )
            if isinstance(verdict, Refusal):
                rejected.append(Rejection(index, verdict.code, verdict.message))
                self._metrics.events_rejected.labels(code=verdict.code).inc()
            else:
                kept.append(verdict)
        fresh = [interaction for interaction in kept if not self._was_acknowledged(interaction.event_id)]
        if fresh:
            try:
                await self._journal.append(fresh)
            except ApplianceError as error:
                self._metrics.events_rejected.labels(code=error.code).inc(len(fresh))
                raise
            self._remember(fresh)
            self._tell(fresh)
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
