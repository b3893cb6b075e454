"""Gives new products a few low places of the shelf, so that the shop learns of them what it cannot know yet.

Thompson sampling (Thompson 1933; Chapelle & Li 2011): for each candidate and for the product that it would push aside,
a click rate is drawn from what is believed of it,

    θ ~ Beta(α + clicks, β + showings - clicks),   Beta(α, β) fitted to the rates of the shop's other products,

and the candidate with the highest draw gets the place if it beats the one that stands there. What is good wins ever
more often, what is bad ever less, and when nothing is better than what stands there, nothing is tried.

The draws are a function of the seed and the product alone: while beliefs stay, a visitor sees the same shelf again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.domain import Placement, ProductCard
from appliance.recsys.base import Doubles, Floats, Ints
from appliance.recsys.codes import ProductCodes
from appliance.recsys.exposure import DAY, Counts, Exposure
from appliance.recsys.rules import Ranked
from appliance.settings import Recommender

SHORTEST_SHELF = 8
"""Places that a shelf needs before one of them is spent on learning."""
MAX_CANDIDATES = 200
_MAX_SCANNED = 500
_LOWEST_PLACE = 12
"""Few people look further, so that nothing would be learned there."""
_PRIOR_SECONDS = 300.0
_USUAL_RATE, _USUAL_WEIGHT = 0.05, 100.0
"""The click rate that is believed of a shop before its first showings, and how many examined ones outweigh it."""
_USUAL_STRENGTH, _MIN_STRENGTH, _MAX_STRENGTH = 20.0, 4.0, 50.0
"""Of α + β. Even where all products known are alike, a new one may differ: so the belief never weighs more than 50."""
_ENOUGH = 20.0
"""Examined showings from which a product's own rate says something of how rates differ."""
_Words = npt.NDArray[np.uint64]


class Prior(NamedTuple):
    """What is believed of a product never shown: its click rate is Beta(``alpha``, ``beta``)."""

    alpha: float
    beta: float


class Explorer:
    """Chooses what to try. Every method may be called from any thread."""

    def __init__(self, exposure: Exposure, settings: Recommender, now: Callable[[], float]) -> None:
        self._exposure = exposure
        self._settings = settings
        self._now = now
        self._prior: tuple[float, Prior] = (-math.inf, Prior(1.0, 19.0))

    def explored(
        self,
        items: Sequence[Ranked],
        placement: Placement,
        limit: int,
        *,
        seed: str,
        newest: Iterable[int],
        codes: ProductCodes,
        card: Callable[[str], ProductCard | None],
        show: Callable[[str], ProductCard | None],
    ) -> list[Ranked]:
        """Return a finished shelf with a few new products in low places, in the stead of its last ones.

        ``newest`` are codes, the newest product first; ``card`` returns any product's card by id, ``show`` that of what
        may be shown to this visitor. A shelf that the shop cannot fill stays as it is.
        """
        slots = self.slots(placement, limit)
        standing = [codes.find(item.card.id) for item in items if item.source != "pinned"]
        if not slots or len(items) < SHORTEST_SHELF or not standing:
            return list(items)
        candidates = self.newcomers(newest, lambda code: card(codes.id(code)))
        candidates = candidates[~np.isin(candidates, [codes.find(item.card.id) for item in items])]
        chosen = self.choose(candidates, standing[-slots:], seed, lambda code: show(codes.id(code)))
        return placed(items, [Ranked(found, 0.0, {}, "newest") for found in chosen], limit)

    def slots(self, placement: Placement, limit: int) -> int:
        """Return how many places of a shelf may be spent: none in the cart, where people are about to buy."""
        if placement == "cart" or limit < SHORTEST_SHELF:
            return 0
        return min(self._settings.exploration_slots, limit // SHORTEST_SHELF + 1)

    def newcomers(self, newest: Iterable[int], card: Callable[[int], ProductCard | None]) -> Ints:
        """Return the codes of new products that were shown too little to be known, int32[at most 200].

        ``newest`` are codes, the newest product first; ``card`` returns any product's card.
        """
        since = self._now() - self._settings.exploration_days * DAY
        found = []
        for scanned, code in enumerate(newest):
            entry = card(code)
            if scanned == _MAX_SCANNED or (entry is not None and entry.created_at < since):
                break
            if entry is not None:
                found.append(code)
        codes = np.array(found, np.int32)
        return codes[self._exposure.counts(codes).shown < self._settings.exploration_impressions][:MAX_CANDIDATES]

    def choose(
        self,
        candidates: Ints,
        aside: Sequence[int],
        seed: str,
        show: Callable[[int], ProductCard | None],
        relevance: Floats | None = None,
    ) -> list[ProductCard]:
        """Return the products to try, at most one for each product of ``aside``, the most promising first.

        ``aside`` holds the codes that would lose their places; ``show`` returns the card of what may be shown to this
        visitor. ``relevance`` from 0 to 1, where given, says how well each candidate suits the request: the drawn rates
        are multiplied by it. The same seed draws the same.
        """
        if not len(candidates) or not aside:
            return []
        number = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest(), "little")
        codes = np.concatenate([candidates, np.array(aside, np.int32)])
        drawn = draws(self._exposure.counts(codes), self.prior(), number, codes)
        rates, bars = drawn[: len(candidates)], np.sort(drawn[len(candidates) :]).tolist()
        if relevance is not None:
            rates = rates * relevance
        chosen: list[ProductCard] = []
        for place in np.argsort(-rates, kind="stable").tolist():
            if len(chosen) == len(bars) or rates[place] <= bars[len(chosen)]:
                break
            found = show(int(candidates[place]))
            if found is not None:
                chosen.append(found)
        return chosen

    def prior(self) -> Prior:
        """Return the belief of a product never shown, fitted to the shop at most every five minutes."""
        fitted_at, prior = self._prior
        now = self._now()
        if abs(now - fitted_at) > _PRIOR_SECONDS:
            prior = fit_prior(self._exposure.everything())
            self._prior = (now, prior)
        return prior


def fit_prior(counts: Counts) -> Prior:
    """Return the Beta distribution of the shop's click rates, by the method of moments.

    The mean is the shop's rate, held near a usual one while little is known. α + β = 1/ρ - 1, where ρ is the
    correlation within a product that is left of the rates' variance beyond chance (Kleinman 1973, weights = showings).
    """
    total = float(counts.shown.sum())
    mean = (float(counts.clicked.sum()) + _USUAL_RATE * _USUAL_WEIGHT) / (total + _USUAL_WEIGHT)
    mean = min(max(mean, 1e-4), 0.5)
    known = counts.shown >= _ENOUGH
    shown, clicked, others = counts.shown[known], counts.clicked[known], int(known.sum()) - 1
    strength = _USUAL_STRENGTH
    if others >= 4 and clicked.sum() > 0:
        weight, rate = float(shown.sum()), float(clicked.sum() / shown.sum())
        spread = float((shown * (clicked / shown - rate) ** 2).sum()) / max(rate * (1.0 - rate), 1e-9)
        correlation = (spread - others) / max(weight - float((shown**2).sum()) / weight - others, 1e-9)
        strength = 1.0 / correlation - 1.0 if correlation > 0 else _MAX_STRENGTH
    strength = min(max(strength, _MIN_STRENGTH), _MAX_STRENGTH)
    return Prior(mean * strength, (1.0 - mean) * strength)


def draws(counts: Counts, prior: Prior, seed: int, codes: Ints) -> Doubles:
    """Return one click rate a product, float64[n], drawn from its posterior by the seed and its code.

    A Beta variate is a share of two Gamma variates; those come from normal ones by Wilson & Hilferty (1931), good
    to a percent from shape 1 on, and Γ(a) = Γ(a + 1) · U^(1/a) takes care of smaller ones.
    """
    clicked = _gamma(prior.alpha + counts.clicked, seed, codes, 0)
    passed = _gamma(prior.beta + counts.shown - counts.clicked, seed, codes, 3)
    return clicked / (clicked + passed)


def placed(items: Sequence[Ranked], tried: Sequence[Ranked], limit: int) -> list[Ranked]:
    """Return a shelf of at most ``limit`` with products to try, none of them on it yet, in low places.

    The first stands at 80 % of the shelf (the twelfth place at most), the others after it; pinned products keep their
    places and the rest its order.
    """
    pins = {place: item for place, item in enumerate(items) if item.source == "pinned"}
    rest, waiting = [item for item in items if item.source != "pinned"], list(tried)
    size = min(limit, len(items) + len(waiting))
    start = place_of_first(size)
    out = []
    for place in range(size):
        if place in pins:
            out.append(pins[place])
        else:
            out.append((waiting if waiting and (place >= start or not rest) else rest).pop(0))
    return out


def place_of_first(limit: int) -> int:
    """Return the place, from 0, of the first product to try on a shelf."""
    return min(round(0.8 * limit), _LOWEST_PLACE) - 1


def _gamma(shapes: Doubles, seed: int, codes: Ints, stream: int) -> Doubles:
    first, second, third = (_uniform(seed, codes, stream + part) for part in range(3))
    normal = np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * math.pi * second)
    raised = shapes + 1.0
    cube = 1.0 - 1.0 / (9.0 * raised) + normal / (3.0 * np.sqrt(raised))
    gamma: Doubles = np.maximum(raised * np.maximum(cube, 0.0) ** 3 * third ** (1.0 / shapes), 1e-300)
    return gamma


def _uniform(seed: int, codes: Ints, stream: int) -> Doubles:
    """Return numbers above 0 and below 1 by SplitMix64 (Steele et al. 2014)."""
    start = np.uint64((seed + stream * 0xD1342543DE82EF95) % 2**64)
    word: _Words = codes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + start
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        word = (word ^ (word >> np.uint64(shift))) * np.uint64(factor)
    word ^= word >> np.uint64(31)
    uniform: Doubles = ((word >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
    return uniform
