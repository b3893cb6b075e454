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
    "thousand": 1000,
}
_AMOUNT = re.compile(
    r"(?<![\w.,])(?P<symbol>[$€£¥]|vnđ|vnd|usd|eur)?\s?(?P<number>\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?)"
    r"\s?(?P<unit>k|nghìn|nghin|ngàn|triệu|tr|thousand|million|đồng|dong|đ|₫|vnd|vnđ|usd|eur|[$€£¥])?(?![\w])",
    re.IGNORECASE,
)

_LARGE = re.compile(r"\d{1,3}(?:[.,]\d{3})+|\d+")
_LARGEST_COUNT = 3
"""Digits of a number that may be a size or a count."""


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


def invented(text: str, known: set[int], owners_words: Iterable[str], currency: str) -> list[int]:
    """Return the numbers of a language model's text that may be prices and that nothing states.

    A model may leave the currency out: there any number of four digits or more must be one of the facts.
    """
    words = list(owners_words)
    places = 10 ** decimals(currency)
    facts = {_digits(number) for owner in words for number in _LARGE.findall(owner)}
    facts |= {digits for amount in known for digits in (str(amount), str(amount // places))}
    large = (_digits(number) for number in _LARGE.findall(text))
    wrong = unfounded(text, known, words, currency)
    return wrong or [int(number) for number in large if len(number) > _LARGEST_COUNT and number not in facts]


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


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
