"""The choice among linear models, their validation split and their serving table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from appliance.recsys.linear import ease, holdout, select, table
from appliance.recsys.linear.graph_filter import Filter
from appliance.recsys.linear.operators import DenseWeights, SparseWeights
from appliance.recsys.linear.recipes import Ease, Graph, Knn, Mix, Workshop, parts_of


def circles(users: int = 120, items: int = 40, groups: int = 4, seed: int = 0) -> csr_array[Any]:
    """Each user likes one group of items, and sometimes anything."""
    random = np.random.default_rng(seed)
    taste = np.repeat(np.arange(groups), items // groups)[None, :] == (np.arange(users) % groups)[:, None]
    return csr_array((random.random((users, items)) < np.where(taste, 0.5, 0.02)).astype(np.float32))


@pytest.fixture(scope="module")
def fit() -> select.LinearFit:
    return select.fit_best(circles(), seed=1)


def test_hold_out_hides_a_share_of_each_history_and_loses_nothing() -> None:
    matrix = circles()
    held = holdout.hold_out(matrix, seed=0)
    hidden = matrix.toarray() - held.train.toarray()
    lengths = np.diff(matrix.indptr)
    expected = np.where(lengths >= 2, np.maximum(1, lengths // 5), 0)
    assert hidden.sum(axis=1) == pytest.approx(expected)
    assert np.array_equal(hidden[held.users], held.hidden.toarray())
    assert np.array_equal(held.train.toarray()[held.users], held.histories.toarray())


def test_hold_out_keeps_confidence_weights() -> None:
    matrix = circles()
    matrix.data[:] = np.arange(1, matrix.nnz + 1)
    held = holdout.hold_out(matrix, seed=0)
    assert held.train.sum() + held.hidden.sum() == pytest.approx(matrix.sum())


def test_recall_counts_hits_over_what_was_hidden() -> None:
    hidden = csr_array(np.array([[1, 1, 0, 0], [0, 0, 1, 0]], np.float32))
    assert holdout.recall(np.array([[0, 3], [1, -1]], np.int32), hidden) == pytest.approx([0.5, 0.0])


def test_top_unseen_leaves_out_the_history_and_breaks_ties_by_item() -> None:
    scores = np.array([[0.5, 0.9, 0.5, 0.1]], np.float32)
    history = csr_array(np.array([[0, 1, 0, 0]], np.float32))
    assert holdout.top_unseen(scores, history, 4).tolist() == [[0, 2, 3, -1]]
    assert holdout.best_columns(np.array([0.5, -np.inf, 0.5, 0.1], np.float32), 2).tolist() == [0, 2]


def test_what_was_chosen_finds_the_circle(fit: select.LinearFit) -> None:
    matrix = circles()
    ranked = holdout.top_unseen(fit.scores(matrix[:8]), matrix[:8], 3)
    assert [set(row // 10) for row in ranked] == [{user % 4} for user in range(8)]


def test_the_choice_states_its_evidence(fit: select.LinearFit) -> None:
    choice = fit.choice
    singles = [trial.recall for trial in choice.trials if not isinstance(trial.recipe, Mix)]
    assert choice.recall >= max(singles) - 1e-6
    assert {type(trial.recipe).__name__ for trial in choice.trials} >= {"Knn", "Graph", "Ease", "Mix"}
    assert choice.lead[0] <= choice.lead[1]
    assert choice.runner_up is not None
    assert type(choice.runner_up) is not type(choice.recipe)
    assert choice.kept[choice.width] >= 1 - table.MOST_LOST
    assert fit.fit_s > 0
    assert choice.select_s > 0


def test_the_same_seed_chooses_the_same(fit: select.LinearFit) -> None:
    again = select.fit_best(circles(), seed=1)
    assert again.choice.recipe == fit.choice.recipe
    assert np.array_equal(again.table.ids, fit.table.ids)
    assert np.array_equal(again.table.scores, fit.table.scores)


def test_a_tiny_budget_never_picks_dense_ease() -> None:
    choice = select.fit_best(circles(), budget_mb=0.01).choice
    assert not any(isinstance(part, Ease) for part in parts_of(choice.recipe))
    assert not any(isinstance(trial.recipe, Ease) for trial in choice.trials)
    assert any(reason.startswith("ease: ") for reason in choice.left_out)


def test_spent_time_leaves_families_out_and_still_answers() -> None:
    fitted = select.fit_best(circles(), budget_s=0.0)
    assert {type(trial.recipe) for trial in fitted.choice.trials} == {Graph}
    assert fitted.choice.left_out
    assert fitted.table.filled > 0


def test_ease_memory_is_that_of_its_arrays() -> None:
    assert ease.memory_mb(10_000) == pytest.approx(3 * 4 * 1e8 / 2**20)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1), (5, 4)])
def test_shops_with_next_to_nothing_are_fitted(shape: tuple[int, int]) -> None:
    fitted = select.fit_best(csr_array(np.ones(shape, np.float32)))
    assert fitted.table.ids.shape[0] == shape[1]
    assert fitted.scores(csr_array(np.ones((1, shape[1]), np.float32))).shape == (1, shape[1])


def test_a_shop_without_interactions_is_fitted() -> None:
    fitted = select.fit_best(csr_array((4, 6), dtype=np.float32))
    assert fitted.table.filled == 0
    assert not fitted.scores(csr_array((1, 6), dtype=np.float32)).any()


def test_a_full_table_gives_the_exact_scores() -> None:
    matrix = circles()
    workshop = Workshop(matrix, rank=8, width=0, seed=0)
    model = workshop.make(
        Mix(parts=(Ease(penalty=10.0), Graph(filter=Filter(rank=8, ideal=0.2), lift=0.2)), weights=(0.5, 1.0))
    )
    served = table.build(model, model.size)
    history = matrix[[3]]
    exact = model.scores(history)[0]
    got = table.scores(served, history.indices, history.data)
    unseen = np.setdiff1d(np.arange(model.size), history.indices)
    # The table has no weight of an item on itself, which only matters for what was seen.
    assert got[unseen] == pytest.approx(exact[unseen], abs=1e-4)


def test_a_narrow_table_keeps_the_largest_weights_of_either_sign() -> None:
    weights = np.array([[9, 1, -5, 2], [0, 9, 0, 0], [1, 2, 9, 3], [0, -1, 0, 9]], np.float32)
    served = table.build(DenseWeights(weights), 2)
    assert served.ids.tolist() == [[2, 3], [-1, -1], [3, 1], [1, -1]]
    assert table.best_first(served).ids[0].tolist() == [3, 2]
    assert table.best_first(served).scores[0].tolist() == [2.0, -5.0]


def test_a_part_of_the_table_equals_its_rows_in_the_whole() -> None:
    model = Workshop(circles(), rank=4, width=0, seed=0).make(Graph(filter=Filter(rank=4, ideal=0.3)))
    whole, some = table.build(model, 5), table.build(model, 5, np.array([7, 2]))
    assert np.array_equal(whole.ids[[7, 2]], some.ids)


def test_blocks_do_not_change_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Workshop(circles(), rank=4, width=0, seed=0).make(Graph(filter=Filter(rank=4, ideal=0.3)))
    whole = table.build(model, 5)
    monkeypatch.setattr(holdout, "_SCORES_AT_ONCE", 120)
    assert np.array_equal(table.build(model, 5).ids, whole.ids)


def test_the_width_is_the_smallest_that_keeps_the_recall() -> None:
    matrix = circles(users=400)
    held = holdout.hold_out(matrix, seed=0)
    model = Workshop(held.train, rank=8, width=0, seed=0).make(Ease(penalty=10.0))
    exact = float(holdout.recall(holdout.rank(model, held.histories, 5), held.hidden).mean())
    width, kept = table.choose_width(model, held.histories, held.hidden, exact=exact, widest=40, k=5)
    assert kept[width] >= 0.99
    assert all(share < 0.99 for at, share in kept.items() if at < width)


def test_queries_of_the_table_equal_its_matrix() -> None:
    matrix = circles()
    served = table.build(Workshop(matrix, rank=0, width=20, seed=0).make(Knn(neighbours=20)), 10)
    history = matrix[[5]]
    by_matrix = SparseWeights(table.weights_of(served, 40)).scores(history)[0]
    assert table.scores(served, history.indices, history.data) == pytest.approx(by_matrix, abs=1e-5)
