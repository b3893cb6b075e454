"""What waits for a commit, and how those who wait are told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from appliance.errors import ApplianceError

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Ticket:
    """Records of one caller. Exactly one of ``future`` (with its ``loop``), ``done`` or neither is set."""

    kind: str
    records: Sequence[object]
    loop: asyncio.AbstractEventLoop | None = None
    future: asyncio.Future[None] | None = None
    done: threading.Event | None = None
    error: ApplianceError | None = None


@dataclass(slots=True)
class Group:
    """What one transaction writes and forgets."""

    tickets: list[Ticket]
    records: int
    purge_to: int


def resolve(tickets: Sequence[Ticket], error: ApplianceError | None) -> None:
    """Tell everybody who waits: one callback for each event loop, not one for each future."""
    waiting: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for ticket in tickets:
        if ticket.future is not None and ticket.loop is not None:
            waiting.setdefault(ticket.loop, []).append(ticket.future)
        elif ticket.done is not None:
            ticket.error = error
            ticket.done.set()
    for loop, futures in waiting.items():
        try:
            loop.call_soon_threadsafe(_settle, futures, error)
        except RuntimeError:
            # The loop ended while its callers waited; what they sent is durable, or refused, all the same.
            log.info("acknowledgement_without_listener", futures=len(futures))


def _settle(futures: list[asyncio.Future[None]], error: ApplianceError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
