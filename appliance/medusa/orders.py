"""From Medusa's orders to ours: states in plain words, lines, and contacts that are hashed on the way to the disk."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from appliance.medusa import records
from appliance.medusa.projection import minor_units
from appliance.store.contacts import email_key, phone_key
from appliance.store.orders import MAX_FACT, MAX_ITEMS, MAX_TITLE, OrderItem, OrderRecord
from appliance.text import clean_line

_BY_FULFILMENT = {
    "delivered": "delivered",
    "partially_delivered": "shipped",
    "shipped": "shipped",
    "partially_shipped": "shipped",
    "fulfilled": "processing",
    "partially_fulfilled": "processing",
}
_UNPAID = frozenset({"not_paid", "awaiting", "authorized", "partially_authorized", "requires_action"})


class OrderMark(records.Identified, frozen=True, kw_only=True):
    """What the mirror keeps of an order besides the order itself: enough to see whether it is to be read anew."""

    kind: ClassVar[str] = "order"

    created_at: float
    """Unix seconds."""
    updated_at: datetime
    unpaid: bool = False
    """Whether the order waits for its money, which will come without moving the order's time of change."""


def order_mark(order: records.Order) -> OrderMark:
    """Return what the mirror keeps of an order."""
    return OrderMark(
        id=order.id,
        created_at=order.created_at.timestamp(),
        updated_at=order.updated_at,
        unpaid=order.payment_status in _UNPAID and order.status not in ("canceled", "archived"),
    )


def order_record(order: records.Order) -> OrderRecord:
    """Return an order as it is kept here."""
    phone = (order.shipping_address.phone or "") if order.shipping_address else ""
    email = order.email or ""
    return OrderRecord(
        id=order.id,
        display_id=str(order.display_id if order.display_id is not None else order.id),
        status=order_status(order),
        phone=phone if phone_key(phone) else "",
        email=email if email_key(email) else "",
        customer_id=order.customer_id or "",
        items=tuple(_item(item, order.currency_code) for item in order.items[:MAX_ITEMS] if item.quantity > 0),
        currency=order.currency_code.upper(),
        placed_at=order.created_at.timestamp(),
        metadata=_facts(order),
    )


def order_status(order: records.Order) -> str:
    """Return the one word that tells a shopper how far an order is."""
    if order.status == "canceled":
        return "canceled"
    if order.items and all(_came_back(item) for item in order.items):
        return "returned"
    if order.payment_status == "refunded":
        return "refunded"
    return _BY_FULFILMENT.get(order.fulfillment_status, "pending")


def _came_back(item: records.OrderItem) -> bool:
    return item.detail is not None and item.detail.return_received_quantity >= item.quantity


def _item(item: records.OrderItem, currency: str) -> OrderItem:
    named = (clean_line(part) for part in (item.title, item.subtitle) if part)
    title = " – ".join(part for part in named if part) or item.product_id or item.id
    return OrderItem(
        title=title[:MAX_TITLE],
        quantity=max(1, int(item.quantity)),
        total=minor_units(item.total, currency),
        product_id=item.product_id or "",
        variant_id=item.variant_id or "",
    )


def _facts(order: records.Order) -> dict[str, str]:
    parcels = [parcel for parcel in order.fulfillments if parcel.canceled_at is None]
    tracking = [label.tracking_number for parcel in parcels for label in parcel.labels if label.tracking_number]
    facts = {"payment": order.payment_status}
    if tracking:
        facts["tracking"] = ", ".join(dict.fromkeys(tracking))[:MAX_FACT]
    return facts
