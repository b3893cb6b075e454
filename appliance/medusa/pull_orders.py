"""Customers and orders: the whole copy, what changed since, and the orders whose payment is still to come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime

from appliance.medusa import records
from appliance.medusa.mirror import Within, Written, changed_bodies, encode
from appliance.medusa.orders import OrderMark, order_mark, order_record
from appliance.medusa.paging import BATCH, batches
from appliance.medusa.reading_pass import Pass
from appliance.store.customers import CustomerRow, drop_customers, put_customers
from appliance.store.mirror import drop_records, put_records
from appliance.store.orders import OrderRepository
from appliance.store.sqlite import Transaction

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_UNPAID_DAYS = 30
_MOST_UNPAID = 300
_LIVELY_DAYS = 60
"""For so long an order is read anew every night: money that comes or is given back does not move its time of change."""


def copy_customers(run: Pass, now: float) -> None:
    """Read every customer, and forget those that are gone."""
    run.tell(0.0, "customers")
    listed: set[str] = set()
    for page in run.reader.customer_pages():
        run.tell(0.5, "customers")
        _write_customers(run, page, (), now)
        listed.update(customer.id for customer in page)
    missing = sorted(run.mirror.repository.ids("customer") - listed)
    read_customers(run, missing, now)


def read_customers(run: Pass, ids: Collection[str], now: float) -> None:
    """Read some customers anew; those that are gone are forgotten."""
    for batch in batches(sorted(set(ids))):
        found = run.reader.customers(batch)
        there = {customer.id for customer in found}
        _write_customers(run, found, [id_ for id_ in batch if id_ not in there], now)


def copy_orders(run: Pass, orders: OrderRepository, after: str, mark: Callable[[str], Within], now: float) -> None:
    """Read every order whose id comes after one, in order of id; ``mark`` as in ``copy_products``.

    An order is never forgotten: Medusa deletes none.
    """
    listed = sorted(change.id for change in run.reader.changed_orders(_EVER))
    wanted = [id_ for id_ in listed if id_ > after]
    for done, batch in enumerate(batches(wanted)):
        run.tell(done * BATCH / len(wanted), "orders")
        with run.exchange:
            write_orders(run, orders, _page(run, batch, now), within=mark(batch[-1]))


def compare_orders(run: Pass, orders: OrderRepository, now: float) -> None:
    """Look at the time of change of every order, and read those that the mirror lacks or has otherwise, and new ones.

    What was read is compared no more, so that a comparison that was broken off goes on by itself.
    """
    lively = now - _LIVELY_DAYS * 86_400
    run.tell(0.0, "orders")
    for page in run.reader.order_rows():
        run.tell(1.0, "orders")
        known = run.mirror.some(OrderMark, [row.id for row in page])
        wanted = [row.id for row in page if _is_to_read(row, known.get(row.id), lively)]
        read_orders(run, orders, wanted, now)


def _is_to_read(row: records.RowChange, mark: OrderMark | None, lively: float) -> bool:
    return mark is None or mark.updated_at != row.updated_at or mark.created_at >= lively


def read_orders(run: Pass, orders: OrderRepository, ids: Collection[str], now: float) -> list[records.Order]:
    """Read some orders anew and return them."""
    found: list[records.Order] = []
    for batch in batches(sorted(set(ids))):
        run.tell(1.0, "orders")
        with run.exchange:
            page = _page(run, batch, now)
            write_orders(run, orders, page)
        found += page
    return found


def unpaid_orders(run: Pass, now: float) -> list[str]:
    """Return the newest orders that wait for their payment, which will not move their time of change."""
    return run.mirror.repository.unpaid_orders(now - _UNPAID_DAYS * 86_400, _MOST_UNPAID)


def _page(run: Pass, ids: Sequence[str], now: float) -> list[records.Order]:
    """Return orders, after reading the customers that they name and the mirror lacks: a new one may come with them."""
    page = run.reader.orders(ids)
    named = {order.customer_id for order in page if order.customer_id}
    read_customers(run, named - run.mirror.repository.get("customer", sorted(named)).keys(), now)
    return page


def write_orders(
    run: Pass, orders: OrderRepository, found: Sequence[records.Order], *, within: Within | None = None
) -> None:
    """Write a page of orders with their marks in one transaction."""
    marks = {order.id: encode(order_mark(order)) for order in found}

    def also(db: Transaction, refused: Sequence[int]) -> None:
        # Without those that were refused, so that they are tried again and told of again.
        left_out = {found[index].id for index in refused}
        put_records(db, OrderMark.kind, {id_: mark for id_, mark in marks.items() if id_ not in left_out})
        if within is not None:
            within(db)

    saved = orders.upsert_many([order_record(order) for order in found], mirrored=True, within=also)
    written = Written(read=len(found), changed=saved.inserted + saved.updated)
    written.refused = [f"an order: {field} {reason}" for _, field, reason in saved.refused]
    run.report.count("order", written)
    run.report.renumbered += saved.renumbered


def _write_customers(run: Pass, found: Iterable[records.Customer], gone: Sequence[str], now: float) -> None:
    customers = {customer.id: customer for customer in found}
    known = run.mirror.repository.get("customer", [*customers, *gone])
    leaving = [id_ for id_ in gone if id_ in known]
    changed = changed_bodies(customers.values(), known)
    rows = [CustomerRow(id_, customers[id_].created_at.timestamp(), customers[id_].has_account) for id_ in changed]

    def write(db: Transaction) -> None:
        put_records(db, "customer", changed)
        put_customers(db, rows, now)
        drop_records(db, "customer", leaving)
        drop_customers(db, leaving)

    if changed or leaving:
        run.mirror.write(write)
    run.report.count("customer", Written(read=len(customers), changed=len(changed), deleted=len(leaving)))
