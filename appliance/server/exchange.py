"""One request and its answer as the outermost layer sees them."""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from typing import TYPE_CHECKING, Any

from litestar.types import Receive, Scope, Send

from appliance.server import compression
from appliance.server.problems import RequestTimeout

if TYPE_CHECKING:
    from appliance.runtime import Runtime
    from appliance.server.auth import Caller
    from appliance.server.forwarded import TrustedProxies
    from appliance.server.ratelimit import RateLimiter
    from appliance.server.shelves import Shelves

Header = tuple[bytes, bytes]

# Reading the system's entropy gives up the interpreter lock, which costs 50 µs beside a busy thread; ids are no secret.
_ids = random.Random(os.urandom(32))
_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"x-frame-options", b"DENY"),
)
_PAGE_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'self'; img-src 'self' data: https:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
    b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
)
_VARY_ENCODING: Header = (b"vary", b"Accept-Encoding")


class Exchange:
    """Stands between the server and the application: sees every message, adds headers, keeps the deadline."""

    __slots__ = (
        "_deadline",
        "_receive",
        "_received",
        "_send",
        "_start",
        "allow",
        "began",
        "caller",
        "client",
        "cors",
        "head",
        "headers",
        "limiter",
        "proxied",
        "request_id",
        "runtime",
        "scope",
        "shelves",
        "status",
    )

    def __init__(
        self,
        runtime: Runtime,
        shelves: Shelves,
        allow: dict[str, frozenset[str]],
        limiter: RateLimiter,
        proxies: TrustedProxies,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self.runtime = runtime
        self.shelves = shelves
        self.allow = allow
        """The methods of every route template."""
        self.scope: Any = {**scope, "appliance": self}
        """The scope that the application gets; it adds the route's template to it."""
        self.began = time.perf_counter()
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        """By lower-case name; of a repeated header the last."""
        self.head = scope.get("method") == "HEAD"
        self.status = 0
        self.limiter = limiter
        peer: str = (scope.get("client") or ("", 0))[0]
        self.proxied = bool(proxies) and proxies.trusts(peer)
        """Whether a trusted proxy passed the request on."""
        self.client = proxies.client(peer, scope["headers"]) if self.proxied else peer
        """The address that the request is attributed to."""
        self.caller: Caller | None = None
        self.cors: list[Header] = []
        offered = self.headers.get(b"x-request-id")
        sane = offered is not None and _SANE_ID.fullmatch(offered) is not None
        self.request_id = offered.decode("ascii") if sane and offered is not None else new_id()
        self._receive = receive
        self._send = send
        self._start: Any = None
        self._received = False
        self._deadline = 0.0

    async def receive(self) -> Any:
        """Pass a message of the client on; raises ``RequestTimeout`` when the body takes too long."""
        if self._received:
            return await self._receive()
        if not self._deadline:
            self._deadline = asyncio.get_running_loop().time() + self.runtime.settings.server.body_timeout
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise RequestTimeout(
                "The body did not arrive in time.", hint="Send it at once, or in smaller requests."
            ) from None
        self._received = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def send(self, message: Any) -> None:
        """Pass a message of the application on, the start of an answer together with its first body."""
        kind = message["type"]
        if kind == "http.response.start":
            self._start = message
            return
        if kind != "http.response.body":
            await self._send(message)
            return
        start, self._start = self._start, None
        if start is not None:
            self.status = start["status"]
            start["headers"] = self._complete(start["headers"], message)
            await self._send(start)
        if self.head:
            message["body"] = b""
        await self._send(message)

    def _complete(self, given: Any, message: Any) -> list[Header]:
        headers: list[Header] = list(given)
        if self.status in (204, 405):
            methods = self.allow.get(self.scope.get("path_template", "")) if self.status == 204 else None
            headers = [_allow(header, methods) for header in headers]
        content_type = next((value for name, value in headers if name == b"content-type"), b"")
        if content_type.startswith(b"text/html"):
            headers.append(_PAGE_POLICY)
        if len(message.get("body", b"")) >= compression.MINIMUM_BYTES and not message.get("more_body"):
            self._compress(headers, content_type, message)
        headers.append((b"x-request-id", self.request_id.encode("ascii")))
        headers.extend(_SECURITY)
        headers.extend(self.cors)
        return headers

    def _compress(self, headers: list[Header], content_type: bytes, message: Any) -> None:
        if not compression.is_compressible(content_type) or any(name == b"content-encoding" for name, _ in headers):
            return
        headers.append(_VARY_ENCODING)
        encoding = compression.negotiate(self.headers.get(b"accept-encoding", b""))
        if encoding is None:
            return
        message["body"] = compression.compress(message["body"], encoding)
        headers[:] = [header for header in headers if header[0] != b"content-length"]
        headers.append((b"content-length", str(len(message["body"])).encode("ascii")))
        headers.append((b"content-encoding", encoding.encode("ascii")))


def _allow(header: Header, methods: frozenset[str] | None) -> Header:
    """Complete an Allow header: HEAD is answered wherever GET is, and Litestar names only one handler's methods."""
    name, value = header
    if name.lower() != b"allow":
        return header
    known = set(methods or value.decode("ascii").replace(" ", "").split(","))
    return name, ", ".join(sorted(known | ({"HEAD"} if "GET" in known else set()))).encode("ascii")


def new_id() -> str:
    """Return a fresh id of 64 random bits in hexadecimal: unique, not unguessable."""
    return f"{_ids.getrandbits(64):016x}"


def exchange_of(connection: Any) -> Exchange:
    """Return the exchange of a Litestar connection."""
    exchange: Exchange = connection.scope["appliance"]
    return exchange


def runtime_of(connection: Any) -> Runtime:
    """Return the process's runtime from a Litestar connection."""
    return exchange_of(connection).runtime
