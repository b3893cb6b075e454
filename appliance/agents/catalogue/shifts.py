"""Wishes relative to what was shown: cheaper, dearer, others."""

from __future__ import annotations

import msgspec

from appliance.agents.catalogue.categories import shop_category
from appliance.agents.catalogue.names import read_name
from appliance.agents.catalogue.shop import Shop
from appliance.agents.catalogue.vocabulary import folded_words
from appliance.agents.catalogue.wishes import Wish
from appliance.agents.types import ShownProduct, SkillInput

_WHOLE_SHOP = folded_words("whole_shop")


def shifted(wish: Wish, given: SkillInput, shop: Shop) -> Wish:
    """Turn a wish relative to what was shown into one of its own."""
    wish = _like_shown(wish, given, shop)
    if wish.shift not in ("cheaper", "more_expensive"):
        return wish
    prices = [shown.price for shown in seen(given) if shown.price is not None]
    if not prices:
        sort = "price_asc" if wish.shift == "cheaper" else "price_desc"
        return msgspec.structs.replace(wish, sort=sort, shift="")
    if wish.shift == "cheaper":
        below = min(prices) - 1
        # "About 900,000" was a middle and no lower bound.
        low = wish.price_min if wish.about is None and wish.price_min is not None and wish.price_min < below else None
        return msgspec.structs.replace(wish, price_max=below, price_min=low, about=None, sort="price_desc")
    above = max(prices) + 1
    high = wish.price_max if wish.about is None and wish.price_max is not None and wish.price_max > above else None
    return msgspec.structs.replace(wish, price_min=above, price_max=high, about=None, sort="price_asc")


def _like_shown(wish: Wish, given: SkillInput, shop: Shop) -> Wish:
    """Stay with the kind of goods that was shown, if it was one kind, when the search itself names none."""
    state = given.state
    if wish.key or wish.category or wish.words or (wish.shift == "more" and state.offered):
        return wish
    in_talk = (state.focus,) if state.focus is not None else state.shown
    cards = shop.cards(one.product_id for one in in_talk if one.product_id)
    if cards:
        shared = [handle for handle in cards[0].categories if all(handle in card.categories for card in cards)]
        node = shop.catalogue.category(shared[-1]) if shared else None
        return msgspec.structs.replace(wish, category=node.handle, key=node.name.lower()) if node else wish
    keys = {next((unit.key for unit in read_name(one.title).units if unit.key), "") for one in in_talk}
    key = keys.pop() if len(keys) == 1 else ""
    return msgspec.structs.replace(wish, key=key, category=shop_category(shop.catalogue, key)) if key else wish


def list_is_base(given: SkillInput) -> bool:
    """Tell whether "the cheapest" asks within the list that was shown: it is no page of the whole shop."""
    state = given.state
    browsing = state.last_intent == "product_search" and not state.last_slots.keys() & {"category", "product", "ref"}
    whole = any(token.folded in _WHOLE_SHOP for token in given.utterance.tokens)
    return sum(shown.price is not None for shown in seen(given)) > 1 and not browsing and not whole


def seen(given: SkillInput) -> tuple[ShownProduct, ...]:
    """Return what a wish is relative to: the product just discussed if its price is known, else the list."""
    state = given.state
    return (state.focus,) if state.focus is not None and state.focus.price is not None else state.shown
