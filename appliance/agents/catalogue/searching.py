"""Intent ``product_search``: the products that fit, or what comes nearest and what was given up for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from appliance.agents.catalogue.context import product_slot
from appliance.agents.catalogue.facts import colour_label, facts, lines, money, part, sources, speakable
from appliance.agents.catalogue.names import near, read_name, suits
from appliance.agents.catalogue.pages import Page, about_words, page_of
from appliance.agents.catalogue.resolve import known
from appliance.agents.catalogue.several import kinds_of, kinds_shown, search_each
from appliance.agents.catalogue.shifts import list_is_base, seen, shifted
from appliance.agents.catalogue.shop import Found, Shop
from appliance.agents.catalogue.wishes import Wish, group_name, named, running, wish_of
from appliance.agents.types import Money, Outcome, Part, SkillInput, Source, Value
from appliance.domain import ProductCard
from appliance.messages import translate, wordings
from appliance.search.types import SearchQuery

Side = Literal["cheapest", "dearest"]


class _Stage(NamedTuple):
    """A wish made wider, and the message that says so."""

    wish: Wish
    given_up: str


def search(given: SkillInput, shop: Shop) -> Outcome:
    """Answer a search. Its filters go on running whatever was found: the next turn may widen or narrow them."""
    if kinds := kinds_of(given, shop):
        return search_each(kinds, given, shop)
    wish = wish_of(given, shop)
    if wish.shift and wish.free and (kinds := kinds_shown(given, shop)):
        found = search_each(kinds, given, shop)
        side: Side = "cheapest" if wish.shift == "cheaper" else "dearest"
        return found if found.products else _extreme(given, shop, side, "shown")
    if wish.shift:
        wish = shifted(wish, given, shop)
    if wish.shift == "more":
        return _more(wish, given, shop)
    if wish.sort in ("price_asc", "price_desc") and wish.free and list_is_base(given):
        side = "cheapest" if wish.sort == "price_asc" else "dearest"
        return _extreme(given, shop, side, "shown")
    page = page_of(wish, given, shop)
    if page.cards and not about_words(wish, page.cards):
        return _nothing_like(wish, page.cards, given, shop)
    if page.cards:
        return _answer(wish, page, given, shop, ())
    if wish.shift in ("cheaper", "more_expensive"):
        if wish.gender and wish.labelled:
            # What is marked for nobody in particular will do as well.
            wish = msgspec.structs.replace(wish, labelled=False)
            page = page_of(wish, given, shop)
            if page.cards and about_words(wish, page.cards):
                return _answer(wish, page, given, shop, ())
        return _the_end(wish, given, shop)
    return _relaxed(wish, page.found, given, shop)


def _answer(wish: Wish, page: Page, given: SkillInput, shop: Shop, before: tuple[Part, ...]) -> Outcome:
    cards = page.cards
    parts = (*before, _heading(wish, page, given, shop))
    if len(cards) == 1 and not before:
        parts = (_single(cards[0], given),)
    else:
        parts += lines(cards, given.locale)
    return Outcome(
        action="answer",
        parts=parts,
        products=facts(cards, given.locale),
        sources=sources(cards),
        quick_replies=_chips(wish, page, given),
        filters=running(wish, given, shop),
        offered=page.consumed,
    )


def _heading(wish: Wish, page: Page, given: SkillInput, shop: Shop) -> Part:
    total = page.total
    unsold = wish.sort == "best_selling" and not shop.knows_sales()
    if not page.exact or unsold:
        return part("search.any_some") if wish.nameless else part("search.some", what=named(wish, given.locale))
    if wish.free and wish.sort == "relevance":
        return part("search.everything", total=total)
    what = named(wish, given.locale)
    if wish.sort != "relevance" and not wish.shift:
        return part(f"search.by_{wish.sort}", what=what, total=total)
    bounds: dict[str, Value] = {}
    opening: dict[str, Value] = {"total": total} if wish.nameless else {"what": what, "total": total}
    name = "any" if wish.nameless else "found"
    if wish.about is not None:
        return part(f"search.{name}_about", about=money(wish.about, shop.currency), **opening)
    if wish.price_min is not None:
        bounds["low"] = money(wish.price_min, shop.currency)
    if wish.price_max is not None:
        bounds["high"] = money(wish.price_max, shop.currency)
    if not bounds:
        return part("search.found", what=what, total=total)
    kind = {("low",): "min", ("high",): "max", ("low", "high"): "range"}[tuple(bounds)]
    return part(f"search.{name}_{kind}", **opening, **bounds)


def _single(card: ProductCard, given: SkillInput) -> Part:
    if card.price is None:
        return part("search.one_unpriced", title=card.name(given.locale))
    return part("search.one", title=card.name(given.locale), price=Money(card.price, card.currency))


def _chips(wish: Wish, page: Page, given: SkillInput) -> tuple[str, ...]:
    chips: list[str] = []
    if page.total > len(page.cards):
        chips.append("more")
    if len(page.cards) == 1:
        return ("stock", "buy", "similar", "colors")
    chips.append("cheaper" if wish.sort != "price_asc" else "dearer")
    if len(page.cards) > 1:
        chips.append("compare")
    if page.found.facets is not None and not wish.color and len(page.found.facets.colors) > 1:
        # The first two colours that there are most of.
        barred = wish.without.color if wish.without else ""
        colours = [value.label for value in page.found.facets.colors if value.label.strip() and value.value != barred]
        chips += [f"={_colour_chip(label, given)}" for label in colours[:2]]
    return tuple(chips)


def _colour_chip(label: str, given: SkillInput) -> str:
    return translate("chat.chips.in_color", given.locale, color=colour_label(label, given.locale))


def _more(wish: Wish, given: SkillInput, shop: Shop) -> Outcome:
    offset = given.state.offered or len(given.state.shown)
    page = page_of(wish, given, shop, offset)
    shown = {product.product_id for product in given.state.shown}
    cards = [card for card in page.cards if card.id not in shown]
    if cards:
        remaining = max(0, page.found.total - offset - page.consumed)
        chips = ("more", "cheaper", "compare") if remaining else ("cheaper", "other_kind", "best_selling")
        what = named(wish, given.locale)
        heading = part("search.more", what=what, remaining=remaining) if remaining else part("search.last", what=what)
        return Outcome(
            action="answer",
            parts=(heading, *lines(cards, given.locale)),
            products=facts(cards, given.locale),
            sources=sources(cards),
            quick_replies=chips,
            filters=running(wish, given, shop),
            offered=offset + page.consumed,
        )
    return _no_more(wish, given, shop, offset)


def _no_more(wish: Wish, given: SkillInput, shop: Shop, offset: int) -> Outcome:
    return Outcome(
        action="answer",
        parts=(part("search.no_more", what=named(wish, given.locale)),),
        quick_replies=("cheaper", "best_selling", "newest", "person"),
        filters=running(wish, given, shop),
        offered=offset,
    )


def _the_end(wish: Wish, given: SkillInput, shop: Shop) -> Outcome:
    """Say that nothing is cheaper (dearer) than what was shown, naming it."""
    side: Side = "cheapest" if wish.shift == "cheaper" else "dearest"
    return _extreme(given, shop, side, "already", what=named(wish, given.locale))


def _extreme(given: SkillInput, shop: Shop, side: Side, message: str, **values: Value) -> Outcome:
    """Name the cheapest (dearest) of what was shown."""
    priced = [shown for shown in seen(given) if shown.price is not None]
    choose = min if side == "cheapest" else max
    extreme = choose(priced, key=lambda shown: shown.price or 0)
    item = known(extreme, shop, given.locale)
    price = item.price if item.price is not None else extreme.price or 0
    told = part(
        f"search.{side}_{message}",
        title=item.title(given.locale),
        price=money(price, item.currency(shop.currency)),
        **values,
    )
    return Outcome(
        action="answer",
        parts=(told,),
        sources=(Source("product", extreme.product_id),) if extreme.product_id else (),
        quick_replies=("best_selling", "newest", "buy"),
        focus=extreme,
        filters=dict(given.state.filters),
    )


def _nothing_like(wish: Wish, cards: list[ProductCard], given: SkillInput, shop: Shop) -> Outcome:
    name = read_name(wish.words or group_name(wish.key))
    nearest = [card for card in cards if near(name, card)][:3]
    what = named(wish, given.locale)
    message, known_not_to_be = "search.none_but", bool(nearest)
    if not nearest and (product_slot(given) or wish.key):
        # Goods that were named: something else altogether is no answer to that.
        message, known_not_to_be = "search.none", bool(len(shop.catalogue))
    elif not nearest:
        nearest = shop.search(SearchQuery(in_stock=True, sort="best_selling", limit=3)).cards
        message, known_not_to_be = "search.none_others" if nearest else "search.none", bool(nearest)
    return Outcome(
        action="answer",
        parts=(part(message, what=what), *lines(nearest, given.locale)),
        products=facts(nearest, given.locale),
        sources=sources(nearest),
        quick_replies=("best_selling", "newest", "person"),
        # "Cheaper" goes on from what is shown instead; without that, from what was asked for.
        filters={} if nearest else running(wish, given, shop),
        offered=len(nearest),
        answered=known_not_to_be,
    )


def _relaxed(wish: Wish, found: Found, given: SkillInput, shop: Shop) -> Outcome:
    """Give up one part of the wish after another, the least grave first, and say which."""
    for stage in _stages(wish, found):
        page = page_of(stage.wish, given, shop)
        if page.cards and about_words(stage.wish, page.cards):
            if stage.given_up == "gender" and _said_before("search.no_gender", given):
                return msgspec.structs.replace(
                    _answer(stage.wish, page, given, shop, ()), filters=running(wish, given, shop)
                )
            lost = "other" if wish.shift == "other" else stage.given_up
            before = part(f"search.no_{lost}", what=named(wish, given.locale), **_lost(wish, lost))
            return msgspec.structs.replace(
                _answer(stage.wish, page, given, shop, (before,)),
                parts=(before, part("search.instead"), *lines(page.cards, given.locale)),
                filters=running(wish, given, shop),
            )
    if wish.shift == "other":
        return _no_more(wish, given, shop, given.state.offered)
    replace = msgspec.structs.replace
    sold_out = shop.search(replace(wish.query(), in_stock=False, size="", color=""))
    gone = [card for card in sold_out.cards if suits(card, wish.gender)]
    # Only what is for this person is sold out.
    wish = replace(wish, labelled=True)
    if gone and about_words(wish, gone):
        return _all_sold_out(wish, gone[:3], given, shop)
    return _nothing_like(wish, [card for card in found.related if suits(card, wish.gender)], given, shop)


def _all_sold_out(wish: Wish, gone: list[ProductCard], given: SkillInput, shop: Shop) -> Outcome:
    return Outcome(
        action="answer",
        parts=(part("search.sold_out", what=named(wish, given.locale)), *lines(gone, given.locale)),
        products=facts(gone, given.locale),
        sources=sources(gone),
        quick_replies=("best_selling", "newest", "person"),
        filters=running(wish, given, shop),
        offered=len(gone),
    )


def _said_before(message: str, given: SkillInput) -> bool:
    """Tell whether the reply before this one has said so already."""
    openings = [text.split("{")[0].strip() for text in wordings(f"chat.{message}", given.locale)]
    return any(opening and opening in given.state.last_reply for opening in openings)


def _lost(wish: Wish, given_up: str) -> dict[str, Value]:
    return {"words": speakable(wish.words)} if given_up == "words" else {}


def _stages(wish: Wish, found: Found) -> Iterator[_Stage]:
    """Yield wider wishes. The facets tell which single filter empties the page, so that hopeless ones are skipped."""
    facets = found.facets
    replace = msgspec.structs.replace
    if wish.size and (facets is None or facets.sizes):
        yield _Stage(replace(wish, size=""), "size")
    if wish.color and (facets is None or facets.colors):
        yield _Stage(replace(wish, color=""), "color")
    if wish.bounded and (facets is None or facets.price.min is not None):
        sort = "price_desc" if wish.price_max is None else "price_asc"
        yield _Stage(replace(wish, price_min=None, price_max=None, about=None, sort=sort), "price")
    if wish.gender and wish.labelled:
        yield _Stage(replace(wish, labelled=False), "gender")
    if wish.words and wish.category:
        yield _Stage(replace(wish, words=""), "words")
    bare = replace(
        wish, size="", color="", price_min=None, price_max=None, about=None, labelled=False, sort="relevance"
    )
    if bare != wish and (bare.words or bare.category or bare.key):
        yield _Stage(bare, "filters")
        if bare.words and bare.category:
            yield _Stage(replace(bare, words=""), "filters")
    if wish.category and not wish.words and wish.key:
        yield _Stage(replace(bare, category=""), "filters")
