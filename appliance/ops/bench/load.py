"""A small HTTP/1.1 load generator: keep-alive connections that send ready-made requests and read whole answers.

It does nothing but count, so that on a small box most of the processor is left to the server that is measured.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec
import numpy as np


class LoadResult(msgspec.Struct, frozen=True):
    """What a phase measured; latencies in milliseconds, rates in requests a second."""

    requests: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int


@dataclass
class _Tally:
    seconds: list[float] = field(default_factory=list)
    errors: int = 0


def get(path: str, host: str = "127.0.0.1") -> bytes:
    """Return the bytes of a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("ascii")


def post(path: str, body: bytes, host: str = "127.0.0.1") -> bytes:
    """Return the bytes of a JSON POST request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


class _Connection(asyncio.Protocol):
    """One connection with one request in flight."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[int] | None = None
        self._need = -1
        self._status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError("connection closed"))

    def send(self, request: bytes) -> asyncio.Future[int]:
        """Send a request; the future holds the status once the whole answer was read."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._need < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            self._status = int(head[9:12])
            at = head.find(b"content-length:")
            length = int(head[at + 15 : (head.find(b"\r\n", at) + len(head) + 1) % (len(head) + 1)]) if at >= 0 else 0
            self._need = end + 4 + length
        if len(self._buffer) >= self._need and self._answer:
            del self._buffer[: self._need]
            self._need = -1
            answer, self._answer = self._answer, None
            answer.set_result(self._status)


async def saturate(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> LoadResult:
    """Send as fast as ``clients`` connections allow, each waiting for its answer (closed loop)."""
    tally = _Tally()
    supply = itertools.cycle(requests)
    started = time.perf_counter()
    end = started + seconds

    async def client() -> None:
        connection = await _connect(port)
        while time.perf_counter() < end:
            await _one(connection, next(supply), tally, time.perf_counter())
        connection.close()

    await asyncio.gather(*[client() for _ in range(clients)])
    return _summary(tally, time.perf_counter() - started)


async def paced(port: int, requests: Sequence[bytes], *, per_second: float, clients: int, seconds: float) -> LoadResult:
    """Send at a fixed rate whatever the answers do (open loop); latency counts from the moment a request was due."""
    tally = _Tally()
    supply = itertools.cycle(requests)
    started = time.perf_counter()
    due = _schedule(started, per_second, seconds)

    async def client() -> None:
        connection = await _connect(port)
        for moment in due:
            wait = moment - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            await _one(connection, next(supply), tally, moment)
        connection.close()

    await asyncio.gather(*[client() for _ in range(clients)])
    return _summary(tally, time.perf_counter() - started)


def run(work: object) -> LoadResult:
    """Run one phase on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)  # type: ignore[arg-type]
    return uvloop.run(work)  # type: ignore[arg-type]


def _schedule(started: float, per_second: float, seconds: float) -> Iterator[float]:
    for number in range(int(per_second * seconds)):
        yield started + number / per_second


async def _connect(port: int) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
    return connection


async def _one(connection: _Connection, request: bytes, tally: _Tally, since: float) -> None:
    status = await connection.send(request)
    tally.seconds.append(time.perf_counter() - since)
    if status >= 400:
        tally.errors += 1


def _summary(tally: _Tally, elapsed: float) -> LoadResult:
    millis = np.asarray(tally.seconds) * 1000
    p50, p95, p99 = np.percentile(millis, [50, 95, 99]) if len(millis) else (0.0, 0.0, 0.0)
    return LoadResult(
        requests=len(millis),
        per_second=round(len(millis) / elapsed, 1),
        p50_ms=round(float(p50), 3),
        p95_ms=round(float(p95), 3),
        p99_ms=round(float(p99), 3),
        errors=tally.errors,
    )
