"""Measure what shoppers feel of heavy work: a first copy of a real Medusa shop, a full comparison, a training.

    python scripts/medusa_heavy.py --shop shop.json [--seconds 60] [--per-second 15] [--json]

``--shop`` as for ``medusa_compare.py``; it is only read. Shoppers ask four routes at a fixed pace all the time. Prints
p50, p99 and the longest answer by route and span; the exit code is 1 when p99 of all routes together during work is
over 1.5 times that of the calm spans, or any answer was a 5xx. Medusa should run on another machine, or at a lower
priority than the appliance, or its own work shows as the appliance's.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from medusa_box import BY_REQUEST, Box, table
from medusa_compare import access_of
from medusa_faults import P99_RATIO, P99_SLACK_MS
from medusa_kill import visit
from medusa_load import MACHINE, ROUTES, Load
from medusa_proof import first_copy
from medusa_truth import Access, Medusa

CALM = "calm"


def measure(access: Access, folder: Path, seconds: float, pace: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures by span and route, and what the work itself told."""
    handles = [row["handle"] for row in Medusa(access).get("/admin/products", limit=50, fields="handle")["products"]]
    box = Box(folder / "data", access, **BY_REQUEST)
    spans: list[tuple[str, float, float]] = []
    told: dict[str, Any] = {}

    def span(name: str, work: Any) -> None:
        began = time.monotonic()
        told[name] = work()
        spans.append((name, began, time.monotonic()))
        print(f"{name}: {spans[-1][2] - began:.1f} s", file=sys.stderr, flush=True)

    with box.running():
        load = Load(box.url, folder, pace, handles)
        span("first copy", lambda: first_copy(box))
        visit(box, random.Random(7))
        span("first training", lambda: box.finish(box.submit("train")["id"])["result"]["seconds"])
        for _ in range(2):
            span(CALM, lambda: time.sleep(seconds))
            span("full comparison", lambda: box.sync("full"))
            span(CALM, lambda: time.sleep(seconds))
            span("training", lambda: box.finish(box.submit("train")["id"])["result"]["seconds"])
        answers = load.stop()
    figures: dict[str, Any] = {}
    for name in dict.fromkeys(name for name, _, _ in spans):
        times = [(began, ended) for other, began, ended in spans if other == name]
        figures[name] = {route or "all": answers.within(times, route)._asdict() for route in ("", *ROUTES, MACHINE)}
    return figures, told


def missed(figures: dict[str, Any]) -> list[str]:
    """Return the bars that were missed."""
    calm = figures[CALM]["all"]["p99"]
    found = []
    for name, routes in figures.items():
        if routes["all"]["p99"] > max(calm * P99_RATIO, calm + P99_SLACK_MS):
            found.append(f"{name}: p99 {routes['all']['p99']} ms against {calm} ms")
        if routes["all"]["faults"]:
            found.append(f"{name}: {routes['all']['faults']} answers from 500 on")
    return found


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shop", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each calm span")
    parser.add_argument("--per-second", type=float, default=15.0, help="questions a second to each of four routes")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures, told = measure(access_of(options.shop), Path(name), options.seconds, options.per_second)
    over = missed(figures)
    if options.json:
        print(json.dumps({"figures": figures, "work": told, "missed": over}))
    else:
        rows: list[list[object]] = [
            [name, route, *found.values()] for name, routes in figures.items() for route, found in routes.items()
        ]
        print(table(["span", "route", "answers", "p50 ms", "p99 ms", "longest ms", "5xx"], rows))
        print("\n".join(f"MISSED {one}" for one in over))
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    main()
