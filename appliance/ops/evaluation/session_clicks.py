"""``evaluate session``: the next click of a session from those before it, as in the session-rec evaluations.

Every click of a test session but the first is predicted (or, with last-only, just the last one), ranking all items
of the training file; what the session already has is not excluded. Items unknown to training are dropped, sessions
shorter than two after that are skipped. One right answer a case: HR@k = hit@k, MRR@k the reciprocal of its place, and
NDCG@k = 1/log₂(place + 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from appliance.errors import InvalidInput
from appliance.ops.evaluation import metrics
from appliance.ops.evaluation.readers import Histories, read_sessions
from appliance.ops.evaluation.report import Clock, Outcome, Tell, silent
from appliance.recsys.base import Doubles, Ints, Longs
from appliance.recsys.bootstrap import ROUNDS
from appliance.recsys.sequences import Sequences
from appliance.recsys.sessions import selection
from appliance.recsys.sessions.choice import Choice
from appliance.recsys.sessions.index import SessionIndex
from appliance.recsys.sessions.model import SessionModel, build

_TOLD_EVERY = 500


class _Cases(NamedTuple):
    """The clicks to predict: ``places`` in ``tests.items``, the session of each and its number there from 1."""

    tests: Sequences
    places: Longs
    owners: Longs
    positions: Longs

    @property
    def targets(self) -> Ints:
        return self.tests.items[self.places]

    def history(self, case: int) -> Ints:
        return self.tests.items[self.tests.starts[self.owners[case]] : self.places[case]]


def evaluate(
    train: Path, test: Path, *, k: int = 20, last_only: bool = False, seed: int = 0, tell: Tell = silent
) -> Outcome:
    """Choose and fit on the training file, answer the test file. Raises ``InvalidInput`` for unusable files."""
    clock = Clock()
    trained = read_sessions(train)
    tested = read_sessions(test, trained.items)
    cases = _cases(tested.sequences, trained.size, last_only=last_only)
    if not len(cases.places):
        raise InvalidInput(
            f"{test} has no session with two items of {train}.", hint="Both files must name items the same way."
        )
    with clock.stage("select"):
        choice = selection.choose(
            trained.sequences, trained.size, seed=seed, tell=lambda share, stage: tell(0.4 * share, stage)
        )
    with clock.stage("fit"):
        model = build(trained.sequences, trained.size, choice)
    ranked = _answers(SessionIndex(model), cases, k, clock, tell)
    report = _report(cases, ranked, trained, k, seed)
    report |= clock.costs()
    report["model"] = _described(choice)
    report["baselines"] = _baselines(model, trained, cases, ranked, k, seed)
    tell(1.0, "done")
    return Outcome(report, _predictions(tested, trained, cases, ranked))


def _cases(tests: Sequences, size: int, *, last_only: bool) -> _Cases:
    known = tests.keep(tests.items < size)
    owners = known.owner_of_entry()
    positions = np.arange(len(owners)) - known.starts[owners]
    chosen = positions > 0
    if last_only:
        chosen &= np.arange(len(owners)) == known.starts[owners + 1] - 1
    places = np.flatnonzero(chosen)
    return _Cases(known, places, owners[places], positions[places])


def _answers(index: SessionIndex, cases: _Cases, k: int, clock: Clock, tell: Tell) -> Ints:
    ranked = np.full((len(cases.places), k), -1, np.int32)
    for case in range(len(ranked)):
        history = cases.history(case)
        with clock.query():
            rows = index.recommend(history, k).rows
        ranked[case, : len(rows)] = rows
        if case % _TOLD_EVERY == 0:
            tell(0.5 + 0.4 * case / len(ranked), "answering the test sessions")
    return ranked


def _report(cases: _Cases, ranked: Ints, trained: Histories, k: int, seed: int) -> dict[str, Any]:
    by_case = _by_case(ranked, cases.targets, k)
    sessions = np.unique(cases.owners)
    return {
        "sessions": len(sessions),
        "events": len(ranked),
        **metrics.summary(by_case),
        "intervals": {name: _interval(values, cases.owners, seed) for name, values in by_case.items()},
        "coverage": round(metrics.coverage(ranked, trained.size), 6),
        "items": trained.size,
        "train_sessions": trained.sequences.owners,
        "train_events": len(trained.sequences.items),
    }


def _by_case(ranked: Ints, targets: Ints, k: int) -> dict[str, Doubles]:
    relevant = Sequences(np.arange(len(targets) + 1), targets, np.zeros(len(targets)))
    hits = metrics.hit_at(ranked, relevant, k)
    return {
        f"hr@{k}": hits,
        f"hit@{k}": hits,
        f"mrr@{k}": metrics.mrr_at(ranked, relevant, k),
        f"ndcg@{k}": metrics.ndcg_at(ranked, relevant, k),
    }


def _interval(values: Doubles, owners: Longs, seed: int) -> list[float]:
    """Return the bootstrap interval of the mean over clicks, resampling whole sessions: their clicks are alike."""
    _, session_of = np.unique(owners, return_inverse=True)
    sums, counts = np.bincount(session_of, weights=values), np.bincount(session_of).astype(np.float64)
    random = np.random.default_rng(seed)
    means = np.empty(ROUNDS)
    for round_ in range(len(means)):
        drawn = random.integers(0, len(sums), len(sums))
        means[round_] = sums[drawn].sum() / counts[drawn].sum()
    return [round(float(bound), 6) for bound in np.quantile(means, [0.025, 0.975])]


def _baselines(
    model: SessionModel, trained: Histories, cases: _Cases, ranked: Ints, k: int, seed: int
) -> dict[str, Any]:
    """Return the metrics of what everyone else would try: the most clicked items, and those most like the newest."""
    clicks = np.bincount(trained.sequences.items, minlength=trained.size)
    leaders = np.argsort(-clicks, kind="stable")[:k].astype(np.int32)
    newest = cases.tests.items[cases.places - 1]
    near = np.full((len(ranked), k), -1, np.int32)
    table = model.companions.ids[newest, :k]
    near[:, : table.shape[1]] = table
    answers = {"popularity": np.broadcast_to(leaders, (len(ranked), len(leaders))), "item_knn": near}
    ours = _by_case(ranked, cases.targets, k)[f"hr@{k}"]
    out: dict[str, Any] = {}
    for name, answer in answers.items():
        values = _by_case(answer, cases.targets, k)
        difference = _interval(ours - values[f"hr@{k}"], cases.owners, seed)
        out[name] = {**metrics.summary(values), f"hr@{k}_gain_interval": difference}
    return out


def _described(choice: Choice) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(choice)
    return {
        "name": "session mixture: nearest sessions (V-SKNN/STAN), rules, companions, two-step walk, own items, demand",
        "why": "chosen by next clicks of the newest tenth of the training sessions"
        if choice.cases
        else "too few sessions to choose from: the defaults",
        **plain,
    }


def _predictions(tested: Histories, trained: Histories, cases: _Cases, ranked: Ints) -> Iterator[dict[str, Any]]:
    names = np.array([*trained.items, ""], dtype=object)
    for case, (owner, position) in enumerate(zip(cases.owners.tolist(), cases.positions.tolist(), strict=True)):
        items = [name for name in names[ranked[case]].tolist() if name]
        yield {"session": tested.users[owner], "position": position, "items": items}
