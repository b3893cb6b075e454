"""A verified order in words: its state, its goods, and those facts of the shop that may be shown."""

from __future__ import annotations

from datetime import date

from appliance.agents.service.masking import masked
from appliance.agents.service.words import service_words
from appliance.agents.types import Money, Part
from appliance.messages import Locale
from appliance.store.orders import OrderView
from appliance.text import fold

KNOWN = frozenset({"pending", "processing", "shipped", "delivered", "completed", "canceled", "returned", "refunded"})
NOT_SENT = frozenset({"pending", "processing"})
ENDED = frozenset({"canceled", "returned", "refunded"})
RECEIVED = frozenset({"delivered", "completed"})
MAX_LINES = 5
_FACTS = ("carrier", "tracking", "expected_delivery", "payment")
"""Facts of an order that are shown; whatever else a shop stores with it stays unsaid."""


def status_of(order: OrderView) -> str:
    """Return an order's state as one of ``KNOWN``, or ``other`` for a word of the shop's own."""
    word = fold(order.status).strip().replace(" ", "_").replace("-", "_")
    word = service_words().status.get(word, word)
    return word if word in KNOWN else "other"


def described(order: OrderView, locale: Locale) -> tuple[Part, ...]:
    """Return an order's state, goods, sum and delivery facts."""
    shown = order.items[:MAX_LINES]
    rest = len(order.items) - len(shown)
    facts = [
        Part(message=f"order.fact.{name}", values={"value": _fact(name, order.metadata[name], locale)})
        for name in _FACTS
        if order.metadata.get(name)
    ]
    return (
        stated(order),
        *(
            Part(
                message="order.item",
                values={
                    "quantity": item.quantity,
                    "title": masked(item.title),
                    "total": Money(item.total, order.currency),
                },
            )
            for item in shown
        ),
        *([Part(message="order.more_items", values={"count": rest})] if rest else []),
        *([Part(message="order.total", values={"total": Money(order.total, order.currency)})] if order.items else []),
        *facts,
    )


def stated(order: OrderView) -> Part:
    """Return an order's state in one sentence."""
    status = status_of(order)
    values: dict[str, str | int | float | Money] = {"number": order.display_id}
    if status == "other":
        values["status"] = masked(order.status.replace("_", " "))
    return Part(message=f"order.status.{status}", values=values)


def _fact(name: str, value: str, locale: Locale) -> str:
    if name == "tracking":
        return value
    if name != "expected_delivery":
        return masked(value)
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        return masked(value)
    return f"{day:%d/%m/%Y}" if locale == "vi" else f"{day.day} {day:%b %Y}"
