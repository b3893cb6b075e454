"""The linear models against what can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec import structs
from scipy.sparse import csr_array

from appliance.recsys.linear import ease, graph_filter, item_knn, neighbourhood, spectrum
from appliance.recsys.linear.graph_filter import Filter
from appliance.recsys.linear.normalise import damped, item_degrees
from appliance.recsys.linear.operators import FilterWeights, LinearModel, lifted
from appliance.recsys.linear.spectrum import Spectrum, leading_spectrum


def matrix(rows: list[list[float]]) -> csr_array[Any]:
    return csr_array(np.array(rows, np.float32))


def weights_of(model: LinearModel) -> np.ndarray[Any, Any]:
    return model.scores(csr_array(np.eye(model.size, dtype=np.float32)))


THREE = matrix([[1, 1, 0], [1, 1, 0], [0, 1, 1]])
"""d_u = 2, 2, 2; d_i = 2, 3, 1."""
RANDOM = csr_array((np.random.default_rng(4).random((60, 25)) < 0.2).astype(np.float32))


def test_ease_of_two_items_is_the_regression_of_one_on_the_other() -> None:
    # G = [[3, 2], [2, 2]], λ = 1: w_12 = 2 / (3 + 1), w_21 = 2 / (2 + 1).
    model = ease.fit(matrix([[1, 1], [1, 1], [1, 0]]), 1.0)
    assert weights_of(model) == pytest.approx(np.array([[0.0, 0.5], [2 / 3, 0.0]]))


def test_ease_equals_least_squares_of_each_column_on_the_others() -> None:
    penalty, dense = 2.0, RANDOM.toarray().astype(np.float64)
    expected = np.zeros((25, 25))
    for target in range(25):
        others = np.arange(25) != target
        sources = dense[:, others]
        expected[others, target] = np.linalg.solve(
            sources.T @ sources + penalty * np.eye(24), sources.T @ dense[:, target]
        )
    assert weights_of(ease.fit(RANDOM, penalty)) == pytest.approx(expected, abs=1e-4)


def test_ease_mirrors_beyond_one_band(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = weights_of(ease.fit(RANDOM, 1.0))
    monkeypatch.setattr(ease, "_BAND", 7)
    assert weights_of(ease.fit(RANDOM, 1.0)) == pytest.approx(whole, abs=1e-6)


def test_cosine_of_three_items_by_hand() -> None:
    model = item_knn.fit(THREE, item_knn.Damping(user=0.0), 3)
    cosine_12, cosine_23 = 2 / np.sqrt(2 * 3), 1 / np.sqrt(3 * 1)
    assert weights_of(model) == pytest.approx(
        np.array([[0, cosine_12, 0], [cosine_12, 0, cosine_23], [0, cosine_23, 0]])
    )


def test_shrinkage_trusts_rare_meetings_less() -> None:
    plain = weights_of(item_knn.fit(THREE, item_knn.Damping(user=0.0), 3))
    shrunk = weights_of(item_knn.fit(THREE, item_knn.Damping(user=0.0, shrinkage=2.0), 3))
    assert shrunk[0, 1] == pytest.approx(plain[0, 1] * 2 / 4)
    assert shrunk[1, 2] == pytest.approx(plain[1, 2] * 1 / 3)


def test_a_visitor_with_many_items_says_less_about_each_pair() -> None:
    collector = matrix([[1, 1, 0, 0], [1, 0, 1, 1]])
    weights = weights_of(item_knn.fit(collector, item_knn.Damping(), 4))
    assert weights[0, 1] > weights[0, 2] == weights[0, 3] > 0


def test_each_target_keeps_its_best_sources() -> None:
    weights = weights_of(item_knn.fit(RANDOM, item_knn.Damping(), 3))
    whole = weights_of(item_knn.fit(RANDOM, item_knn.Damping(), 25))
    assert (np.count_nonzero(weights, axis=0) <= 3).all()
    assert weights.max(axis=0) == pytest.approx(whole.max(axis=0))


def test_linear_filter_of_three_items_by_hand() -> None:
    normal = damped(THREE, 0.5, 0.5)
    # P_ij = Σ_u 1 / (d_u √(d_i d_j)) over the users with both, d_u = 2.
    expected = np.array(
        [
            [2 / (2 * 2), 2 / (2 * np.sqrt(6)), 0],
            [2 / (2 * np.sqrt(6)), 3 / (2 * 3), 1 / (2 * np.sqrt(3))],
            [0, 1 / (2 * np.sqrt(3)), 1 / (2 * 1)],
        ]
    )
    assert weights_of(graph_filter.fit(THREE, normal, None, Filter())) == pytest.approx(expected, abs=1e-6)


def test_gfcf_adds_the_ideal_filter() -> None:
    normal = damped(THREE, 0.5, 0.5)
    settings = Filter(rank=1, ideal=0.3)
    model = graph_filter.fit(THREE, normal, leading_spectrum(normal, 1, seed=0), settings)
    # The leading vector of R̃ is D_i^½ 1 / √Σd, so that its projection hands everyone d_j / Σd: popularity.
    popularity = np.tile(np.array([2, 3, 1]) / 6, (3, 1))
    linear = weights_of(graph_filter.fit(THREE, normal, None, Filter()))
    assert weights_of(model) == pytest.approx(linear + 0.3 * popularity, abs=1e-5)


def test_sharpening_for_no_time_leaves_the_blur() -> None:
    normal = damped(RANDOM, 0.5, 0.5)
    leading = leading_spectrum(normal, 5, seed=0)
    still = graph_filter.fit(RANDOM, normal, leading, Filter(rank=5, ideal=0.2, solver="rk4", steps=2, duration=0.0))
    blur = graph_filter.fit(RANDOM, normal, leading, Filter(rank=5, ideal=0.2))
    assert weights_of(still) == pytest.approx(weights_of(blur), abs=1e-6)


@pytest.mark.parametrize(("solver", "steps", "order"), [("euler", 1, 1), ("euler", 3, 1), ("rk4", 1, 4), ("rk4", 2, 4)])
def test_sharpening_follows_the_solver_step_by_step(solver: graph_filter.Solver, steps: int, order: int) -> None:
    normal = damped(RANDOM, 0.5, 0.5)
    leading = leading_spectrum(normal, 4, seed=0)
    settings = Filter(rank=4, ideal=0.2, solver=solver, steps=steps, duration=1.2)
    products = (normal.T @ normal).toarray().astype(np.float64)
    degrees = np.asarray(RANDOM.sum(axis=0)).ravel()
    projection = leading.vectors @ leading.vectors.T
    state = products + 0.2 * (projection / np.sqrt(degrees)[:, None] * np.sqrt(degrees)[None, :])

    def slope(at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return -at @ products

    width = 1.2 / steps
    for _ in range(steps):
        first = slope(state)
        if order == 1:
            state = state + width * first
            continue
        second = slope(state + width / 2 * first)
        third = slope(state + width / 2 * second)
        fourth = slope(state + width * third)
        state = state + width / 6 * (first + 2 * second + 2 * third + fourth)
    assert weights_of(graph_filter.fit(RANDOM, normal, leading, settings)) == pytest.approx(state, abs=1e-4)


def test_mean_of_points_averages_the_blur_and_the_sharpened_state() -> None:
    blur, ideal = graph_filter.polynomials(Filter(solver="euler", duration=1.2, mean_of_points=True))
    # (λ + λ (1 - 1.2 λ)) / 2 and (1 - 1.2 λ) / 2.
    assert blur == pytest.approx([0, 1, -0.6])
    assert ideal == pytest.approx([0.5, -0.6])


def test_late_merge_sharpens_the_linear_part_alone() -> None:
    blur, ideal = graph_filter.polynomials(Filter(solver="euler", duration=0.5, sharpen="blurred"))
    assert blur == pytest.approx([0, 1, -0.5])
    assert ideal == pytest.approx([1])


@pytest.mark.parametrize("dense_up_to", [0, 2000])
@pytest.mark.parametrize("rank", [3, 12])
def test_leading_spectrum_is_the_singular_value_decomposition(
    rank: int, dense_up_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spectrum, "_DENSE", dense_up_to)
    random = np.random.default_rng(1)
    taste = random.random((300, 6)) @ random.random((6, 150)) ** 4
    normal = damped(csr_array((random.random((300, 150)) < taste / taste.max()).astype(np.float32)), 0.5, 0.5)
    found = leading_spectrum(normal, rank, seed=0, rounds=5)
    _, values, rows = np.linalg.svd(normal.toarray())
    assert found.values == pytest.approx(values[:rank], abs=1e-4)
    assert found.vectors @ found.vectors.T == pytest.approx(rows[:rank].T @ rows[:rank], abs=2e-3)


def test_leading_spectrum_of_a_matrix_of_lower_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "_DENSE", 0)
    twice = csr_array(np.repeat(RANDOM.toarray()[:, :4], 10, axis=1))
    found = leading_spectrum(twice, 8, seed=0)
    assert found.values == pytest.approx([*np.linalg.svd(twice.toarray())[1][:4], 0, 0, 0, 0], abs=1e-3)
    assert np.isfinite(found.vectors).all()


def test_leading_spectrum_repeats_itself() -> None:
    first, second = (leading_spectrum(RANDOM, 5, seed=3) for _ in range(2))
    assert np.array_equal(first.vectors, second.vectors)


def test_spectrum_of_a_matrix_with_fewer_vectors_than_asked() -> None:
    assert len(leading_spectrum(THREE, 50, seed=0).values) == 3


def test_neighbourhood_ridge_with_all_neighbours_is_ease() -> None:
    everyone_else = np.array([[other for other in range(25) if other != item] for item in range(25)], np.int32)
    model = neighbourhood.fit(RANDOM, everyone_else, 2.0)
    assert weights_of(model) == pytest.approx(weights_of(ease.fit(RANDOM, 2.0)), abs=1e-4)


def test_neighbourhood_ridge_of_an_item_without_neighbours_is_nothing() -> None:
    neighbours = np.array([[1, -1], [0, 2], [-1, -1]], np.int32)
    weights = weights_of(neighbourhood.fit(THREE, neighbours, 1.0))
    assert weights[0, 1] > 0
    assert not weights[:, 2].any()


def test_confidence_weights_count() -> None:
    light, heavy = matrix([[1, 1, 0], [1, 0, 1]]), matrix([[1, 1, 0], [1, 0, 3]])
    for fitted in (
        lambda rows: item_knn.fit(rows, item_knn.Damping(user=0.0, source=0.0, target=0.0), 3),
        lambda rows: ease.fit(rows, 1.0),
    ):
        assert weights_of(fitted(heavy))[0, 2] > weights_of(fitted(light))[0, 2]


def test_a_filter_without_polynomial_is_low_rank_alone() -> None:
    left, right = np.ones((3, 1), np.float32), np.array([[1.0, 2.0, 3.0]], np.float32)
    model = FilterWeights(damped(THREE, 0.5, 0.5), np.zeros(1), left, right)
    assert model.scores(matrix([[2, 0, 0]])) == pytest.approx(np.array([[2.0, 4.0, 6.0]]))


def test_a_lift_multiplies_by_the_degree_of_the_target() -> None:
    plain = item_knn.fit(THREE, item_knn.Damping(), 3)
    raised = lifted(plain, item_degrees(THREE), 0.5)
    assert weights_of(raised) == pytest.approx(weights_of(plain) * np.sqrt([[2, 3, 1]]), abs=1e-6)
    assert weights_of(raised) == pytest.approx(
        weights_of(item_knn.fit(THREE, item_knn.Damping(target=0.0), 3)), abs=1e-6
    )


def test_fitted_tail_is_exact_on_the_leading_vectors_and_a_line_beyond() -> None:
    normal = damped(RANDOM, 0.5, 0.5)
    leading = leading_spectrum(normal, 6, seed=0, rounds=4)
    settings = Filter(rank=6, solver="rk4", duration=1.5, tail="fitted")
    fitted = weights_of(graph_filter.fit(RANDOM, normal, leading, settings))
    exact = weights_of(graph_filter.fit(RANDOM, normal, leading, structs.replace(settings, tail="exact")))
    assert leading.vectors.T @ fitted == pytest.approx(leading.vectors.T @ exact, abs=1e-3)
    slope = graph_filter.fitted_tail(graph_filter.polynomials(settings)[0], leading)[0][1]
    values, vectors = np.linalg.eigh((normal.T @ normal).toarray())
    beyond = vectors[:, 10]
    assert beyond @ fitted @ beyond == pytest.approx(slope * values[10], abs=1e-4)


def test_fitted_tail_is_the_nearest_line() -> None:
    leading = Spectrum(np.sqrt([0.9, 0.4]).astype(np.float32), np.eye(2, dtype=np.float32))
    blur = np.array([0.0, 1.0, -1.5])
    places = np.linspace(0, 0.4, 20_001)
    wanted = np.polynomial.polynomial.polyval(places, blur) @ places / (places @ places)
    (_, slope), gains = graph_filter.fitted_tail(blur, leading)
    assert slope == pytest.approx(wanted, rel=1e-3)
    assert gains == pytest.approx(np.polynomial.polynomial.polyval([0.9, 0.4], blur) - slope * np.array([0.9, 0.4]))
