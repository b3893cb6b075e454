"""``evaluate session``: which clicks are predicted, from what, and how they are counted."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from appliance.errors import InvalidInput
from appliance.ops.evaluation.session_clicks import evaluate

TRAIN = "\n".join(["a b c"] * 30 + ["d e"] * 30)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    train, test = tmp_path / "train.txt", tmp_path / "test.txt"
    train.write_text(TRAIN)
    test.write_text("a x b c\nx d\nd y e\n")
    return train, test


def test_every_click_is_predicted_from_those_before_it(files: tuple[Path, Path]) -> None:
    outcome = evaluate(*files)
    predictions = list(outcome.predictions)
    # x and y are unknown to training; the second session is too short without x.
    assert [(line["session"], line["position"]) for line in predictions] == [("1", 1), ("1", 2), ("3", 1)]
    assert [line["items"][0] for line in predictions] == ["b", "c", "e"]
    report = outcome.report
    assert (report["sessions"], report["events"]) == (2, 3)
    assert report["hr@20"] == report["hit@20"] == report["mrr@20"] == report["ndcg@20"] == 1.0
    assert report["intervals"]["hr@20"] == [1.0, 1.0]


def test_last_only_predicts_one_click_a_session(files: tuple[Path, Path]) -> None:
    outcome = evaluate(*files, last_only=True, k=2)
    assert [(line["session"], line["position"]) for line in outcome.predictions] == [("1", 2), ("3", 1)]
    assert {"hr@2", "mrr@2", "ndcg@2"} <= set(outcome.report)


def test_the_report_has_costs_model_and_baselines(files: tuple[Path, Path]) -> None:
    report = evaluate(*files).report
    assert {"fit_s", "select_s", "peak_rss_mb", "query_p50_ms", "query_p99_ms", "coverage"} <= set(report)
    assert report["model"]["why"].startswith("too few")
    assert report["baselines"]["popularity"]["hr@20"] == 1.0
    assert report["baselines"]["item_knn"]["mrr@20"] < 1.0


def test_tables_with_times_are_put_in_order(tmp_path: Path) -> None:
    train, test = tmp_path / "train.tsv.gz", tmp_path / "test.csv"
    rows = [f"{session}\t{item}\t{10 * session + at}" for session in range(40) for at, item in ((2, "b"), (1, "a"))]
    with gzip.open(train, "wt") as file:
        file.write("\n".join(["SessionId\tItemId\tTime", *rows]))
    test.write_text("session_id,item_id,time\ns,b,2026-01-02T00:00:00Z\ns,a,2026-01-01T00:00:00Z\n")
    outcome = evaluate(train, test)
    assert next(iter(outcome.predictions)) == {"session": "s", "position": 1, "items": ["b", "a"]}
    assert outcome.report["mrr@20"] == 1.0


def test_nothing_of_the_test_file_reaches_the_model(tmp_path: Path) -> None:
    train = tmp_path / "train.txt"
    train.write_text(TRAIN)
    answers = []
    for name, others in (("one", ""), ("two", "a e\n" * 50)):
        test = tmp_path / f"{name}.txt"
        test.write_text("a b\n" + others)
        answers.append(next(iter(evaluate(train, test).predictions))["items"])
    assert answers[0] == answers[1]


def test_files_without_a_common_item_are_refused(tmp_path: Path) -> None:
    train, test = tmp_path / "train.txt", tmp_path / "test.txt"
    train.write_text("a b\n")
    test.write_text("x y\n")
    with pytest.raises(InvalidInput, match="no session with two items"):
        evaluate(train, test)
