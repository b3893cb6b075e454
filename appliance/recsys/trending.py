"""What is in demand now: interactions that fade by half-life, within a window of days, per category.

    score(i) = Σ weight · 2^(-(now - t) / half-life)   over the interactions within the window

What one visitor does with one product counts once a day and type, with the heaviest of the repeats; events that belong
to nobody count together as one visitor's. So nobody fills the board alone.

A model brings daily sums up to its cutoff; later events are added as they happen. Because everything fades at the same
rate, the order does not change while nothing happens: scores are kept relative to one moment and only grow.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from appliance.domain import InteractionType
from appliance.recsys.base import Doubles, Floats, Ints, mapped, sums_at
from appliance.recsys.shelves import ALL, Shelves

DAY = 86_400.0
MAX_WINDOW_DAYS = 90
TRENDING_WINDOW_DAYS = 7
"""The window of what is in demand where nobody asks for another."""
_LEADERS = 300
"""Best products of a category kept ready."""
_MAX_TOUCHED = 256
_MAX_BOARDS = 8
_MAX_MARKS = 20_000
_MAX_SOURCES = 65_536
"""Contributions remembered in each of two generations, about 7 MB."""
_FILES = ("popular_rows", "popular_days", "popular_weights", "popular_sold")


class DailyCounts(NamedTuple):
    """Sums by product and day; the arrays align. ``rows`` are model rows (codes once the model is in use)."""

    rows: Ints
    days: Ints
    """Days since 1970-01-01 UTC."""
    weights: Floats
    sold: Floats
    """Number of buyers."""

    def save(self, folder: Path) -> None:
        """Write the sums as ``.npy`` files."""
        for name, array in zip(_FILES, self, strict=True):
            np.save(folder / f"{name}.npy", array, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> DailyCounts:
        """Map the sums of a verified artifact."""
        return cls(*(mapped(folder / f"{name}.npy") for name in _FILES))

    @classmethod
    def none(cls) -> DailyCounts:
        """Return no sums at all, for a shop without a model."""
        return cls(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.float32))


class _Contributions:
    """What each visitor has contributed to a product by one type of interaction on a day."""

    def __init__(self) -> None:
        self._now: dict[int, float] = {}
        self._before: dict[int, float] = {}

    def add(self, source: tuple[str, int, str, int], weight: float) -> tuple[float, bool]:
        """Return by how much a weight exceeds what the source has contributed, and whether it had not yet at all."""
        key = hash(source)
        known = self._now.get(key)
        if known is None:
            known = self._before.get(key)
        if known is None or weight > known:
            if len(self._now) >= _MAX_SOURCES:
                self._before, self._now = self._now, {}
            self._now[key] = weight
        return max(0.0, weight - (known or 0.0)), known is None


class _Board:
    """Scores for one window, indexed by code, relative to the moment of its making."""

    def __init__(self, made_at: float, size: int) -> None:
        self.made_at = made_at
        self.scores: Doubles = np.zeros(size)
        self.sold: Doubles = np.zeros(size)
        self.touched: list[int] = []
        self.leaders: dict[str, tuple[list[int], int]] = {}
        """By category: the best codes and how long ``touched`` was when they were chosen."""

    def touch(self, code: int) -> None:
        if len(self.touched) >= _MAX_MARKS:
            self.touched.clear()
            self.leaders.clear()
        self.touched.append(code)

    def reserve(self, size: int) -> None:
        if size > len(self.scores):
            grown = max(size, 2 * len(self.scores), 64) - len(self.scores)
            self.scores = np.concatenate([self.scores, np.zeros(grown)])
            self.sold = np.concatenate([self.sold, np.zeros(grown)])


class Popularity:
    """Trending products from the model's sums and live events. Every method may be called from any thread."""

    def __init__(self, shelves: Shelves, half_life_days: float, now: Callable[[], float]) -> None:
        self._shelves = shelves
        self._half_life = half_life_days * DAY
        self._now = now
        self._lock = threading.RLock()
        self._base = DailyCounts.none()
        self._cutoff = -np.inf
        self._live: OrderedDict[int, dict[int, list[float]]] = OrderedDict()
        """By hour: code to [weight, buyers]."""
        self._boards: OrderedDict[int, _Board] = OrderedDict()
        self._contributions = _Contributions()

    def use(self, base: DailyCounts, cutoff: float) -> None:
        """Take over a model's sums, keyed by code; live hours that they cover are dropped."""
        with self._lock:
            self._base, self._cutoff = base, cutoff
            for hour in [hour for hour in self._live if (hour + 1) * 3600 <= cutoff]:
                del self._live[hour]
            self._boards.clear()

    def add(self, code: int, weight: float, at: float, *, kind: str, visitor: str = "") -> None:
        """Count one event; repeats by one visitor, what the model already knows, and future ones' lead do not count."""
        purchase = kind == InteractionType.PURCHASE
        now = self._now()
        at = min(at, now)
        if at <= self._cutoff or at < now - MAX_WINDOW_DAYS * DAY or (weight <= 0 and not purchase):
            return
        with self._lock:
            weight, first = self._contributions.add((visitor, code, kind, int(at // DAY)), max(0.0, weight))
            sold = float(purchase and first)
            if not weight and not sold:
                return
            sums = self._live.setdefault(int(at // 3600), {}).setdefault(code, [0.0, 0.0])
            sums[0] += weight
            sums[1] += sold
            for window, board in self._boards.items():
                if at < now - window * DAY:
                    continue
                board.reserve(code + 1)
                board.scores[code] += weight * 2.0 ** ((at - board.made_at) / self._half_life)
                board.sold[code] += sold
                board.touch(code)

    def scores(self, codes: Ints, window_days: int) -> Floats:
        """Return the scores of some products, 1 for the most popular of the shop."""
        with self._lock:
            board = self._board(window_days)
            best = self._leaders(board, ALL, _LEADERS)
            highest = board.scores[best[0]] if best else 0.0
            found = np.where(codes < len(board.scores), board.scores[np.minimum(codes, len(board.scores) - 1)], 0.0)
        relative: Floats = (found / highest if highest > 0 else np.zeros(len(codes))).astype(np.float32)
        return relative

    def leaders(self, category: str, window_days: int) -> Iterator[int]:
        """Yield the products of a category that anyone showed interest in, the most popular first."""
        with self._lock:
            first = list(self._leaders(self._board(window_days), category, _LEADERS))
        yield from first
        if len(first) >= _LEADERS:
            with self._lock:
                ranked = self._ranked(self._board(window_days), self._shelves.members(category))
            seen = set(first)
            yield from (code for code in ranked if code not in seen)

    def sold(self, code: int, window_days: int) -> bool:
        """Whether the product was bought within the window."""
        with self._lock:
            board = self._board(window_days)
            return code < len(board.sold) and board.sold[code] > 0

    def _leaders(self, board: _Board, category: str, count: int) -> list[int]:
        kept = board.leaders.get(category)
        if kept is not None and len(board.touched) - kept[1] <= _MAX_TOUCHED:
            fresh = set(board.touched[kept[1] :])
            if not fresh:
                return kept[0]
            # Scores only grow, so whoever is among the best now was before, or was touched since.
            pool = set(kept[0]) | {code for code in fresh if self._shelves.has(category, code)}
            ranked = sorted(pool, key=lambda code: (-board.scores[code], code))[:count]
        else:
            ranked = self._ranked(board, self._shelves.members(category), count)
        board.leaders[category] = (ranked, len(board.touched))
        return ranked

    def _ranked(self, board: _Board, members: Ints, count: int | None = None) -> list[int]:
        members = members[members < len(board.scores)]
        scores = board.scores[members]
        members, scores = members[scores > 0], scores[scores > 0]
        if count is not None and len(members) > count:
            best = np.argpartition(-scores, count - 1)[:count]
            members, scores = members[best], scores[best]
        ranked: list[int] = members[np.lexsort((members, -scores))].tolist()
        return ranked

    def forget_leaders(self) -> None:
        """Choose the leaders anew after products moved between categories."""
        with self._lock:
            for board in self._boards.values():
                board.leaders.clear()

    def _board(self, window_days: int) -> _Board:
        now = self._now()
        board = self._boards.get(window_days)
        if board is None or abs(now - board.made_at) > DAY / 4:
            board = self._boards[window_days] = self._make(window_days, now)
        self._boards.move_to_end(window_days)
        while len(self._boards) > _MAX_BOARDS:
            self._boards.popitem(last=False)
        return board

    def _make(self, window_days: int, now: float) -> _Board:
        board = _Board(now, int(self._base.rows.max(initial=0)) + 1)
        middles = (self._base.days + 0.5) * DAY
        inside = (middles > now - window_days * DAY) & (middles <= now + DAY)
        rows, ages = self._base.rows[inside], np.maximum(0.0, now - middles[inside])
        faded = self._base.weights[inside] * 2.0 ** (-ages / self._half_life)
        board.scores += sums_at(rows, faded, len(board.scores))
        board.sold += sums_at(rows, self._base.sold[inside], len(board.sold))
        for hour in [hour for hour in self._live if hour * 3600 < now - MAX_WINDOW_DAYS * DAY]:
            del self._live[hour]
        for hour, counts in self._live.items():
            at = min(now, (hour + 0.5) * 3600)
            if at >= now - window_days * DAY:
                for code, (weight, purchases) in counts.items():
                    board.reserve(code + 1)
                    board.scores[code] += weight * 2.0 ** ((at - now) / self._half_life)
                    board.sold[code] += purchases
        return board
