"""Which orders were counted as purchases: each product of an order once, whoever told of it first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlite_utils import Database

from appliance.store.products import json_ids
from appliance.store.sqlite import SqliteStore

_UNCOUNTED = """
select o.id, o.display_id, coalesce(o.customer_id, ''), o.placed_at, o.currency
from orders o where o.counting = 'due' and o.status <> 'canceled' and o.placed_at <= ?
order by o.placed_at, o.id limit ?
"""
_UNDONE = """
select o.id, o.display_id, coalesce(o.customer_id, ''), o.placed_at, o.currency
from orders o where o.counting = 'counted' and o.status in ('canceled', 'refunded', 'returned')
order by o.placed_at, o.id limit ?
"""
_LINES = """
select product_id, sum(quantity), sum(total) from order_items where order_id = ? and product_id <> ''
group by product_id order by min(position)
"""
_COUNT = """
insert into order_purchases (order_id, product_id, event_id, tracked, placed_at, recorded_at) values (?, ?, ?, ?, ?, ?)
on conflict (order_id, product_id) do nothing
"""
_TAKEN = "select event_id from order_purchases where event_id in (select value from json_each(?))"
_SET = "update orders set counting = ? where id = ?"
_RECENT = """
select p.event_id, p.product_id, coalesce(o.customer_id, ''), o.display_id, o.id, p.placed_at
from order_purchases p join orders o on o.id = p.order_id where p.tracked = 0 and p.placed_at >= ?
"""


class OrderLine(msgspec.Struct, frozen=True):
    """A product of an order, all its variants together. ``total`` is in smallest units."""

    product_id: str
    quantity: int
    total: int


class UncountedOrder(msgspec.Struct, frozen=True):
    """An order that is to be counted."""

    id: str
    display_id: str
    customer_id: str
    placed_at: float
    """Unix seconds, as the book gives it on Medusa's clock."""
    currency: str
    lines: tuple[OrderLine, ...]


class Counted(msgspec.Struct, frozen=True):
    """A product of an order that was counted, by which event, and whether the storefront had told of it."""

    order_id: str
    product_id: str
    event_id: str
    tracked: bool
    placed_at: float
    """Unix seconds on our clock, like the times of events."""


class CountedPurchase(msgspec.Struct, frozen=True):
    """A purchase that is known from an order alone so far."""

    event_id: str
    product_id: str
    customer_id: str
    display_id: str
    order_id: str
    placed_at: float
    """Unix seconds on our clock."""


class PurchaseRepository:
    """The book of counted orders. Safe to use from any thread."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def uncounted(self, placed_before: float, limit: int = 500) -> list[UncountedOrder]:
        """Return mirrored orders that were never counted, the oldest first; the moment is on Medusa's clock."""
        with self._store.reading() as db:
            return _orders(db, db.execute(_UNCOUNTED, [placed_before, limit]).fetchall())

    def undone(self, limit: int = 500) -> list[UncountedOrder]:
        """Return orders that were counted and have been canceled, returned or refunded since."""
        with self._store.reading() as db:
            return _orders(db, db.execute(_UNDONE, [limit]).fetchall())

    def taken(self, event_ids: Sequence[str]) -> set[str]:
        """Return which of some events stand for an order already."""
        with self._store.reading() as db:
            return {row[0] for row in db.execute(_TAKEN, [json_ids(event_ids)])}

    def count(self, counted: Sequence[Counted], order_ids: Sequence[str], now: float) -> None:
        """Enter orders in the book; those without any known product are only not looked at again."""
        rows = [(one.order_id, one.product_id, one.event_id, int(one.tracked), one.placed_at, now) for one in counted]
        with self._store.write() as db:
            db.conn.executemany(_COUNT, rows)
            db.conn.executemany(_SET, [("counted", order_id) for order_id in order_ids])

    def refunded(self, order_ids: Sequence[str]) -> None:
        """Note that the purchases of orders were taken back."""
        with self._store.write() as db:
            db.conn.executemany(_SET, [("taken_back", order_id) for order_id in order_ids])

    def untracked(self, placed_since: float) -> list[CountedPurchase]:
        """Return the purchases of which only Medusa told, of orders placed since a moment on our clock."""
        with self._store.reading() as db:
            rows = db.execute(_RECENT, [placed_since]).fetchall()
        return [CountedPurchase(*row) for row in rows]


def _orders(db: Database, rows: Sequence[Sequence[Any]]) -> list[UncountedOrder]:
    return [
        UncountedOrder(
            id_, number, customer, at, currency, tuple(OrderLine(*line) for line in db.execute(_LINES, [id_]))
        )
        for id_, number, customer, at, currency in rows
    ]
