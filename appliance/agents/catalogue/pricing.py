"""Intent ``product_price``: what a product costs, in a size or colour, and several pieces of it."""

from __future__ import annotations

import msgspec

from appliance.agents.catalogue.context import meant, number_slot, product_slot, refs_of, text_slot
from appliance.agents.catalogue.facts import (
    Item,
    about,
    colours_of,
    left,
    listed,
    matching,
    money,
    part,
    sizes_of,
    speakable,
)
from appliance.agents.catalogue.searching import search
from appliance.agents.catalogue.shop import Shop
from appliance.agents.catalogue.vocabulary import folded_words
from appliance.agents.types import Outcome, Part, Pending, SkillInput
from appliance.domain import Variant

MAX_PIECES = 100_000
MANY = 10
"""Pieces from which a person of the shop may know a way."""
_SUM = folded_words("sum")


def price(given: SkillInput, shop: Shop) -> Outcome:
    """Answer what products cost."""
    found = meant(given, shop)
    if found.instead is not None:
        # "áo khoác giá bao nhiêu" names goods, not one product: show them with their prices.
        if text_slot(given, "category") and not product_slot(given):
            return search(given, shop)
        return found.instead
    if len(found.items) > 1:
        return _prices(found.items, given, shop)
    return about(found.items, _one(found.items[0], given, shop), given.locale, shop.currency)


def quantity(given: SkillInput) -> int:
    """Return how many pieces are asked for, 1 when none is said."""
    return min(MAX_PIECES, max(1, number_slot(given, "quantity") or 1))


def span(variants: list[Variant]) -> tuple[int, int] | None:
    """Return the lowest and highest price of variants, ``None`` when none has one."""
    found = [variant.price for variant in variants if variant.price is not None]
    return (min(found), max(found)) if found else None


def _one(item: Item, given: SkillInput, shop: Shop) -> Outcome:
    title, currency = item.title(given.locale), item.currency(shop.currency)
    if item.product is None:
        if item.shown.product_id:
            return gone(item)
        return _stated(title, item.price, item.price, currency, given, ())
    size, color = text_slot(given, "size"), text_slot(given, "color")
    variants = matching(item.product, size, color)
    before: tuple[Part, ...] = ()
    if not variants and (size or color):
        variants = list(item.product.variants)
        before = missing_version(item, given)
    low, high = span(variants) or span(list(item.product.variants)) or (None, None)
    outcome = _stated(title, low, high, currency, given, before)
    if too_few := short_of(item, variants, given):
        # The sum was asked for; that it cannot be sold now goes with it.
        return msgspec.structs.replace(outcome, parts=(*outcome.parts, *too_few), quick_replies=("person", "similar"))
    if item.product.in_stock:
        return outcome
    return Outcome(
        action=outcome.action,
        parts=(*outcome.parts, part("price.sold_out")),
        quick_replies=("similar", "other_kind"),
        amounts=outcome.amounts,
        answered=outcome.answered,
    )


def _stated(
    title: str, low: int | None, high: int | None, currency: str, given: SkillInput, before: tuple[Part, ...]
) -> Outcome:
    if low is None or high is None:
        return Outcome(
            action="answer",
            parts=(*before, part("price.unknown", title=title)),
            quick_replies=("person", "stock"),
            pending=Pending(kind="handoff", intent="human_handoff"),
            answered=False,
        )
    pieces = quantity(given)
    if pieces > 1 and low == high:
        total = low * pieces
        said = part("price.many", title=title, count=pieces, price=money(low, currency), total=money(total, currency))
        return _priced((*before, said), (total,))
    if low == high:
        said = part("price.line" if before else "price.one", title=title, price=money(low, currency))
        return _priced((*before, said), ())
    message = "price.span" if before else "price.range"
    parts = (*before, part(message, title=title, low=money(low, currency), high=money(high, currency)))
    amounts: tuple[int, ...] = ()
    if pieces > 1:
        amounts = (low * pieces, high * pieces)
        parts += (
            part("price.many_range", count=pieces, low=money(amounts[0], currency), high=money(amounts[1], currency)),
        )
    return _priced(parts, amounts)


def _priced(parts: tuple[Part, ...], amounts: tuple[int, ...]) -> Outcome:
    return Outcome(action="answer", parts=parts, amounts=amounts, quick_replies=("stock", "colors", "buy", "cheaper"))


def short_of(item: Item, variants: list[Variant], given: SkillInput) -> tuple[Part, ...]:
    """Return that there are fewer pieces than asked for, and that a person can help; nothing where they suffice."""
    pieces, count = quantity(given), left(variants)
    if count is None or not 0 < count < pieces:
        return ()
    title = item.title(given.locale)
    few = part("stock.too_few", title=title, wanted=pieces, count=count)
    return (few, part("buy.wholesale")) if pieces >= MANY else (few,)


def missing_version(item: Item, given: SkillInput) -> tuple[Part, ...]:
    """Return that a product does not come in the size or colour that was said, with those it comes in."""
    assert item.product is not None
    size, color = text_slot(given, "size"), text_slot(given, "color")
    title = item.title(given.locale)
    parts: list[Part] = []
    if size and not matching(item.product, size, ""):
        sizes = sizes_of(item.product.variants)
        message = "stock.no_such_size" if sizes else "stock.no_sizes"
        parts.append(part(message, title=title, size=speakable(size), **({"sizes": listed(sizes)} if sizes else {})))
    if color and not matching(item.product, "", color):
        colours = colours_of(item.product.variants, given.locale)
        message = "stock.no_such_color" if colours else "stock.no_colors"
        parts.append(part(message, title=title, **({"colors": listed(colours)} if colours else {})))
    return tuple(parts)


def gone(item: Item) -> Outcome:
    """Return that a product of the list is no longer in the shop."""
    return Outcome(
        action="answer",
        parts=(part("which.gone", title=item.shown.title),),
        quick_replies=("best_selling", "newest", "person"),
    )


def _prices(items: tuple[Item, ...], given: SkillInput, shop: Shop) -> Outcome:
    parts: list[Part] = []
    total, priced = 0, 0
    currencies = {item.currency(shop.currency) for item in items}
    for item in items:
        currency, title = item.currency(shop.currency), item.title(given.locale)
        if item.price is None:
            parts.append(part("price.unknown", title=title))
            continue
        total, priced = total + item.price, priced + 1
        parts.append(part("price.line", title=title, price=money(item.price, currency)))
    summed = bool(refs_of(given)) or any(token.folded in _SUM for token in given.utterance.tokens)
    if summed and priced == len(items) and len(currencies) == 1:
        parts.append(part("price.together", count=len(items), total=money(total, currencies.pop())))
    outcome = Outcome(
        action="answer",
        parts=tuple(parts),
        amounts=(total,) if priced and summed else (),
        quick_replies=("compare", "buy"),
    )
    return about(items, outcome, given.locale, shop.currency)
