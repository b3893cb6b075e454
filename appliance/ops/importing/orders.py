"""Turns rows into orders. Names and addresses in a file are not even read."""

from __future__ import annotations

import re
from typing import Any

from appliance.domain import CURRENCY_PATTERN, to_main
from appliance.ops.importing import values
from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.values import Fields
from appliance.store.contacts import MAX_CONTACT, email_key, phone_key
from appliance.store.normalise import MAX_ID
from appliance.store.orders import (
    MAX_FACT,
    MAX_ITEMS,
    MAX_METADATA,
    MAX_QUANTITY,
    MAX_STATUS,
    MAX_TITLE,
    OrderItem,
    OrderRecord,
)
from appliance.text import clean_line, words

_CURRENCY = re.compile(CURRENCY_PATTERN)
_FACTS = ("tracking", "carrier", "expected_delivery", "payment")
_STATUS = {
    name: status
    for status, names in {
        "pending": "pending|new|chờ xử lý|chờ xác nhận|mới",
        "processing": "processing|confirmed|packed|đang xử lý|đã xác nhận|đang đóng gói",
        "shipped": "shipped|shipping|in transit|out for delivery|fulfilled|đang giao|đang vận chuyển|đang giao hàng",
        "delivered": "delivered|completed|complete|đã giao|đã giao hàng|hoàn thành|thành công",
        "canceled": "canceled|cancelled|archived|đã hủy|đã huỷ|hủy|huỷ",
        "returned": "returned|đã trả hàng|trả hàng|đã hoàn hàng",
        "refunded": "refunded|đã hoàn tiền|hoàn tiền",
    }.items()
    for name in (" ".join(words(word)) for word in names.split("|"))
}


def order_from_row(fields: Fields, currency: str) -> OrderRecord:
    """Return the order of a row; ``currency`` is the shop's, for rows without one. Raises ``RowFault``."""
    order_id = values.identifier(fields, "id")
    number = values.line_text(fields, "display_id", MAX_ID).lstrip("# ") or order_id
    if not number:
        raise RowFault("empty_value", "display_id")
    code = values.line_text(fields, "currency", 16).upper() or currency
    if _CURRENCY.fullmatch(code) is None:
        raise RowFault("bad_currency", "currency", value=code)
    placed = fields.get("placed_at")
    return OrderRecord(
        display_id=number,
        id=order_id,
        status=_status(fields),
        phone=_contact(fields, "phone"),
        email=_contact(fields, "email"),
        customer_id=values.identifier(fields, "customer_id"),
        items=_items(fields, code),
        currency=code,
        placed_at=None if values.is_absent(placed) else values.moment(placed, "placed_at"),
        metadata=_metadata(fields),
    )


def order_row(order: OrderRecord) -> dict[str, object]:
    """Return an order in the JSONL form, totals in main units."""
    items = [
        {
            "title": item.title,
            "quantity": item.quantity,
            "total": to_main(item.total, order.currency),
            "product_id": item.product_id,
            "variant_id": item.variant_id,
        }
        for item in order.items
    ]
    row: dict[str, object] = {name: getattr(order, name) for name in order.__struct_fields__}
    return row | {"items": items, "metadata": dict(order.metadata)}


def _status(fields: Fields) -> str:
    text = values.line_text(fields, "status", MAX_STATUS) or "pending"
    return _STATUS.get(" ".join(words(text)), text)


def _contact(fields: Fields, column: str) -> str:
    text = values.line_text(fields, column, MAX_CONTACT)
    if text and not (phone_key(text) if column == "phone" else email_key(text)):
        raise RowFault("bad_contact", column)
    return text


def _items(fields: Fields, currency: str) -> tuple[OrderItem, ...]:
    found = values.structure(fields.get("items"), "items")
    if found is None:
        return ()
    if not isinstance(found, (list, tuple)) or len(found) > MAX_ITEMS:
        raise RowFault("bad_items", "items", limit=MAX_ITEMS)
    return tuple(_item(part, currency) for part in found)


def _item(part: Any, currency: str) -> OrderItem:
    if not isinstance(part, dict):
        raise RowFault("bad_items", "items", limit=MAX_ITEMS)
    title = values.line_text(part, "title", MAX_TITLE)
    if not title:
        raise RowFault("empty_value", "items.title")
    quantity = values.whole(part.get("quantity"), "items.quantity")
    quantity = 1 if quantity is None else quantity
    if not 1 <= quantity <= MAX_QUANTITY:
        raise RowFault("bad_quantity", "items.quantity", value=quantity, limit=MAX_QUANTITY)
    total = values.amount(part.get("total"), "items.total", currency)
    if total is None:
        price = values.amount(part.get("unit_price", part.get("price")), "items.price", currency)
        total = (price or 0) * quantity
    return OrderItem(
        title=title,
        quantity=quantity,
        total=total,
        product_id=values.identifier(part, "product_id"),
        variant_id=values.identifier(part, "variant_id"),
    )


def _metadata(fields: Fields) -> dict[str, str]:
    found = values.structure(fields.get("metadata"), "metadata")
    if found is not None and not isinstance(found, dict):
        raise RowFault("bad_facts", "metadata", limit=MAX_METADATA)
    facts = {clean_line(str(name))[:60]: value for name, value in (found or {}).items()}
    facts |= {name: fields[name] for name in _FACTS if not values.is_absent(fields.get(name))}
    facts.pop("", None)
    kept = {name: text for name in facts if (text := values.line_text(facts, name, MAX_FACT))}
    if len(kept) > MAX_METADATA:
        raise RowFault("bad_facts", "metadata", limit=MAX_METADATA)
    return kept
