"""Live through a simulated day of a shop and measure how many shelves come from the cache.

``python scripts/simulated_day.py [--products 300] [--visitors 2000] [--work FOLDER]`` prepares the generated shop,
opens it in this process on a clock that is moved from page to page, and walks visitors through the pages of the demo
storefront with its shelves: home ("for you"), product (similar, bought together), cart. Every product page is an event,
orders take stock, and the owner edits a product every hour. What is printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from appliance.domain import Interaction, Product, Variant
from appliance.ops.bench.shop import open_shop
from appliance.recsys.base import RecommendRequest
from appliance.runtime import Runtime
from appliance.server.shelves import Shelf, Shelves
from appliance.settings import load_settings

DAY = 86_400.0
OPEN_HOURS = (7, 23)
"""Most visits come between these hours; one in ten at any time."""
MEAN_PAGES = 4.0
ORDER_SHARE = 0.03


class Day:
    """One day of one shop."""

    def __init__(self, runtime: Runtime, now: list[float], seed: int) -> None:
        self._runtime = runtime
        self._now = now
        self._shelves = Shelves(runtime)
        self._draw = random.Random(seed)
        self._ids = [card.id for card in runtime.catalogue.cards().values() if card.published]
        # Interest in products is spread as in most shops: a few get most of it.
        self._draw.shuffle(self._ids)
        self._weights = [1.0 / (rank + 10) for rank in range(len(self._ids))]
        self.hits: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.miss_seconds: list[float] = []

    def live(self, visitors: int) -> None:
        """Walk all visitors through the shop, page by page in the order of their times."""
        pages = sorted(page for number in range(visitors) for page in self._visit(number))
        began, hour = self._now[0], 0
        for at, visitor, step in pages:
            self._now[0] = began + at
            if at // 3600 > hour:
                hour = int(at // 3600)
                self._edit()
            self._page(f"day-{visitor}", step)

    def _visit(self, number: int) -> Iterator[tuple[float, int, int]]:
        low, high = OPEN_HOURS
        at = self._draw.uniform(low * 3600, high * 3600) if self._draw.random() < 0.9 else self._draw.uniform(0, DAY)
        for step in range(1 + min(30, int(self._draw.expovariate(1 / MEAN_PAGES)))):
            yield at, number, step
            at += self._draw.uniform(10, 120)

    def _page(self, session: str, step: int) -> None:
        if step == 0 or self._draw.random() < 0.1:
            self._recommend(session, "home")
            return
        product = self._pick()
        self._about("similar", product)
        self._about("bought_together", product)
        self._event(session, product, "view", 1.0)
        if self._draw.random() < ORDER_SHARE:
            self._event(session, product, "add_to_cart", 3.0)
            self._recommend(session, "cart")
            self._event(session, product, "purchase", 5.0)
            self._sell(product)

    def _pick(self) -> str:
        return self._draw.choices(self._ids, self._weights)[0]

    def _recommend(self, session: str, placement: str) -> None:
        request = RecommendRequest(session_id=session, placement=placement, locale="vi")  # type: ignore[arg-type]
        self._count(placement, lambda: self._shelves.recommend(request, "vi").cache)

    def _about(self, kind: str, product: str) -> None:
        recommender = self._runtime.recommender
        ask = recommender.similar if kind == "similar" else recommender.bought_together
        shelf = Shelf(lambda: ask(product), (kind, product), limit=10, locale="vi", placement=kind)  # type: ignore[arg-type]
        self._count(kind, lambda: self._shelves.answer(shelf).cache)

    def _count(self, kind: str, ask) -> None:  # type: ignore[no-untyped-def]
        began = time.perf_counter()
        hit = ask() == "hit"
        self.asked[kind] += 1
        self.hits[kind] += hit
        if not hit:
            self.miss_seconds.append(time.perf_counter() - began)

    def _event(self, session: str, product: str, kind: str, weight: float) -> None:
        at = self._now[0]
        self._runtime.recommender.observe([Interaction("", "", session, product, "", kind, weight, at, at)])

    def _sell(self, product_id: str) -> None:
        product = self._runtime.catalogue.product(product_id)
        if product is not None:
            self._runtime.catalogue.upsert([_with_stock(product, -1)])

    def _edit(self) -> None:
        product = self._runtime.catalogue.product(self._pick())
        if product is not None:
            self._runtime.catalogue.upsert([_with_price(product)])


def _with_stock(product: Product, change: int) -> Product:
    first, *rest = product.variants
    return _with_first(product, first, rest, stock=None if first.stock is None else max(0, first.stock + change))


def _with_price(product: Product) -> Product:
    first, *rest = product.variants
    return _with_first(product, first, rest, price=None if first.price is None else first.price + 1000)


def _with_first(product: Product, first: Variant, rest: list[Variant], **changes: object) -> Product:
    from msgspec.structs import replace

    return replace(product, variants=(replace(first, **changes), *rest))


def main() -> None:
    """Run the day and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=300)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--visitors", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="folder to keep the prepared shop in")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.work or Path(scratch)) / f"shop-{options.products}"
        open_shop(folder, products=options.products, interactions=options.events)
        now = [time.time() + 60]
        runtime = Runtime.open(folder, load_settings(folder), now=lambda: now[0])
        try:
            day = Day(runtime, now, options.seed)
            day.live(options.visitors)
        finally:
            runtime.stop()
    asked = sum(day.asked.values())
    day.miss_seconds.sort()
    report = {
        "products": options.products,
        "visitors": options.visitors,
        "shelves": asked,
        "hit_rate": round(sum(day.hits.values()) / asked, 4),
        "by_shelf": {kind: round(day.hits[kind] / count, 4) for kind, count in sorted(day.asked.items())},
        "asked": dict(sorted(day.asked.items())),
        "miss_p50_ms": round(1000 * day.miss_seconds[len(day.miss_seconds) // 2], 3),
        "miss_p99_ms": round(1000 * day.miss_seconds[int(len(day.miss_seconds) * 0.99)], 3),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
