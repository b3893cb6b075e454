"""What the owner writes for a range in a rule, and for the margin and repurchase interval of a product.

A range is ``200000..500000``, open at one side (``..500000``, ``1000000..``) or a comparison (``>=0.3``, ``<10%``). A
price range may end in its currency (``200000..500000 VND``): it holds for prices in that currency only, so that 20
dollars are never taken for 20 đồng.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Literal, NamedTuple

from appliance.domain import MAX_INTERVAL_DAYS, decimals

_PRICE = re.compile(r"[0-9]{1,13}(?:\.(?P<decimals>[0-9]{1,3}))?")
_SHARE = re.compile(r"(?P<number>[+-]?[0-9]{1,6}(?:[.,][0-9]{1,12})?)\s*(?P<percent>%?)")
_CURRENCY = re.compile(r"(?P<range>.*?)\s*(?P<currency>[A-Z]{3})")
_COMPARISON = re.compile(r"(?P<sign>>=|<=|>|<|≥|≤)(?P<bound>.*)")

PRICE_FORM = "write a range as 200000..500000, ..500000 or 1000000.., in main units without thousands separators"
MARGIN_FORM = "write a range as >=30%, <0.1 or 10%..25%"


class Span(NamedTuple):
    """A range of prices in main units or of margins as fractions, both ends included."""

    low: float
    high: float
    currency: str = ""
    """ISO 4217 code of a price range; ``''`` where none was named."""

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range."""
        return self.low <= value <= self.high


@lru_cache(maxsize=4096)
def span_of(target: Literal["price", "margin"], text: str) -> Span:
    """Read a range; raises ``ValueError`` that says how to write one."""
    body, currency = text.strip(), ""
    if target == "price" and (found := _CURRENCY.fullmatch(body)):
        body, currency = found["range"], found["currency"]
    low, high = _bounds(target, body, currency)
    if low > high:
        raise ValueError("write the smaller bound first: this range ends before it begins")
    return Span(low, high, currency)


def checked_range(target: Literal["price", "margin"], text: str, currency: str) -> str:
    """Return a range as rules keep it: a price range with its currency, the shop's where it names none.

    Raises ``ValueError`` that says how to write one.
    """
    span = span_of(target, text)
    if target == "margin" or span.currency:
        return text.strip()
    complete = f"{text.strip()} {currency}"
    span_of(target, complete)
    return complete


def fraction_of(text: str) -> float | None:
    """Return a share as a fraction, or ``None`` for what is none: ``0.35``, ``0,35``, ``35%`` and ``35`` are alike.

    Without a percent sign a number from -1 to 1 is a fraction and any other a percentage: no margin is above 100 %.
    """
    found = _SHARE.fullmatch(text.strip())
    if found is None:
        return None
    number = float(found["number"].replace(",", "."))
    return number / 100 if found["percent"] or abs(number) > 1 else number


def days_of(text: str) -> float | None:
    """Return a number of days from 0 to ten years, or ``None`` for what is none."""
    try:
        days = float(text)
    except ValueError:
        return None
    return days if 0 <= days <= MAX_INTERVAL_DAYS else None


def _bounds(target: str, body: str, currency: str) -> tuple[float, float]:
    compared = _COMPARISON.fullmatch(body)
    if compared is not None:
        sign, bound = compared["sign"], _number(target, compared["bound"], currency)
        if sign in ("<", "<=", "≤"):
            return -math.inf, math.nextafter(bound, -math.inf) if sign == "<" else bound
        return math.nextafter(bound, math.inf) if sign == ">" else bound, math.inf
    low, dots, high = body.partition("..")
    if not dots or not (low.strip() or high.strip()):
        raise ValueError(PRICE_FORM if target == "price" else MARGIN_FORM)
    return (
        _number(target, low, currency) if low.strip() else -math.inf,
        _number(target, high, currency) if high.strip() else math.inf,
    )


def _number(target: str, text: str, currency: str) -> float:
    if target == "margin":
        share = fraction_of(text)
        if share is None:
            raise ValueError(MARGIN_FORM)
        return share
    found = _PRICE.fullmatch(text.strip())
    # "200.000" is two hundred thousand to who writes it in a currency without decimals, and two hundred to a parser.
    if found is None or (currency and len(found["decimals"] or "") > decimals(currency)):
        raise ValueError(PRICE_FORM)
    return float(text)
