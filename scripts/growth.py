"""Measure how fit and query cost grow with the shop, and draw it.

``python scripts/growth.py [--sizes 1000:50000 10000:500000 100000:5000000] [--tune] [--plot docs/growth.svg]``

Each size is measured in a process of its own, on the generated catalogue and shoppers: the training of a recommender
from a snapshot (the nightly training's own code, in the process that trains), then 2,000 answers of the real service
to visitors with four products each. Prints a Markdown table; ``--json`` prints the figures instead. CPU seconds stand
beside the wall's, for machines that do other work too.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

NOW = 1_760_000_000.0
VISITORS, HISTORY = 2000, 4


def measure(products: int, interactions: int, *, tune: bool) -> dict[str, Any]:
    """Train and ask at one size; runs in a process of its own."""
    from appliance.recsys.memory import peak_rss_mb
    from appliance.recsys.training import train

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_snapshot(folder / "snapshot", products, interactions)
        before, generated = peak_rss_mb(), time.process_time()
        from appliance.store.artifacts import ArtifactStore

        artifacts = ArtifactStore(folder / "models", now=lambda: NOW)
        out = artifacts.begin("recommender")
        began = time.perf_counter()
        info = train(folder / "snapshot", out, tune=tune, now=lambda: NOW)
        fitted, used = time.perf_counter() - began, time.process_time() - generated
        peak = peak_rss_mb()
        artifacts.publish("recommender", out, {})
        times = ask(folder, artifacts.candidates("recommender")[0])
    return {
        "products": products,
        "interactions": interactions,
        "fit_s": round(fitted, 1),
        "fit_cpu_s": round(used, 1),
        "stages": info.timings,
        "peak_mb": peak,
        "before_mb": before,
        "query_p50_ms": round(float(np.quantile(times, 0.5)), 2),
        "query_p99_ms": round(float(np.quantile(times, 0.99)), 2),
    }


def write_snapshot(folder: Path, products: int, interactions: int) -> None:
    """Write products and interactions as a training reads them."""
    from appliance.domain import InteractionType
    from appliance.ops.demo.loader import DemoSize, demo_products
    from appliance.ops.demo.shoppers import TYPES, simulate_columns
    from appliance.recsys.training import INTERACTIONS_FILE, PRODUCTS_FILE
    from appliance.settings import Weights
    from appliance.store.snapshot import InteractionArrays

    folder.mkdir(parents=True)
    catalogue = demo_products(DemoSize(products=products, events=interactions), 7, NOW)
    with (folder / PRODUCTS_FILE).open("wb") as file:
        for product in catalogue:
            file.write(msgspec.json.encode(product) + b"\n")
    columns = simulate_columns(catalogue, 7, NOW, max(1, interactions // 30), interactions)
    kept = columns.product >= 0
    weight_of = [getattr(Weights(), str(kind)) for kind in TYPES]
    number_of = [list(InteractionType).index(InteractionType(kind)) for kind in TYPES]
    InteractionArrays(
        visitor=columns.visitor[kept].astype(np.int32),
        session=columns.session[kept].astype(np.int32),
        product=columns.product[kept].astype(np.int32),
        type=np.array(number_of, np.int8)[columns.type[kept]],
        weight=np.array(weight_of, np.float32)[columns.type[kept]],
        occurred_at=columns.occurred_at[kept],
        visitors=[f"s:v{number}" for number in range(int(columns.visitor.max()) + 1)],
        sessions=[f"v{number}" for number in range(int(columns.session.max()) + 1)],
        product_ids=[product.id for product in catalogue],
    ).save(folder / INTERACTIONS_FILE)


def ask(folder: Path, model: Path) -> list[float]:
    """Return the milliseconds of each first answer to a visitor with a history."""
    from appliance.domain import Interaction
    from appliance.issues import IssueBoard
    from appliance.metrics import Metrics
    from appliance.ops.build import read_products
    from appliance.ops.evaluation.catalogue import FixedCatalogue
    from appliance.recsys.base import RecommendRequest
    from appliance.recsys.service import RecommendationService
    from appliance.settings import Settings

    catalogue = FixedCatalogue(read_products(folder / "snapshot"), always_in_stock=True)
    service = RecommendationService(catalogue, list, Settings(), Metrics(), IssueBoard(), lambda: NOW)
    service.load(model)
    draw = np.random.default_rng(1)
    ids = list(catalogue.cards())
    times = []
    for number in range(VISITORS):
        session = f"growth-{number}"
        chosen = draw.choice(len(ids), HISTORY, replace=False).tolist()
        service.observe(
            [
                Interaction("", "", session, ids[row], "", "view", 1.0, NOW - 60 + place, NOW)
                for place, row in enumerate(chosen)
            ]
        )
        began = time.perf_counter()
        service.recommend(RecommendRequest(session_id=session))
        times.append(1000 * (time.perf_counter() - began))
    service.close()
    return times[100:]


def table(rows: list[dict[str, Any]]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| products | interactions | fit | CPU | peak memory | query p50 | query p99 |", "|" + " --- |" * 7]
    lines += [
        f"| {row['products']:,} | {row['interactions']:,} | {row['fit_s']} s | {row['fit_cpu_s']} s |"
        f" {row['peak_mb']:,.0f} MB | {row['query_p50_ms']} ms | {row['query_p99_ms']} ms |"
        for row in rows
    ]
    return "\n".join(lines)


def plot(rows: list[dict[str, Any]]) -> str:
    """Return an SVG with fit seconds and query p99 over interactions, both axes logarithmic."""
    width, height, margin = 640, 360, 56
    left, right = math.log10(rows[0]["interactions"]), math.log10(rows[-1]["interactions"])
    series = (
        ("fit, s", "fit_s", "#1f6f8b"),
        ("linear growth", None, "#b0b0b0"),
        ("query p99, ms", "query_p99_ms", "#c8553d"),
    )

    def x(row: dict[str, Any]) -> float:
        return margin + (math.log10(row["interactions"]) - left) / max(right - left, 1e-9) * (width - 2 * margin)

    def y(value: float) -> float:
        return height - margin - (math.log10(max(value, 0.1)) + 1) / 4 * (height - 2 * margin)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">'
    ]
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for power in range(-1, 4):
        at = y(10.0**power)
        parts.append(f'<line x1="{margin}" y1="{at}" x2="{width - margin}" y2="{at}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{margin - 6}" y="{at + 4}" text-anchor="end">{10.0**power:g}</text>')
    for row in rows:
        text = f"{row['interactions']:,}"
        parts.append(f'<text x="{x(row)}" y="{height - margin + 18}" text-anchor="middle">{text}</text>')
    parts.append(f'<text x="{width / 2}" y="{height - 12}" text-anchor="middle">interactions</text>')
    for place, (name, key, colour) in enumerate(series):
        first = rows[0]
        values = [row[key] if key else first["fit_s"] * row["interactions"] / first["interactions"] for row in rows]
        points = " ".join(f"{x(row):.1f},{y(value):.1f}" for row, value in zip(rows, values, strict=True))
        dash = ' stroke-dasharray="4 4"' if key is None else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        parts.append(f'<text x="{margin + 12}" y="{margin - 30 + 16 * place}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Measure every size in a child and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["1000:50000", "10000:500000", "100000:5000000"])
    parser.add_argument("--tune", action="store_true", help="choose and weigh models too, as the nightly training does")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        products, interactions = map(int, options.sizes[0].split(":"))
        print(json.dumps(measure(products, interactions, tune=options.tune)))
        return
    rows = []
    for size in options.sizes:
        command = [sys.executable, __file__, "--child", "--sizes", size, *(["--tune"] if options.tune else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"{size}: {rows[-1]['fit_s']} s, p99 {rows[-1]['query_p99_ms']} ms", file=sys.stderr)
    if options.plot:
        options.plot.write_text(plot(rows), encoding="utf-8")
    print(json.dumps(rows) if options.json else table(rows))


if __name__ == "__main__":
    main()
