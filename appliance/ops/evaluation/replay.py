"""Lives through the last visits of a shop with its real service, noting what would have been shown before each step."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from appliance.domain import Interaction, InteractionType, StrategyChoice
from appliance.ops.evaluation.report import Clock
from appliance.recsys.base import Ints, RecommendRequest
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.service import RecommendationService
from appliance.store.ownership import USER_PREFIX
from appliance.store.snapshot import InteractionArrays

STRATEGIES: tuple[StrategyChoice, ...] = ("blend", "content", "collaborative", "popular")
_TYPES = list(InteractionType)


class Step(NamedTuple):
    """One judged moment: what each strategy and baseline would have shown, as rows, and where the visitor went."""

    visitor: str
    known: int
    """Distinct products that the visitor was known for."""
    target: int
    shown: dict[str, list[int]]


class Past:
    """The log before the split as the baselines know it."""

    def __init__(self, popular: Ints, near: NeighbourTable) -> None:
        self._popular = popular.tolist()
        self._near = near

    def answers(self, history: Collection[int], k: int) -> dict[str, list[int]]:
        """Return the best sellers and the neighbours of all that is known, without what is known."""
        seen = set(history)
        rows = np.array(sorted(seen), np.int64)
        ids, scores = self._near.ids[rows].ravel(), self._near.scores[rows].ravel()
        sums = np.bincount(ids[ids >= 0], weights=scores[ids >= 0], minlength=len(self._near.ids))
        sums[rows] = 0.0
        best = np.argsort(-sums, kind="stable")[:k]
        return {
            "popularity": [row for row in self._popular[: k + len(seen)] if row not in seen][:k],
            "item_knn": [int(row) for row in best if sums[row] > 0],
        }


class Replay:
    """The service of the past, and the log that it lives through. ``now`` is the one moment that its clock shows."""

    def __init__(
        self, service: RecommendationService, arrays: InteractionArrays, rows: Mapping[str, int], now: list[float]
    ) -> None:
        self._service = service
        self._arrays = arrays
        self._rows = rows
        self._now = now

    def judgeable(self, first: int) -> list[int]:
        """Return the events from ``first`` on with which a known visitor went on to something new."""
        seen: dict[int, set[int]] = {}
        found = []
        for place, (visitor, product, weight) in enumerate(self._columns()):
            if visitor < 0 or weight <= 0 or self._arrays.product_ids[product] not in self._rows:
                continue
            past = seen.setdefault(visitor, set())
            if place >= first and past and product not in past:
                found.append(place)
            past.add(product)
        return found

    def steps(self, first: int, judged: Collection[int], k: int, past: Past, clock: Clock) -> Iterator[Step]:
        """Yield what would have been shown at the judged events, in their order."""
        wanted = frozenset(judged)
        visitors = set(self._arrays.visitor[first:].tolist()) - {-1}
        known: dict[int, list[int]] = {}
        for place, (visitor, product, weight) in enumerate(self._columns()):
            row = self._rows.get(self._arrays.product_ids[product], -1)
            if visitor not in visitors or row < 0:
                continue
            event, history = self._event(place), known.setdefault(visitor, [])
            if place in wanted:
                self._now[0] = event.occurred_at
                shown = self._shown(event, k, clock) | past.answers(history, k)
                yield Step(self._arrays.visitors[visitor], len(set(history)), row, shown)
            self._service.observe([event])
            if weight > 0:
                history.append(row)

    def _columns(self) -> Iterator[tuple[int, int, float]]:
        arrays = self._arrays
        return zip(arrays.visitor.tolist(), arrays.product.tolist(), arrays.weight.tolist(), strict=True)

    def _shown(self, event: Interaction, k: int, clock: Clock) -> dict[str, list[int]]:
        shown: dict[str, list[int]] = {}
        for strategy in STRATEGIES:
            request = RecommendRequest(user_id=event.user_id, session_id=event.session_id, limit=k, strategy=strategy)
            with clock.query(counted=strategy == "blend"):
                answer = self._service.recommend(request)
            shown[strategy] = [self._rows[item.product_id] for item in answer.items]
        return shown

    def _event(self, place: int) -> Interaction:
        arrays = self._arrays
        name = arrays.visitors[arrays.visitor[place]]
        session, at = int(arrays.session[place]), float(arrays.occurred_at[place])
        return Interaction(
            event_id="",
            user_id=name.removeprefix(USER_PREFIX) if name.startswith(USER_PREFIX) else "",
            session_id=arrays.sessions[session] if session >= 0 else "",
            product_id=arrays.product_ids[arrays.product[place]],
            product_handle="",
            interaction_type=str(_TYPES[arrays.type[place]]),
            weight=float(arrays.weight[place]),
            occurred_at=at,
            received_at=at,
        )
