"""The last check before an answer leaves: every amount of money in it must be one that a store has stated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from appliance.agents.types import Money, Outcome, Part
from appliance.domain import decimals

_UNITS = {
    "k": 1000,
    "nghin": 1000,
    "nghìn": 1000,
    "ngàn": 1000,
    "tr": 1_000_000,
    "triệu": 1_000_000,
    "million": 1_000_000,
}
_AMOUNT = re.compile(
    r"(?<![\w.,])(?P<symbol>[$€£¥])?\s?(?P<number>\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?)"
    r"\s?(?P<unit>k|nghìn|nghin|ngàn|triệu|tr|million|đồng|đ|₫|vnd|vnđ|usd|eur|[$€£¥])?(?![\w])",
    re.IGNORECASE,
)


def amounts_in(text: str, currency: str) -> Iterator[int]:
    """Yield the amounts of money that a text states, in the smallest unit.

    A number counts when a currency or a money word stands beside it; a bare number is a size, a count or a date.
    """
    for found in _AMOUNT.finditer(text):
        unit = (found["unit"] or "").lower()
        if not unit and not found["symbol"]:
            continue
        yield _minor(found["number"], unit, currency)


def stated(outcomes: Iterable[Outcome]) -> set[int]:
    """Return every amount that the facts of an answer hold."""
    known: set[int] = set()
    for outcome in outcomes:
        known.update(outcome.amounts)
        for part in outcome.parts:
            known.update(value.amount for value in part.values.values() if isinstance(value, Money))
        for product in outcome.products:
            known.add(product.price if product.price is not None else -1)
            known.update(variant.price for variant in product.variants if variant.price is not None)
    return known


def unfounded(text: str, known: set[int], owners_words: Iterable[str], currency: str) -> list[int]:
    """Return the amounts of a text that neither the facts nor the owner's own words state."""
    allowed = set(known)
    for words in owners_words:
        allowed.update(amounts_in(words, currency))
    return [amount for amount in amounts_in(text, currency) if amount not in allowed]


def owners_words(parts: Iterable[Part]) -> Iterator[str]:
    """Yield what the owner wrote: answers, titles and attributes, whatever amounts they name."""
    for part in parts:
        if part.text:
            yield part.text
        yield from (value for value in part.values.values() if isinstance(value, str))


def _minor(number: str, unit: str, currency: str) -> int:
    places = decimals(currency)
    if unit in _UNITS:
        return round(float(number.replace(",", ".")) * _UNITS[unit]) * int(10**places) if _plain(number) else -1
    whole, fraction = number, ""
    if places and len(number) > 3 and number[-3] in ".,":
        whole, fraction = number[:-3], number[-2:]
    elif places and len(number) > 2 and number[-2] in ".,":
        whole, fraction = number[:-2], f"{number[-1]}0"
    return int(re.sub(r"[.,]", "", whole)) * int(10**places) + int(fraction.ljust(places, "0") or 0)


def _plain(number: str) -> bool:
    return number.count(".") + number.count(",") < 2
