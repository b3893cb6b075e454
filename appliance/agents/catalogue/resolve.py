"""From the words for a product to the product: one, several that are close, or none and what is nearest."""

from __future__ import annotations

from typing import Literal, NamedTuple

from appliance.agents.catalogue.facts import Item
from appliance.agents.catalogue.names import Likeness, Name, likeness, near, read_name, suits, title_likeness
from appliance.agents.catalogue.shop import Shop
from appliance.agents.types import DialogueState, ShownProduct
from appliance.domain import ProductCard
from appliance.messages import Locale
from appliance.search.types import SearchQuery

CANDIDATES = 6
SEVERAL = 4
"""Products that are offered when a name fits several."""
_MARGIN = 0.12
"""What the best must be ahead of the next to be meant alone."""
_IN_VIEW = 0.35
"""What having just been shown adds: people name what they look at."""
_SAME = 0.99
"""From here a phrase and a title say the same."""
_HEARD = 0.3
"""From so much of the phrase a product has a part of the name."""


class Resolved(NamedTuple):
    """What a name came to."""

    kind: Literal["one", "several", "none"]
    item: Item | None = None
    cards: tuple[ProductCard, ...] = ()
    """``several``: those that fit; ``none``: the nearest there are."""
    heard: bool = True
    """Whether some product has at least a part of the name; else it may be no name at all."""


class _Candidate(NamedTuple):
    score: float
    like: Likeness
    card: ProductCard | None
    shown: ShownProduct | None


def resolve(phrase: str, shop: Shop, state: DialogueState, locale: Locale, gender: str = "") -> Resolved:
    """Find the product that a phrase names, among those in view first. One search at most."""
    name = read_name(phrase)
    if not name.units:
        return Resolved("none", heard=False)
    in_view = _in_view(name, shop, state)
    best = max(in_view, key=lambda one: one.score, default=None)
    if best is not None and best.like.names and _alone(best, in_view):
        return Resolved("one", _item(best, shop, locale))
    seen = {one.card.id for one in in_view if one.card is not None}
    found = shop.search(SearchQuery(phrase, limit=CANDIDATES))
    others = [card for card in (*found.cards, *found.related) if card.id not in seen]
    candidates = in_view + [_candidate(name, card) for card in others]
    candidates.sort(key=lambda one: (-one.score, one.card is None or not one.card.in_stock))
    fitting = [one for one in candidates if one.like.names]
    if gender and len(fitting) > 1:
        fitting = [one for one in fitting if one.card is None or suits(one.card, gender)] or fitting
    if fitting and _alone(fitting[0], fitting):
        return Resolved("one", _item(fitting[0], shop, locale))
    if fitting:
        close = [one for one in fitting if one.score > fitting[0].score - 2 * _MARGIN]
        cards = tuple(one.card for one in close if one.card is not None)[:SEVERAL]
        return Resolved("several", cards=cards) if len(cards) > 1 else Resolved("one", _item(fitting[0], shop, locale))
    nearest = tuple(one.card for one in candidates if one.card is not None and near(name, one.card))
    return Resolved("none", cards=nearest[:3], heard=any(one.like.phrase >= _HEARD for one in candidates))


def known(shown: ShownProduct, shop: Shop, locale: Locale) -> Item:
    """Return a product of the list: from the store where it still is, else what is remembered of it."""
    if shown.product_id:
        card = shop.card(shown.product_id)
        return shop.item(card, locale) if card is not None else Item(None, shown)
    name = read_name(shown.title)
    for card in shop.search(SearchQuery(shown.title, limit=3)).cards:
        like = likeness(name, card)
        if min(like.phrase, like.title) >= _SAME and shown.price in (None, card.price):
            return shop.item(card, locale)
    return Item(None, shown)


def _in_view(name: Name, shop: Shop, state: DialogueState) -> list[_Candidate]:
    found: list[_Candidate] = []
    for shown in dict.fromkeys((*((state.focus,) if state.focus else ()), *state.shown)):
        card = shop.card(shown.product_id) if shown.product_id else None
        if shown.product_id and card is None:
            continue
        like = likeness(name, card) if card is not None else title_likeness(name, shown.title)
        focus = 0.02 if shown == state.focus else 0.0
        found.append(_Candidate(like.score + _IN_VIEW + focus, like, card, shown))
    return found


def _candidate(name: Name, card: ProductCard) -> _Candidate:
    like = likeness(name, card)
    return _Candidate(like.score, like, card, None)


def _alone(best: _Candidate, others: list[_Candidate]) -> bool:
    """Tell whether no other is close; a title said in full is meant even where another begins with it."""
    rivals = [one for one in others if one is not best and one.like.names]
    if min(best.like.phrase, best.like.title) >= _SAME:
        return all(one.like.title < _SAME or one.score < best.score for one in rivals)
    return all(one.score < best.score - _MARGIN for one in rivals)


def _item(found: _Candidate, shop: Shop, locale: Locale) -> Item:
    if found.card is not None:
        return shop.item(found.card, locale)
    assert found.shown is not None
    return known(found.shown, shop, locale)
