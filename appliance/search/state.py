"""The whole index at one moment: a large base segment, a few small ones with later changes, and what was deleted.

A state never changes. Writers make a new one and swap a reference; a search keeps the state it began with, so readers
never wait. Rows of all segments are numbered through, segment after segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from appliance.search.facets import BoolArray, RowArray
from appliance.search.merge import merge_segments
from appliance.search.segment import STRONG, Floats, Ints, Segment

MERGE_RATIO = 4
"""A change's segment is merged into the one before until that is so many times larger: few segments, little work."""


@dataclass(frozen=True)
class Part:
    """A segment in a state: which of its rows live, and how well its products sell."""

    segment: Segment
    alive: BoolArray | None
    """``None`` when all rows live."""
    popularity: Floats

    @cached_property
    def live(self) -> int:
        """The number of living rows."""
        return len(self.segment) if self.alive is None else int(np.count_nonzero(self.alive))


@dataclass(frozen=True)
class IndexState:
    """All parts, the base first."""

    parts: tuple[Part, ...]
    revision: int
    """The catalogue revision that this state shows."""

    @classmethod
    def of(cls, base: Segment, revision: int, popularity: Mapping[str, float]) -> IndexState:
        """Return the state of a freshly built or loaded segment."""
        return cls((_part(base, popularity),), revision).prepared()

    def prepared(self) -> IndexState:
        """Compute what every search needs now, so that no shopper waits for it."""
        _ = (self.order, self.price, self.in_stock, self.alive, self.live)
        return self

    def changed(
        self, removed: Iterable[str], added: Segment, revision: int, popularity: Mapping[str, float]
    ) -> IndexState:
        """Return the state after a change: ``removed`` products are gone, those of ``added`` are there."""
        parts = list(self._without(removed))
        if len(added):
            parts.append(_part(added, popularity))
        return IndexState(tuple(_compacted(parts, popularity)), revision).prepared()

    def with_popularity(self, popularity: Mapping[str, float]) -> IndexState:
        """Return the same index with other sales figures."""
        parts = tuple(Part(part.segment, part.alive, _figures(part.segment, popularity)) for part in self.parts)
        return IndexState(parts, self.revision).prepared()

    def __len__(self) -> int:
        return int(self.firsts[-1])

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """The first row of each part, and after the last one the number of all rows."""
        return np.cumsum([0, *(len(part.segment) for part in self.parts)], dtype=np.int64)

    @cached_property
    def live(self) -> int:
        """The number of products that can be found."""
        return sum(part.live for part in self.parts)

    @property
    def pending(self) -> int:
        """Rows that a rebuild would move or remove: those after the base, and the dead ones of the base."""
        base = self.parts[0]
        return len(self) - len(base.segment) + len(base.segment) - base.live

    @cached_property
    def alive(self) -> BoolArray | None:
        """Mask of living rows, ``None`` when all live."""
        if all(part.alive is None for part in self.parts):
            return None
        masks = [
            np.ones(len(part.segment), dtype=np.bool_) if part.alive is None else part.alive for part in self.parts
        ]
        return np.concatenate(masks)

    @cached_property
    def price(self) -> NDArray[np.int64]:
        """Lowest price by row."""
        return np.concatenate([part.segment.price for part in self.parts])

    @cached_property
    def in_stock(self) -> BoolArray:
        """Availability by row."""
        return np.concatenate([part.segment.in_stock for part in self.parts])

    @cached_property
    def created_at(self) -> NDArray[np.float64]:
        """Time of creation by row."""
        return np.concatenate([part.segment.created_at for part in self.parts])

    @cached_property
    def popularity(self) -> Floats:
        """Sales figure by row."""
        return np.concatenate([part.popularity for part in self.parts])

    @cached_property
    def order(self) -> Ints:
        """The place of each row in the plain listing: best sellers first, then the newest, then a fixed order."""
        tiebreak = np.concatenate([part.segment.tiebreak for part in self.parts])
        order = np.lexsort((tiebreak, -self.created_at, -self.popularity))
        places = np.empty(len(order), dtype=np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        return places

    def product_id(self, row: int) -> str:
        """Return the product of a row."""
        number = int(np.searchsorted(self.firsts, row, side="right")) - 1
        return self.parts[number].segment.ids[row - int(self.firsts[number])]

    def ids(self) -> Iterator[str]:
        """Yield the ids of all products that can be found."""
        for part in self.parts:
            if part.alive is None:
                yield from part.segment.ids
            else:
                yield from (part.segment.ids[row] for row in np.flatnonzero(part.alive).tolist())

    def all_rows(self) -> RowArray:
        """Return the living rows, ascending."""
        return np.arange(len(self)) if self.alive is None else np.flatnonzero(self.alive)

    def facet_keys(self, name: str) -> set[str]:
        """Return the values that a facet has anywhere."""
        return {key for part in self.parts for key in part.segment.facets[name].keys}

    def having(self, name: str, keys: frozenset[str]) -> BoolArray:
        """Return the mask of rows with one of these values, dead rows too."""
        return np.concatenate([part.segment.facets[name].having(keys) for part in self.parts])

    def postings(self, term: str) -> Iterator[tuple[int, Ints, Floats]]:
        """Yield (first row of the part, rows within it, impacts) for each part that knows the term; dead rows too."""
        for part, first in zip(self.parts, self.firsts.tolist(), strict=False):
            found = part.segment.postings(term)
            if found is not None:
                yield first, *found

    def frequency(self, term: str) -> tuple[int, bool]:
        """Return how many living products have a term, and whether any has it outside its description."""
        count, strong = 0, False
        for part in self.parts:
            found = part.segment.postings(term)
            if found is None:
                continue
            impacts = found[1] if part.alive is None else found[1][part.alive[found[0]]]
            count += len(impacts)
            strong = strong or bool(len(impacts) and impacts.max() >= STRONG)
        return count, strong

    def starting_with(self, prefix: str, limit: int) -> list[str]:
        """Return living terms that start so and stand outside descriptions, the most frequent first."""
        terms = {term for part in self.parts for term in part.segment.starting_with(prefix, 4 * limit)}
        counted = [(-count, term) for term in terms for count, strong in [self.frequency(term)] if strong]
        return [term for _, term in sorted(counted)[:limit]]

    def _without(self, removed: Iterable[str]) -> Iterator[Part]:
        gone = set(removed)
        for number, part in enumerate(self.parts):
            known = part.segment.row_of
            rows = [known[product_id] for product_id in gone if product_id in known]
            alive = part.alive
            if rows:
                alive = np.ones(len(part.segment), dtype=np.bool_) if alive is None else alive.copy()
                alive[rows] = False
            if number == 0 or alive is None or alive.any():
                yield Part(part.segment, alive, part.popularity)


def _compacted(parts: list[Part], popularity: Mapping[str, float]) -> list[Part]:
    while len(parts) > 2 and parts[-2].live < MERGE_RATIO * parts[-1].live:
        merged = merge_segments([(part.segment, part.alive) for part in parts[-2:]])
        parts[-2:] = [_part(merged, popularity)]
    return parts


def _part(segment: Segment, popularity: Mapping[str, float]) -> Part:
    return Part(segment, None, _figures(segment, popularity))


def _figures(segment: Segment, popularity: Mapping[str, float]) -> Floats:
    figures = np.zeros(len(segment), dtype=np.float32)
    known = segment.row_of
    for product_id, figure in popularity.items():
        row = known.get(product_id)
        if row is not None:
            figures[row] = figure
    return figures
