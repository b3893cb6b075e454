"""Durable ingest through HTTP, singly and in batches of 100, beside a no-op endpoint that gets the same body."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from appliance.ops.bench import load
from appliance.ops.bench.target import Target, serving

_TYPES = ("view", "view", "view", "click", "add_to_cart", "purchase")
_BODIES = 200


class IngestRow(msgspec.Struct, frozen=True):
    """One size of batch: medians over the rounds."""

    batch: int
    events_per_second: float
    requests_per_second: float
    noop_requests_per_second: float
    ratio_to_noop: float
    """Requests a second of the durable route divided by those of the no-op, round by round."""
    p99_ms: float
    errors: int


class IngestReport(msgspec.Struct, frozen=True):
    """The rows and the proof that what was acknowledged is in the log."""

    rows: list[IngestRow]
    acknowledged: int
    merged: int
    merge_wait_s: float
    """Seconds from the last acknowledgement until the log held everything."""


def run(
    work: Path,
    *,
    seconds: float = 4.0,
    rounds: int = 3,
    clients: int = 64,
    progress: Callable[[str], None] | None = None,
) -> IngestReport:
    """Measure in a scratch data directory ``work``; every phase of every round lasts ``seconds``."""
    say = progress or (lambda _: None)
    with serving(work, noop=True) as target:
        rows = []
        for batch in (1, 100):
            say(f"batches of {batch}")
            rows.append(_measure(target, batch, seconds=seconds, rounds=rounds, clients=clients))
        began = time.perf_counter()
        merged, acknowledged = _settle(target)
        return IngestReport(rows, acknowledged, merged, round(time.perf_counter() - began, 2))


def _measure(target: Target, batch: int, *, seconds: float, rounds: int, clients: int) -> IngestRow:
    bodies = _bodies(batch)
    durable = [load.post("/v1/events", body) for body in bodies]
    idle = [load.post("/noop", body) for body in bodies]
    pairs = []
    for _ in range(rounds):
        noop = load.run(load.saturate(target.port, idle, clients=clients, seconds=seconds))
        events = load.run(load.saturate(target.port, durable, clients=clients, seconds=seconds))
        pairs.append((events, noop))
    return IngestRow(
        batch=batch,
        events_per_second=round(statistics.median(events.per_second for events, _ in pairs) * batch, 1),
        requests_per_second=statistics.median(events.per_second for events, _ in pairs),
        noop_requests_per_second=statistics.median(noop.per_second for _, noop in pairs),
        ratio_to_noop=round(statistics.median(events.per_second / noop.per_second for events, noop in pairs), 3),
        p99_ms=statistics.median(events.p99_ms for events, _ in pairs),
        errors=sum(events.errors + noop.errors for events, noop in pairs),
    )


def _bodies(batch: int) -> list[bytes]:
    draw = random.Random(batch)
    return [msgspec.json.encode({"events": [_event(draw) for _ in range(batch)]}) for _ in range(_BODIES)]


def _event(draw: random.Random) -> dict[str, object]:
    return {
        "type": draw.choice(_TYPES),
        "product_id": f"prod_{draw.randrange(5000)}",
        "session_id": f"s{draw.randrange(60000)}",
        "metadata": {"src": "widget"},
    }


def _settle(target: Target, limit: float = 300.0) -> tuple[int, int]:
    """Wait until the journal is merged; return events in the log and events acknowledged."""
    end = time.monotonic() + limit
    headers = {"Authorization": f"Bearer {target.running.token}"}
    while True:
        ingest = httpx.get(f"{target.running.url}/v1/admin/overview", headers=headers, timeout=10).json()["ingest"]
        if ingest["lag"] == 0 or time.monotonic() > end:
            return ingest["logged"], ingest["accepted"]
        time.sleep(0.1)
