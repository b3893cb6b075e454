"""HTTP/1.1 with limits that uvicorn's httptools protocol lacks: size and number of headers, and deadlines.

A connection that dribbles its header, never ends its body, or never reads its answer is closed. The deadlines are a
number per connection that one tick of the server compares, so that a request costs no timer.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from appliance.errors import ApplianceError, Busy, InvalidInput
from appliance.server.problems import MEDIA_TYPE, HeadersTooLarge, RequestTimeout, answer_for

MAX_HEADERS = 100
_LINGER_SECONDS = 10.0
_BODY_GRACE_SECONDS = 5.0
"""The application's own body deadline comes first: it can still answer with a problem."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one connection may take. Times in seconds, sizes in bytes."""

    header_bytes: int = 32 * 1024
    headers: int = MAX_HEADERS
    header_timeout: float = 10.0
    body_timeout: float = 20.0
    connections: int = 512


class GuardedProtocol(HttpToolsProtocol):
    """One connection; ``limits`` is set by a subclass made for a server."""

    limits: ClassVar[Limits] = Limits()

    _deadline = 0.0
    _in_head = False
    _refused = False
    _pending_bytes = 0
    _head_bytes = 0
    _head_count = 0
    _hosts = 0
    _closing_since = 0.0
    _stalled_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock; a flood beyond twice the limit is not even answered."""
        super().connection_made(transport)
        self._deadline = self.loop.time() + self.limits.header_timeout
        if len(self.connections) > 2 * self.limits.connections:
            self._refused = True
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse a header that has no end."""
        if self._refused:
            return
        was_in_head = self._in_head
        super().data_received(data)
        if self._refused or self.transport.is_closing():
            return
        if self._in_head:
            if was_in_head:
                self._pending_bytes += len(data)
            if self._pending_bytes > self.limits.header_bytes:
                self._refuse(_too_large())
        elif not self._deadline and (self.cycle is None or self.cycle.response_complete):
            self._deadline = self.loop.time() + self.limits.header_timeout

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._pending_bytes = self._head_bytes = self._head_count = self._hosts = 0
        if not self._deadline:
            self._deadline = self.loop.time() + self.limits.header_timeout

    def on_url(self, url: bytes) -> None:
        """Count the address as part of the header."""
        self._head_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header; beyond the limits it is not even kept."""
        self._head_bytes += len(name) + len(value) + 4
        self._head_count += 1
        if len(name) == 4 and name.lower() == b"host":
            self._hosts += 1
        if self._head_bytes <= self.limits.header_bytes and self._head_count <= self.limits.headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the answer, or refuse the request."""
        self._in_head = False
        if self._head_bytes > self.limits.header_bytes or self._head_count > self.limits.headers:
            self._refuse(_too_large())
            return
        if self._hosts > 1:
            # Whoever stands before us may have judged the other one (RFC 9112, 3.2).
            self._refuse(InvalidInput("The request names two hosts.", hint="Send one Host header."))
            return
        self._deadline = self.loop.time() + self.limits.body_timeout + _BODY_GRACE_SECONDS
        crowded = len(self.connections) > self.limits.connections
        self.app = _crowded if crowded else self.config.loaded_app
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass the body on, unless the request was refused."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The client has said everything: no deadline is left."""
        self._deadline = 0.0
        if not self._refused:
            super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not read."""
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._stalled_since = 0.0
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, unless an answer is under way, into which nothing may be written."""
        cycle = self.cycle
        under_way = cycle is not None and not cycle.response_complete
        if under_way and (cycle.response_started or self.pipeline):
            self._refused = True
            self.transport.close()
            return
        if under_way:
            # The application must neither wait for the rest of the body nor answer after us.
            cycle.disconnected = True
            cycle.message_event.set()
        self._refuse(InvalidInput("This is not a valid HTTP request."))

    def enforce(self, now: float) -> None:
        """Close the connection if a deadline has passed. Called about once a second."""
        if self.transport.is_closing():
            self._closing_since = self._closing_since or now
            if now - self._closing_since > _LINGER_SECONDS:
                self.transport.abort()
        elif self._stalled_since and now - self._stalled_since > self.limits.body_timeout:
            self.transport.abort()
        elif self._deadline and now > self._deadline:
            if self._in_head and (self.cycle is None or self.cycle.response_complete):
                self._refuse(RequestTimeout("The header did not arrive in time."))
            else:
                self.transport.close()

    def _refuse(self, error: ApplianceError) -> None:
        """Answer with a problem from below the application, and close."""
        self._refused = True
        answer = answer_for(error)
        body = answer.body
        lines = [
            f"HTTP/1.1 {answer.problem.status} {answer.problem.title}",
            f"content-type: {MEDIA_TYPE}",
            f"content-length: {len(body)}",
            "x-content-type-options: nosniff",
            "connection: close",
        ]
        self.transport.write("\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body)
        self.transport.close()


def protocol_class(limits: Limits) -> type[GuardedProtocol]:
    """Return the protocol with a server's limits."""
    return type("GuardedProtocol", (GuardedProtocol,), {"limits": limits})


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge("The header is too large.", hint="Send fewer or shorter header fields.")


async def _crowded(scope: Any, receive: Any, send: Any) -> None:
    """Answer in the application's stead while too many connections are open."""
    answer = answer_for(Busy("Too many connections are open.", retry_after=1))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"retry-after", answer.headers["Retry-After"].encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": answer.problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
