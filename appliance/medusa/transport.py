"""One exchange with Medusa: connection, TLS, deadline, size; every way it can fail becomes a ``MedusaUnreachable``.

A time-out of a socket starts anew with every byte, so that an answer that drips would never end. Here each wait on
the network is cut to what is left of the exchange's deadline, and ends soon after the caller is asked to stop.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, Literal

import httpcore
import httpx
import msgspec

from appliance import __version__
from appliance.errors import InvalidSetting
from appliance.medusa.faults import MedusaUnreachable
from appliance.settings import Medusa

MAX_BODY_BYTES = 64 << 20
"""Largest answer that is read."""
_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 4.0
"""Node closes an idle connection after five; a request sent just then would be lost."""
_SLICE_SECONDS = 0.25
"""How long a wait on the network may go on after the caller was asked to stop."""

Method = Literal["GET", "POST", "DELETE"]


class Answer(msgspec.Struct, frozen=True):
    """What Medusa answered, read wholly."""

    status: int
    headers: httpx.Headers
    body: bytes


class Limit(msgspec.Struct, frozen=True):
    """When an exchange must end."""

    deadline: float
    """Monotonic seconds."""
    stopping: Callable[[], bool]


_limit: ContextVar[Limit | None] = ContextVar("medusa_limit", default=None)


def make_client(settings: Medusa, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Return the HTTP client of one Medusa. Raises ``InvalidSetting`` for an unusable CA file."""
    patience = settings.timeout_seconds
    return httpx.Client(
        transport=transport or _BoundTransport(_trust(settings)),
        timeout=httpx.Timeout(patience, connect=min(_CONNECT_SECONDS, patience)),
        follow_redirects=False,
        trust_env=False,
        headers={
            "User-Agent": f"shop-appliance/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
        },
    )


def exchange(client: httpx.Client, request: httpx.Request, limit: Limit) -> Answer:
    """Send one request and read the whole answer. Raises ``MedusaUnreachable``; any status is an answer."""
    token = _limit.set(limit)
    try:
        answer = client.send(request, stream=True)
        try:
            return Answer(answer.status_code, answer.headers, _body(answer, limit))
        finally:
            answer.close()
    except httpx.TransportError as error:
        raise _unreachable(error, limit) from None
    except httpx.DecodingError:
        raise MedusaUnreachable("Medusa's answer cannot be decompressed.", reason="garbage") from None
    finally:
        _limit.reset(token)


def _body(answer: httpx.Response, limit: Limit) -> bytes:
    # What tells its length is refused unread: reading for nothing takes the processor from shoppers.
    told = answer.headers.get("Content-Length", "")
    if told.isdecimal() and int(told) > MAX_BODY_BYTES:
        raise _too_large()
    parts = bytearray()
    for part in answer.iter_bytes():
        parts += part
        if len(parts) > MAX_BODY_BYTES:
            raise _too_large()
        if time.monotonic() > limit.deadline:
            raise httpx.ReadTimeout("the deadline is over")
    return bytes(parts)


def _too_large() -> MedusaUnreachable:
    return MedusaUnreachable(f"Medusa's answer is larger than {MAX_BODY_BYTES >> 20} MiB.", reason="too_large")


def _trust(settings: Medusa) -> ssl.SSLContext:
    if not settings.ca_file:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # ssl.SSLError is one
        why = error.strerror or "it holds no certificate in PEM form"
        raise InvalidSetting(f"medusa.ca_file cannot be used: {why}", hint="Name a readable PEM file.") from None


def _unreachable(error: httpx.TransportError, limit: Limit) -> MedusaUnreachable:
    if isinstance(error, httpx.TimeoutException):
        if limit.stopping():
            return MedusaUnreachable("The request was given up because its work is being stopped.", reason="stopping")
        what = "accept a connection" if isinstance(error, httpx.ConnectTimeout) else "answer in time"
        return MedusaUnreachable(f"Medusa did not {what}.", reason="timeout")
    cause = _root(error)
    if isinstance(cause, ssl.SSLError):
        why = getattr(cause, "verify_message", "") or cause.reason or "the handshake failed"
        return MedusaUnreachable(
            f"The secure connection to Medusa failed: {why}.",
            reason="tls",
            hint="For a certificate of the shop's own authority set medusa.ca_file.",
        )
    if isinstance(cause, socket.gaierror):
        return MedusaUnreachable("The name of Medusa's host is not found.", reason="dns")
    if isinstance(cause, ConnectionRefusedError):
        return MedusaUnreachable("Nothing listens at Medusa's address.", reason="refused")
    if isinstance(error, httpx.ConnectError):
        why = cause.strerror if isinstance(cause, OSError) and cause.strerror else "no connection"
        return MedusaUnreachable(f"Medusa cannot be reached: {why}.", reason="no_route")
    return MedusaUnreachable("The connection to Medusa broke off.", reason="dropped")


def _root(error: BaseException) -> BaseException:
    """Return the first error that the operating system or TLS gave, or the last in the chain."""
    seen: BaseException | None = error
    last = error
    while seen is not None:
        last = seen
        if isinstance(seen, OSError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return last


class _BoundTransport(httpx.HTTPTransport):
    """httpx's own transport over a pool whose waits are bounded."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        super().__init__(verify=trust, trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            max_connections=10,
            max_keepalive_connections=10,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=_BoundBackend(),
        )


class _BoundBackend(httpcore.NetworkBackend):
    """Opens connections whose waits end with the deadline of the exchange."""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect in the time that is left."""
        left = _left(timeout, httpcore.ConnectTimeout)
        return _BoundStream(self._plain.connect_tcp(host, port, left, local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        """Wait between attempts to connect; the pool makes one only."""
        self._plain.sleep(seconds)


class _BoundStream(httpcore.NetworkStream):
    """A connection whose waits end with the deadline of the exchange."""

    def __init__(self, plain: httpcore.NetworkStream) -> None:
        self._plain = plain

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what comes in the time that is left, looking now and then whether to stop."""
        until = time.monotonic() + _left(timeout, httpcore.ReadTimeout)
        while True:
            left = until - time.monotonic()
            try:
                return self._plain.read(max_bytes, max(min(left, _SLICE_SECONDS), 0.001))
            except httpcore.ReadTimeout:
                limit = _limit.get()
                if left <= _SLICE_SECONDS or (limit is not None and limit.stopping()):
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send in the time that is left."""
        self._plain.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._plain.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Shake hands in the time that is left."""
        left = _left(timeout, httpcore.ConnectTimeout)
        return _BoundStream(self._plain.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        """Return what the pool asks of the socket."""
        return self._plain.get_extra_info(info)


def _left(timeout: float | None, fault: type[httpcore.TimeoutException]) -> float:
    """Return the seconds that a wait may last. Raises ``fault`` when none is left."""
    limit = _limit.get()
    left = float("inf") if limit is None else limit.deadline - time.monotonic()
    if left <= 0:
        raise fault("the deadline is over")
    return min(left, timeout if timeout is not None else 60.0)
