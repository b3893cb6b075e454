"""The outermost layer, plain ASGI: who asks, how often, from where, and what became of it.

It sees every request, also those that no route knows, so that a scan of wrong addresses is limited and counted too.
"""

from __future__ import annotations

import re
import time
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from appliance.errors import ApplianceError, InvalidInput, RateLimited
from appliance.runtime import Runtime
from appliance.server.auth import limited_as
from appliance.server.exchange import Exchange
from appliance.server.forwarded import TrustedProxies
from appliance.server.hosts import AllowedHosts, Origins
from appliance.server.problems import MEDIA_TYPE, UnsupportedMediaType, answer_for, instance_of
from appliance.server.ratelimit import RateLimiter
from appliance.server.shelves import Shelves

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_STRICT = ("/v1/admin/claim", "/v1/privacy/")
_SLASHES = re.compile("/{2,}")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_CLIENT_GONE = 499


class Gate:
    """Wraps Litestar's handler: request id, rate limit, host, CORS, HEAD, deadline, headers, metrics, access log."""

    def __init__(self, app: ASGIApp, runtime: Runtime, shelves: Shelves, allow: dict[str, frozenset[str]]) -> None:
        self._app = app
        self._allow = allow
        self._runtime = runtime
        self._shelves = shelves
        self._hosts = AllowedHosts(runtime.settings)
        self._origins = Origins(runtime.settings)
        self.limiter = RateLimiter(runtime.settings)
        self._proxies = TrustedProxies(runtime.settings.server.trusted_proxies)
        self._counters: dict[tuple[str, str, int], Any] = {}
        self._timers: dict[str, Any] = {}
        # Bound once: structlog's proxy would make a new logger for every line.
        self._log = structlog.get_logger(__name__).bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        exchange = Exchange(
            self._runtime, self._shelves, self._allow, self.limiter, self._proxies, scope, receive, send
        )
        inner = exchange.scope
        if "//" in scope["path"]:
            # The router takes a run of slashes for one; what is judged by the path must see the same path.
            inner["path"] = _SLASHES.sub("/", scope["path"])
        method: str = scope["method"]
        if exchange.head:
            inner["method"] = "GET"
        try:
            await self._answer(exchange, inner)
        finally:
            self._record(exchange, method, inner)

    async def _answer(self, exchange: Exchange, scope: Any) -> None:
        origin = exchange.headers.get(b"origin")
        preflight = scope["method"] == "OPTIONS" and b"access-control-request-method" in exchange.headers
        exchange.cors = self._origins.headers(origin, scope["path"], preflight=preflight)
        refusal = self._refusal(exchange, scope)
        try:
            if refusal is not None:
                await _send_problem(exchange, scope, refusal)
            elif preflight and origin is not None:
                await _send_empty(exchange)
            else:
                await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:
            # The last edge: a defect of ours is an answer and a log entry.
            if exchange.status:
                raise
            await _send_problem(exchange, scope, error)

    def _refusal(self, exchange: Exchange, scope: Any) -> ApplianceError | None:
        if self.limiter.enabled:
            path = scope["path"]
            key_id = limited_as(exchange, self._runtime)
            waiting = self.limiter.wait(exchange.client, key_id, strict=path.startswith(_STRICT))
            if waiting:
                self._runtime.metrics.rate_limited.inc()
                return RateLimited(
                    "Too many requests from this address.",
                    retry_after=waiting,
                    hint="Wait as long as Retry-After says; send events in batches.",
                )
        local = (scope.get("server") or ("", 0))[0]
        if not self._hosts.allows(exchange.headers.get(b"host"), local):
            return InvalidInput(
                "This appliance does not answer to that host name.",
                hint="Use its address, or add the name to server.allowed_hosts.",
            )
        return _unreadable(exchange, scope["method"])

    def _record(self, exchange: Exchange, method: str, scope: Any) -> None:
        seconds = time.perf_counter() - exchange.began
        status = exchange.status or _CLIENT_GONE
        route = scope.get("path_template") or "unmatched"
        known = method if method in _METHODS else "OTHER"
        counter = self._counters.get((route, known, status))
        if counter is None:
            counter = self._runtime.metrics.http_requests.labels(route, known, str(status))
            self._counters[route, known, status] = counter
        counter.inc()
        timer = self._timers.get(route)
        if timer is None:
            timer = self._timers[route] = self._runtime.metrics.http_seconds.labels(route)
        timer.observe(seconds)
        self._log_access(exchange, known, route, status, seconds)

    def _log_access(self, exchange: Exchange, method: str, route: str, status: int, seconds: float) -> None:
        """Write one line, by route template: addresses may hold a shopper's ids, query strings do."""
        milliseconds = round(seconds * 1000, 2)
        if status < 400:
            write = self._log.debug if route in _QUIET else self._log.info
            write("request", method=method, route=route, status=status, ms=milliseconds, request_id=exchange.request_id)
            return
        self._log.info(
            "request",
            method=method,
            route=route,
            status=status,
            ms=milliseconds,
            request_id=exchange.request_id,
            client=exchange.client,
        )


def _unreadable(exchange: Exchange, method: str) -> ApplianceError | None:
    """Return the problem with a body that is compressed: no route unpacks one, which could be a bomb."""
    encoding = exchange.headers.get(b"content-encoding")
    if encoding is None or method not in _WITH_BODY or encoding.strip().lower() in (b"", b"identity"):
        return None
    return UnsupportedMediaType(
        "The body has a content encoding that is not taken.", hint="Send it as it is, without Content-Encoding."
    )


async def _send_problem(exchange: Exchange, scope: Any, error: BaseException) -> None:
    answer = answer_for(error, instance=instance_of(scope), request_id=exchange.request_id)
    body = answer.body
    headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in answer.headers.items()]
    headers += [(b"content-type", MEDIA_TYPE.encode("ascii")), (b"content-length", str(len(body)).encode("ascii"))]
    await exchange.send({"type": "http.response.start", "status": answer.problem.status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": body, "more_body": False})


async def _send_empty(exchange: Exchange) -> None:
    await exchange.send({"type": "http.response.start", "status": 204, "headers": []})
    await exchange.send({"type": "http.response.body", "body": b"", "more_body": False})
