"""Content neighbours: found by two cheap searches, ranked exactly, and measured against ranking every pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recsys_shop import product

from appliance.ops.demo.catalogue import scale_products
from appliance.recsys import content, latent, similarity
from appliance.recsys.cells import CELL, divide, near_by_cells
from appliance.recsys.postings import HEAVIEST, LONGEST, near_by_rare_tokens
from appliance.recsys.similarity import EMBEDDING_WEIGHT, ContentSpace, joined
from appliance.recsys.tfidf import WIDTH, SparseRows
from appliance.recsys.vectorise import fit


def _silent(_share: float) -> None:
    pass


def _rows(*lines: dict[int, float]) -> SparseRows:
    columns, values = np.full((len(lines), WIDTH), -1, np.int32), np.zeros((len(lines), WIDTH), np.float32)
    for row, line in enumerate(lines):
        heaviest = sorted(line.items(), key=lambda entry: -entry[1])
        columns[row, : len(line)] = [column for column, _ in heaviest]
        values[row, : len(line)] = [value for _, value in heaviest]
    return SparseRows(columns, values)


def _without_meaning(rows: SparseRows, columns: int) -> ContentSpace:
    return ContentSpace(rows, columns, np.zeros((len(rows.columns), 0), np.float32))


@pytest.fixture(scope="module")
def shop() -> tuple[ContentSpace, np.ndarray]:
    vectoriser, rows = fit(scale_products(1000))
    return _without_meaning(rows, vectoriser.size), latent.fit(rows, vectoriser.size, 0)[1]


def test_a_rare_word_brings_together_what_the_dense_space_keeps_apart() -> None:
    rows = _rows({0: 0.9, 5: 0.436}, {1: 0.9, 5: 0.436}, {2: 1.0}, {3: 1.0})
    apart = np.eye(4, dtype=np.float32)
    table = content.fit(_without_meaning(rows, 6), apart, 2, _silent)
    assert table.ids[0].tolist() == [1, -1]
    assert table.scores[0, 0] == pytest.approx(0.436**2, abs=1e-3)


def test_a_word_of_every_product_proposes_nothing() -> None:
    rows = _rows(*({0: 1.0} for _ in range(LONGEST + 1)))
    assert (near_by_rare_tokens(rows, 1, 5, _silent) == -1).all()
    assert (near_by_rare_tokens(SparseRows(rows.columns[1:], rows.values[1:]), 1, 5, _silent) >= 0).all()


def test_only_the_heaviest_words_of_a_product_propose() -> None:
    heavy = dict.fromkeys(range(HEAVIEST), 0.2)
    rows = _rows({**heavy, 90: 0.1}, {90: 1.0}, heavy)
    assert near_by_rare_tokens(rows, 91, 5, _silent)[0].tolist() == [2, -1, -1, -1, -1]


def test_the_table_misses_little_of_ranking_every_pair(shop: tuple[ContentSpace, np.ndarray]) -> None:
    space, points = shop
    table = content.fit(space, points, 20, _silent)
    assert content.measure_recall(space, table) > 0.99


def test_recall_is_measured_by_hand() -> None:
    rows = _rows({0: 1.0}, {0: 0.8, 1: 0.6}, {0: 0.6, 2: 0.8}, {3: 1.0})
    space = _without_meaning(rows, 4)
    whole = content.fit(space, np.eye(4, dtype=np.float32), 2, _silent)
    assert content.measure_recall(space, whole) == 1.0
    half = whole._replace(ids=whole.ids[:, :1], scores=whole.scores[:, :1])
    padded = half._replace(
        ids=np.pad(half.ids, ((0, 0), (0, 1)), constant_values=-1), scores=np.pad(half.scores, ((0, 0), (0, 1)))
    )
    assert content.measure_recall(space, padded) == pytest.approx(0.5)  # one of two; a product alone does not count


def test_cells_find_nearly_what_comparing_all_pairs_finds(shop: tuple[ContentSpace, np.ndarray]) -> None:
    _, points = shop
    found, shares = near_by_cells(points, 20, 0, _silent), []
    for row in range(0, 1000, 40):
        cosines = points @ points[row]
        cosines[row] = -1
        shares.append((cosines[found[row]] >= np.sort(cosines)[-20] - 1e-5).mean())
    assert np.mean(shares) > 0.98


@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 3000), kinds=st.integers(1, 5), seed=st.integers(0, 99))
def test_every_row_is_in_one_cell_of_bounded_size(size: int, kinds: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    points = latent.unit(random.standard_normal((kinds, 8)).astype(np.float32))[random.integers(0, kinds, size)]
    cells = divide(points, random)
    assert max(map(len, cells)) <= CELL
    assert sorted(np.concatenate(cells).tolist()) == list(range(size))


def test_embeddings_are_a_share_of_the_similarity_where_both_have_one() -> None:
    rows = _rows({0: 1.0}, {0: 0.6, 1: 0.8}, {0: 0.6, 1: 0.8}, {0: 0.6, 1: 0.8})
    meanings = np.array([[2.0, 0.0], [0.8, 0.6], [-1.0, 0.0], [0.0, 0.0]], np.float32)
    space = ContentSpace(rows, 2, meanings)
    alike, opposed, unknown = space.between(0, np.array([1, 2, 3])).tolist()
    assert alike == pytest.approx((1 - EMBEDDING_WEIGHT) * 0.6 + EMBEDDING_WEIGHT * 0.8)
    assert opposed == pytest.approx((1 - EMBEDDING_WEIGHT) * 0.6)
    assert unknown == pytest.approx(0.6)


def test_among_equals_the_larger_overlap_of_tags_comes_first() -> None:
    """One of two tags and two of eight have the same cosine with two tags; Jaccard says 1/3 and 2/8."""
    bare = {"category": "", "price": 0}
    shop = [
        product("asked", "", tags=("backpack", "red"), **bare),
        product("lists", "", tags=("backpack", "red", "a", "b", "c", "d", "e", "f"), **bare),
        product("honest", "", tags=("red", "blue"), **bare),
        product("other", "", tags=("blue", "green"), **bare),
    ]
    vectoriser, rows = fit(shop)
    space = ContentSpace(rows, vectoriser.size, np.zeros((4, 0), np.float32), vectoriser.tags)
    assert space.tag_overlap(0, np.arange(4)).tolist() == pytest.approx([1.0, 2 / 8, 1 / 3, 0.0])
    table = content.fit(space, latent.fit(rows, vectoriser.size, 0)[1], 3, _silent)
    assert table.ids[0].tolist() == [2, 1, -1]
    assert table.scores[0, :2].tolist() == pytest.approx([0.5, 0.5], abs=1e-6)


def test_joined_vectors_weigh_both_spaces_and_have_unit_length() -> None:
    points = np.array([[1.0, 0.0], [0.6, 0.8], [0.6, 0.8]], np.float32)
    meanings = np.array([[1.0], [1.0], [0.0]], np.float32)
    vectors = joined(points, meanings)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3))
    assert vectors[0] @ vectors[1] == pytest.approx((1 - EMBEDDING_WEIGHT) * 0.6 + EMBEDDING_WEIGHT)
    assert similarity.joined(points, np.zeros((3, 0), np.float32)) is points
