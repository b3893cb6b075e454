"""Learns the blend's weights from the shop's own history: visits after a moment judge models fitted before it.

Each judged visit asks the real serving pipeline what it would have proposed the moment before the visitor went on to a
product not seen before; the weights that rank those products highest are learned by a conditional logit
(``next_item.weights``), judged on visitors that they were not learned from, and kept where they beat the untrained
ones. Training only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from appliance.domain import Interaction, InteractionType, ProductCard
from appliance.recsys.base import Doubles, Ints, Longs, RecommendRequest
from appliance.recsys.blend import COMPONENTS, PRIOR, UNKNOWN, Blend, Bucket, Decays, Mix
from appliance.recsys.bootstrap import interval
from appliance.recsys.codes import ProductCodes
from appliance.recsys.histories import Events
from appliance.recsys.model import Model
from appliance.recsys.next_item.pools import Pools, places
from appliance.recsys.next_item.weights import learn_weights
from appliance.recsys.profiles import Entry, Profiles
from appliance.recsys.ranking import Pool
from appliance.recsys.serving import Serving
from appliance.recsys.shelves import Shelves
from appliance.recsys.trending import TRENDING_WINDOW_DAYS, Popularity
from appliance.recsys.visits import visit_of
from appliance.settings import Recommender
from appliance.store.ownership import USER_PREFIX

JUDGING_SHARE = 0.2
"""Share of the events, the newest, whose visits judge."""
MAX_CASES = 2000
LEAST_CASES = 30
"""Fewer cases leave a bucket with the untrained weights."""
BUCKETS = (1, 2, 5, 10)
"""Least number of known products of each bucket."""
_CANDIDATES = 250
"""Candidates of a case that take part, besides the right one: the best by the untrained weights."""
_LEARNED = tuple(place for place, name in enumerate(COMPONENTS) if name != "bought_together")
_FOLDS = 2
_K = 20
_TYPES = list(InteractionType)


class Case(NamedTuple):
    """A moment of a judged visit: the candidates' values float32[c, parts], and which of them was taken (-1 none)."""

    values: np.typing.NDArray[np.float32]
    target: int
    known: int
    visitor: int


class _Judged(NamedTuple):
    """All cases as arrays that align."""

    pools: Pools
    targets: Longs
    buckets: Ints
    folds: Ints


def split_time(events: Events) -> float | None:
    """Return the moment after which visits judge; ``None`` for a history too short to be split."""
    if len(events.times) < 2 * LEAST_CASES:
        return None
    return float(np.quantile(events.times, 1.0 - JUDGING_SHARE))


def learn(
    model: Model,
    events: Events,
    visitors: list[str],
    split_at: float,
    *,
    decays: Decays,
    settings: Recommender,
    seed: int,
) -> Blend:
    """Return the weights that the visits after ``split_at`` speak for; ``model`` was fitted on what came before."""
    replay = _Replay(model, events, visitors, split_at, decays, settings)
    cases = list(replay.cases(sampled(replay.judgeable(), MAX_CASES, seed)))
    judged = _arranged(cases, seed)
    unknown = Bucket(known=0, weights=UNKNOWN)
    if judged is None:
        return Blend(buckets=(unknown, Bucket(known=1, weights=PRIOR)), decays=decays)
    by_fold = [_weights(judged, judged.folds != fold) for fold in range(_FOLDS)]
    held_out = np.stack(by_fold)[judged.folds, judged.buckets]
    learned = _weights(judged, np.ones(len(judged.targets), np.bool_))
    buckets = [_bucket(judged, number, held_out, learned[number], seed) for number in range(len(BUCKETS))]
    return Blend(buckets=(unknown, *buckets), decays=decays, split_at=split_at)


class _Replay:
    """Lives through the judged visits with a model that does not know them."""

    def __init__(
        self,
        model: Model,
        events: Events,
        visitors: list[str],
        split_at: float,
        decays: Decays,
        settings: Recommender,
    ) -> None:
        self._events = events
        self._visitors = visitors
        self._split_at = split_at
        self._decays = decays
        self._now = split_at
        self._first = int(np.searchsorted(events.times, split_at, side="right"))
        self._profiles = _profiles()
        codes = ProductCodes()
        names = [str(row) for row in range(len(model.code_of_row))]
        codes.number(names)
        cards = {name: ProductCard(name, name, "", "", 0, "", True, (), (), 0.0) for name in names}
        shelves = Shelves(cards, codes)
        self._popularity = Popularity(shelves, settings.popular_half_life_days, lambda: self._now)
        self._popularity.use(model.daily, split_at)
        self._serving = Serving(model, codes, shelves, self._popularity, TRENDING_WINDOW_DAYS, settings)

    def judgeable(self) -> list[int]:
        """Return the events with which a visitor of whom something is known went on to a new product.

        Nothing is asked of the model: a large shop has a hundred times as many as are judged.
        """
        profiles, found = _profiles(), []
        for place in self._places():
            code = int(self._events.products[place])
            if place >= self._first and _is_new(profiles.entries(*self._names(place)), code):
                found.append(place)
            profiles.record(self._interaction(place), code)
        return found

    def cases(self, judged: Collection[int]) -> Iterator[Case]:
        """Yield what the model would have proposed the moment before each of the judged events, in their order."""
        wanted = frozenset(judged)
        for place in self._places():
            if place >= self._first:
                self._now = float(self._events.times[place])
            if place in wanted:
                yield self._case(place)
            self._record(place)

    def _places(self) -> Iterator[int]:
        """Yield the events of the judged visitors, those before the split too, in their order."""
        visitors = self._events.visitors
        judging = np.unique(visitors[self._first :])
        yield from np.flatnonzero(np.isin(visitors, judging[judging >= 0])).tolist()

    def _case(self, place: int) -> Case:
        user, session = self._names(place)
        visit = visit_of(self._profiles.entries(user, session), "home", self._now, decays=self._decays)
        pool = self._serving.pool(RecommendRequest(session_id=session), visit)
        values, taken = _kept(pool, int(self._events.products[place]))
        return Case(values, taken, visit.known, int(self._events.visitors[place]))

    def _names(self, place: int) -> tuple[str, str]:
        """Return the customer's and the session's name of an event."""
        name = self._visitors[self._events.visitors[place]]
        session = int(self._events.sessions[place])
        return (name if name.startswith(USER_PREFIX) else ""), (str(session) if session >= 0 else name)

    def _interaction(self, place: int) -> Interaction:
        events, (user, session) = self._events, self._names(place)
        kind, at = str(_TYPES[events.types[place]]), float(events.times[place])
        return Interaction("", user, session, "", "", kind, float(events.weights[place]), at, at)

    def _record(self, place: int) -> None:
        step, code = self._interaction(place), int(self._events.products[place])
        self._profiles.record(step, code)
        if step.occurred_at > self._split_at:
            self._serving.note(step.session_id, code, step.occurred_at)
            visitor = step.user_id or step.session_id
            self._popularity.add(code, step.weight, step.occurred_at, kind=step.interaction_type, visitor=visitor)


def _profiles() -> Profiles:
    return Profiles(limit=1 << 20)


def _is_new(entries: Sequence[Entry], code: int) -> bool:
    """Whether a product is none of those for which a visitor is known, and there are any."""
    return bool(entries) and all(entry.code != code for entry in entries)


def _kept(pool: Pool, target: int) -> tuple[np.typing.NDArray[np.float32], int]:
    """Return the values of the best candidates and of the target, the target's place among them first or -1."""
    values = pool.values[list(_LEARNED)].T
    prior = np.array([PRIOR[place] for place in _LEARNED], np.float32)
    best = np.argsort(-(values @ prior), kind="stable")[:_CANDIDATES]
    at = int(np.searchsorted(pool.codes, target))
    if at == len(pool.codes) or pool.codes[at] != target:
        return values[best], -1
    others = best[best != at]
    return values[np.concatenate([[at], others])], 0


def sampled(places: list[int], most: int, seed: int) -> list[int]:
    """Return at most ``most`` of the places, drawn at random, in their order."""
    if len(places) <= most:
        return places
    chosen = np.random.default_rng(seed).choice(len(places), most, replace=False)
    return [places[place] for place in np.sort(chosen).tolist()]


def _arranged(cases: list[Case], seed: int) -> _Judged | None:
    if not cases:
        return None
    lengths = np.array([len(case.values) for case in cases], np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    targets = np.array([case.target for case in cases], np.int64)
    known = np.array([case.known for case in cases])
    _, visitor = np.unique([case.visitor for case in cases], return_inverse=True)
    folds = np.random.default_rng(seed).permutation(int(visitor.max()) + 1)[visitor] % _FOLDS
    rows = (np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)).astype(np.int32)
    return _Judged(
        Pools(starts, rows, np.concatenate([case.values for case in cases])),
        np.where(targets >= 0, starts[:-1] + targets, -1),
        (np.searchsorted(BUCKETS, known, side="right") - 1).astype(np.int32),
        folds.astype(np.int32),
    )


def _bucket(judged: _Judged, number: int, held_out: Doubles, learned: Doubles, seed: int) -> Bucket:
    """Return a bucket with the learned weights where they win on visitors that they were not learned from.

    ``held_out``, float64[cases, parts], has for each case the weights that were learned without its visitor.
    """
    own = judged.buckets == number
    # A bucket with few visits of its own is judged by all: its weights are close to what all visits say.
    inside = own if own.sum() >= LEAST_CASES else np.ones(len(own), np.bool_)
    prior = _ndcg(judged, np.array([PRIOR[place] for place in _LEARNED]))[inside]
    if inside.sum() < LEAST_CASES:
        return Bucket(known=BUCKETS[number], weights=PRIOR, cases=int(own.sum()), prior_ndcg=_mean(prior))
    found = _ndcg(judged, held_out)[inside]
    gain = found - prior
    low, high = interval(gain, seed=seed)
    wins = float(gain.mean()) > 0
    return Bucket(
        known=BUCKETS[number],
        weights=_mix(learned) if wins else PRIOR,
        cases=int(own.sum()),
        ndcg=_mean(found if wins else prior),
        prior_ndcg=_mean(prior),
        parts={
            COMPONENTS[place]: _mean(_ndcg(judged, np.eye(len(_LEARNED))[column])[inside])
            for column, place in enumerate(_LEARNED)
        },
        interval=(round(low, 4), round(high, 4)),
        confidence="high" if low > 0 and own.sum() >= 300 else "medium" if own.sum() >= 100 else "low",
    )


def _weights(judged: _Judged, chosen: np.typing.NDArray[np.bool_]) -> Doubles:
    targets = np.where(chosen, judged.targets, -1)
    return learn_weights(judged.pools, targets, judged.buckets, len(BUCKETS)).by_bucket


def _ndcg(judged: _Judged, weights: Doubles) -> Doubles:
    """Return NDCG@20 of each case, float64[n]: 1 / log₂(place + 1) of the one right answer.

    ``weights`` are float64[parts] for all cases, or float64[n, parts] for each.
    """
    by_case = np.broadcast_to(weights.astype(np.float32), (len(judged.targets), len(_LEARNED)))
    scores = np.einsum("ij,ij->i", judged.pools.values, by_case[judged.pools.owner()])
    place = places(judged.pools, scores, judged.targets)
    gains: Doubles = np.where(place < _K, 1.0 / np.log2(np.minimum(place, _K) + 2.0), 0.0)
    return gains


def _mix(weights: Doubles) -> Mix:
    """Return learned proportions as a mix; companions keep the weight that carts give them."""
    values = [0.0] * len(COMPONENTS)
    for place, weight in zip(_LEARNED, weights.tolist(), strict=True):
        values[place] = round(weight, 4)
    return Mix(*values)._replace(bought_together=PRIOR.bought_together)


def _mean(values: Doubles) -> float:
    return round(float(values.mean()), 4) if len(values) else 0.0
