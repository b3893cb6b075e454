"""Turns an item's evidence into a reason that a shopper can read and that is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from appliance.domain import ProductCard
from appliance.messages import pick_locale, translate
from appliance.recsys.base import Reason, ReasonCode
from appliance.recsys.rules import Ranked

_ABOUT_A_PRODUCT: dict[str, ReasonCode] = {
    "content": "similar",
    "collaborative": "also_viewed",
    "sequential": "also_viewed",
    "session": "also_viewed",
    "bought_together": "bought_together",
}


MAX_MENTIONS = 2
"""Times that one product is named as the reason on a shelf while there is something else true to say."""
_IN_DEMAND = 0.2
"""Popularity from which it may be the reason in place of a product named too often."""


def varied(items: Sequence[Ranked], focus: frozenset[str]) -> list[Ranked]:
    """Return a shelf's items, each with the evidence to name: the strongest whose product is not yet named too often.

    What the page is about (``focus``) may be named for every item. Order and scores stay.
    """
    mentions: Counter[str] = Counter()
    out = []
    for item in items:
        chosen = item
        if item.anchor and item.anchor not in focus and mentions[item.anchor] >= MAX_MENTIONS:
            fresh = [(source, anchor) for source, anchor in item.others if anchor and mentions[anchor] < MAX_MENTIONS]
            if fresh:
                chosen = item._replace(source=fresh[0][0], anchor=fresh[0][1])
            elif item.components.get("popularity", 0.0) >= _IN_DEMAND and item.source != "pinned":
                chosen = item._replace(source="popularity", anchor="")
        mentions[chosen.anchor] += 1
        out.append(chosen)
    return out


class Explainer:
    """Words the reasons of one answer."""

    def __init__(
        self,
        locale: str,
        window_days: int,
        card: Callable[[str], ProductCard | None],
        sold: Callable[[str, int], bool],
    ) -> None:
        self._locale = pick_locale(locale)
        self._window = window_days
        self._card = card
        self._sold = sold

    def reason(self, item: Ranked, focus: frozenset[str], cart: frozenset[str] = frozenset()) -> Reason:
        """Return why an item is shown.

        ``focus`` holds the products that the page is about: evidence from one of those is a fact about that product;
        any other comes from what the visitor looked at. ``cart`` holds what lies in the visitor's cart.
        """
        anchor = self._card(item.anchor) if item.anchor else None
        if item.source in ("pinned", "newest"):
            return self._say("pinned" if item.source == "pinned" else "newest")
        if anchor is None:
            return self._demand(item)
        if item.source == "bought_together":
            return self._say("bought_together", title=anchor.name(self._locale))
        if anchor.id in focus:
            return self._say(_ABOUT_A_PRODUCT.get(item.source, "similar"), title=anchor.name(self._locale))
        if anchor.id in cart:
            return self._say("similar" if item.source == "content" else "cart", title=anchor.name(self._locale))
        return self._say("viewed", title=anchor.name(self._locale))

    def _demand(self, item: Ranked) -> Reason:
        if item.source != "popularity":
            return self._say("newest")
        # "Best selling" is said only of what was sold.
        code: ReasonCode = "best_selling" if self._sold(item.card.id, self._window) else "trending"
        return self._say(code, days=self._window)

    def _say(self, code: ReasonCode, **values: object) -> Reason:
        return Reason(code, translate(f"reason.{code}", self._locale, **values))
