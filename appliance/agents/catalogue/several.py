"""A search for goods of two or three kinds in one message (``tai nghe và sạc dự phòng``): a short list of each."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import msgspec

from appliance.agents.catalogue.facts import facts, lines, part, sources
from appliance.agents.catalogue.pages import about_words, page_of
from appliance.agents.catalogue.shop import Shop
from appliance.agents.catalogue.vocabulary import folded_words
from appliance.agents.catalogue.wishes import Wish, group_title, named, wish_of
from appliance.agents.types import PRICES, Mention, Outcome, Part, SkillInput, Slots, Utterance
from appliance.domain import ProductCard
from appliance.search.types import Sort

KINDS, SHOWN = 3, 6
"""Kinds that are looked for, and products that are shown of all together."""
_FURTHEST = 8
"""Words between two kinds that are named together."""
_AND = folded_words("and")
_SHARED = frozenset({*PRICES, "gender", "sort"})
"""Slots that hold for all kinds unless a kind has its own."""


class Kind(NamedTuple):
    """One kind of goods, as a message of its own."""

    wish: Wish
    given: SkillInput


def kinds_of(given: SkillInput, shop: Shop) -> tuple[Kind, ...]:
    """Return the kinds that a message asks for together, none when it asks for fewer than two."""
    if given.slots.get("modifier"):
        return ()
    cuts = _cuts(given.utterance)
    if not cuts:
        return ()
    ends = [*cuts, len(given.utterance.tokens)]
    parts = [_part(given.utterance, start, end) for start, end in zip([0, *cuts], ends, strict=True)][:KINDS]
    priced = sum(any(mention.slot in PRICES for mention in one.mentions) for one in parts)
    asked = [msgspec.structs.replace(given, utterance=one, slots=_slots(one, given, priced > 1)) for one in parts]
    return tuple(Kind(wish_of(one, shop), one) for one in asked)


def kinds_shown(given: SkillInput, shop: Shop) -> tuple[Kind, ...]:
    """Return a wish for "cheaper" (or dearer) of each kind of a list that held a few of two or three kinds."""
    shift, state = given.slots.get("modifier"), given.state
    if shift not in ("cheaper", "more_expensive") or state.focus is not None or "category" not in state.last_slots:
        return ()
    groups: dict[str, list[int]] = {}
    for card in shop.cards(shown.product_id for shown in state.shown if shown.product_id):
        if card.categories and card.price is not None:
            groups.setdefault(card.categories[-1], []).append(card.price)
    if not 2 <= len(groups) <= KINDS:
        return ()
    found: list[Kind] = []
    for handle, prices in groups.items():
        node = shop.catalogue.category(handle)
        low, high = (None, min(prices) - 1) if shift == "cheaper" else (max(prices) + 1, None)
        sort: Sort = "price_desc" if shift == "cheaper" else "price_asc"
        key = node.name.lower() if node is not None else handle
        found.append(Kind(Wish(category=handle, key=key, price_min=low, price_max=high, sort=sort), given))
    return tuple(found)


def search_each(kinds: tuple[Kind, ...], given: SkillInput, shop: Shop) -> Outcome:
    """Return a short list of each kind, and say of which there is nothing."""
    most = SHOWN // len(kinds)
    parts: list[Part] = [part("search.each")]
    cards: list[ProductCard] = []
    for wish, one in kinds:
        page = page_of(wish, one, shop)
        what = named(wish, given.locale)
        what = what[:1].upper() + what[1:]
        if not page.cards or not about_words(wish, page.cards):
            parts.append(part("search.kind_none", what=what))
            continue
        found = [card for card in page.cards if card not in cards][:most]
        message = "search.kind" if page.exact else "search.kind_some"
        parts.append(part(message, what=what, **({"total": page.total} if page.exact else {})))
        parts += lines(found, given.locale, first=len(cards) + 1)
        cards += found
    shared: Slots = {name: value for name, value in given.slots.items() if name in _SHARED}
    return Outcome(
        action="answer",
        parts=tuple(parts),
        products=facts(cards, given.locale),
        sources=sources(cards),
        quick_replies=(*(f"={group_title(wish.key, given.locale)}" for wish, _ in kinds), "compare"),
        filters=shared,
        offered=len(cards),
    )


def _cuts(utterance: Utterance) -> list[int]:
    """Return the tokens at which the second and third kind begin."""
    goods = [mention for mention in utterance.mentions if mention.slot == "category" and mention.certain]
    cuts: list[int] = []
    for before, after in pairwise(goods):
        if after.start - before.end > _FURTHEST or before.value == after.value:
            return []
        cut = _joint(utterance, before, after)
        if cut is None:
            return []
        cuts.append(cut)
    return cuts


def _joint(utterance: Utterance, before: Mention, after: Mention) -> int | None:
    for place in range(after.start, before.end - 1, -1):
        token = utterance.tokens[place]
        if place < after.start and token.folded in _AND:
            return place + 1
        if place >= before.end and "," in utterance.text[utterance.tokens[place - 1].end : token.start]:
            return place
    return None


def _part(utterance: Utterance, start: int, end: int) -> Utterance:
    return msgspec.structs.replace(
        utterance,
        tokens=utterance.tokens[start:end],
        mentions=tuple(
            msgspec.structs.replace(mention, start=mention.start - start, end=mention.end - start)
            for mention in utterance.mentions
            if start <= mention.start and mention.end <= end
        ),
        polite=tuple(place - start for place in utterance.polite if start <= place < end),
    )


def _slots(one: Utterance, given: SkillInput, own_prices: bool) -> Slots:
    shared = _SHARED - PRICES if own_prices else _SHARED
    slots: Slots = {name: value for name, value in given.slots.items() if name in shared}
    for mention in one.mentions:
        if mention.certain and mention.slot in (*PRICES, "color", "size", "gender", "category", "without"):
            slots[mention.slot] = mention.value
    return slots
