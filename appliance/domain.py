"""The shared vocabulary: typed records that cross the rooms. No input or output happens here.

Money is an integer in the currency's smallest unit beside an ISO 4217 code; times are Unix seconds in UTC.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from enum import StrEnum
from typing import Literal

import msgspec

ID_PATTERN = r"^[A-Za-z0-9_.:-]+$(?!\n)"
"""Ids are printable and short; ``$`` alone would accept a trailing newline."""
OPTIONAL_ID_PATTERN = rf"^$(?!\n)|{ID_PATTERN}"
ID_OR_EMPTY_PATTERN = r"^[A-Za-z0-9_.:-]*$(?!\n)"
CURRENCY_PATTERN = r"^[A-Z]{3}$(?!\n)"
WINDOW_PATTERN = r"^([1-9]|[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-5])d$(?!\n)"
"""A span of days: ``7d``."""
NOT_BLANK_PATTERN = r"\S"

_MEANINGS = {
    repr(ID_PATTERN): "may hold letters, digits and _ . : - only",
    repr(OPTIONAL_ID_PATTERN): "may hold letters, digits and _ . : - only",
    repr(ID_OR_EMPTY_PATTERN): "may hold letters, digits and _ . : - only",
    repr(CURRENCY_PATTERN): "must be a currency code of three capital letters, as VND",
    repr(WINDOW_PATTERN): "must be a number of days from 1d to 365d, as 7d; hours and weeks are not taken",
    repr(NOT_BLANK_PATTERN): "must not be blank",
}
_MISMATCH = re.compile(r"Expected `str` matching regex (?P<pattern>'.*'|\".*\")", re.DOTALL)

MAX_INTERVAL_DAYS = 3650.0
_DECIMALS = {"VND": 0, "JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "XOF": 0, "XAF": 0, "KWD": 3, "BHD": 3, "TND": 3}


def said_plainly(fault: str) -> str:
    """Return a validation message of msgspec with what a person can follow in the place of a regular expression."""
    return _MISMATCH.sub(lambda found: _MEANINGS.get(found["pattern"], "has not the form that is asked for"), fault)


def decimals(currency: str) -> int:
    """Return how many decimals a currency's main unit has (ISO 4217): none for VND, two for most."""
    return _DECIMALS.get(currency.upper(), 2)


def to_minor(amount: Decimal | int | float | str, currency: str) -> int:
    """Turn an amount in main units (``450000`` VND, ``19.99`` USD) into the smallest unit.

    Raises ``ValueError`` for what is not a finite, sensible number or has more decimals than the currency.
    """
    try:
        exact = Decimal(str(amount)) * (10 ** decimals(currency))
    except InvalidOperation:
        raise ValueError(f"not an amount: {amount!r}") from None
    if not exact.is_finite() or abs(exact) > 10**15:
        raise ValueError(f"not an amount: {amount!r}")
    rounded = exact.to_integral_value(ROUND_HALF_EVEN)
    if abs(exact - rounded) > Decimal("0.000001"):
        raise ValueError(f"{amount} has more decimals than {currency} allows")
    return int(rounded)


def to_main(minor: int, currency: str) -> int | float:
    """Turn smallest units into the number that people write: an int for VND, a float for USD."""
    places = decimals(currency)
    return minor if places == 0 else round(minor / 10**places, places)


def interval_of(entry: str) -> tuple[str, float]:
    """Read a category's repurchase interval, ``ca-phe:14``, as (handle, days); raises ``ValueError``."""
    handle, _, days = entry.rpartition(":")
    try:
        found = float(days)
    except ValueError:
        found = -1.0
    if not handle.strip() or not 0 <= found <= MAX_INTERVAL_DAYS:
        raise ValueError(f"{entry[:100]!r} is no category handle with a number of days, as ca-phe:14")
    return handle.strip(), found


class InteractionType(StrEnum):
    """What a visitor did."""

    VIEW = "view"
    CLICK = "click"
    WISHLIST = "wishlist"
    ADD_TO_CART = "add_to_cart"
    REMOVE_FROM_CART = "remove_from_cart"
    PURCHASE = "purchase"
    SEARCH = "search"
    IMPRESSION = "impression"
    BEGIN_CHECKOUT = "begin_checkout"
    REFUND = "refund"


EVENT_ALIASES: dict[str, InteractionType] = {
    "view_item": InteractionType.VIEW,
    "view_item_list": InteractionType.IMPRESSION,
    "view_recommendation": InteractionType.IMPRESSION,
    "select_item": InteractionType.CLICK,
    "add_to_wishlist": InteractionType.WISHLIST,
    "view_search_results": InteractionType.SEARCH,
}
"""GA4 names that differ from ours; the others (add_to_cart, purchase, …) are the same words."""

PRODUCTLESS = frozenset({InteractionType.SEARCH, InteractionType.BEGIN_CHECKOUT, InteractionType.IMPRESSION})
"""Types that may come without a product."""


class Interaction(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event as the journal keeps it and the log stores it. Absent ids are ``''``."""

    event_id: str
    user_id: str
    session_id: str
    product_id: str
    product_handle: str
    interaction_type: str
    weight: float
    """The type's weight times 1 + log₂ of the quantity, where eight pieces and more count alike."""
    occurred_at: float
    received_at: float
    recommendation_id: str = ""
    metadata: str = ""
    """A JSON object as text, or ``''``."""


class Impression(msgspec.Struct, frozen=True, array_like=True):
    """One recommendation as it was shown, so that click-through and conversion can be computed."""

    recommendation_id: str
    user_id: str
    session_id: str
    placement: str
    strategy: str
    product_ids: tuple[str, ...]
    shown_at: float
    experiment_id: str = ""
    arm: Literal["", "a", "b"] = ""


class Variant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sellable version of a product."""

    id: str
    title: str = ""
    sku: str = ""
    size: str = ""
    color: str = ""
    price: int | None = None
    """Smallest unit of the product's currency; ``None`` when the variant has no price in it."""
    stock: int | None = None
    """Pieces on hand; ``None`` when stock is not tracked (always available)."""
    prices: dict[str, int] | None = None
    """Prices in other currencies by ISO code, smallest units; ``None``: whatever is known stays."""
    levels: dict[str, int] | None = None
    """Pieces by the id of the stock location, which make up ``stock``; ``None``: the places are not told apart."""


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product with everything that search, recommendation and the storefront need."""

    id: str
    handle: str
    title: str
    title_en: str = ""
    description: str = ""
    categories: tuple[str, ...] = ()
    """Category names or paths (``Túi > Túi xách``), most specific last."""
    tags: tuple[str, ...] = ()
    collection: str = ""
    attributes: dict[str, str] = {}
    """Open-ended facts: material, brand, gender, ``margin``."""
    currency: str = "VND"
    variants: tuple[Variant, ...] = ()
    thumbnail: str = ""
    images: tuple[str, ...] | None = None
    """Addresses of pictures, the first one first; ``None``: whatever is known stays."""
    status: Literal["published", "draft"] = "published"
    created_at: float = 0.0

    @property
    def price(self) -> int | None:
        """The lowest variant price in the smallest unit."""
        return min((variant.price for variant in self.variants if variant.price is not None), default=None)

    @property
    def in_stock(self) -> bool:
        """Whether any variant can be bought now."""
        return any(variant.stock is None or variant.stock > 0 for variant in self.variants)


class ProductCard(msgspec.Struct, frozen=True, gc=False):
    """The part of a product that every list shows and every filter reads; all published cards are kept in memory."""

    id: str
    handle: str
    title: str
    thumbnail: str
    price: int | None
    """Smallest unit."""
    currency: str
    in_stock: bool
    categories: tuple[str, ...]
    """Category handles, parents included."""
    tags: tuple[str, ...]
    created_at: float
    published: bool = True
    title_en: str = ""
    margin: float | None = None
    """Share of the price that is left after the product's cost, from its attribute ``margin``."""
    repurchase_days: float | None = None
    """Days after which a buyer may want it again, from the attribute of the same name; the shop's interval if none."""

    def name(self, locale: str) -> str:
        """Return the title in a language, as far as the shop has it."""
        return self.title_en if locale == "en" and self.title_en else self.title


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the category tree."""

    id: str
    handle: str
    name: str
    parent_id: str = ""


class CatalogueChange(msgspec.Struct, frozen=True):
    """What one committed write changed, sent to every listener after the commit."""

    revision: int
    """The catalogue's revision after the change; it only grows."""
    changed: tuple[str, ...]
    deleted: tuple[str, ...]


class UpsertResult(msgspec.Struct, frozen=True):
    """What became of a batch of products."""

    inserted: int
    updated: int
    unchanged: int


Placement = Literal["home", "product", "cart", "category", "search"]
RuleAction = Literal["pin", "boost", "bury", "exclude"]
RuleTarget = Literal["product", "category", "tag", "price", "margin"]
StrategyChoice = Literal["blend", "content", "collaborative", "popular", "no_exploration"]
"""How a shelf is ranked: ``blend`` is what shoppers get, the others are what an experiment may set against it."""
Arm = Literal["a", "b"]
ExperimentMetric = Literal["click", "conversion"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A merchandising rule of the owner."""

    id: str
    action: RuleAction
    target: RuleTarget
    value: str
    """Product id, category handle or tag; a range of prices in main units (``200000..500000 VND``) or of margins
    (``>=30%``)."""
    placement: Placement | None = None
    position: int = 1
    """For ``pin``: the place in the list, from 1."""
    strength: float = 2.0
    """For ``boost`` and ``bury``: the factor by which the score is multiplied or divided."""
    starts_at: float | None = None
    ends_at: float | None = None
    enabled: bool = True


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """Two ways of ranking, shown to two halves of the visitors until the owner stops it."""

    id: str
    name: str
    placement: Placement | None = None
    """``None``: on every placement."""
    arm_a: StrategyChoice
    """What the shop does now."""
    arm_b: StrategyChoice
    """What might do better."""
    share: float = 0.5
    """The part of the visitors who get ``arm_b``."""
    metric: ExperimentMetric = "click"
    started_at: float = 0.0
    ended_at: float | None = None

    @property
    def running(self) -> bool:
        """Whether visitors are divided now."""
        return self.ended_at is None

    def strategy(self, arm: Arm) -> StrategyChoice:
        """Return what an arm shows."""
        return self.arm_a if arm == "a" else self.arm_b
