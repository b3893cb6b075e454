"""Whether Medusa can be used, why not and since when: one record that readiness, console and jobs read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

import msgspec

State = Literal["unknown", "online", "offline", "denied", "unsupported"]


class Connectivity(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the connection. Times are Unix seconds of the appliance's clock."""

    state: State = "unknown"
    """``denied``: it refuses the key; ``unsupported``: it is not Medusa 2, or its answers are not what they were."""
    reason: str = ""
    """A code, as in ``faults.Reason``; empty when online."""
    since: float = 0.0
    """When this state with this reason began."""
    last_ok: float | None = None
    """When Medusa last gave a good answer."""
    last_error: str = ""
    """What was observed last, for the technician; kept when it is online again."""


class ConnectivityWatch:
    """Keeps the present ``Connectivity`` and tells who wants to know of changes. Safe to use from any thread."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._present = Connectivity(since=now())
        self._listeners: list[Callable[[Connectivity], None]] = []

    @property
    def present(self) -> Connectivity:
        """The state as it is now."""
        with self._lock:
            return self._present

    def subscribe(self, listener: Callable[[Connectivity], None]) -> None:
        """Call ``listener`` in the thread that finds a new state or reason; it must be quick and must not raise."""
        with self._lock:
            self._listeners.append(listener)

    def online(self) -> None:
        """Note a good answer."""
        now = self._now()
        self._become(lambda old: msgspec.structs.replace(old, state="online", reason="", last_ok=now), now)

    def lost(self, state: State, reason: str, error: str) -> None:
        """Note that Medusa cannot be used."""
        self._become(
            lambda old: msgspec.structs.replace(old, state=state, reason=reason, last_error=error), self._now()
        )

    def _become(self, change: Callable[[Connectivity], Connectivity], now: float) -> None:
        with self._lock:
            old = self._present
            new = change(old)
            changed = (new.state, new.reason) != (old.state, old.reason)
            self._present = new = msgspec.structs.replace(new, since=now) if changed else new
            listeners = tuple(self._listeners) if changed else ()
        for listener in listeners:
            listener(new)
