"""Intent ``product_compare``: two or three products side by side."""

from __future__ import annotations

import msgspec

from appliance.agents.catalogue.attributes import attribute_name
from appliance.agents.catalogue.categories import shop_category
from appliance.agents.catalogue.context import Meant, asking, by_name, product_slot, refs_of, text_slot
from appliance.agents.catalogue.context import meant as meant_one
from appliance.agents.catalogue.facts import (
    Item,
    about,
    available,
    colours_of,
    listed,
    money,
    part,
    public_attributes,
    sizes_of,
)
from appliance.agents.catalogue.info import label
from appliance.agents.catalogue.resolve import known
from appliance.agents.catalogue.shop import Shop
from appliance.agents.types import Outcome, Part, Pending, ShownProduct, SkillInput, Slots
from appliance.messages import translate

MOST = 3
MAX_SHARED = 4
_SKIPPED = frozenset({"gender", "brand"})
"""Attributes that are compared last."""


def compare(given: SkillInput, shop: Shop) -> Outcome:
    """Answer how products differ."""
    found = _both(given, shop)
    if found.instead is not None:
        return found.instead
    items = found.items[:MOST]
    parts = [*_prices(items, given, shop), *_shared(items, given), *_versions(items, given)]
    cheaper, amounts = _difference(items, given, shop)
    titles = [item.title(given.locale) for item in items[:2]]
    outcome = Outcome(
        action="answer",
        parts=(*parts, *cheaper),
        amounts=amounts,
        quick_replies=(
            *(f"={translate('chat.chips.buy_this', given.locale, title=title)}" for title in titles),
            "similar",
        ),
        filters=_still_running(items, given, shop),
    )
    return about(items, outcome, given.locale, shop.currency)


def _both(given: SkillInput, shop: Shop) -> Meant:
    """Return two or three products: by place, by their names, the one just discussed, or the two that were shown."""
    state, names = given.state, [product_slot(given), product_slot(given, "product2")]
    items: list[Item] = []
    if refs_of(given):
        found = meant_one(given, shop)
        if found.instead is not None:
            return found
        items += found.items
    for phrase in filter(None, names):
        found = by_name(phrase, given, shop)
        if found.unheard and len(state.shown) >= 2 and not all(names):
            # "So sánh độ bền": what is compared, not with what.
            continue
        if found.instead is not None:
            return Meant(instead=_half(found.instead, items, given, shop))
        items += found.items
    items = list({item.shown: item for item in items}.values())
    if len(items) == 1 and state.focus is not None and state.focus != items[0].shown:
        items.insert(0, known(state.focus, shop, given.locale))
    if not items and len(state.shown) >= 2:
        items = [known(shown, shop, given.locale) for shown in state.shown[:MOST]]
    if len(items) < 2:
        return Meant(instead=_other_one(items, given))
    return Meant(tuple(items))


def _half(instead: Outcome, items: list[Item], given: SkillInput, shop: Shop) -> Outcome:
    """Keep the product that was found while the other is asked for, or show it where there is no other."""
    if not items:
        return instead
    if instead.pending is None:
        return about(items, instead, given.locale, shop.currency)
    pending = Pending(kind="product", intent=given.intent, slots={"product2": items[0].title(given.locale)})
    return msgspec.structs.replace(instead, pending=pending)


def _other_one(items: list[Item], given: SkillInput) -> Outcome:
    outcome = asking(given)
    if not items:
        return outcome
    title = items[0].title(given.locale)
    others: list[ShownProduct] = [shown for shown in given.state.shown if shown != items[0].shown]
    return msgspec.structs.replace(
        outcome,
        parts=(part("compare.with_what", title=title),),
        quick_replies=tuple(f"={shown.title}" for shown in others[:4]),
        pending=Pending(kind="product", intent=given.intent, slots={"product2": title}),
        focus=items[0].shown,
    )


def _still_running(items: tuple[Item, ...], given: SkillInput, shop: Shop) -> Slots | None:
    """Return the filters that all compared products meet: "cheaper" and "the cheapest" then start from these."""
    filters = given.state.filters
    category = shop_category(shop.catalogue, str(filters.get("category", "")))
    cards = [item.card for item in items if item.card is not None]
    if not filters or len(cards) < len(items):
        return None
    if category and any(category not in card.categories for card in cards):
        return {}
    low, high = filters.get("price_min"), filters.get("price_max")
    prices = [shop.main(card.price) for card in cards if card.price is not None]
    outside = (isinstance(low, int) and min(prices, default=low) < low) or (
        isinstance(high, int) and max(prices, default=high) > high
    )
    kept = ("category", "gender", "without") if outside or "price_about" in filters else tuple(filters)
    return {name: filters[name] for name in kept if name in filters}


def _prices(items: tuple[Item, ...], given: SkillInput, shop: Shop) -> list[Part]:
    parts: list[Part] = []
    for item in items:
        title = item.title(given.locale)
        if item.price is None:
            parts.append(part("price.unknown", title=title))
        else:
            price = money(item.price, item.currency(shop.currency))
            stocked = item.product is None or item.product.in_stock
            parts.append(part("compare.price" if stocked else "compare.price_out", title=title, price=price))
    return parts


def _difference(items: tuple[Item, ...], given: SkillInput, shop: Shop) -> tuple[tuple[Part, ...], tuple[int, ...]]:
    priced = [item for item in items if item.price is not None]
    if len(priced) < 2 or len({item.currency(shop.currency) for item in priced}) > 1:
        return (), ()
    cheap = min(priced, key=lambda item: item.price or 0)
    dear = max(priced, key=lambda item: item.price or 0)
    gap = (dear.price or 0) - (cheap.price or 0)
    if not gap:
        return (part("compare.same_price"),), ()
    said = part(
        "compare.cheaper",
        title=cheap.title(given.locale),
        other=dear.title(given.locale),
        gap=money(gap, cheap.currency(shop.currency)),
    )
    return (said,), (gap,)


def _shared(items: tuple[Item, ...], given: SkillInput) -> list[Part]:
    """Return the attributes that at least two have, those that differ first; the one asked for before all."""
    told: dict[str, list[tuple[str, str]]] = {}
    for item in items:
        for key, value in public_attributes(item.product).items() if item.product else ():
            told.setdefault(attribute_name(key), []).append((item.title(given.locale), value))
    asked = attribute_name(text_slot(given, "attribute"))
    both = [name for name, values in told.items() if len(values) > 1 or name == asked]
    both.sort(key=lambda name: (name != asked, name in _SKIPPED, len({value for _, value in told[name]}) == 1))
    if not both:
        both = list(told)
    return [
        part(
            "compare.attribute",
            label=label(name, given.locale),
            values="; ".join(f"{title}: {value}" for title, value in told[name]),
        )
        for name in both[:MAX_SHARED]
    ]


def _versions(items: tuple[Item, ...], given: SkillInput) -> list[Part]:
    parts: list[Part] = []
    for kind in ("sizes", "colors"):
        values = []
        for item in items:
            there = list(filter(available, item.product.variants)) if item.product else []
            names = sizes_of(there) if kind == "sizes" else colours_of(there, given.locale)
            if names:
                values.append(f"{item.title(given.locale)}: {listed(names)}")
        if len(values) > 1:
            parts.append(part(f"compare.{kind}", values="; ".join(values)))
    return parts
