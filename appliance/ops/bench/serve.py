"""Similar, popular and search at two sizes of shop: saturation rate, then latency at half of it, beside the no-op."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from appliance.ops.bench import load
from appliance.ops.bench.shop import open_shop
from appliance.ops.bench.target import Target, serving

QUERIES = (
    "balo",
    "ba lô da",
    "túi đeo chéo nữ",
    "tui xach cong so",
    "giày sneaker trắng size 42",
    "giay nu 38",
    "balo dda",
    "dep quai ngang",
    "backpack",
    "ví da nam",
    "tui tote vai",
    "sandal đế bằng",
)
"""What shoppers type: one word and several, with and without marks, a slip, sizes, English."""


class RouteRow(msgspec.Struct, frozen=True):
    """One route at one size of shop."""

    products: int
    route: str
    saturation_per_second: float
    ratio_to_noop: float
    half_rate: load.LoadResult
    """Latency while requests come at half of the saturation rate."""


class ShopRow(msgspec.Struct, frozen=True):
    """The process at one size of shop."""

    products: int
    interactions: int
    ready_s: float
    idle_rss_mb: float
    loaded_rss_mb: float


class ServeReport(msgspec.Struct, frozen=True):
    """All sizes and routes."""

    shops: list[ShopRow]
    routes: list[RouteRow]


def run(
    work: Path,
    *,
    sizes: Sequence[tuple[int, int]] = ((300, 60_000), (50_000, 1_000_000)),
    seconds: float = 5.0,
    clients: int = 32,
    progress: Callable[[str], None] | None = None,
) -> ServeReport:
    """Measure shops of (products, interactions) in folders under ``work``; a shop already there is used again."""
    say = progress or (lambda _: None)
    shops: list[ShopRow] = []
    routes: list[RouteRow] = []
    for products, interactions in sizes:
        say(f"opening a shop of {products:,} products and {interactions:,} interactions")
        folder = work / f"shop-{products}"
        handles = open_shop(folder, products=products, interactions=interactions, progress=say)
        with serving(folder, noop=True) as target:
            time.sleep(2)
            idle = target.rss_mb()
            routes += _routes(target, products, handles, seconds=seconds, clients=clients, say=say)
            shops.append(
                ShopRow(
                    products, interactions, round(target.ready_seconds, 2), round(idle, 1), round(target.rss_mb(), 1)
                )
            )
    return ServeReport(shops, routes)


def _routes(
    target: Target, products: int, handles: Sequence[str], *, seconds: float, clients: int, say: Callable[[str], None]
) -> list[RouteRow]:
    work = {"noop": [load.get("/noop")], **_requests(handles)}
    rows: list[RouteRow] = []
    noop_rate = 0.0
    for route, requests in work.items():
        say(f"{products:,} products: {route}")
        load.run(load.saturate(target.port, requests, clients=clients, seconds=0.5))
        full = load.run(load.saturate(target.port, requests, clients=clients, seconds=seconds))
        noop_rate = noop_rate or full.per_second
        half = load.run(
            load.paced(target.port, requests, per_second=full.per_second / 2, clients=clients, seconds=seconds)
        )
        rows.append(RouteRow(products, route, full.per_second, round(full.per_second / noop_rate, 3), half))
    return rows


def _requests(handles: Sequence[str]) -> dict[str, list[bytes]]:
    draw = random.Random(0)
    chosen = draw.sample(list(handles), min(len(handles), 2000))
    return {
        "similar": [load.get(f"/v1/products/{handle}/similar") for handle in chosen],
        "popular": [load.get(f"/v1/products/popular?limit={limit}") for limit in range(8, 13)],
        "search": [load.get(f"/v1/search?q={quote(query)}") for query in QUERIES],
    }
