"""``evaluate next``: the protocol on files small enough to check by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.ops.evaluation.next_item import evaluate, read_attributes, renumbered, small_shop, study
from appliance.ops.evaluation.readers import read_histories

ITEMS = 40


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return chains of items, each followed by its successor three times in four; tens of items share a tag."""
    folder = tmp_path_factory.mktemp("next")
    random = np.random.default_rng(1)
    lines = []
    for user in range(80):
        steps = np.where(random.random(6) < 0.75, 1, random.integers(2, ITEMS, 6))
        items = (random.integers(0, ITEMS) + np.cumsum(steps)) % ITEMS
        lines.append(" ".join([f"u{user}", *(f"p{item}" for item in dict.fromkeys(items.tolist()))]))
    sequences, attributes = folder / "sequences.txt.gz", folder / "attributes.json"
    sequences.write_bytes(gzip.compress("\n".join(lines).encode()))
    attributes.write_text(json.dumps({f"p{item}": [1, 2 + item // 10] for item in range(ITEMS)}))
    return sequences, attributes


def test_the_report_has_what_is_promised_and_the_blend_finds_the_chain(files: tuple[Path, Path]) -> None:
    outcome = evaluate(files[0], attributes=files[1], k=5, seed=3)
    report = outcome.report
    assert report["users"] == 80
    assert report["items"] == ITEMS
    assert report["hr@5"] == report["hit@5"] > 0.6
    low, high = report["intervals"]["ndcg@5"]
    assert low <= report["ndcg@5"] <= high
    assert set(report["baselines"]) == {"popularity", "item_knn"}
    assert set(report["parts"]) == {"rules", "follows", "walk", "neighbours", "content", "popularity"}
    assert report["hr@5"] > report["baselines"]["popularity"]["hr@5"]
    for name in ("fit_s", "select_s", "peak_rss_mb", "query_p50_ms", "query_p99_ms", "coverage", "model"):
        assert name in report
    assert json.dumps(report)


def test_predictions_hold_nothing_of_the_history_and_score_as_reported(files: tuple[Path, Path]) -> None:
    outcome = evaluate(files[0], k=5, seed=3)
    known = read_histories(files[0])
    hits = 0
    for owner, line in enumerate(outcome.predictions):
        history = [known.items[row] for row in known.sequences.of(owner)]
        assert line["user_id"] == known.users[owner]
        assert not set(line["items"]) & set(history[:-1])
        hits += history[-1] in line["items"]
    assert hits / 80 == outcome.report["hit@5"]


def test_the_test_items_do_not_reach_the_fit(tmp_path: Path) -> None:
    lines = [f"u{user} a b c" for user in range(30)]
    plain, other = tmp_path / "plain.txt", tmp_path / "other.txt"
    plain.write_text("\n".join([*(f"{line} d" for line in lines), "last a b d e"]))
    other.write_text("\n".join([*(f"{line} e" for line in lines), "last a b d e"]))
    first, second = evaluate(plain), evaluate(other)
    assert first.report["model"] == second.report["model"]
    assert list(first.predictions) == list(second.predictions)


def test_items_are_numbered_at_random_but_histories_read_the_same(files: tuple[Path, Path]) -> None:
    known = read_histories(files[0])
    mixed = renumbered(known, seed=3)
    assert mixed.items != known.items
    assert sorted(mixed.items) == sorted(known.items)
    for owner in range(known.sequences.owners):
        before = [known.items[row] for row in known.sequences.of(owner)]
        assert [mixed.items[row] for row in mixed.sequences.of(owner)] == before


def test_a_small_shop_has_its_users_items_and_the_seed_draws_it(files: tuple[Path, Path]) -> None:
    known = read_histories(files[0])
    shop = small_shop(known, 5, seed=7)
    assert len(shop.users) == 5
    assert sorted(shop.items) == sorted({shop.items[row] for row in shop.sequences.items})
    owner = known.users.index(shop.users[2])
    names = [known.items[row] for row in known.sequences.of(owner)]
    assert [shop.items[row] for row in shop.sequences.of(2)] == names
    assert small_shop(known, 5, seed=7).users == shop.users != small_shop(known, 5, seed=8).users


def test_a_study_measures_every_user_by_part(files: tuple[Path, Path]) -> None:
    found = study(files[0], attributes=files[1], users=30, seed=1)
    assert len(found.blend["hr@20"]) == 30
    assert set(found.parts) == {"rules", "follows", "walk", "neighbours", "content", "popularity"}


def test_attributes_of_unknown_items_and_repeats_are_ignored(tmp_path: Path) -> None:
    file = tmp_path / "attributes.json.gz"
    file.write_bytes(gzip.compress(b'{"b": ["x", "x", 3], "unknown": [3]}'))
    assert read_attributes(file, ["a", "b"]).toarray().tolist() == [[0.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("text", ["[1, 2]", "{", '{"a": 3}'])
def test_a_file_that_is_no_attributes_says_what_it_should_be(tmp_path: Path, text: str) -> None:
    file = tmp_path / "attributes.json"
    file.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        read_attributes(file, ["a"])
    assert "JSON object" in str(caught.value.hint)


def test_histories_of_one_item_and_too_many_users_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "sequences.txt"
    file.write_text("u1 a\nu2 b\n")
    with pytest.raises(InvalidInput, match="No line"):
        evaluate(file)
    with pytest.raises(InvalidInput, match="3 users"):
        evaluate(file, users=3)
