"""The lists that start from one product, and the name of what an answer turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from appliance.domain import ProductCard
from appliance.recsys.base import RecommendRequest, Strategy
from appliance.recsys.codes import ProductCodes
from appliance.recsys.hybrid import collaborative_weights
from appliance.recsys.model import Model
from appliance.recsys.rules import Ranked
from appliance.recsys.serving import Serving

Show = Callable[[str], ProductCard | None]
"""The card of a product that may be shown."""
_PERSONAL = frozenset({"content", "collaborative", "sequential", "session", "bought_together"})


class Pair(NamedTuple):
    """A neighbour of a product with its component cosines."""

    code: int
    score: float
    content: float
    collaborative: float


def similar_to(serving: Serving, codes: ProductCodes, code: int, show: Show) -> list[Ranked]:
    """Return the products similar to one, best first; empty when nothing is known of it."""
    model = serving.model
    if model is None or code < 0:
        return []
    share = _collaborative_share(model, code)
    out = []
    for pair in sorted(_pairs(serving, model, code, share), key=lambda pair: (-pair.score, pair.code)):
        card = show(codes.id(pair.code)) if pair.code != code else None
        if card is not None:
            source = "collaborative" if share * pair.collaborative > (1 - share) * pair.content else "content"
            components = {"content": pair.content, "collaborative": pair.collaborative}
            out.append(Ranked(card, pair.score, components, source, codes.id(code)))
    return out


def bought_with(serving: Serving, codes: ProductCodes, code: int, show: Show) -> list[Ranked]:
    """Return what shared baskets with a product, best first."""
    model = serving.model
    row = -1 if model is None else model.row(code)
    if model is None or row < 0:
        return []
    filled = int((model.together.ids[row] >= 0).sum())
    others = model.code_of_row[model.together.ids[row, :filled]].tolist()
    out = []
    for other, score in zip(others, model.together.scores[row, :filled].tolist(), strict=True):
        card = show(codes.id(other))
        if card is not None:
            out.append(Ranked(card, score, {"bought_together": score}, "bought_together", codes.id(code)))
    return out


def strategy_of(
    request: RecommendRequest, items: Sequence[Ranked], focus: frozenset[str], *, customer: bool
) -> tuple[Strategy, bool]:
    """Return what an answer rests on, and whether that is something else than was asked for.

    ``focus`` holds the products of the page or cart; ``customer`` tells whether a signed-in customer's history spoke.
    """
    about_focus = any(item.source in _PERSONAL and item.anchor in focus for item in items)
    if request.placement == "cart" and any("bought_together" in item.components for item in items):
        return "bought_together", False
    if request.placement in ("product", "cart") and about_focus:
        return "similar", request.placement == "cart"
    if any(item.source in _PERSONAL for item in items):
        return "personalised" if customer else "session", request.placement in ("product", "cart")
    return ("trending" if any(item.source == "popularity" for item in items) else "newest"), True


def _collaborative_share(model: Model, code: int) -> float:
    row = model.row(code)
    return 0.0 if row < 0 else float(collaborative_weights(np.asarray(model.support[row : row + 1]))[0])


def _pairs(serving: Serving, model: Model, code: int, share: float) -> Iterator[Pair]:
    tail, row = serving.tail, model.row(code)
    met: dict[int, float] = {}
    if row >= 0:
        ids = model.similar.ids[row]
        filled = int((ids >= 0).sum())
        others = model.code_of_row[ids[:filled]]
        current = np.ones(filled, np.bool_) if tail is None or not len(tail) else ~tail.outdated(others)
        columns = zip(
            others.tolist(), *(column[row, :filled].tolist() for column in model.similar[1:]), current, strict=True
        )
        changed = tail is not None and code in tail
        for other, score, content, collaborative, fresh in columns:
            if fresh and not changed:
                yield Pair(other, score, content, collaborative)
            elif collaborative > 0:
                met[other] = collaborative
    near: dict[int, float] = {}
    for found in (tail.own(code), tail.extras(code)) if tail is not None else ():
        if found is not None:
            near.update(zip(found[0].tolist(), found[1].tolist(), strict=True))
    for other in near.keys() | met.keys():
        content, collaborative = near.get(other, 0.0), met.get(other, 0.0)
        yield Pair(other, (1 - share) * content + share * collaborative, content, collaborative)
