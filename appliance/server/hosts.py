"""Which names this box answers to, and which storefronts a browser may call it from."""

from __future__ import annotations

import ipaddress
import re
import socket

from appliance.settings import Settings

_HOST = re.compile(rb"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$(?!\n)")
_ACCEPTED_KEPT = 1024


class AllowedHosts:
    """Guards against DNS rebinding: a web page's own name that was pointed at this box is refused.

    Loopback, the address that the connection came in at, this machine's name, and the configured names pass.
    """

    def __init__(self, settings: Settings) -> None:
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own.partition('.')[0]}.local"}
        self._names.update(name.lower() for name in settings.server.allowed_hosts)
        self._accepted: set[tuple[bytes, str]] = set()

    def allows(self, header: bytes | None, local_address: str) -> bool:
        """Return whether a Host header is one of ours. ``local_address`` is the address that was connected to."""
        if header is None:
            return False
        known = (header, local_address)
        if known in self._accepted:
            return True
        if not self._judge(header, local_address):
            return False
        if len(self._accepted) >= _ACCEPTED_KEPT:
            self._accepted.clear()
        self._accepted.add(known)
        return True

    def _judge(self, header: bytes, local_address: str) -> bool:
        match = _HOST.match(header)
        if match is None:
            return False
        name = match[1].decode("ascii").lower().strip("[]").rstrip(".")
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name.endswith(".localhost")
        return address.is_loopback or str(address) == local_address


class Origins:
    """CORS for the configured origins, compared exactly. Nothing of the admin API is open to another origin."""

    _PREFLIGHT = (
        (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE, OPTIONS"),
        (
            b"access-control-allow-headers",
            b"Authorization, Content-Type, X-Customer-Token, X-Publishable-Key, X-Request-Id",
        ),
        (b"access-control-max-age", b"600"),
    )
    _EXPOSED = (b"access-control-expose-headers", b"ETag, Retry-After, X-Request-Id")
    _VARY = (b"vary", b"Origin")

    def __init__(self, settings: Settings) -> None:
        self._origins = frozenset(origin.rstrip("/").encode() for origin in settings.server.origins)

    def headers(self, origin: bytes | None, path: str, *, preflight: bool) -> list[tuple[bytes, bytes]]:
        """Return what to add to an answer; ``Vary`` also without an origin: a cache may hand the answer on."""
        if not self._origins or path.startswith("/v1/admin"):
            return []
        if origin not in self._origins or origin is None:
            return [self._VARY]
        granted = [(b"access-control-allow-origin", origin), self._VARY]
        return [*granted, *self._PREFLIGHT] if preflight else [*granted, self._EXPOSED]
