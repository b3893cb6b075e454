"""One page of a search: the products that are shown, in the order of how well they are really there."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from appliance.agents.catalogue.categories import below, shop_category
from appliance.agents.catalogue.facts import available, matching
from appliance.agents.catalogue.names import likeness, near, read_name, suits
from appliance.agents.catalogue.persons import for_person
from appliance.agents.catalogue.shop import Found, Shop
from appliance.agents.catalogue.unwanted import Unwanted
from appliance.agents.catalogue.wishes import PAGE, Wish
from appliance.agents.types import SkillInput
from appliance.domain import ProductCard

MAX_READ = 5
"""Products that are read in full in one turn."""
ABOUT_IT = 0.5
"""From so much of the words a product is about them; else the shop has nothing of the kind."""
MAX_DOUBTED = 12
"""Products that are read to learn what they are made of."""
_EXTRA, _MANY = 10, 25
"""Further products that are fetched where some, or many, will be left out."""


class Page(NamedTuple):
    total: int
    cards: list[ProductCard]
    found: Found
    exact: bool = True
    """Whether ``total`` was counted: what is left out here is known of one page only."""
    consumed: int = 0
    """Hits that were looked at, left out or not: where the next page begins."""


def page_of(wish: Wish, given: SkillInput, shop: Shop, offset: int = 0) -> Page:
    """Return a page; where a group has none, one of a group that belongs to it (sneakers are shoes)."""
    page = _own_page(wish, given, shop, offset)
    if page.cards or not wish.category or offset:
        return page
    for key in below(wish.key):
        handle = shop_category(shop.catalogue, key)
        if handle and (other := _own_page(msgspec.structs.replace(wish, category=handle), given, shop, 0)).cards:
            return other
    return page


def _own_page(wish: Wish, given: SkillInput, shop: Shop, offset: int) -> Page:
    barred = _barred(wish, given)
    extra = _MANY if wish.without else _EXTRA if barred or wish.gender else 0
    found = shop.search(wish.query(PAGE + extra, offset))
    # Of a group that was named, all will do but what is marked for others.
    fits = suits if wish.category or wish.key or wish.words else for_person
    cards = [card for card in found.cards if card.id not in barred and fits(card, wish.gender)]
    unseen = False
    if wish.without:
        before, cards = cards, kept_without(cards, wish.without, shop)
        unseen = len(cards) == PAGE and cards[-1] is not before[-1]
    if wish.size or wish.color:
        cards = _really_there_first(cards, wish, shop)
    page = cards[:PAGE]
    looked_at = found.cards.index(page[-1]) + 1 if len(page) == PAGE else len(found.cards)
    left_out = len(found.cards) - len(cards)
    exact = not left_out or (found.total <= len(found.cards) and not unseen)
    return Page(max(len(page), found.total - left_out), page, found, exact, looked_at)


def _barred(wish: Wish, given: SkillInput) -> frozenset[str]:
    return frozenset(shown.product_id for shown in given.state.shown) if wish.shift == "other" else frozenset()


def kept_without(cards: list[ProductCard], thing: Unwanted, shop: Shop, enough: int = PAGE) -> list[ProductCard]:
    """Leave out what is, is made of or is called what the shopper does not want; a few are read to be sure.

    Ends with ``enough`` products, however many more there are.
    """
    kept: list[ProductCard] = []
    read = 0
    for card in cards:
        if len(kept) == enough or read == MAX_DOUBTED:
            break
        if thing.in_card(card, shop.category_names(card)):
            continue
        read += 1
        product = shop.catalogue.product(card.id)
        if product is not None and not thing.in_product(product):
            kept.append(card)
    return kept


def _really_there_first(cards: list[ProductCard], wish: Wish, shop: Shop) -> list[ProductCard]:
    """Put first what has the very size and colour in stock; the filters of the search look at each on its own."""
    first: list[ProductCard] = []
    rest: list[ProductCard] = []
    for card in cards[:MAX_READ]:
        product = shop.catalogue.product(card.id)
        there = product is not None and any(map(available, matching(product, wish.size, wish.color)))
        (first if there else rest).append(card)
    return first or rest


def about_words(wish: Wish, cards: list[ProductCard]) -> bool:
    """Tell whether what was found is of the kind that the words name; a category filter vouches for itself."""
    if wish.category or not (wish.words or wish.key):
        return True
    name = read_name(wish.words or " ".join(wish.key.split("_")))
    if wish.key and not wish.words:
        return any(likeness(name, card).phrase >= ABOUT_IT for card in cards) or any(
            wish.key in read_name(card.title).keys for card in cards
        )
    return any(likeness(name, card).phrase >= ABOUT_IT and (name.keys or near(name, card)) for card in cards)
