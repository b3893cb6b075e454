"""Chooses the session model's parameters and the shares of its parts for one shop.

The newest sessions of the training data are held out and their next clicks predicted from the older ones. One parameter
after another takes the value that ranks the held-out clicks best, the weights of the parts learned anew each time.
Compared is the mean of −log₂ of the place: unlike the hit rate it takes notice of every case, and unlike the reciprocal
of the place it does not end at the first few. Deterministic for a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from appliance.recsys.base import Doubles, Flags, Floats, Ints, Longs
from appliance.recsys.sequences import Sequences
from appliance.recsys.sessions.choice import VOICES, Choice, Parameters, Repeats, Trial
from appliance.recsys.sessions.index import SessionIndex
from appliance.recsys.sessions.mixture import learned_weights, shares_of
from appliance.recsys.sessions.model import SessionModel, build
from appliance.recsys.sessions.nearest import walk_of

Tell = Callable[[float, str], None]
"""Told the share done, from 0 to 1, and the stage."""

MAX_CASES = 2500
"""Held-out clicks that are predicted; with more the choice would cost more than it gains."""
MIN_CASES = 100
"""Held-out clicks needed for a choice."""
MAX_CLICKS = 1_000_000
"""Newest clicks that take part in the choice."""
_HELD_OUT = 0.1
_DEPTH = 20
_LOWEST = 199
_GRID: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("recency", (0.0, 0.15, 1.0)),
    ("position_decay", (1.0, 2.0, 8.0, 20.0)),
    ("rule_decay", (0.0, 0.6)),
    ("return_decay", (1.0, 8.0, 20.0)),
    ("distance_decay", (2.0, 10.0)),
    ("length_norm", (0.0, 1.0)),
    ("neighbours", (150, 1500)),
    ("sample", (1000,)),
)
_SHARPNESS = (1.5, 2.0)
_REPEATS: tuple[Repeats, ...] = ("not_current", "none")


class _Case(NamedTuple):
    history: Ints
    target: int


class _Answer(NamedTuple):
    """What the parts said of one case, float32[n, 9], and where the target stands, -1 when nobody proposed it."""

    scores: Floats
    target: int
    current: Flags
    seen: Flags


class _Result(NamedTuple):
    weights: Doubles
    ranks: Longs
    """How many items stand before the target of each case, at most 199."""

    @property
    def value(self) -> float:
        return float(-np.log2(self.ranks + 1.0).mean())

    @property
    def hr(self) -> Doubles:
        return (self.ranks < _DEPTH).astype(np.float64)

    @property
    def mrr(self) -> Doubles:
        values: Doubles = np.where(self.ranks < _DEPTH, 1.0 / (self.ranks + 1.0), 0.0)
        return values


class _Models:
    """Models by what they are built with; only the freshness of sessions is built in."""

    def __init__(self, sequences: Sequences, size: int) -> None:
        self._sequences = sequences
        self._size = size
        self._built: dict[float, SessionModel] = {}

    def of(self, parameters: Parameters) -> SessionModel:
        choice = Choice(parameters=parameters)
        if parameters.recency not in self._built:
            self._built[parameters.recency] = build(self._sequences, self._size, choice)
        return self._built[parameters.recency]._replace(choice=choice)


def choose(
    sequences: Sequences, size: int, *, seed: int, most_cases: int = MAX_CASES, tell: Tell | None = None
) -> Choice:
    """Return the parameters and weights for sessions over ``size`` item rows, with the evidence."""
    older, cases = _split(sequences, size, seed, most_cases)
    if len(cases) < MIN_CASES:
        return Choice(cases=0, sessions=older.owners)
    report = tell or (lambda _share, _stage: None)
    models = _Models(older, size)
    trials: list[Trial] = []
    steps = 3 + sum(len(values) for _, values in _GRID)

    def heard(parameters: Parameters) -> list[_Answer]:
        report(min(1.0, (len(trials) + 1) / steps), "choosing the session model")
        return list(_answers(models.of(parameters), cases))

    parameters = Parameters()
    answers = heard(parameters)
    best = _result(answers, parameters)
    trials.append(_trial("", "", best))
    for name, values in _GRID:
        for value in values:
            changed = _with(parameters, name, value)
            tried = heard(changed)
            result = _result(tried, changed)
            trials.append(_trial(name, value, result))
            if result.value > best.value:
                parameters, answers, best = changed, tried, result
    for name, choices in (("sharpness", _SHARPNESS), ("repeats", _REPEATS)):
        for choice in choices:
            changed = _with(parameters, name, choice)
            result = _result(answers, changed)
            trials.append(_trial(name, choice, result))
            if result.value > best.value:
                parameters, best = changed, result
    return _choice(parameters, best, cases, older, trials)


def fit(sequences: Sequences, size: int, *, seed: int, tell: Tell | None = None) -> SessionModel:
    """Choose on held-out sessions, then build from all of them."""
    return build(sequences, size, choose(sequences, size, seed=seed, tell=tell))


def _split(sequences: Sequences, size: int, seed: int, most: int) -> tuple[Sequences, list[_Case]]:
    """Return the older sessions, and next clicks of the newest ones on items that the older ones know."""
    walked = sequences.take(np.flatnonzero(sequences.lengths > 0))
    ends: Doubles = walked.times[walked.starts[1:] - 1] if walked.owners else np.empty(0)
    order: Longs = np.argsort(ends, kind="stable")
    clicks_from_here = np.cumsum(walked.lengths[order][::-1])[::-1]
    order = order[clicks_from_here <= MAX_CLICKS]
    border = len(order) - int(len(order) * _HELD_OUT)
    older, newer = walked.take(order[:border]), walked.take(order[border:])
    known = np.zeros(size, np.bool_)
    known[older.items] = True
    newer = newer.keep(known[newer.items])
    owners = newer.owner_of_entry()
    places = np.flatnonzero(np.arange(len(owners)) > newer.starts[owners])
    if len(places) > most:
        places = np.sort(np.random.default_rng(seed).choice(places, most, replace=False))
    return older, [
        _Case(newer.items[newer.starts[owners[place]] : place], int(newer.items[place])) for place in places.tolist()
    ]


def _answers(model: SessionModel, cases: list[_Case]) -> Iterator[_Answer]:
    index = SessionIndex(model)
    for history, target in cases:
        walk = walk_of(history)
        weighed = index.weigh(history, walk)
        found = np.flatnonzero(weighed.items == target)
        yield _Answer(
            weighed.scores.astype(np.float32),
            int(found[0]) if len(found) else -1,
            weighed.items == history[-1],
            np.isin(weighed.items, walk.items),
        )


def _result(answers: list[_Answer], parameters: Parameters) -> _Result:
    shares = [shares_of(answer.scores.astype(np.float64), parameters.sharpness) for answer in answers]
    of_targets = np.array(
        [
            share[answer.target] if answer.target >= 0 else np.zeros(len(VOICES))
            for share, answer in zip(shares, answers, strict=True)
        ]
    )
    weights = learned_weights(of_targets)
    ranks = [_rank(share @ weights, answer, parameters.repeats) for share, answer in zip(shares, answers, strict=True)]
    return _Result(weights, np.array(ranks, np.int64))


def _rank(totals: Doubles, answer: _Answer, repeats: Repeats) -> int:
    """Return how many items stand before the target."""
    if answer.target < 0 or totals[answer.target] <= 0:
        return _LOWEST
    barred = answer.seen if repeats == "none" else answer.current if repeats == "not_current" else None
    if barred is not None:
        if barred[answer.target]:
            return _LOWEST
        totals = np.where(barred, 0.0, totals)
    ahead = totals > totals[answer.target]
    ahead[: answer.target] |= totals[: answer.target] == totals[answer.target]
    return min(int(ahead.sum()), _LOWEST)


def _with(parameters: Parameters, name: str, value: Any) -> Parameters:
    return msgspec.structs.replace(parameters, **{name: value})


def _trial(name: str, value: float | str, result: _Result) -> Trial:
    reached = (result.value, float(result.hr.mean()), float(result.mrr.mean()))
    return Trial(name, value, *(round(mean, 5) for mean in reached))


def _choice(parameters: Parameters, best: _Result, cases: list[_Case], older: Sequences, trials: list[Trial]) -> Choice:
    hr = float(best.hr.mean())
    margin = 1.96 * float(best.hr.std()) / len(cases) ** 0.5
    return Choice(
        parameters=parameters,
        weights=dict(zip(VOICES, (round(weight, 5) for weight in best.weights.tolist()), strict=True)),
        value=round(best.value, 5),
        hr=round(hr, 5),
        mrr=round(float(best.mrr.mean()), 5),
        interval=(round(max(0.0, hr - margin), 5), round(min(1.0, hr + margin), 5)),
        cases=len(cases),
        sessions=older.owners,
        trials=tuple(trials),
    )
