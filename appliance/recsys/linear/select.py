"""Chooses a linear model for a shop's history on a validation split of it, and fits the winner on all of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from appliance.recsys.base import Doubles, Floats
from appliance.recsys.linear import ease, table
from appliance.recsys.linear.graph_filter import Filter
from appliance.recsys.linear.holdout import HoldOut, hold_out, rank, recall
from appliance.recsys.linear.operators import LinearModel
from appliance.recsys.linear.recipes import Ease, Graph, Knn, Mix, Recipe, Ridge, Single, Workshop
from appliance.recsys.neighbours import NeighbourTable

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Tell = Callable[[float, str], None]
DEFAULT_BUDGET_MB = 4096.0
DEFAULT_BUDGET_S = 900.0
DEFAULT_WIDTH = 400
JUDGED_AT = 20
MOST_EASE_ITEMS = 12_000
"""Above it the n³ of dense EASE takes more minutes than it is worth."""
_ROUNDS = 1000
_TABLE_BYTES = 64 * 2**20
"""A table up to this size may be wider than asked for: a small catalogue then loses nothing."""
_MIXING = (0.25, 0.5, 0.75)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate on the validation split."""

    recipe: Recipe
    recall: float
    """Mean Recall@20."""
    seconds: float


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen, and the evidence."""

    recipe: Recipe
    recall: float
    """Mean Recall@20 of the chosen recipe on the validation split."""
    runner_up: Recipe | None
    """The best candidate of another family."""
    lead: tuple[float, float]
    """95 % bootstrap interval of the chosen recipe's recall less the runner-up's."""
    judged_users: int
    width: int
    """Neighbours of an item in the serving table."""
    kept: dict[int, float]
    """Share of the recall that the table keeps, by width tried."""
    trials: list[Trial]
    left_out: list[str]
    """Families that the memory or the time did not allow, with the reason."""
    select_s: float


@dataclass(frozen=True, slots=True)
class LinearFit:
    """A fitted model with its serving table."""

    model: LinearModel
    table: NeighbourTable
    choice: Choice
    fit_s: float
    """Seconds to fit the chosen model once and to work out its table."""
    table_s: float
    """The table's part of them."""

    def scores(self, rows: csr_array[Any]) -> Floats:
        """Return the exact scores of histories csr float32[n, items], float32[n, items]."""
        return self.model.scores(rows)


def fit_best(
    matrix: csr_array[Any],
    *,
    budget_mb: float = DEFAULT_BUDGET_MB,
    budget_s: float = DEFAULT_BUDGET_S,
    width: int = DEFAULT_WIDTH,
    seed: int = 0,
    tell: Tell | None = None,
) -> LinearFit:
    """Choose among the families on a split of csr float32[users, items] and fit the winner on all of it.

    The values are confidence weights, 0/1 or decayed alike. ``budget_mb`` bounds the memory of the fits, ``budget_s``
    the time of the choice: when it is spent no further candidate is tried. ``width`` is the most neighbours of an item
    that the serving table may hold. Deterministic for a seed as long as the time suffices.
    """
    say = tell or _silent
    matrix = prepared(matrix)
    choice = choose(matrix, budget_mb=budget_mb, budget_s=budget_s, width=width, seed=seed, tell=say)
    return fit(matrix, choice, seed=seed, tell=say)


def fit(matrix: csr_array[Any], choice: Choice, *, seed: int = 0, tell: Tell | None = None) -> LinearFit:
    """Fit the chosen recipe on all of the matrix."""
    say = tell or _silent
    matrix = prepared(matrix)
    say(0.6, "fitting")
    began = time.perf_counter()
    model = Workshop(matrix, rank=_rank_of(choice.recipe), seed=seed).make(choice.recipe)
    fitted = time.perf_counter()
    say(0.7, "table")
    served = table.best_first(table.build(model, choice.width))
    done = time.perf_counter()
    return LinearFit(model, served, choice, fit_s=done - began, table_s=done - fitted)


def prepared(matrix: csr_array[Any]) -> csr_array[Any]:
    """Return the matrix as csr float32 with sorted indices, duplicates added up and no explicit zeros."""
    from scipy.sparse import csr_array

    values = matrix.data.astype(np.float32)
    clean = csr_array((values, matrix.indices.copy(), matrix.indptr.copy()), shape=matrix.shape)
    clean.sum_duplicates()
    clean.eliminate_zeros()
    return clean


def choose(matrix: csr_array[Any], *, budget_mb: float, budget_s: float, width: int, seed: int, tell: Tell) -> Choice:
    """Return the recipe with the best recall on a validation split of the matrix."""
    held = hold_out(matrix, seed=seed)
    search = _Search(held, budget_mb=budget_mb, budget_s=budget_s, seed=seed, tell=tell)
    best, runner_up = search.run()
    spare = min(max(width, int(_TABLE_BYTES / 8 / matrix.shape[1])), matrix.shape[1])
    chosen_width, kept = table.choose_width(
        search.model(best), held.histories, held.hidden, exact=search.mean(best), widest=spare, k=JUDGED_AT
    )
    lead = (0.0, 0.0) if runner_up is None else interval(search.values[best] - search.values[runner_up], seed)
    return Choice(
        recipe=best,
        recall=search.mean(best),
        runner_up=runner_up,
        lead=lead,
        judged_users=len(held.users),
        width=chosen_width,
        kept={at: round(share, 5) for at, share in kept.items()},
        trials=search.trials,
        left_out=search.left_out,
        select_s=round(search.elapsed(), 3),
    )


def interval(values: Doubles, seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean."""
    if not len(values):
        return 0.0, 0.0
    random = np.random.default_rng(seed)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(_ROUNDS)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


class _Search:
    """Tries recipes on a split, family by family, and remembers what each was worth."""

    def __init__(self, held: HoldOut, *, budget_mb: float, budget_s: float, seed: int, tell: Tell) -> None:
        self._held = held
        self._budget_mb = budget_mb
        self._budget_s = budget_s
        self._tell = tell
        self._began = time.perf_counter()
        self._ranks = _ranks(held.train.shape, budget_mb)
        self._workshop = Workshop(held.train, rank=max(self._ranks, default=0), seed=seed)
        self._models: dict[str, tuple[Recipe, LinearModel]] = {}
        self.values: dict[Recipe, Doubles] = {}
        self.trials: list[Trial] = []
        self.left_out: list[str] = []

    def run(self) -> tuple[Recipe, Recipe | None]:
        """Return the best recipe and the best of another family."""
        for family in (self._knn, self._graph, self._ease, self._ridge, self._mixture):
            if self.values and self.elapsed() > self._budget_s:
                self.left_out.append(f"{family.__name__[1:]}: the time was spent")
                continue
            family()
            self._tell(min(0.55, 0.1 + 0.1 * len(self._models)), "choosing")
        best = max(self.values, key=self.mean)
        others = [recipe for recipe in self.values if type(recipe) is not type(best)]
        return best, max(others, key=self.mean, default=None)

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self._began

    def mean(self, recipe: Recipe) -> float:
        """Return the mean recall of a recipe that was tried."""
        values = self.values[recipe]
        return float(values.mean()) if len(values) else 0.0

    def model(self, recipe: Recipe) -> LinearModel:
        """Return the model of a recipe on the training part."""
        kept = self._models.get(type(recipe).__name__)
        return kept[1] if kept is not None and kept[0] == recipe else self._workshop.make(recipe)

    def _try(self, recipe: Recipe) -> float:
        if recipe in self.values:
            return self.mean(recipe)
        if self.values and self.elapsed() > self._budget_s:
            return -1.0
        began = time.perf_counter()
        model = self._workshop.make(recipe)
        self.values[recipe] = recall(rank(model, self._held.histories, JUDGED_AT), self._held.hidden)
        seconds = time.perf_counter() - began
        worth = self.mean(recipe)
        self.trials.append(Trial(recipe=recipe, recall=round(worth, 6), seconds=round(seconds, 3)))
        kept = self._models.get(type(recipe).__name__)
        if kept is None or worth > self.mean(kept[0]):
            self._models[type(recipe).__name__] = (recipe, model)
        return worth

    def _best_of(self, recipes: list[Recipe]) -> Recipe:
        worth = [self._try(recipe) for recipe in recipes]
        return recipes[int(np.argmax(worth))]

    def _knn(self) -> None:
        for neighbours in (100, 400):
            self._best_of([Knn(neighbours, 0.5, source, target) for source, target in _DAMPINGS])

    def _graph(self) -> None:
        self._try(Graph(Filter()))
        if not self._ranks:
            self.left_out.append("graph filters with an ideal part: the memory does not hold singular vectors")
            return
        by_rank = [Graph(Filter(rank=rank, ideal=0.3)) for rank in self._ranks]
        best = max(by_rank, key=self._try).filter
        sharper = [
            msgspec.structs.replace(best, ideal=ideal, solver="rk4", duration=duration, sharpen="ideal")
            for duration in (1.5, 2.5)
            for ideal in (0.2, 0.4)
        ]
        best = max([best, *sharper], key=lambda settings: self._try(Graph(settings)))
        more = [msgspec.structs.replace(best, ideal=best.ideal * factor) for factor in (0.5, 1.5)]
        best = max([best, *more], key=lambda settings: self._try(Graph(settings)))
        nearby = [msgspec.structs.replace(best, rank=rank) for rank in self._ranks]
        best = max([best, *nearby], key=lambda settings: self._try(Graph(settings)))

    def _ease(self) -> None:
        items = self._held.train.shape[1]
        if ease.memory_mb(items) > self._budget_mb:
            self.left_out.append(f"ease: {ease.memory_mb(items):.0f} MB of {self._budget_mb:.0f} MB")
            return
        if items > MOST_EASE_ITEMS:
            self.left_out.append(f"ease: {items} items are too many for its time")
            return
        for user in (0.0, 0.5):
            worth = [self._try(Ease(penalty, user)) for penalty in _PENALTIES]
            self._try(Ease(_PENALTIES[int(np.argmax(worth))], user, 0.25))

    def _ridge(self) -> None:
        best = max((0.3, 1.0), key=lambda penalty: self._try(Ridge(penalty)))
        self._try(Ridge(best, lift=0.25))

    def _mixture(self) -> None:
        singles = sorted(self._models.values(), key=lambda pair: -self.mean(pair[0]))
        if len(singles) < 2:
            return
        for (first, model), (second, other) in ((singles[0], pair) for pair in singles[1:]):
            scale = _spread(model, self._held) / max(_spread(other, self._held), 1e-12)
            for share in _MIXING:
                parts = (_single(first), _single(second))
                self._try(Mix(parts, (1.0 - share, share * scale)))


_DAMPINGS = ((0.5, 0.5), (0.5, 0.25), (0.25, 0.25))
_PENALTIES = (30.0, 100.0, 300.0, 1000.0)


def _single(recipe: Recipe) -> Single:
    assert not isinstance(recipe, Mix)
    return recipe


def _spread(model: LinearModel, held: HoldOut) -> float:
    """Return the standard deviation of a model's scores over some histories."""
    scores = model.scores(held.histories[:64])
    return float(scores.std()) if scores.size else 0.0


def _ranks(shape: tuple[int, ...], budget_mb: float) -> list[int]:
    """Return the ranks worth trying: under half of the matrix's own, and within a half of the memory."""
    users, items = shape
    bytes_each = 4.0 * (5 * items + 2 * users)
    most = min(min(shape) // 2, int(budget_mb * 2**20 / 2 / bytes_each))
    return [rank for rank in (32, 64, 128, 256, 448) if rank <= most]


def _rank_of(recipe: Recipe) -> int:
    parts = recipe.parts if isinstance(recipe, Mix) else (recipe,)
    return max((part.filter.rank for part in parts if isinstance(part, Graph)), default=0)


def _silent(_share: float, _stage: str) -> None:
    """Tell nobody."""
