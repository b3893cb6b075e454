"""Intent ``product_recommend``: advice from the recommender, within what the shopper asked for."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from appliance.agents.catalogue.categories import shop_category
from appliance.agents.catalogue.context import meant, product_slot
from appliance.agents.catalogue.facts import Item, fact_of_card, facts, lines, money, part, sources
from appliance.agents.catalogue.names import likeness, read_name, suits
from appliance.agents.catalogue.pages import kept_without
from appliance.agents.catalogue.persons import for_kids, for_person
from appliance.agents.catalogue.searching import search
from appliance.agents.catalogue.shop import Shop
from appliance.agents.catalogue.stock import cards_of, similar_cards
from appliance.agents.catalogue.wishes import PAGE, Wish, named, running, wish_of
from appliance.agents.types import Outcome, Part, SkillInput
from appliance.data_files import read_data
from appliance.domain import ProductCard
from appliance.recsys.base import RecommendRequest
from appliance.search.types import SearchQuery
from appliance.text import words

POOL = 60
"""Recommendations that are asked for, to have enough within the budget."""
ENOUGH = 3
_FOR_IT, _ABOUT_IT = 0.7, 0.5
"""From so much of the words a product is for an occasion, or about what was said."""
_GIFT = frozenset({"qua", "tang", "bieu", "gift", "gifts", "present", "presents"})
_LIKE_IT = frozenset({"giong", "tuong", "similar", "like", "same"})


class _Occasion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    said: tuple[str, ...]
    words: str
    key: str = ""


class _Suggestion(msgspec.Struct, frozen=True):
    card: ProductCard
    reason: str = ""


def recommend(given: SkillInput, shop: Shop) -> Outcome:
    """Answer a request for advice."""
    if _like_something(given):
        found = meant(given, shop)
        if found.instead is not None:
            return found.instead
        return _similar(found.items[0], given, shop)
    wish = wish_of(given, shop)
    if not wish.key:
        wish = msgspec.structs.replace(wish, words="")
    if not wish.category and _is_gift(given):
        wish = msgspec.structs.replace(wish, labelled=False)
    chosen = _chosen(wish, given, shop)
    if not chosen:
        return search(given, shop)
    return Outcome(
        action="answer",
        parts=(
            *_unlabelled(wish, chosen, given),
            _heading(wish, given, shop),
            *lines((one.card for one in chosen), given.locale),
        ),
        products=tuple(fact_of_card(one.card, given.locale, one.reason) for one in chosen),
        sources=sources(one.card for one in chosen),
        quick_replies=("cheaper", *(("compare",) if len(chosen) > 1 else ()), "best_selling", "newest"),
        filters=running(wish, given, shop),
        offered=len(chosen),
    )


def _like_something(given: SkillInput) -> bool:
    slots = given.slots
    if slots.get("ref") is not None or slots.get("refs"):
        return True
    said = {token.folded for token in given.utterance.tokens}
    return bool(said & _LIKE_IT) and bool(product_slot(given) or given.state.focus or given.state.shown)


def _similar(item: Item, given: SkillInput, shop: Shop) -> Outcome:
    title = item.title(given.locale)
    outcome = similar_cards(item, given, shop, PAGE)
    if outcome.products:
        return msgspec.structs.replace(
            outcome,
            parts=(part("recommend.similar", title=title), *lines(cards_of(outcome, shop), given.locale)),
            quick_replies=("cheaper", "compare"),
            filters={},
            offered=len(outcome.products),
        )
    key = next((unit.key for unit in read_name(title).units if unit.key), "")
    handle = shop_category(shop.catalogue, key) if key else ""
    query = SearchQuery("" if handle else title, category=handle, in_stock=True, limit=PAGE)
    cards = [card for card in shop.search(query).cards if card.id != item.shown.product_id]
    message = "recommend.similar" if cards else "recommend.nothing_similar"
    return Outcome(
        action="answer",
        parts=(part(message, title=title), *lines(cards, given.locale)),
        products=facts(cards, given.locale),
        sources=sources(cards),
        quick_replies=("best_selling", "newest", "person"),
        filters={"category": key} if key else {},
        offered=len(cards),
    )


def _chosen(wish: Wish, given: SkillInput, shop: Shop) -> list[_Suggestion]:
    """Return products for the occasion first, then what the recommender gives, one of each kind before seconds."""
    first = [one for one in _for_occasion(wish, given, shop) if _within(one.card, wish)]
    fits: list[_Suggestion] = []
    if len(first) < PAGE:
        fits += [one for one in _recommended(wish, given, shop) if _within(one.card, wish)]
    if len(first) + len(fits) < ENOUGH:
        query = SearchQuery(
            category=wish.category,
            price_min=wish.price_min,
            price_max=wish.price_max,
            color=wish.color,
            in_stock=True,
            sort="best_selling",
            limit=PAGE * 4,
        )
        fits += [_Suggestion(card) for card in shop.search(query).cards if _fits(card, wish)]
    if wish.gender == "kids":
        fits.sort(key=lambda one: not for_kids(one.card))
    kept: dict[str, _Suggestion] = {}
    for one in (*first, *(fits if wish.category else _mixed(fits))):
        kept.setdefault(one.card.id, one)
    if wish.without is None:
        return list(kept.values())[:PAGE]
    return [kept[card.id] for card in kept_without([one.card for one in kept.values()], wish.without, shop)]


def _for_occasion(wish: Wish, given: SkillInput, shop: Shop) -> list[_Suggestion]:
    said = f" {' '.join(token.folded for token in given.utterance.tokens[:60])} "
    occasion = next((one for one in read_occasions() if any(f" {name} " in said for name in one.said)), None)
    text = occasion.words if occasion else (wish.words or product_slot(given))
    if not text or (not occasion and _is_gift(given)):
        return []
    category = wish.category
    found = shop.search(SearchQuery(text, category=category, in_stock=True, limit=PAGE * 2)).cards
    name = read_name(text)
    cards = [card for card in found if likeness(name, card).phrase >= (_FOR_IT if occasion else _ABOUT_IT)]
    if occasion and occasion.key and not category and len(cards) < ENOUGH:
        handle = shop_category(shop.catalogue, occasion.key)
        if handle:
            cards += shop.search(SearchQuery(category=handle, in_stock=True, limit=PAGE)).cards
    return [_Suggestion(card) for card in cards if _fits(card, wish)]


def _recommended(wish: Wish, given: SkillInput, shop: Shop) -> list[_Suggestion]:
    request = RecommendRequest(
        user_id=given.user_id,
        session_id=given.session_id,
        placement="category" if wish.category else "home",
        category=wish.category,
        limit=POOL,
        locale=given.locale,
        # Advice is no place to try out what nobody knows yet.
        strategy="no_exploration",
    )
    answer = shop.recommender.recommend(request)
    found: list[_Suggestion] = []
    for one in answer.items:
        card = shop.card(one.product_id)
        if card is None or not card.in_stock or not _fits(card, wish):
            continue
        # On a fallback the shelf is not of this category.
        if not wish.category or wish.category in card.categories:
            found.append(_Suggestion(card, one.reason.text))
    return found


def _fits(card: ProductCard, wish: Wish) -> bool:
    """Tell whether a product is for the person; of a group that was named, all but what is marked for others."""
    return suits(card, wish.gender) if wish.category else for_person(card, wish.gender)


def _unlabelled(wish: Wish, chosen: list[_Suggestion], given: SkillInput) -> tuple[Part, ...]:
    """Return that the shop marks nothing for children, where none of what is suggested is."""
    if wish.gender != "kids" or any(for_kids(one.card) for one in chosen):
        return ()
    return (part("search.no_gender", what=named(msgspec.structs.replace(wish, labelled=True), given.locale)),)


def _within(card: ProductCard, wish: Wish) -> bool:
    if card.price is None:
        return not wish.bounded
    low, high = wish.price_min, wish.price_max
    return (low is None or card.price >= low) and (high is None or card.price <= high)


def _mixed(found: list[_Suggestion]) -> list[_Suggestion]:
    """Take one of each top category before a second of any, the order kept within each round."""
    rounds: dict[int, list[_Suggestion]] = {}
    seen: dict[str, int] = {}
    for one in found:
        kind = one.card.categories[0] if one.card.categories else ""
        number = seen[kind] = seen.get(kind, -1) + 1
        rounds.setdefault(number, []).append(one)
    return [one for number in sorted(rounds) for one in rounds[number]]


def _heading(wish: Wish, given: SkillInput, shop: Shop) -> Part:
    gift = _is_gift(given)
    kind = "gift" if gift else ("pick" if wish.key else "anything")
    values = {"what": named(wish, given.locale)} if kind == "pick" else {}
    if wish.about is not None:
        return part(f"recommend.{kind}_about", about=money(wish.about, shop.currency), **values)
    if wish.price_max is not None:
        return part(f"recommend.{kind}_max", high=money(wish.price_max, shop.currency), **values)
    return part(f"recommend.{kind}", **values)


def _is_gift(given: SkillInput) -> bool:
    return any(token.folded in _GIFT for token in given.utterance.tokens)


@lru_cache(maxsize=1)
def read_occasions() -> tuple[_Occasion, ...]:
    """Return the occasions that are known, read once."""
    found = read_data("appliance.agents.catalogue", "occasions", dict[str, tuple[_Occasion, ...]])["occasion"]
    return tuple(msgspec.structs.replace(one, said=tuple(" ".join(words(name)) for name in one.said)) for one in found)
