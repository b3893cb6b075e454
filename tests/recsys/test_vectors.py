"""Nearest neighbours: exact search is exact, Annoy is measured against it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.recsys import latent, vectors
from appliance.recsys.vectors import ANNOY_FILE, VectorIndex, all_neighbours


def _points(count: int, dimensions: int = 16, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return latent.unit(random.standard_normal((count, dimensions)).astype(np.float32))


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 60), wanted=st.integers(1, 80), seed=st.integers(0, 1000))
def test_all_neighbours_are_the_nearest(count: int, wanted: int, seed: int) -> None:
    points = _points(count, seed=seed)
    found = all_neighbours(points, wanted)
    assert found.shape == (count, min(wanted, count - 1))
    cosines = points @ points.T
    np.fill_diagonal(cosines, -np.inf)
    for row in range(count):
        expected = np.sort(cosines[row])[::-1][: found.shape[1]]
        assert np.sort(cosines[row][found[row]])[::-1] == pytest.approx(expected)


def test_threshold_selection_is_exact_on_many_rows() -> None:
    points = _points(10_000, 8)
    found = all_neighbours(points, 30)
    for row in (0, 4321, 9999):
        cosines = points @ points[row]
        cosines[row] = -np.inf
        assert set(found[row].tolist()) == set(np.argsort(-cosines)[:30].tolist())


def test_equal_points_do_not_break_the_threshold() -> None:
    points = np.repeat(_points(3), 3000, axis=0)
    found = all_neighbours(points, 10)
    assert (np.einsum("ij,ikj->ik", points, points[found]) > 0.999).all()


def test_search_orders_by_cosine() -> None:
    points = _points(100)
    rows, scores = VectorIndex(points).search(points[7], 5)
    assert rows[0] == 7
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    assert len(VectorIndex(points).search(points[7], 500)[0]) == 100


@pytest.mark.skipif(not vectors.annoy_installed(), reason="Annoy is optional")
def test_annoy_is_used_from_the_threshold_on_and_its_recall_measured(tmp_path: Path) -> None:
    points = _points(2000, 32)
    assert vectors.build(points, tmp_path, annoy_from=2001, trees=30, seed=1) == ("exact", 1.0)
    assert not (tmp_path / ANNOY_FILE).exists()
    kind, recall = vectors.build(points, tmp_path, annoy_from=2000, trees=30, seed=1)
    assert kind == "annoy"
    assert recall > 0.9
    index = VectorIndex.load(tmp_path)
    assert index.kind == "annoy"
    assert index.search(points[3], 10)[0][0] == 3


@pytest.mark.skipif(not vectors.annoy_installed(), reason="Annoy is optional")
def test_same_seed_builds_the_same_file(tmp_path: Path) -> None:
    points = _points(500, 32)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        vectors.build(points, tmp_path / name, annoy_from=1, trees=10, seed=7)
    assert (tmp_path / "a" / ANNOY_FILE).read_bytes() == (tmp_path / "b" / ANNOY_FILE).read_bytes()


def test_without_the_package_the_index_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = _points(50)
    monkeypatch.setattr(vectors, "annoy_installed", lambda: False)
    assert vectors.build(points, tmp_path, annoy_from=1, trees=10, seed=0)[0] == "exact"
    (tmp_path / ANNOY_FILE).write_bytes(b"built elsewhere")
    assert VectorIndex.load(tmp_path).kind == "exact"
