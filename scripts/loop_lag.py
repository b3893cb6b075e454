"""Measure how responsive the event loop stays while the shop trains.

Starts the appliance on a demo shop, asks ``GET /healthz`` every few milliseconds, and meanwhile runs training jobs
through the admin API. A probe's time beyond what an idle process takes is the time for which the loop was held up:

    python scripts/loop_lag.py --products 300 --events 60000 --trainings 3

With ``--shoppers`` three of the storefront's routes are asked as well, on a connection each, so that one sees what
shoppers feel of a heavy job. Prints one JSON object with milliseconds; the exit code is 1 when p99 or the longest of
``/healthz`` is over its bound.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from kill_test import kill, start, wait_ready

P99_MS, LONGEST_MS = 50.0, 250.0
SHOPPER_INTERVAL = 0.05
"""Seconds between two questions to one of the storefront's routes."""
_HEALTH = "/healthz"
_QUERIES = ("balo", "tui xach", "giay", "ao khoac", "vi da", "dong ho", "kinh", "non", "that lung", "dep")
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)

Target = Callable[[int], str]
"""Return the path of a probe by its number."""


async def probe(url: str, target: Target, interval: float, stop: asyncio.Event, machine: list[float]) -> list[float]:
    """Ask on one connection at a fixed pace and return the milliseconds that each answer took.

    ``machine`` gets how late this process itself woke up: what the machine, not the appliance, was late by.

    A probe that is late because the one before was late counts from when it was due, so that one long pause is seen
    by all the probes that it held up.
    """
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    taken: list[float] = []
    loop = asyncio.get_running_loop()
    due = loop.time()
    while not stop.is_set():
        due += interval
        wait = due - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
            machine.append((loop.time() - due) * 1000)
        writer.write(f"GET {target(len(taken))} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            raise SystemExit(f"{target(len(taken))} was not answered: {head.decode(errors='replace')}")
        await reader.readexactly(int(length[1]))
        taken.append((loop.time() - due) * 1000)
    writer.close()
    return taken


async def _train(client: httpx.AsyncClient) -> float:
    """Run one training job to its end and return its seconds."""
    began = time.monotonic()
    job = (await client.post("/v1/admin/jobs", json={"kind": "train"})).raise_for_status().json()
    while job["state"] in ("queued", "running"):
        await asyncio.sleep(0.25)
        job = (await client.get(f"/v1/admin/jobs/{job['id']}")).raise_for_status().json()
    if job["state"] != "done":
        raise SystemExit(f"the training failed: {job['error']}")
    return time.monotonic() - began


async def targets(client: httpx.AsyncClient) -> dict[str, Target]:
    """Return the storefront's routes to ask, each question another one so that the cache does not answer them all."""
    popular = (await client.get("/v1/products/popular", params={"limit": 50})).raise_for_status().json()["items"]
    ids = [item["product_id"] for item in popular]
    return {
        "search": lambda number: f"/v1/search?q={quote(_QUERIES[number % len(_QUERIES)])}&limit={1 + number % 40}",
        "recommendations": lambda number: f"/v1/recommendations?placement=home&session_id=probe-{number % 997}",
        "similar": lambda number: f"/v1/products/{ids[number % len(ids)]}/similar?limit={1 + number % 20}",
    }


async def measure(
    running: dict[str, str], trainings: int, idle: float, interval: float, *, shoppers: bool
) -> dict[str, Any]:
    """Probe an idle process, then one that trains."""
    headers = {"Authorization": f"Bearer {running['token']}"}
    async with httpx.AsyncClient(base_url=running["url"], headers=headers, timeout=30) as client:
        routes = await targets(client) if shoppers else {}
        machine: list[float] = []
        seconds: list[float] = []

        async def phase(work: Coroutine[Any, Any, None]) -> dict[str, Any]:
            done = asyncio.Event()
            probes = [probe(running["url"], lambda _: _HEALTH, interval, done, machine)]
            probes += [probe(running["url"], target, SHOPPER_INTERVAL, done, machine) for target in routes.values()]
            probing = asyncio.gather(*probes)
            await work
            done.set()
            health, *others = map(summary, await probing)
            return health | dict(zip(routes, others, strict=True))

        async def train() -> None:
            seconds.extend([round(await _train(client), 2) for _ in range(trainings)])

        at_rest, busy = await phase(asyncio.sleep(idle)), await phase(train())
    return {"idle": at_rest, "training": busy, "machine": summary(machine), "training_seconds": seconds}


def summary(taken: Sequence[float]) -> dict[str, Any]:
    """Return the figures of some probes."""
    ordered = sorted(taken)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)

    return {"probes": len(ordered), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": round(ordered[-1], 2)}


def prepare(data: Path, products: int, events: int) -> None:
    """Fill a demo shop unless the folder holds one."""
    sizes = ["--products", str(products), "--events", str(events)]
    command = [sys.executable, "-m", "appliance", "--data", str(data), "demo", "--prepare-only", *sizes]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def run(data: Path, trainings: int, idle: float, interval: float, *, shoppers: bool) -> dict[str, Any]:
    """Start the process, measure, and stop it."""
    process = start(data)
    running = wait_ready(process, data)
    if running is None:
        kill(process)
        raise SystemExit((data / "kill-test.log").read_text(errors="replace")[-2000:])
    try:
        return asyncio.run(measure(running, trainings, idle, interval, shoppers=shoppers))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def main() -> None:
    """Read the arguments, measure, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a demo shop, made when absent; default: a temporary one")
    parser.add_argument("--products", type=int, default=300)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--trainings", type=int, default=3)
    parser.add_argument("--idle", type=float, default=3.0, help="seconds of probing before the first training")
    parser.add_argument("--interval", type=float, default=0.005, help="seconds between probes")
    parser.add_argument("--shoppers", action="store_true", help="ask the storefront's routes too")
    arguments = parser.parse_args()
    os.environ |= {"APPLIANCE_RECOMMENDER_RETRAIN_HOURS": "0", "APPLIANCE_RATE_LIMIT": "off"}
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or Path(folder)
        prepare(data, arguments.products, arguments.events)
        figures = run(data, arguments.trainings, arguments.idle, arguments.interval, shoppers=arguments.shoppers)
    print(json.dumps(figures))
    busy = figures["training"]
    sys.exit(0 if busy["p99_ms"] < P99_MS and busy["max_ms"] < LONGEST_MS else 1)


if __name__ == "__main__":
    main()
