"""Intent ``order_place``: what will be bought, whether it is there, what it comes to, and how to order it."""

from __future__ import annotations

import msgspec

from appliance.agents.catalogue.context import asking, meant, product_slot, text_slot
from appliance.agents.catalogue.facts import (
    Item,
    about,
    available,
    colours_of,
    left,
    listed,
    matching,
    money,
    part,
    sizes_of,
)
from appliance.agents.catalogue.pricing import gone, missing_version, quantity, short_of, span
from appliance.agents.catalogue.shop import Shop
from appliance.agents.catalogue.stock import others_left, sold_out, version_of
from appliance.agents.types import Outcome, Part, Pending, SkillInput, Slots
from appliance.domain import Variant
from appliance.messages import translate


def buy(given: SkillInput, shop: Shop) -> Outcome:
    """Answer a wish to buy."""
    found = meant(given, shop)
    if found.instead is not None:
        if product_slot(given) or found.instead.products:
            return found.instead
        return _how(given)
    if len(found.items) > 1:
        outcome = Outcome(action="answer", parts=(part("buy.each", count=len(found.items)),), quick_replies=("person",))
        return about(found.items, outcome, given.locale, shop.currency)
    return about(found.items, _one(found.items[0], given, shop), given.locale, shop.currency)


def _how(given: SkillInput) -> Outcome:
    """Say how to order and ask what; the list that was shown is offered to choose from."""
    asked = asking(given)
    # Asked again after that answer, the same two sentences would help nobody.
    pending = given.state.pending
    again = pending is not None and (pending.kind, pending.intent) == ("product", given.intent)
    parts = (part("buy.how_again"),) if again else (part("buy.how"), part("buy.which"))
    return msgspec.structs.replace(asked, action="clarify_or_howto", parts=parts)


def _one(item: Item, given: SkillInput, shop: Shop) -> Outcome:
    product = item.product
    if product is None:
        return gone(item) if item.shown.product_id else _by_title(item, given, shop)
    if not product.in_stock:
        return sold_out(item, given, shop)
    size, color = text_slot(given, "size"), text_slot(given, "color")
    variants = matching(product, size, color)
    if not variants:
        parts = missing_version(item, given) or (
            part("stock.no_such_version", title=item.title(given.locale), version=version_of(given)),
        )
        return _choose(item, [one for one in product.variants if available(one)], given, parts)
    there = [variant for variant in variants if available(variant)]
    if not there and _nothing_new(given):
        parts = (*others_left(product, given), part("buy.pick_other"))
        chips = (*(f"=Size {name}" for name in sizes_of(filter(available, product.variants))[:4]), "similar", "person")
        return Outcome(action="answer", parts=parts, quick_replies=chips, pending=_pending(item, given))
    if not there:
        out = part("stock.version_out", title=item.title(given.locale), version=version_of(given))
        return _choose(item, [one for one in product.variants if available(one)], given, (out,))
    if too_few := short_of(item, there, given):
        chips = ("person", "similar")
        return Outcome(action="answer", parts=too_few, quick_replies=chips, pending=_pending(item, given, there))
    if len(sizes_of(there)) > 1 or len(colours_of(there, given.locale)) > 1:
        return _choose(item, there, given, _totals(item, there, given))
    return _ready(item, there, given)


def _nothing_new(given: SkillInput) -> bool:
    """Tell whether the shopper only said yes to a purchase: its size and colour are those that were answered."""
    pending = given.state.pending
    if pending is None or pending.kind != "purchase":
        return False
    return all(text_slot(given, name) == str(pending.slots.get(name, "")) for name in ("size", "color"))


def _choose(item: Item, there: list[Variant], given: SkillInput, before: tuple[Part, ...]) -> Outcome:
    """Ask for the size and colour that are still open, of those that are there."""
    sizes, colours = sizes_of(there), colours_of(there, given.locale)
    if len(sizes) > 1 and len(colours) > 1:
        asked = part("buy.choose_both", sizes=listed(sizes), colors=listed(colours))
    elif len(sizes) > 1:
        asked = part("buy.choose_size", sizes=listed(sizes))
    elif len(colours) > 1:
        asked = part("buy.choose_color", colors=listed(colours))
    else:
        asked = part("buy.only_left", version=listed([*sizes, *colours]) or item.title(given.locale))
    chips = (
        [f"=Size {name}" for name in sizes[:4]]
        if len(sizes) > 1
        else [f"={translate('chat.chips.in_color', given.locale, color=name)}" for name in colours[:4]]
    )
    return Outcome(
        action="answer",
        parts=(*before, asked),
        quick_replies=tuple(chips),
        pending=_pending(item, given),
        amounts=_amounts(there, given),
    )


def _ready(item: Item, there: list[Variant], given: SkillInput) -> Outcome:
    title = item.title(given.locale)
    return Outcome(
        action="answer",
        parts=(*_totals(item, there, given), part("buy.open", title=title)),
        quick_replies=("checkout_help", "person", "similar"),
        pending=_pending(item, given),
        amounts=_amounts(there, given),
    )


def _totals(item: Item, there: list[Variant], given: SkillInput) -> tuple[Part, ...]:
    bounds, pieces = span(there), quantity(given)
    title, currency = item.title(given.locale), item.currency("")
    if bounds is None:
        return (part("buy.unpriced", title=title, count=pieces),)
    low, high = bounds
    if low != high:
        return (part("price.range", title=title, low=money(low, currency), high=money(high, currency)),)
    if pieces == 1:
        return (part("buy.one", title=title, price=money(low, currency)),)
    return (
        part("buy.many", title=title, count=pieces, price=money(low, currency), total=money(low * pieces, currency)),
    )


def _amounts(there: list[Variant], given: SkillInput) -> tuple[int, ...]:
    bounds = span(there)
    return tuple({bound * quantity(given) for bound in bounds}) if bounds else ()


def _by_title(item: Item, given: SkillInput, shop: Shop) -> Outcome:
    """A product that is known by its title and price only."""
    pieces, title = quantity(given), item.shown.title
    if item.price is None:
        parts: tuple[Part, ...] = (part("buy.unpriced", title=title, count=pieces),)
    elif pieces == 1:
        parts = (part("buy.one", title=title, price=money(item.price, shop.currency)),)
    else:
        total = money(item.price * pieces, shop.currency)
        parts = (part("buy.many", title=title, count=pieces, price=money(item.price, shop.currency), total=total),)
    return Outcome(
        action="answer",
        parts=(*parts, part("buy.open", title=title)),
        quick_replies=("checkout_help", "person"),
        pending=_pending(item, given),
        amounts=(item.price * pieces,) if item.price is not None else (),
    )


def _pending(item: Item, given: SkillInput, there: list[Variant] | None = None) -> Pending:
    """Return the purchase that goes on; with ``there`` of no more pieces than these are."""
    most = left(there) if there else None
    pieces = min(quantity(given), most) if most else quantity(given)
    slots: Slots = {"product": item.shown.title, "quantity": pieces}
    for name in ("size", "color"):
        if value := text_slot(given, name):
            slots[name] = value
    return Pending(kind="purchase", intent=given.intent, slots=slots)
