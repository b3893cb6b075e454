"""Bundles judged on files: a small shop whose answers are known, folds that keep their secrets, and damaged folders."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.ops.evaluation import bundles as protocol
from appliance.ops.evaluation.bundle_files import category_paths, read_bundles
from appliance.ops.evaluation.bundles import evaluate, folds_of
from appliance.ops.evaluation.completion import PARTS, Cases, behaviour_tables, choose, complete, content_tables
from appliance.recsys.sequences import from_lists

KINDS = ("coffee", "pasta", "cookies", "soup", "honey", "cereal")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty products of six kinds; each session holds the bundle of one kind, which is also its intent."""
    items = [(f"{kind}{n}", kind, f"{kind} brand{n} pack") for kind in KINDS for n in range(5)]
    tables = {
        "item_titles": ("item ID,titles", [f'{item},"{title} &amp; more"' for item, _, title in items]),
        "item_categories": ("item ID,categories", [f'{item},"[[Food,{kind}, fine]]"' for item, kind, _ in items]),
        "session_item": ("session ID,item ID", [f"{kind},{item}" for item, kind, _ in items] + ["other,coffee1"]),
        "session_bundle": ("session ID,bundle ID", [f"{kind},b-{kind}" for kind in KINDS]),
        "bundle_item": ("bundle ID,item ID", [f"b-{kind},{item}" for item, kind, _ in items[::2]]),
        "bundle_intent": ("bundle ID,intent", [f'b-{kind},"{kind}\nfor all"' for kind in KINDS[:-1]] + ["b-cereal,"]),
    }
    tables["bundle_item"][1].append("b-soup,unknown")
    for name, (header, lines) in tables.items():
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress("\n".join([header, *lines]).encode()))
    return tmp_path


def test_both_tasks_find_what_is_plain(folder: Path) -> None:
    outcome = evaluate(folder)
    report, lines = outcome.report, list(outcome.predictions)
    completion, search = report["completion"], report["search"]
    assert report["bundles"] == 6
    assert completion["cases"] == 15  # every product of the bundles hidden once
    assert completion["hit@10"] == 1.0
    assert search["queries"] == 6
    assert search["hit@10"] >= 5 / 6  # an empty intent lists the shop
    for task in (completion, search):
        assert {"hit@10", "ndcg@10", "recall@20", "coverage", "intervals", "baselines", "model", "fit_s"} <= task.keys()
    assert sum(line["task"] == "completion" for line in lines) == 15
    for line in lines:
        if line["task"] == "completion":
            assert line["query_id"].startswith("b-")
            assert len(line["items"]) == len(set(line["items"])) > 0


def test_given_products_are_never_answers(folder: Path) -> None:
    known = read_bundles(folder)
    tables = [*content_tables(known.products), *behaviour_tables(known.sessions, known.contents, 30)]
    given = from_lists([[0, 1], [7]])
    answer = complete(tables, np.ones(len(PARTS)), given, 30)
    assert not {0, 1} & set(answer[0].tolist())
    assert 7 not in answer[1].tolist()


def test_the_other_products_of_a_kind_come_before_the_same_brand_of_another(folder: Path) -> None:
    known = read_bundles(folder)
    tables = [*content_tables(known.products), *behaviour_tables(known.sessions.take(np.arange(0)), known.contents, 30)]
    first = complete(tables, np.array([1.0, 1.0, 1.0, 0.0, 0.0]), from_lists([[0]]), 4)[0]
    assert set(first.tolist()) == {1, 2, 3, 4}


def test_weights_follow_what_answers_the_known_cases(folder: Path) -> None:
    known = read_bundles(folder)
    # Of all parts only the past bundles say that coffee goes with soup.
    past = behaviour_tables(known.sessions.take(np.arange(0)), from_lists([[0, 15], [1, 16], [2, 17]] * 5), 30)
    cases = Cases(from_lists([[0], [1], [2]]), np.array([15, 16, 17], np.int32))
    chosen = choose(content_tables(known.products), [(past, cases)])
    assert chosen.ndcg == pytest.approx(1.0)
    assert chosen.weights[PARTS.index("bundles")] > 0


def test_folds_part_sessions_and_are_the_same_every_time() -> None:
    folds = folds_of([0, 0, 1, 2, 3, 4, 5, 6, 8], 10)
    assert folds[[7, 9]].tolist() == [-1, -1]
    assert sorted(np.bincount(folds[folds >= 0]).tolist()) == [1, 1, 2, 2, 2]
    assert folds.tolist() == folds_of([0, 0, 1, 2, 3, 4, 5, 6, 8], 10).tolist()


def test_neither_choice_nor_fit_sees_the_fold_that_is_judged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = read_bundles(folder)
    folds = folds_of(known.session_of, known.sessions.owners)
    seen: list[set[int]] = []
    monkeypatch.setattr(
        "appliance.ops.evaluation.completion.behaviour_tables",
        lambda sessions, contents, _size: seen.append({*sessions.items.tolist(), *contents.items.tolist()}),
    )
    for test in range(protocol.FOLDS):
        held = {
            item
            for place, session in enumerate(known.session_of)
            if folds[session] == test
            for item in known.contents.of(place).tolist()
        }
        answered = [set(cases.hidden.tolist()) for _, cases in protocol._known(known, folds, test)]
        assert all(not held & past for past in seen[-len(answered) :])
        assert all(not judged & past for judged, past in zip(answered, seen[-len(answered) :], strict=True))
        assert all(not held & judged for judged in answered)


def test_category_paths_keep_commas_within_names() -> None:
    assert category_paths("[[Food,Coffee, Tea &amp; Cocoa,Tea],[Gifts]]") == (
        "Food > Coffee, Tea & Cocoa > Tea",
        "Gifts",
    )
    assert category_paths("[[]]") == category_paths("") == ()


def test_entities_of_titles_are_read(folder: Path) -> None:
    assert read_bundles(folder).products[0].title == "coffee brand0 pack & more"


@pytest.mark.parametrize("missing", ["item_titles", "session_bundle", "bundle_intent"])
def test_a_missing_file_is_named(folder: Path, missing: str) -> None:
    (folder / f"{missing}.csv.gz").unlink()
    with pytest.raises(InvalidInput, match=missing):
        evaluate(folder)


def test_a_folder_without_usable_bundles_says_so(folder: Path) -> None:
    (folder / "session_bundle.csv.gz").unlink()
    (folder / "session_bundle.csv").write_text("session ID,bundle ID\nx,none\n", "utf-8")
    with pytest.raises(InvalidInput, match="no bundle"):
        evaluate(folder)
