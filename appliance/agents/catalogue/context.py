"""Which product a message is about: by its place in the list, by its name, or the one just discussed."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from appliance.agents.catalogue.facts import Item, facts, lines, part, plain_words, sources, speakable
from appliance.agents.catalogue.names import read_name
from appliance.agents.catalogue.resolve import Resolved, known, resolve
from appliance.agents.catalogue.shop import Shop
from appliance.agents.catalogue.vocabulary import folded_words
from appliance.agents.types import Outcome, Part, Pending, SkillInput
from appliance.domain import ProductCard
from appliance.text import words

MAX_REFS, MAX_PHRASE, MAX_EMPTY = 5, 300, 4
_EMPTY = folded_words("talk") | folded_words("light")
_NOT_GOODS = tuple(f" {name} " for name in sorted(folded_words("not_goods"), key=len, reverse=True))
_BOTH, _THEY = folded_words("both"), folded_words("they")


class Meant(NamedTuple):
    """The products that are meant, or the answer that is due because that is not clear."""

    items: tuple[Item, ...] = ()
    instead: Outcome | None = None
    unheard: bool = False
    """Whether nothing in the shop is even like the name: it may be no name at all."""


def meant(given: SkillInput, shop: Shop) -> Meant:
    """Return the product or products that a message is about."""
    refs = refs_of(given)
    if refs:
        return _by_place(refs, given, shop)
    phrase = product_slot(given)
    return by_name(phrase, given, shop) if phrase else _in_context(given, shop)


def by_name(phrase: str, given: SkillInput, shop: Shop) -> Meant:
    """Return the product of a name, or the question which one, or that there is none."""
    found = resolve(phrase, shop, given.state, given.locale, text_slot(given, "gender"))
    if found.item is not None:
        return Meant((found.item,))
    if found.kind == "several":
        return Meant(instead=which(found.cards, given))
    return Meant(instead=absent(phrase, found, given), unheard=not found.heard)


def said_of_all(given: SkillInput) -> bool:
    """Tell whether a message speaks of the whole list: "both", or "they" while no single product is in talk."""
    said = f" {given.utterance.folded[:MAX_PHRASE]} "
    return any(f" {name} " in said for name in _BOTH) or (
        given.state.focus is None and any(f" {name} " in said for name in _THEY)
    )


def in_talk(given: SkillInput, shop: Shop) -> Item | None:
    """Return the one product that the conversation is about, ``None`` when there is none or several."""
    state = given.state
    shown = state.focus or (state.shown[0] if len(state.shown) == 1 else None)
    return known(shown, shop, given.locale) if shown is not None else None


def refs_of(given: SkillInput) -> list[int]:
    """Return the places in the list that are named, from 1."""
    refs = given.slots.get("refs")
    if isinstance(refs, list):
        return [ref for ref in refs if isinstance(ref, int)][:MAX_REFS]
    ref = given.slots.get("ref")
    return [ref] if isinstance(ref, int) else []


def text_slot(given: SkillInput, slot: str) -> str:
    """Return a slot as plain words without signs, ``''`` where it is missing."""
    value = given.slots.get(slot, "")
    return plain_words(value if isinstance(value, str) else str(value))


def product_slot(given: SkillInput, slot: str = "product") -> str:
    """Return the words for a product, ``''`` for words that name none (``cái đầu``, ``thôi``, ``bảo hành``)."""
    phrase = text_slot(given, slot)
    rest = f" {' '.join(words(phrase[:MAX_PHRASE]))} "
    for name in _NOT_GOODS:
        rest = rest.replace(name, " ")
    said = rest.split()
    if any(word not in _EMPTY and not word.isdigit() for word in said) or len(said) > MAX_EMPTY:
        return phrase
    # "gối" is a pillow, though its letters are those of "gợi" (suggest).
    return phrase if any(unit.key for unit in read_name(phrase).units) else ""


def number_slot(given: SkillInput, slot: str) -> int | None:
    """Return a slot as a number; ``None`` where it is missing or no number."""
    value = given.slots.get(slot)
    if isinstance(value, str) and value.isdecimal() and len(value) < 12:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def asking(given: SkillInput) -> Outcome:
    """Return the question which product is meant, with what was last shown to choose from."""
    titles = tuple(f"={shown.title}" for shown in given.state.shown[:4])
    return Outcome(
        action="clarify",
        parts=(part(f"which.{_ASKED.get(given.intent, 'any')}"),),
        quick_replies=titles or ("best_selling", "newest"),
        pending=Pending(kind="product", intent=given.intent, slots=_kept(given)),
    )


def which(cards: tuple[ProductCard, ...], given: SkillInput) -> Outcome:
    """Return the question which of several products is meant, with them as cards."""
    return Outcome(
        action="clarify",
        parts=(part("which.several", count=len(cards)), *lines(cards, given.locale)),
        products=facts(cards, given.locale),
        sources=sources(cards),
        quick_replies=tuple(f"={card.name(given.locale)}" for card in cards),
        pending=Pending(kind="product", intent=given.intent, slots=_kept(given)),
    )


def absent(phrase: str, found: Resolved, given: SkillInput) -> Outcome:
    """Return that the shop has no such product, with the nearest that it has."""
    said = speakable(phrase)
    if not said:
        return asking(given)
    parts: tuple[Part, ...] = (part("which.none", name=said),)
    if found.cards:
        parts = (part("which.none_but", name=said), *lines(found.cards, given.locale))
    return Outcome(
        action="answer",
        parts=parts,
        products=facts(found.cards, given.locale),
        sources=sources(found.cards),
        quick_replies=("best_selling", "newest", "person"),
    )


def _by_place(refs: list[int], given: SkillInput, shop: Shop) -> Meant:
    shown = given.state.shown
    if not shown:
        return _in_context(given, shop) if len(refs) == 1 else Meant(instead=asking(given))
    if any(not 1 <= ref <= len(shown) for ref in refs):
        outcome = asking(given)
        return Meant(instead=msgspec.structs.replace(outcome, parts=(part("which.place", count=len(shown)),)))
    return Meant(tuple(known(shown[ref - 1], shop, given.locale) for ref in dict.fromkeys(refs)))


def _in_context(given: SkillInput, shop: Shop) -> Meant:
    shown = given.state.shown
    if said_of_all(given) and 2 <= len(shown) <= MAX_REFS:
        return Meant(tuple(known(one, shop, given.locale) for one in shown))
    item = in_talk(given, shop)
    return Meant((item,)) if item is not None else Meant(instead=asking(given))


def _kept(given: SkillInput) -> dict[str, str | int | list[int]]:
    """Return the slots that still hold once the product is known."""
    return {name: value for name, value in given.slots.items() if name not in ("product", "ref", "refs")}


_ASKED = {
    "product_price": "price",
    "product_availability": "stock",
    "product_info": "info",
    "order_place": "buy",
    "size_advice": "size",
    "product_compare": "compare",
}
