"""What the routes about Medusa take and give."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from appliance.server.schemas import In, Out


class HookIn(msgspec.Struct, frozen=True, kw_only=True):
    """An event of Medusa, as its subscriber sends it."""

    event: str
    """Its name, for example ``product.updated``."""
    data: Any
    """What it names: ``{"id": "prod_…"}``."""
    sent_at: str
    """When it was sent, RFC 3339; five minutes may lie between that and its arrival."""


class HookOut(Out, frozen=True, kw_only=True):
    """Whether an event will be followed; others are none of ours."""

    followed: bool


class SyncIn(In, frozen=True, kw_only=True):
    """How to synchronise."""

    mode: Literal["now", "full", "changes", "stock", "sweep", "events"] = "now"
    """``now``: what changed, stock, prices and categories; ``full``: copy or compare everything."""


class ConnectionOut(Out, frozen=True, kw_only=True):
    """The connection to Medusa."""

    state: Literal["off", "unknown", "online", "offline", "denied", "unsupported"]
    reason: str = ""
    message: str = ""
    """The state in the owner's words."""
    since: str | None = None
    last_ok_at: str | None = None
    last_error: str = ""


class PassOut(Out, frozen=True, kw_only=True):
    """The last pass of a mode."""

    mode: str
    at: str
    seconds: float
    requests: int
    read: dict[str, int]
    changed: dict[str, int]
    deleted: dict[str, int]
    refused: list[str]
    renumbered: int
    purchases: int


class SyncOut(Out, frozen=True, kw_only=True):
    """How far the shop is in step with its Medusa."""

    url: str
    connection: ConnectionOut
    copied_at: str | None = None
    copying: bool = False
    last: tuple[PassOut, ...] = ()
    mirrored: dict[str, int]
    outbox: dict[str, int]
    events_waiting: int = 0
    skew_seconds: float | None = None


class ConnectionTestOut(Out, frozen=True, kw_only=True):
    """What a test of the connection found."""

    ok: bool
    shop: str = ""
    """The name of the shop in Medusa."""
    currencies: tuple[str, ...] = ()
    region: str = ""
    """The region whose prices are shown."""
    code: str = ""
    """What is wrong."""
    message: str = ""
    """What is wrong, in the owner's words."""
    hint: str = ""
    detail: str = ""
    """What was observed, for the technician."""
    took_ms: float
