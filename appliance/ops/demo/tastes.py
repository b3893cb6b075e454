"""What each group of shoppers finds attractive: odds over products, kinds and complements, as arrays.

A *taste* is a persona within one circle of brands. ``Shelves.draw`` picks a product of a kind by a taste in
O(log n): products are laid out by kind, the odds of all tastes are accumulated in one long array, and a uniform number
between a kind's ends is looked up in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from appliance.domain import Product
from appliance.ops.demo.words import Persona, kind_of_category, kinds, personas

CIRCLES = 3
COMPANIONS = 3
_ZIPF, _ZIPF_OFFSET = 0.95, 6.0
_LITTLE = 0.2
_SAME_CIRCLE, _STYLE_PULL, _PRICE_SPREAD = 2.5, (3.5, 2.2), 0.9
_OTHER_GENDER, _UNISEX = 0.03, 0.8

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shelves:
    """A catalogue as the simulated shoppers see it; P products, K kinds, T tastes."""

    kind: Ints
    """[P] kind of each product."""
    in_stock: Flags
    created_at: Floats
    circles: int
    persona_share: Floats
    kind_cdf: Floats
    """[personas, K] what a persona comes for, cumulative by row."""
    complement_cdf: Floats
    """[K, K] what goes with a kind, cumulative by row."""
    companions: Ints
    """[P, COMPANIONS] products that are usually bought along with each."""
    queries: tuple[str, ...]
    query_range: Ints
    """[K, 2] first index and number of a kind's search phrases."""
    layout: Ints
    """[P] products in order of kind."""
    bounds: Ints
    """[K + 1] where each kind begins in the layout."""
    cumulative: Floats
    """[T * P] running sum of the odds of the laid-out products, taste after taste."""

    def draw(self, taste: Ints, kind: Ints, rng: np.random.Generator) -> Ints:
        """Return one product for each pair of taste and kind."""
        return _draw(self.layout, self.bounds, self.cumulative, taste, kind, rng)


def shelves(products: Sequence[Product], rng: np.random.Generator) -> Shelves:
    """Prepare the odds for a catalogue; kinds are its leaf categories, known to the word lists or not."""
    leaves = [product.categories[-1] if product.categories else "" for product in products]
    names = sorted(set(leaves))
    index = {name: position for position, name in enumerate(names)}
    kind = np.array([index[leaf] for leaf in leaves], dtype=np.int64)
    layout = np.argsort(kind, kind="stable")
    bounds = np.searchsorted(kind[layout], np.arange(len(names) + 1))
    odds = _odds(products, kind, rng)
    cumulative = np.cumsum(odds[:, layout].ravel())
    complement_cdf = _cumulative(_complements(names))
    # A product's companions are drawn by the taste that favours it most beside the others.
    fan = np.argmax(odds / odds.sum(axis=1, keepdims=True), axis=0)
    beside = np.stack([rng.random(len(kind)) for _ in range(COMPANIONS)], axis=1)
    companion_kind = (beside[:, :, None] > complement_cdf[kind][:, None, :]).sum(axis=2).clip(max=len(names) - 1)
    companions = _draw(
        layout, bounds, cumulative, np.repeat(fan, COMPANIONS), companion_kind.ravel().astype(np.int64), rng
    )
    queries, query_range = _queries(names)
    return Shelves(
        kind=kind,
        in_stock=np.array([product.in_stock for product in products], dtype=bool),
        created_at=np.array([product.created_at for product in products], dtype=np.float64),
        circles=CIRCLES,
        persona_share=_shares(),
        kind_cdf=_cumulative(_kind_odds(names, products, kind)),
        complement_cdf=complement_cdf,
        companions=companions.reshape(-1, COMPANIONS),
        queries=queries,
        query_range=query_range,
        layout=layout,
        bounds=bounds,
        cumulative=cumulative,
    )


def _draw(layout: Ints, bounds: Ints, cumulative: Floats, taste: Ints, kind: Ints, rng: np.random.Generator) -> Ints:
    begin = taste * len(layout)
    first, last = begin + bounds[kind], begin + bounds[kind + 1] - 1
    low = np.where(first > 0, cumulative[first - 1], 0.0)
    at = low + rng.random(len(taste)) * (cumulative[last] - low)
    position = np.searchsorted(cumulative, at, side="right")
    return np.asarray(layout[np.clip(position, first, last) - begin], dtype=np.int64)


def _odds(products: Sequence[Product], kind: Ints, rng: np.random.Generator) -> Floats:
    """Return [T, P]: popularity (a long tail) times what the persona and the circle of brands make of a product."""
    count = len(products)
    popularity = 1.0 / (rng.permutation(count) + _ZIPF_OFFSET) ** _ZIPF
    price = _price_scores(products, kind)
    genders = np.array([product.attributes.get("gender", "unisex") for product in products])
    styles = np.array([product.attributes.get("style", "") for product in products])
    brands = [product.attributes.get("brand", "") for product in products]
    circle = np.array([crc32(brand.encode()) % CIRCLES for brand in brands], dtype=np.int64)
    rows = []
    for persona in personas():
        liked = popularity * _gender_match(persona, genders) * _style_match(persona, styles)
        liked = liked * np.exp(-((price - persona.price) ** 2) / (2 * _PRICE_SPREAD**2))
        rows += [liked * np.where(circle == own, _SAME_CIRCLE, 1.0) for own in range(CIRCLES)]
    return np.array(rows)


def _price_scores(products: Sequence[Product], kind: Ints) -> Floats:
    """Return how dear each product is within its kind, in standard deviations of the logarithm."""
    logs = np.log([max(product.price or 1, 1) for product in products])
    size = np.bincount(kind).astype(np.float64)
    mean = np.bincount(kind, logs) / size
    spread = np.sqrt(np.bincount(kind, (logs - mean[kind]) ** 2) / size)
    return np.asarray((logs - mean[kind]) / np.where(spread > 0, spread, 1.0)[kind], dtype=np.float64)


def _gender_match(persona: Persona, genders: NDArray[np.str_]) -> Floats:
    if not persona.gender:
        return np.ones(len(genders))
    return np.where(genders == persona.gender, 1.0, np.where(genders == "unisex", _UNISEX, _OTHER_GENDER))


def _style_match(persona: Persona, styles: NDArray[np.str_]) -> Floats:
    match = np.ones(len(styles))
    for style, pull in zip(persona.styles, _STYLE_PULL, strict=False):
        match = np.where(styles == style, pull, match)
    return match


def _kind_odds(names: Sequence[str], products: Sequence[Product], kind: Ints) -> Floats:
    """Return [personas, K]; a kind that is made for the other gender alone is nearly out."""
    known = kind_of_category()
    genders = np.array([product.attributes.get("gender", "unisex") for product in products])
    rows = []
    for persona in personas():
        fit = np.bincount(kind, _gender_match(persona, genders)) / np.bincount(kind)
        wanted = [persona.kinds.get(known.get(name, ""), _LITTLE) for name in names]
        rows.append(np.array(wanted) * fit)
    return np.array(rows)


def _complements(names: Sequence[str]) -> Floats:
    """Return [K, K] weights; a kind without known complements goes with itself."""
    known = kind_of_category()
    position = {known[name]: index for index, name in enumerate(names) if name in known}
    weights = np.zeros((len(names), len(names)))
    for index, name in enumerate(names):
        key = known.get(name)
        for other, weight in kinds().kinds[key].complements.items() if key else ():
            if other in position:
                weights[index, position[other]] = weight
        if not weights[index].any():
            weights[index, index] = 1.0
    return weights


def _queries(names: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    known = kind_of_category()
    phrases: list[str] = []
    ranges = []
    for name in names:
        own = kinds().kinds[known[name]].queries if name in known else ()
        ranges.append((len(phrases), len(own)))
        phrases += own
    return tuple(phrases), np.array(ranges, dtype=np.int64)


def _shares() -> Floats:
    share = np.array([persona.share for persona in personas()])
    return np.asarray(share / share.sum(), dtype=np.float64)


def _cumulative(weights: Floats) -> Floats:
    return np.asarray(np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1), dtype=np.float64)
