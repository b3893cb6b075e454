"""Intent ``product_availability``: what is there of a product, and what else there is when it is not."""

from __future__ import annotations

import msgspec

from appliance.agents.catalogue.context import meant, product_slot, text_slot
from appliance.agents.catalogue.facts import (
    FEW,
    Item,
    about,
    available,
    colour_label,
    colours_of,
    fact_of_card,
    left,
    lines,
    listed,
    matching,
    part,
    sizes_of,
    sources,
    speakable,
)
from appliance.agents.catalogue.pricing import gone, missing_version, quantity
from appliance.agents.catalogue.searching import search
from appliance.agents.catalogue.shop import Shop
from appliance.agents.types import Outcome, Part, Pending, SkillInput
from appliance.domain import Product, ProductCard, Variant
from appliance.messages import translate

ALTERNATIVES = 3


def stock(given: SkillInput, shop: Shop) -> Outcome:
    """Answer whether a product is there."""
    found = meant(given, shop)
    if found.instead is not None:
        if text_slot(given, "category") and not product_slot(given):
            return search(given, shop)
        return found.instead
    outcomes = [_one(item, given, shop) for item in found.items[:3]]
    parts = tuple(one for outcome in outcomes for one in outcome.parts)
    whole = msgspec.structs.replace(outcomes[0], parts=parts) if len(outcomes) > 1 else outcomes[0]
    return about(found.items[:3], whole, given.locale, shop.currency)


def similar_cards(item: Item, given: SkillInput, shop: Shop, limit: int = ALTERNATIVES) -> Outcome:
    """Return products like one, as an outcome without words of its own."""
    product_id = item.shown.product_id
    if not product_id:
        return Outcome(action="answer")
    answer = shop.recommender.similar(product_id, limit + 1, given.locale)
    reasons = {one.product_id: one.reason.text for one in answer.items}
    own = item.card.categories if item.card else ()
    # On a fallback the shelf shows what sells: only what is of the same kind is similar.
    cards = [
        card
        for card in shop.cards(reasons)
        if card.in_stock and card.id != product_id and (not answer.fallback or set(own) & set(card.categories))
    ][:limit]
    return Outcome(
        action="answer",
        products=tuple(fact_of_card(card, given.locale, reasons[card.id]) for card in cards),
        sources=sources(cards),
    )


def cards_of(outcome: Outcome, shop: Shop) -> list[ProductCard]:
    """Return the cards of an outcome's products."""
    return shop.cards(product.product_id for product in outcome.products)


def _one(item: Item, given: SkillInput, shop: Shop) -> Outcome:
    product = item.product
    if product is None:
        return gone(item) if item.shown.product_id else _uncounted(item)
    size, color = text_slot(given, "size"), text_slot(given, "color")
    if not product.in_stock:
        return sold_out(item, given, shop)
    if not size and not color:
        return _whole(item, product, given)
    variants = matching(product, size, color)
    if not variants:
        return _no_such(item, product, given)
    if any(map(available, variants)):
        return _there(item, variants, given)
    return _this_sold_out(item, product, given)


def _uncounted(item: Item) -> Outcome:
    """A product that is known by its title only has no stock to read."""
    return Outcome(
        action="answer",
        parts=(part("stock.unknown", title=item.shown.title),),
        quick_replies=("person", "similar"),
        pending=Pending(kind="handoff", intent="human_handoff"),
        answered=False,
    )


def _whole(item: Item, product: Product, given: SkillInput) -> Outcome:
    there = [variant for variant in product.variants if available(variant)]
    title, pieces, count = item.title(given.locale), quantity(given), left(there)
    parts: list[Part] = []
    if count is None:
        parts.append(part("stock.yes", title=title))
    elif pieces > 1:
        message = "stock.enough" if count >= pieces else "stock.too_few"
        parts.append(part(message, title=title, wanted=pieces, count=count))
    elif count <= FEW:
        parts.append(part("stock.few", title=title, count=count))
    else:
        parts.append(part("stock.counted", title=title, count=count))
    sizes, colours = sizes_of(there), colours_of(there, given.locale)
    if sizes and colours:
        parts.append(part("stock.sizes_colors", sizes=listed(sizes), colors=listed(colours)))
    elif sizes:
        parts.append(part("stock.sizes", sizes=listed(sizes)))
    elif colours:
        parts.append(part("stock.colors", colors=listed(colours)))
    gone_sizes = [name for name in sizes_of(product.variants) if name not in sizes]
    if gone_sizes:
        parts.append(part("stock.sizes_out", sizes=listed(gone_sizes)))
    chips = tuple(f"=Size {name}" for name in sizes[:3])
    return Outcome(action="answer", parts=tuple(parts), quick_replies=("buy", *chips, "price"))


def _there(item: Item, variants: list[Variant], given: SkillInput) -> Outcome:
    there = [variant for variant in variants if available(variant)]
    title, count, pieces = item.title(given.locale), left(there), quantity(given)
    version = version_of(given)
    parts: list[Part] = []
    if count is None:
        parts.append(part("stock.yes_version", title=title, version=version))
    elif pieces > count:
        parts.append(part("stock.too_few_version", title=title, version=version, wanted=pieces, count=count))
    else:
        message = "stock.few_version" if count <= FEW else "stock.counted_version"
        parts.append(part(message, title=title, version=version, count=count))
    size, color = text_slot(given, "size"), text_slot(given, "color")
    colours, sizes = colours_of(there, given.locale), sizes_of(there)
    if size and not color and colours:
        parts.append(part("stock.colors", colors=listed(colours)))
    if color and not size and sizes:
        parts.append(part("stock.sizes", sizes=listed(sizes)))
    return Outcome(action="answer", parts=tuple(parts), quick_replies=("buy", "price", "colors"))


def _no_such(item: Item, product: Product, given: SkillInput) -> Outcome:
    parts = missing_version(item, given)
    if not parts:
        # Size and colour exist, but not together.
        parts = (part("stock.no_such_version", title=item.title(given.locale), version=version_of(given)),)
        parts += others_left(product, given)
    return Outcome(action="answer", parts=parts, quick_replies=(*_size_chips(product), "similar", "price"))


def _this_sold_out(item: Item, product: Product, given: SkillInput) -> Outcome:
    said = part("stock.version_out", title=item.title(given.locale), version=version_of(given))
    return Outcome(
        action="answer",
        parts=(said, *others_left(product, given)),
        quick_replies=(*_size_chips(product), "similar", "colors"),
    )


def others_left(product: Product, given: SkillInput) -> tuple[Part, ...]:
    """Return what there is instead: the size in other colours, the colour in other sizes."""
    size, color = text_slot(given, "size"), text_slot(given, "color")
    same_size = colours_of(filter(available, matching(product, size, "")), given.locale) if size else []
    same_color = sizes_of(filter(available, matching(product, "", color))) if color else []
    parts: list[Part] = []
    if size and same_size:
        parts.append(part("stock.size_in_colors", size=size, colors=listed(same_size)))
    if color and same_color:
        parts.append(part("stock.color_in_sizes", color=colour_label(color, given.locale), sizes=listed(same_color)))
    if parts:
        return tuple(parts)
    there = [variant for variant in product.variants if available(variant)]
    if sizes := sizes_of(there):
        return (part("stock.sizes", sizes=listed(sizes)),)
    colours = colours_of(there, given.locale)
    return (part("stock.colors", colors=listed(colours)),) if colours else ()


def sold_out(item: Item, given: SkillInput, shop: Shop) -> Outcome:
    """Return that nothing of a product is left, with what is like it."""
    others = similar_cards(item, given, shop)
    message = "stock.sold_out_but" if others.products else "stock.sold_out"
    return msgspec.structs.replace(
        others,
        parts=(part(message, title=item.title(given.locale)), *lines(cards_of(others, shop), given.locale)),
        quick_replies=("similar", "best_selling", "person"),
        focus=item.shown,
    )


def _size_chips(product: Product) -> tuple[str, ...]:
    return tuple(f"=Size {name}" for name in sizes_of(filter(available, product.variants))[:3])


def version_of(given: SkillInput) -> str:
    """Return the size and colour that were said, in the reader's words."""
    size, color = speakable(text_slot(given, "size")), text_slot(given, "color")
    label = speakable(colour_label(color, given.locale)) if color else ""
    if size and color:
        return translate("chat.stock.version.both", given.locale, size=size, color=label)
    if size:
        return translate("chat.stock.version.size", given.locale, size=size)
    return translate("chat.stock.version.color", given.locale, color=label)
