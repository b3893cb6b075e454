"""When a buyer may be shown a bought product again.

The interval of a product is its own (attribute ``repurchase_days``), else the shortest of its categories', else the
shop's. With an interval of 0 a product, milk for example, may be shown again at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from appliance.domain import ProductCard, interval_of
from appliance.recsys.profiles import BOUGHT, Entry
from appliance.settings import Recommender

DAY = 86_400.0


class Repurchase:
    """The shop's repurchase intervals."""

    def __init__(self, settings: Recommender) -> None:
        self._days = settings.repurchase_days
        self._categories = dict(interval_of(entry) for entry in settings.repurchase_by_category)

    def days(self, card: ProductCard) -> float:
        """Return the days for which a bought product is not recommended to its buyer."""
        if card.repurchase_days is not None:
            return card.repurchase_days
        known = [self._categories[name] for name in card.categories if name in self._categories]
        return min(known, default=self._days)

    def barred(self, entries: Iterable[Entry], card: Callable[[int], ProductCard | None], now: float) -> list[int]:
        """Return the codes of what a visitor bought too lately to be shown it again.

        ``card`` returns the card of a code, ``None`` for what the shop no longer has.
        """
        out = []
        for entry in entries:
            if entry.flags & BOUGHT:
                found = card(entry.code)
                if found is not None and now - entry.bought_at < self.days(found) * DAY:
                    out.append(entry.code)
        return out
