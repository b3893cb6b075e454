"""How often each product was looked at on shelves and clicked there, fading with time.

A showing counts by how likely a place of the shelf is looked at, so that a product low on the shelf is not taken for a
bad one: place p, from 1, counts 1 / log₂(1 + p), the examination curve of DCG (Järvelin & Kekäläinen 2002) read as the
position model of Craswell et al. (2008). Clicks over such showings estimate the rate at which who looks also clicks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from appliance.recsys.base import Doubles, Ints

DAY = 86_400.0
HALF_LIFE_DAYS = 30.0
MAX_PLACES = 100
_EXAMINED: Doubles = 1.0 / np.log2(np.arange(2.0, MAX_PLACES + 2.0))
_AVERAGE_EXAMINED = float(_EXAMINED[:10].mean())
"""Of a showing whose place is not known: that of a shelf of ten."""
_MAX_MARKS = 32_768
"""Clicks remembered in each of two generations, about 3 MB, so that the click and the view after it count once."""
_MAX_DOUBLINGS = 64.0


class Counts(NamedTuple):
    """Faded examined showings and clicks of some products, float64[n]; clicks are never more than showings."""

    shown: Doubles
    clicked: Doubles


class Exposure:
    """Counters by product code, 16 bytes a product. Every method may be called from any thread."""

    def __init__(self, now: Callable[[], float], half_life_days: float = HALF_LIFE_DAYS) -> None:
        self._now = now
        self._half_life = half_life_days * DAY
        self._lock = threading.Lock()
        self._epoch = now()
        self._shown: Doubles = np.zeros(0)
        self._clicked: Doubles = np.zeros(0)
        self._marks: set[int] = set()
        self._old_marks: set[int] = set()

    def restore(self, counts: Mapping[int, tuple[int, int]]) -> None:
        """Begin anew with what the log knows: code → (showings, clicks), their places unknown."""
        size = max(counts, default=-1) + 1
        shown, clicked = np.zeros(size), np.zeros(size)
        for code, (showings, clicks) in counts.items():
            shown[code], clicked[code] = showings * _AVERAGE_EXAMINED, clicks
        with self._lock:
            self._epoch, self._shown, self._clicked = self._now(), shown, clicked

    def shown(self, codes: Sequence[int]) -> None:
        """Count one showing of a shelf, its products in their order; negative codes are unknown products."""
        places = [(code, place) for place, code in enumerate(codes[:MAX_PLACES]) if code >= 0]
        if not places:
            return
        with self._lock:
            scale = self._scale()
            self._reserve(max(code for code, _ in places) + 1)
            for code, place in places:
                self._shown[code] += _EXAMINED[place] * scale

    def clicked(self, code: int, recommendation_id: str) -> None:
        """Count a click on a shelf, once for each product of a recommendation."""
        mark = hash((code, recommendation_id))
        if code < 0 or not recommendation_id:
            return
        with self._lock:
            if mark in self._marks or mark in self._old_marks:
                return
            if len(self._marks) >= _MAX_MARKS:
                self._marks, self._old_marks = set(), self._marks
            self._marks.add(mark)
            scale = self._scale()
            self._reserve(code + 1)
            self._clicked[code] += scale

    def counts(self, codes: Ints) -> Counts:
        """Return the counts of some products as of now; zeros for those never shown."""
        with self._lock:
            scale = self._scale()
            inside = codes < len(self._shown)
            places = np.where(inside, codes, 0)
            if not len(self._shown):
                return Counts(np.zeros(len(codes)), np.zeros(len(codes)))
            shown = np.where(inside, self._shown[places], 0.0) / scale
            clicked = np.where(inside, self._clicked[places], 0.0) / scale
        return Counts(shown, np.minimum(clicked, shown))

    def everything(self) -> Counts:
        """Return the counts of all products by code as of now."""
        with self._lock:
            scale = self._scale()
            shown, clicked = self._shown / scale, self._clicked / scale
        return Counts(shown, np.minimum(clicked, shown))

    def _scale(self) -> float:
        """Return what one showing counts now. Older ones fade because newer ones count more, until both are reduced."""
        doublings = (self._now() - self._epoch) / self._half_life
        if abs(doublings) > _MAX_DOUBLINGS:
            faded = 2.0 ** -min(max(doublings, 0.0), 1000.0)
            self._shown, self._clicked = self._shown * faded, self._clicked * faded
            self._epoch, doublings = self._now(), 0.0
        return float(2.0**doublings)

    def _reserve(self, size: int) -> None:
        if size > len(self._shown):
            grown = np.zeros(max(size, 2 * len(self._shown), 64) - len(self._shown))
            self._shown = np.concatenate([self._shown, grown])
            self._clicked = np.concatenate([self._clicked, grown])
