"""Shoppers: a process that asks the storefront's routes at a fixed pace and notes how long each answer took.

    python scripts/medusa_load.py --url http://127.0.0.1:8000 --per-second 20 --out answers.json

It asks until its standard input closes. A process of its own, so that what the script does beside it does not show as
the appliance's slowness. Latency counts from the moment a request was due, whatever the answers before it did.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import httpx

QUERIES = ("balo", "túi xách", "giày nữ", "áo khoác", "ví da", "cáp sạc", "kính", "mũ", "thắt lưng", "dép")
WORDS = (
    "Shop có balo nào dưới 500k không?",
    "Tìm giày nữ màu đen",
    "Cho mình xem cáp sạc USB-C",
    "Chính sách đổi trả thế nào?",
    "Túi xách còn hàng không shop?",
    "Xin chào",
)
ROUTES = ("search", "recommendations", "product", "chat")
MACHINE = "machine"
"""Stands for how late the asking process itself woke up: what the machine was late by, not the appliance."""


class Figures(NamedTuple):
    """Some answers of one route or of all; milliseconds."""

    count: int
    p50: float
    p99: float
    longest: float
    faults: int
    """Answers from 500 on, and connections that broke."""


class Answers:
    """All that a load process noted."""

    def __init__(self, rows: Sequence[tuple[str, float, float, int]]) -> None:
        self._rows = rows

    def between(self, since: float, until: float, route: str = "") -> Figures:
        """Return the figures of requests that were due in a span of the monotonic clock; of all routes by default."""
        return self.within([(since, until)], route)

    def within(self, spans: Sequence[tuple[float, float]], route: str = "") -> Figures:
        """Return the figures of several spans together."""
        kept = [
            row
            for row in self._rows
            if (row[0] == route or (not route and row[0] != MACHINE))
            and any(since <= row[1] < until for since, until in spans)
        ]
        taken = sorted(row[2] for row in kept)

        def at(share: float) -> float:
            return round(taken[min(len(taken) - 1, int(len(taken) * share))], 2) if taken else 0.0

        longest = round(taken[-1], 2) if taken else 0.0
        return Figures(len(taken), at(0.5), at(0.99), longest, sum(row[3] >= 500 or row[3] == 0 for row in kept))


class Load:
    """A load process that asks for some products, or the popular ones; ``stop`` ends it and returns what it noted."""

    def __init__(self, url: str, folder: Path, per_second: float, products: Sequence[str] = ()) -> None:
        self._out = folder / "answers.json"
        command = [sys.executable, __file__, "--url", url, "--per-second", str(per_second), "--out", str(self._out)]
        command += ["--products", ",".join(products)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"asking\n":
            raise SystemExit("The shoppers did not begin.")

    def stop(self) -> Answers:
        """End the process and return its answers."""
        self._process.communicate(timeout=30)
        return Answers([tuple(row) for row in json.loads(self._out.read_text())])  # type: ignore[misc]


async def ask(
    url: str, route: str, request: Callable[[int], bytes], interval: float, stop: asyncio.Event, rows: list[object]
) -> None:
    """Ask one route at a fixed pace on one connection, which is opened again when it breaks."""
    address = urlsplit(url)
    writer: asyncio.StreamWriter | None = None
    due, number = time.monotonic(), 0
    while not stop.is_set():
        due += interval
        wait = due - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
            rows.append((MACHINE, due, (time.monotonic() - due) * 1000, 200))
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(request(number))
            status = await answered(reader)
        except (OSError, asyncio.IncompleteReadError):
            status = 0
            if writer is not None:
                writer.close()
            writer = None
        rows.append((route, due, (time.monotonic() - due) * 1000, status))
        number += 1


async def answered(reader: asyncio.StreamReader) -> int:
    """Read one whole answer and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]
    await reader.readexactly(int(length))
    return int(head[9:12])


def requests_of(products: Sequence[str]) -> dict[str, Callable[[int], bytes]]:
    """Return for each route what to send, by number: each another question, so that no cache answers them all."""

    def get(path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    def chat(number: int) -> bytes:
        said = {"session_id": f"tai-{number // 4}", "message": WORDS[number % len(WORDS)]}
        body = json.dumps(said).encode()
        head = "POST /v1/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    makers: tuple[Callable[[int], bytes], ...] = (
        lambda number: get(f"/v1/search?q={quote(QUERIES[number % len(QUERIES)])}&limit={1 + number % 40}"),
        lambda number: get(f"/v1/recommendations?placement=home&session_id=tai-{number % 997}"),
        lambda number: get(f"/v1/products/{quote(products[number % len(products)])}"),
        chat,
    )
    return dict(zip(ROUTES, makers, strict=True))


async def run(url: str, per_second: float, products: Sequence[str]) -> list[object]:
    """Ask every route until standard input closes."""
    if not products:
        popular = httpx.get(f"{url}/v1/products/popular", params={"limit": 50}).raise_for_status().json()["items"]
        products = [item["handle"] for item in popular]
    rows: list[object] = []
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    ended = loop.run_in_executor(None, sys.stdin.read)
    makers = requests_of(products)
    tasks = [asyncio.create_task(ask(url, route, maker, 1 / per_second, stop, rows)) for route, maker in makers.items()]
    print("asking", flush=True)
    await ended
    stop.set()
    await asyncio.gather(*tasks)
    return rows


def main() -> None:
    """Read the arguments, ask, write the answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--per-second", type=float, default=20.0, help="questions a second to each route")
    parser.add_argument("--products", default="", help="handles of products, separated by commas")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rows = asyncio.run(run(options.url, options.per_second, [one for one in options.products.split(",") if one]))
    options.out.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
