"""An HTTP proxy in front of a server, which spoils chosen exchanges and remembers every request.

    with FaultProxy(medusa.base_url) as proxy:
        rule = proxy.add(drop_after(), method="POST", path="/admin/products*", times=1)
        ...  # talk to proxy.url
        assert [seen.method for seen in proxy.seen("/admin/products*")] == ["GET", "POST", "POST"]

The faults are in ``faults.py``. Without a rule that fits, an exchange passes unchanged.
"""

from __future__ import annotations

import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"}
)
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Answer:
    """A whole answer. ``declared_length`` differs from the body's when the answer lies; -1 declares none."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    declared_length: int | None = None

    def head(self) -> bytes:
        """Return the status line and headers as they go over the wire."""
        length = len(self.body) if self.declared_length is None else self.declared_length
        rows = [f"HTTP/1.1 {self.status} Fault proxy", *(f"{name}: {value}" for name, value in self.headers)]
        rows.append(f"Content-Length: {length}" if length >= 0 else "Connection: close")
        return ("\r\n".join(rows) + "\r\n\r\n").encode("latin-1")


@dataclass
class Seen:
    """One request as it arrived, and what became of it."""

    number: int
    at: float
    """Seconds of the monotonic clock."""
    method: str
    path: str
    query: str
    body: bytes
    headers: dict[str, str] = field(repr=False)
    """Names in small letters."""
    fault: str = ""
    """The fault it met; ``''`` for none."""
    status: int | None = None
    """What the server behind answered; ``None`` when the request did not reach it or no answer came."""

    @property
    def idempotency_key(self) -> str:
        """The request's ``Idempotency-Key``, or ``''``."""
        return self.headers.get("idempotency-key", "")

    @property
    def is_write(self) -> bool:
        """Whether the request may change something."""
        return self.method in WRITES


class Exchange:
    """One request in a fault's hands: to forward, answer, delay or drop."""

    def __init__(self, seen: Seen, connection: socket.socket, upstream: Upstream, closing: threading.Event) -> None:
        self.seen = seen
        self._connection, self._upstream, self._closing = connection, upstream, closing
        self.keeps_open = True

    def forward(self) -> Answer | None:
        """Send the request on and return the answer; ``None`` when the server behind is away."""
        return self._upstream.ask(self.seen)

    def send(self, answer: Answer) -> None:
        """Answer the client."""
        self.send_bytes(answer.head() + (b"" if self.seen.method == "HEAD" else answer.body))
        length = len(answer.body) if answer.declared_length is None else answer.declared_length
        if length != len(answer.body):
            self.drop()

    def send_bytes(self, data: bytes) -> None:
        """Send raw bytes; a client that went away is no error of the proxy."""
        try:
            self._connection.sendall(data)
        except OSError:
            self.keeps_open = False

    def drop(self) -> None:
        """Close the connection once the fault returns."""
        self.keeps_open = False

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than the proxy lives."""
        self._closing.wait(seconds)


Fault = Callable[[Exchange], bool]
"""Deals with an exchange; ``False`` when it does not concern it, so that the next rule is asked."""


class Upstream:
    """The server behind the proxy."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = httpx.Client(timeout=180, follow_redirects=False)

    def ask(self, seen: Seen) -> Answer | None:
        """Forward a request and note the status; ``None`` when no whole answer came."""
        url = f"{self._base_url}{seen.path}" + (f"?{seen.query}" if seen.query else "")
        headers = {name: value for name, value in seen.headers.items() if name not in HOP_BY_HOP | {"host"}}
        try:
            with self._client.stream(seen.method, url, content=seen.body, headers=headers) as response:
                body = b"".join(response.iter_raw())
        except httpx.TransportError:
            return None
        except RuntimeError:
            if self._client.is_closed:
                return None  # the proxy was closed meanwhile
            raise
        seen.status = response.status_code
        kept = [(n, v) for n, v in response.headers.multi_items() if n not in HOP_BY_HOP | {"content-length"}]
        return Answer(response.status_code, kept, body)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class Rule:
    """A fault and the requests that it concerns; ``applied`` counts those it met."""

    def __init__(
        self, fault: Fault, method: str, path: str, times: int | None, probability: float, seed: int, name: str
    ) -> None:
        self.fault, self.name = fault, name
        self.applied = 0
        self._method, self._path = method, path
        self._left, self._probability, self._random = times, probability, random.Random(seed)
        self._lock = threading.Lock()

    def take(self, seen: Seen) -> bool:
        """Return whether the rule concerns a request, using up one of its times."""
        with self._lock:
            if self._left == 0 or not fits(seen, self._method, self._path):
                return False
            if self._probability < 1 and self._random.random() >= self._probability:
                return False
            self.applied += 1
            if self._left is not None:
                self._left -= 1
            return True

    def give_back(self) -> None:
        """Undo ``take``: the fault did not concern the request after all."""
        with self._lock:
            self.applied -= 1
            if self._left is not None:
                self._left += 1


def fits(seen: Seen, method: str, path: str) -> bool:
    """Return whether a request has a method (``''``: any; ``'WRITE'``: any that changes) and a path like a pattern."""
    method_fits = not method or seen.method == method or (method == "WRITE" and seen.is_write)
    return method_fits and fnmatchcase(seen.path, path)


class FaultProxy:
    """The proxy; a context manager that listens on a free loopback port."""

    def __init__(self, base_url: str) -> None:
        self._upstream = Upstream(base_url)
        self._rules: list[Rule] = []
        self._seen: list[Seen] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and end every wait of a fault; a second call does nothing."""
        if not self._closing.is_set():
            self._closing.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._upstream.close()

    def add(
        self,
        fault: Fault,
        *,
        method: str = "",
        path: str = "*",
        times: int | None = None,
        probability: float = 1.0,
        seed: int = 7,
    ) -> Rule:
        """Apply a fault from now on; an earlier rule that fits goes first.

        ``path`` is a shell pattern for the path without the query, ``method`` may be ``WRITE``, ``times`` ends the rule
        after so many requests, ``probability`` draws with ``seed``.
        """
        name = getattr(fault, "__qualname__", "fault").split(".")[0]
        rule = Rule(fault, method, path, times, probability, seed, name)
        with self._changed:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Let everything pass again; exchanges under way end as they began."""
        with self._changed:
            self._rules.clear()

    def forget(self) -> None:
        """Forget the requests seen so far."""
        with self._changed:
            self._seen.clear()

    def seen(self, path: str = "*", method: str = "") -> list[Seen]:
        """Return the requests in the order of their arrival; ``method`` may be ``WRITE``."""
        with self._changed:
            return [seen for seen in self._seen if fits(seen, method, path)]

    def wait_for(self, enough: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until a condition on what was seen holds; it is asked again after every request and answer."""
        with self._changed:
            if not self._changed.wait_for(enough, seconds):
                raise AssertionError(f"not seen within {seconds} s; last: {self._seen[-5:]}")

    def handle(self, method: str, target: str, headers: dict[str, str], body: bytes, connection: socket.socket) -> bool:
        """Deal with one request and return whether its connection stays open."""
        parts = urlsplit(target)
        with self._changed:
            number = self._seen[-1].number + 1 if self._seen else 0
            seen = Seen(number, time.monotonic(), method, parts.path, parts.query, body, headers)
            self._seen.append(seen)
            rules = list(self._rules)
            self._changed.notify_all()
        exchange = Exchange(seen, connection, self._upstream, self._closing)
        self._apply(rules, exchange)
        with self._changed:
            self._changed.notify_all()
        return exchange.keeps_open

    def _apply(self, rules: list[Rule], exchange: Exchange) -> None:
        for rule in rules:
            if not rule.take(exchange.seen):
                continue
            exchange.seen.fault = rule.name
            if rule.fault(exchange):
                return
            exchange.seen.fault = ""
            rule.give_back()
        answer = exchange.forward()
        if answer is None:
            exchange.drop()
        else:
            exchange.send(answer)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that leave in the middle; anything else is an error of the proxy."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_any(self) -> None:
            """Read the request and hand it to the proxy."""
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self._chunks() if "transfer-encoding" in headers else self._sized(headers)
            if not proxy.handle(self.command, self.path, headers, body, self.connection):
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_any  # noqa: N815

        def _sized(self, headers: dict[str, str]) -> bytes:
            return self.rfile.read(int(headers.get("content-length", "0")))

        def _chunks(self) -> bytes:
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing; the proxy remembers every request."""

    return Handler
