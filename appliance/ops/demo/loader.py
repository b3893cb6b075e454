"""Fills a data directory's stores with the demo shop, quickly enough for a person who waits for the first page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from appliance.domain import Interaction, Product, UpsertResult
from appliance.errors import Conflict
from appliance.ops.demo.answers import demo_answers, demo_orders
from appliance.ops.demo.catalogue import generate_products, scale_products
from appliance.ops.demo.events import batches, interactions
from appliance.ops.demo.shoppers import simulate_columns
from appliance.settings import Weights
from appliance.store.faq import FaqEntry, FaqSaved
from appliance.store.orders import OrderRecord, OrdersSaved

SEED = 7
PRODUCTS, EVENTS = 300, 60_000
_EVENTS_A_VISITOR = 30
_PRODUCT_BATCH, _EVENT_BATCH = 5000, 20_000

Progress = Callable[[float, str], None]
"""Gets a fraction and the part at work: ``products`` or ``events``."""


class ProductSink(Protocol):
    """The part of the catalogue that is filled."""

    def upsert(self, products: Sequence[Product]) -> UpsertResult:
        """Write products in one transaction."""


class EventSink(Protocol):
    """The part of the journal that is filled."""

    def append_sync(self, records: Sequence[Interaction]) -> object:
        """Write interactions durably."""


class AnswerSink(Protocol):
    """The part of the FAQ that is filled."""

    def upsert_many(self, entries: Sequence[FaqEntry]) -> FaqSaved:
        """Write answers in one transaction."""


class OrderSink(Protocol):
    """The part of the orders that is filled."""

    def upsert_many(self, orders: Sequence[OrderRecord]) -> OrdersSaved:
        """Write orders in one transaction."""


class DemoSize(msgspec.Struct, frozen=True, kw_only=True):
    """How large a demo shop is wanted."""

    products: int = PRODUCTS
    events: int = EVENTS
    visitors: int | None = None
    """By default one for thirty events: 2,000 in the demo."""


class DemoReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was written, and how long it took in seconds."""

    products: int
    interactions: int
    visitors: int
    generate_seconds: float
    write_seconds: float
    handles: tuple[str, ...]
    answers: int = 0
    orders: int = 0


def demo_products(size: DemoSize, seed: int, now: float) -> list[Product]:
    """Return the shop's products: the hand-sized shop up to 1,000 products, the benchmark's beyond."""
    if size.products <= 1000:
        return generate_products(seed, now, size.products)
    return scale_products(size.products, seed, now)


def fill(
    catalogue: ProductSink,
    journal: EventSink | None,
    *,
    now: float,
    faq: AnswerSink | None = None,
    orders: OrderSink | None = None,
    size: DemoSize | None = None,
    seed: int = SEED,
    weights: Weights | None = None,
    progress: Progress | None = None,
) -> DemoReport:
    """Write the generated products, the shop's answers and orders, and the simulated shoppers' events.

    What has no store is left out. Filling twice with the same arguments changes nothing. Raises ``Conflict`` where the
    stores hold answers or orders that these would contradict, and what the stores raise.
    """
    wanted = size or DemoSize()
    tell = progress or (lambda fraction, part: None)
    tell(0.0, "products")
    began = time.perf_counter()
    products = demo_products(wanted, seed, now)
    visitors = wanted.visitors or max(1, wanted.events // _EVENTS_A_VISITOR)
    columns = simulate_columns(products, seed, now, visitors, wanted.events) if journal and wanted.events else None
    generated = time.perf_counter()
    _write_products(catalogue, products, tell)
    answered, ordered = _write_assistant(faq, orders, products, now)
    written = 0
    if columns is not None and journal is not None:
        events = interactions(columns, products, seed, weights or Weights())
        written = _write_events(journal, events, len(columns), tell)
    tell(1.0, "events")
    return DemoReport(
        products=len(products),
        interactions=written,
        visitors=visitors if written else 0,
        generate_seconds=round(generated - began, 3),
        write_seconds=round(time.perf_counter() - generated, 3),
        handles=tuple(product.handle for product in products),
        answers=answered,
        orders=ordered,
    )


def _write_events(journal: EventSink, events: Iterator[Interaction], total: int, tell: Progress) -> int:
    written = 0
    for batch in batches(events, _EVENT_BATCH):
        journal.append_sync(batch)
        written += len(batch)
        tell(0.5 + 0.5 * written / total, "events")
    return written


def _write_assistant(
    faq: AnswerSink | None, orders: OrderSink | None, products: Sequence[Product], now: float
) -> tuple[int, int]:
    """Write the shop's own answers and orders of its products, and return how many."""
    answers, bought = demo_answers(), demo_orders(products, now)
    refused = [
        *(faq.upsert_many(answers).refused if faq is not None else ()),
        *(orders.upsert_many(bought).refused if orders is not None else ()),
    ]
    if refused:
        _, field, reason = refused[0]
        raise Conflict(f"The demo's answers and orders do not fit into this shop: {field} {reason}.")
    return (0 if faq is None else len(answers)), (0 if orders is None else len(bought))


def _write_products(catalogue: ProductSink, products: Sequence[Product], tell: Progress) -> None:
    for start in range(0, len(products), _PRODUCT_BATCH):
        catalogue.upsert(products[start : start + _PRODUCT_BATCH])
        tell(0.5 * start / len(products), "products")
