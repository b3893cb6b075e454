"""Following events: what Medusa told becomes targeted readings. An event is a hint to look, never the truth itself.

Events come doubled, in no order, and with ids only. ``product.product-variant.updated`` and
``product-variant.updated`` are the same word of two layers, so the subject is what stands before the last dot.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from appliance.medusa import records
from appliance.medusa.pull_orders import read_customers, read_orders, unpaid_orders
from appliance.medusa.pull_products import read_products, sweep_channels
from appliance.medusa.pull_shop import read_shop
from appliance.medusa.pull_stock import read_items, read_stock, read_stock_of
from appliance.medusa.reading_pass import Pass
from appliance.settings import Medusa
from appliance.store.medusa_events import MedusaEvent, MedusaEventRepository
from appliance.store.orders import OrderRepository

_SHOP = frozenset(
    {
        "product-category",
        "product-collection",
        "product-type",
        "product-tag",
        "price-list",
        "price",
        "region",
        "store",
        "sales-channel",
        "stock-location",
        "api-key",
    }
)
_PAYMENTS = frozenset({"payment", "capture", "refund"})
_CHANNELS = "LinkProductSalesChannel"
"""Names neither product nor channel."""
_BY_ID = frozenset(
    {"product", "product-variant", "inventory-item", "inventory-level", "reservation-item", "order", "customer"}
)
SUBJECTS = _SHOP | _PAYMENTS | _BY_ID | {_CHANNELS}
"""What is followed; anything else that Medusa tells is none of ours."""
_MOST_LEVELS = 100
_FEW_ITEMS = 5000
_ITEM = records.InventoryItem.kind
_BATCH = 1000


def subject_of(event: str) -> str:
    """Return what an event is about."""
    return event.rpartition(".")[0].rpartition(".")[2]


class _Wanted(msgspec.Struct):
    """What a batch of events asks for."""

    products: set[str] = set()
    variants: set[str] = set()
    items: set[str] = set()
    levels: set[str] = set()
    orders: set[str] = set()
    customers: set[str] = set()
    shop: bool = False
    payments: bool = False
    channels: bool = False


def follow_events(
    run: Pass, events: MedusaEventRepository, orders: OrderRepository, settings: Medusa, now: float
) -> None:
    """Read what the waiting events are about, then mark them as followed."""
    while waiting := events.waiting(_BATCH):
        run.tell(0.5, "events")
        _follow(run, _wanted(waiting), orders, settings, now)
        events.followed([event.digest for event in waiting])


def _wanted(events: Iterable[MedusaEvent]) -> _Wanted:
    wanted = _Wanted()
    by_subject = {
        "product": wanted.products,
        "product-variant": wanted.variants,
        "inventory-item": wanted.items,
        "inventory-level": wanted.levels,
        "order": wanted.orders,
        "customer": wanted.customers,
    }
    for event in events:
        subject = subject_of(event.event)
        if subject in by_subject:
            by_subject[subject].update(event.ids)
        elif subject == "reservation-item":
            wanted.orders.update(id_ for id_ in event.ids if id_.startswith("order_"))
        wanted.shop |= subject in _SHOP
        wanted.payments |= subject in _PAYMENTS
        wanted.channels |= subject == _CHANNELS
    return wanted


def _follow(run: Pass, wanted: _Wanted, orders: OrderRepository, settings: Medusa, now: float) -> None:
    if wanted.shop:
        read_shop(run, settings)
    products = set(wanted.products)
    if wanted.variants:
        products |= {change.product_id for change in run.reader.variants(sorted(wanted.variants)) if change.product_id}
        # A deleted variant is named by nobody but the product that had it.
        products |= set(run.mirror.repository.products_using("variant", wanted.variants))
    read_products(run, sorted(products))
    order_ids = wanted.orders | (set(unpaid_orders(run, now)) if wanted.payments else set())
    bought = {item.product_id for order in read_orders(run, orders, order_ids, now) for item in order.items}
    _follow_stock(run, wanted, {id_ for id_ in bought if id_}, products)
    read_customers(run, wanted.customers, now)
    if wanted.channels:
        sweep_channels(run)


def _follow_stock(run: Pass, wanted: _Wanted, bought: set[str], products: set[str]) -> None:
    """Read the stock that events are about: of items and levels, and of what was ``bought``.

    Medusa finds no item by its level. A level that nothing here names is mostly that of one of the ``products`` told of
    beside it; what is left is read with all the rest where that is little, else by the next pass over stock.
    """
    repository = run.mirror.repository
    if len(wanted.levels) > _MOST_LEVELS:
        read_stock(run)
        return
    read_items(run, wanted.items | set(repository.holding(_ITEM, wanted.levels)))
    read_stock_of(run, bought)
    if not _unplaced(run, wanted.levels):
        return
    read_stock_of(run, products)
    if _unplaced(run, wanted.levels) and len(repository.ids(_ITEM)) <= _FEW_ITEMS:
        read_stock(run)


def _unplaced(run: Pass, levels: set[str]) -> set[str]:
    """Return the levels that no stock item here names."""
    holders = run.mirror.some(records.InventoryItem, run.mirror.repository.holding(_ITEM, levels)).values()
    return levels - {level.id for item in holders for level in item.location_levels}
