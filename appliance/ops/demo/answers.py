"""What the demo shop's assistant answers from: the shop's own texts, and a dozen orders of its products."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache

import msgspec

from appliance.data_files import read_data
from appliance.domain import Product, Variant
from appliance.store.faq import FaqEntry
from appliance.store.orders import OrderItem, OrderRecord

_DAY = 86_400.0
_SHOP_TIME = timezone(timedelta(hours=7))
_SUNDAY = 6


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the records: a misspelt key in a data file is an error."""


class _Answer(_Record, frozen=True):
    vi: str
    en: str


class _Question(_Record, frozen=True, kw_only=True):
    asked_vi: tuple[str, ...]
    asked_en: tuple[str, ...]
    vi: str
    en: str
    intent: str = ""


class _Answers(_Record, frozen=True):
    answers: dict[str, _Answer]
    questions: dict[str, _Question]


class _Order(_Record, frozen=True, kw_only=True):
    number: str
    phone: str
    email: str
    status: str
    placed: int
    """Days from now, like ``expected``."""
    payment: str
    lines: tuple[tuple[int, int], ...]
    expected: int | None = None
    carrier: str = ""
    tracking: str = ""


class _Orders(_Record, frozen=True):
    order: tuple[_Order, ...]


def demo_answers() -> list[FaqEntry]:
    """Return the shop's answers in both languages; the same ids every time."""
    texts = read_data("appliance.ops.demo", "answers", _Answers)
    own = [
        FaqEntry(id="", intent=intent, answers={"vi": answer.vi, "en": answer.en})
        for intent, answer in texts.answers.items()
    ]
    asked = [
        FaqEntry(
            id=f"faq_{name}",
            intent=question.intent,
            questions={"vi": question.asked_vi, "en": question.asked_en},
            answers={"vi": question.vi, "en": question.en},
        )
        for name, question in texts.questions.items()
    ]
    return own + asked


def demo_orders(products: Sequence[Product], now: float) -> list[OrderRecord]:
    """Return a dozen orders of these products in every state, placed in the weeks before ``now``.

    Numbers, phone numbers and e-mail addresses are invented and the same every time.
    """
    return [
        OrderRecord(
            display_id=order.number,
            status=order.status,
            phone=order.phone,
            email=order.email,
            items=tuple(_items(order, products)),
            placed_at=math.floor(now) + order.placed * _DAY,
            metadata=_facts(order, now),
        )
        for order in _orders()
    ]


def order_to_look_up() -> tuple[str, str]:
    """Return number and phone number of an order that is on its way, for whoever tries the assistant."""
    first = _orders()[0]
    return first.number, first.phone


def _items(order: _Order, products: Sequence[Product]) -> Iterator[OrderItem]:
    for place, quantity in order.lines:
        product = products[place % len(products)]
        variant = _bought(product.variants)
        version = f" ({variant.title})" if variant.title else ""
        yield OrderItem(
            title=f"{product.title}{version}",
            quantity=quantity,
            total=(variant.price or 0) * quantity,
            product_id=product.id,
            variant_id=variant.id,
        )


def _bought(variants: Sequence[Variant]) -> Variant:
    return next((variant for variant in variants if variant.stock), variants[0])


def _facts(order: _Order, now: float) -> dict[str, str]:
    named = {"carrier": order.carrier, "tracking": order.tracking, "payment": order.payment}
    facts = {name: value for name, value in named.items() if value}
    if order.expected is not None:
        day = datetime.fromtimestamp(now, _SHOP_TIME).date() + timedelta(days=order.expected)
        # The shop's own answers say that nothing is delivered on Sunday.
        facts["expected_delivery"] = (day + timedelta(days=1) if day.weekday() == _SUNDAY else day).isoformat()
    return facts


@lru_cache(maxsize=1)
def _orders() -> tuple[_Order, ...]:
    return read_data("appliance.ops.demo", "orders", _Orders).order
