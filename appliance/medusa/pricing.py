"""What a customer pays: Medusa's own rules for choosing one of a variant's prices, applied to the mirrored ones.

Follows ``calculatePrices`` of Medusa 2's pricing module for a customer in no group who buys one piece, so that the
shop shows offline what the checkout charges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from appliance.medusa.records import ListPrice, Price, PriceList

_REGION = "region_id"


class Offer(NamedTuple):
    """A price of a price list that is in force, with what counts of its list.

    Not the list itself: offers are compared often, and each would be compared with all prices of its list.
    """

    price: ListPrice
    overrides: bool
    """Whether it holds even where the plain price is lower."""
    circumstances: int
    """How many rules the list has: the more, the closer it fits."""


def offers_in_force(lists: Iterable[PriceList], region_id: str, now: float) -> dict[str, tuple[Offer, ...]]:
    """Return, by variant id, the prices of the lists that hold now (Unix seconds on Medusa's clock) in a region."""
    found: dict[str, list[Offer]] = {}
    for price_list in lists:
        if not _holds(price_list, region_id, now):
            continue
        for price in price_list.prices:
            if price.variant_id:
                found.setdefault(price.variant_id, []).append(
                    Offer(price, price_list.type == "override", len(price_list.rules))
                )
    return {variant_id: tuple(offers) for variant_id, offers in found.items()}


def shelf_price(prices: Sequence[Price], offers: Sequence[Offer], currency: str, region_id: str) -> Decimal | None:
    """Return what one piece costs in a currency and region, in main units; ``None`` where it has no price in it.

    ``region_id`` may be empty: then prices that ask for a region do not apply.
    """
    plain = [price for price in prices if _applies(price, currency, region_id)]
    listed = [offer for offer in offers if _applies(offer.price, currency, region_id)]
    default = min(plain, key=lambda price: (-len(price.rules), price.amount), default=None)
    best = min(
        listed,
        key=lambda offer: (-len(offer.price.rules) - offer.circumstances, offer.price.amount),
        default=None,
    )
    if best is None:
        return None if default is None else default.amount
    if best.overrides or default is None:
        return best.price.amount
    return min(best.price.amount, default.amount)


def _holds(price_list: PriceList, region_id: str, now: float) -> bool:
    begun = price_list.starts_at is None or price_list.starts_at.timestamp() <= now
    ended = price_list.ends_at is not None and price_list.ends_at.timestamp() < now
    return price_list.status == "active" and begun and not ended and _matches(price_list.rules, region_id)


def _applies(price: Price, currency: str, region_id: str) -> bool:
    # Without a quantity Medusa looks at the lower bound alone.
    for_one = price.min_quantity is None or price.min_quantity <= 1
    return for_one and price.currency_code.upper() == currency.upper() and _matches(price.rules, region_id)


def _matches(rules: Mapping[str, Any], region_id: str) -> bool:
    """Tell whether all rules hold for somebody of whom the region alone is known."""
    for attribute, wanted in rules.items():
        if attribute != _REGION or not region_id:
            return False
        values = wanted if isinstance(wanted, list) else [wanted]
        if region_id not in values:
            return False
    return True
