"""Chooses a linear model for a shop's history on a validation split of it, and fits the winner on all of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from appliance.recsys.base import Floats
from appliance.recsys.bootstrap import interval
from appliance.recsys.linear import table
from appliance.recsys.linear.holdout import hold_out
from appliance.recsys.linear.operators import LinearModel
from appliance.recsys.linear.recipes import Recipe, Workshop, rank_of, width_of
from appliance.recsys.linear.search import JUDGED_AT, Search, Tell, Trial
from appliance.recsys.neighbours import NeighbourTable

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DEFAULT_BUDGET_MB = 4096.0
DEFAULT_BUDGET_S = 900.0
DEFAULT_WIDTH = 400
_TABLE_BYTES = 128 * 2**20
"""A table up to this size may be wider than asked for: a small catalogue then loses nothing."""


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
    """Choose among the families on a split of csr float32[users, items ≥ 1] and fit the winner on all of it.

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
    recipe = choice.recipe
    workshop = Workshop(matrix, rank=rank_of(recipe), width=width_of(recipe), seed=seed)
    model = workshop.make(recipe)
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
    search = Search(held, budget_mb=budget_mb, budget_s=budget_s, seed=seed, tell=tell)
    best, runner_up = search.run()
    spare = min(max(width, int(_TABLE_BYTES / 8 / max(matrix.shape[1], 1))), matrix.shape[1])
    chosen_width, kept = table.choose_width(
        search.model(best), held.histories, held.hidden, exact=search.mean(best), widest=spare, k=JUDGED_AT
    )
    lead = (0.0, 0.0) if runner_up is None else interval(search.values[best] - search.values[runner_up], seed=seed)
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


def _silent(_share: float, _stage: str) -> None:
    """Tell nobody."""
