"""Which products stand in which category, and in what order they came: kept current with every catalogue change."""

from __future__ import annotations

import threading
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from appliance.domain import ProductCard
from appliance.recsys.base import Ints
from appliance.recsys.codes import ProductCodes

ALL = ""
"""The shelf of the whole shop."""
_Entry = tuple[float, int]
"""(-created_at, code): sorts newest first."""


class Shelves:
    """Members of every category and the newest of each. Writers take a lock; readers see one state or the next."""

    def __init__(self, cards: Mapping[str, ProductCard], codes: ProductCodes) -> None:
        self._cards = cards
        self._codes = codes
        self._lock = threading.Lock()
        self._members: dict[str, set[int]] = {}
        self._newest: dict[str, list[_Entry]] = {}
        self._placed: dict[int, tuple[float, tuple[str, ...]]] = {}
        numbers = codes.number(list(cards))
        for code, card in zip(numbers, list(cards.values()), strict=False):
            self._place(code, card, sort=False)
        for shelf in self._newest.values():
            shelf.sort()

    def apply(self, changed: Iterable[str], deleted: Iterable[str]) -> tuple[list[int], bool]:
        """Take in a committed change; return the codes of the changed products and whether any shelf changed."""
        moved = False
        present = [product_id for product_id in changed if product_id in self._cards]
        numbers = self._codes.number(present)
        with self._lock:
            for product_id in deleted:
                self._remove(self._codes.find(product_id))
                moved = True
            for product_id, code in zip(present, numbers, strict=True):
                card = self._cards.get(product_id)
                if card is not None and self._placed.get(code) != (card.created_at, card.categories):
                    self._remove(code)
                    self._place(code, card, sort=True)
                    moved = True
        return numbers, moved

    def has(self, category: str, code: int) -> bool:
        """Whether a product stands in a category (handle); ``ALL`` holds every product."""
        return code in self._members.get(category, ())

    def size(self, category: str) -> int:
        """Return the number of a category's products."""
        return len(self._members.get(category, ()))

    def members(self, category: str) -> Ints:
        """Return the codes of a category's products, int32[n]."""
        with self._lock:
            members = self._members.get(category, set())
            return np.fromiter(members, np.int32, len(members))

    def newest(self, category: str) -> Iterator[int]:
        """Yield the codes of a category, the newest product first."""
        with self._lock:
            shelf = self._newest.get(category, [])
        for entry in shelf:
            created, code = -entry[0], entry[1]
            # Products that moved leave their old entry behind.
            if self.has(category, code) and self._placed.get(code, (None,))[0] == created:
                yield code

    def _place(self, code: int, card: ProductCard, *, sort: bool) -> None:
        self._placed[code] = (card.created_at, card.categories)
        entry = (-card.created_at, code)
        for category in (ALL, *card.categories):
            self._members.setdefault(category, set()).add(code)
            shelf = self._newest.setdefault(category, [])
            if sort:
                insort(shelf, entry)
            else:
                shelf.append(entry)

    def _remove(self, code: int) -> None:
        _, categories = self._placed.pop(code, (0.0, ()))
        for category in (ALL, *categories):
            self._members.get(category, set()).discard(code)
