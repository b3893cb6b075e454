"""Recommendations over HTTP at two sizes of shop: cold, cached, and the next answer after a click, beside the no-op.

Cold answers are those to visitors with a history whom nobody asked for yet; cached ones the same requests again. Both
are sent at half of the rate at which cold answers saturate. "After a click" is sequential on one connection: an event
is acknowledged, then the answer is timed; it counts as fresh when it was made anew and is not the one from before.
"""

from __future__ import annotations

import http.client
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from appliance.ops.bench import load
from appliance.ops.bench.shop import open_shop
from appliance.ops.bench.target import Target, serving

VISITORS = 1500
CLICKS = 400
_HISTORY = 4
_CLIENTS = 8


class LatencyRow(msgspec.Struct, frozen=True):
    """One kind of answer at one size of shop."""

    products: int
    answer: str
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int


class FreshRow(msgspec.Struct, frozen=True):
    """The answers that followed a click."""

    products: int
    clicks: int
    fresh: int
    """Answers made anew and different from the one before the click."""


class RecommendReport(msgspec.Struct, frozen=True):
    """All sizes."""

    latencies: list[LatencyRow]
    after_a_click: list[FreshRow]


def run(
    work: Path,
    *,
    sizes: Sequence[tuple[int, int]] = ((300, 60_000), (50_000, 1_000_000)),
    progress: Callable[[str], None] | None = None,
) -> RecommendReport:
    """Measure shops of (products, interactions) in folders under ``work``; a shop already there is used again."""
    say = progress or (lambda _: None)
    latencies: list[LatencyRow] = []
    clicks: list[FreshRow] = []
    for products, interactions in sizes:
        say(f"opening a shop of {products:,} products and {interactions:,} interactions")
        folder = work / f"shop-{products}"
        handles = open_shop(folder, products=products, interactions=interactions, progress=say)
        with serving(folder, noop=True) as target:
            time.sleep(3)
            say(f"{products:,} products: cold and cached")
            latencies += _cold_and_cached(target, products, handles)
            say(f"{products:,} products: after a click")
            after, fresh = _after_clicks(target, products, handles)
            latencies.append(after)
            clicks.append(fresh)
    return RecommendReport(latencies, clicks)


def _cold_and_cached(target: Target, products: int, handles: Sequence[str]) -> list[LatencyRow]:
    draw = random.Random(0)
    warm, judged = (_visitors(target, handles, draw, name) for name in ("warm", "judged"))
    full = load.run(load.saturate(target.port, warm, clients=_CLIENTS, seconds=2.0))
    # Half of what cold answers saturate at: the warm-up was cold only in its first round.
    rate = max(50.0, min(full.per_second, VISITORS / 2.0) / 2)
    rows = []
    for answer, requests in (("noop", [load.get("/noop")] * VISITORS), ("cold", judged), ("cached", judged)):
        found = load.run(
            load.paced(target.port, requests, per_second=rate, clients=_CLIENTS, seconds=len(requests) / rate)
        )
        rows.append(_row(products, answer, found))
    return rows


def _visitors(target: Target, handles: Sequence[str], draw: random.Random, name: str) -> list[bytes]:
    """Give new visitors a history and return the requests for their home shelves."""
    sessions = [f"bench-{name}-{number}" for number in range(VISITORS)]
    events = [
        {"type": "view", "product_handle": handle, "session_id": session}
        for session in sessions
        for handle in draw.sample(list(handles), _HISTORY)
    ]
    connection = http.client.HTTPConnection("127.0.0.1", target.port)
    for start in range(0, len(events), 500):
        _post(connection, "/v1/events", {"events": events[start : start + 500]})
    connection.close()
    return [load.get(f"/v1/recommendations?session_id={session}") for session in sessions]


def _after_clicks(target: Target, products: int, handles: Sequence[str]) -> tuple[LatencyRow, FreshRow]:
    draw = random.Random(1)
    connection = http.client.HTTPConnection("127.0.0.1", target.port)
    seconds, fresh, errors = [], 0, 0
    for number in range(CLICKS):
        session = f"bench-click-{number % 50}"
        path = f"/v1/recommendations?session_id={session}"
        before, _ = _get(connection, path)
        handle = draw.choice(list(handles))
        event = {"type": "view", "product_handle": handle, "session_id": session}
        _post(connection, "/v1/events", {"events": [event]})
        began = time.perf_counter()
        after, status = _get(connection, path)
        seconds.append(time.perf_counter() - began)
        errors += status >= 400
        fresh += after.get("cache") == "miss" and _ids(after) != _ids(before)
    connection.close()
    p50, p95, p99 = np.percentile(np.array(seconds) * 1000, [50, 95, 99])
    row = LatencyRow(
        products, "after a click", CLICKS, round(float(p50), 3), round(float(p95), 3), round(float(p99), 3), errors
    )
    return row, FreshRow(products, CLICKS, fresh)


def _ids(answer: dict[str, Any]) -> list[str]:
    return [item["product_id"] for item in answer["items"]]


def _get(connection: http.client.HTTPConnection, path: str) -> tuple[dict[str, Any], int]:
    connection.request("GET", path)
    answer = connection.getresponse()
    body: dict[str, Any] = msgspec.json.decode(answer.read())
    return body, answer.status


def _post(connection: http.client.HTTPConnection, path: str, body: object) -> None:
    connection.request("POST", path, msgspec.json.encode(body), {"Content-Type": "application/json"})
    connection.getresponse().read()


def _row(products: int, answer: str, found: load.LoadResult) -> LatencyRow:
    return LatencyRow(products, answer, found.requests, found.p50_ms, found.p95_ms, found.p99_ms, found.errors)
