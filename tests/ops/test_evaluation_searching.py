"""Search judged on files: the measures by hand, the real engine behind them, and files that do not fit."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.ops.evaluation.bm25 import Bm25, positive_top
from appliance.ops.evaluation.searching import evaluate, graded_ndcg

PRODUCTS = [
    {"id": "a", "title": "Leather backpack", "categories": ["Bags > Backpacks"], "price": 49.9, "currency": "USD"},
    {"id": "b", "title": "Laptop backpack", "categories": ["Bags > Backpacks"]},
    {"id": "c", "title": "Leather wallet", "categories": ["Accessories"], "price": 19.5},
    {"id": "d", "title": "Running shoes", "status": "draft"},
]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    paths = {name: tmp_path / name for name in ("products", "queries", "judgements")}
    paths["products"].write_text("\n".join(map(json.dumps, [*PRODUCTS, {"id": "", "title": "No id"}])), "utf-8")
    paths["queries"].write_text('query_id,query\nq1,leather backpack\nq2,"shoes,\nrunning"\nq3,mug\nq4,\n', "utf-8")
    paths["judgements"].write_text(
        "query_id,product_id,grade\nq1,a,3\nq1,b,1\nq1,c,0\nq2,d,1\nq2,gone,2\nq9,a,1\n", "utf-8"
    )
    return paths


def _run(files: dict[str, Path], k: int = 10) -> tuple[dict[str, object], list[dict[str, object]]]:
    outcome = evaluate(files["products"], queries=files["queries"], judgements=files["judgements"], k=k)
    return outcome.report, list(outcome.predictions)


def test_the_shops_engine_answers_and_only_judged_queries_count(files: dict[str, Path]) -> None:
    report, predictions = _run(files)
    assert [line["query_id"] for line in predictions] == ["q1", "q2", "q3", "q4"]
    assert predictions[0]["items"] == ["a", "c", "b"]  # the match, then what answers in part
    assert predictions[1]["items"] == ["d"]
    assert predictions[2]["items"] == []
    assert (report["queries"], report["products"]) == (2, 4)
    assert report["skipped"] == {"products": 1, "queries_without_judgement": 2}
    assert report["hit@10"] == report["mrr@10"] == 1.0
    assert report["recall@20"] == pytest.approx((1 + 1 / 2) / 2)  # "gone" cannot be found and still counts
    first, second = (3 + 1 / 2) / (3 + 1 / math.log2(3)), 1 / (2 + 1 / math.log2(3))
    assert report["ndcg@10"] == pytest.approx((first + second) / 2, abs=1e-6)
    assert report["baselines"]["bm25_title"]["hit@10"] == 1.0  # type: ignore[index]
    assert {"fit_s", "query_p50_ms", "query_p99_ms", "coverage", "intervals", "model"} <= report.keys()


def test_json_lines_and_other_lengths_are_read_too(files: dict[str, Path]) -> None:
    files["queries"].write_text('{"query_id": 1, "query": "backpack"}\n', "utf-8")
    files["judgements"].write_text('{"query_id": "1", "product_id": "b", "grade": 1}\n', "utf-8")
    report, predictions = _run(files, k=1)
    assert predictions[0]["query_id"] == "1"
    assert {"hit@1", "ndcg@1", "recall@20"} <= report.keys()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("judgements", "query_id,product_id,grade\nq1,a,1\nq1,b,good\n", "line 3"),
        ("judgements", "query_id,product_id,grade\nq1,,1\n", "line 2: product_id is empty"),
        ("judgements", "query_id,product_id,grade\nq1,a,0\n", "judges no query"),
        ("queries", "query_id,query\nq1,a\nq1,b\n", "line 3"),
        ("queries", "query_id,words\nq1,a\n", "query"),
        ("products", '{"id": "", "title": "x"}\n', "holds no product"),
    ],
)
def test_a_file_that_does_not_fit_says_where(files: dict[str, Path], name: str, text: str, message: str) -> None:
    files[name].write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match=message):
        _run(files)


def test_graded_ndcg_by_hand() -> None:
    ranked = np.array([[0, 1, 2, -1], [3, 3, 3, 3]], np.int32)
    values = graded_ndcg(ranked, [{1: 3.0, 2: 1.0, 9: 2.0}, {}], 3)
    best = 3 + 2 / math.log2(3) + 1 / 2
    assert values.tolist() == pytest.approx([(3 / math.log2(3) + 1 / 2) / best, 0.0])


def test_bm25_by_hand() -> None:
    index = Bm25([["tea", "green"], ["tea", "tea", "cup", "big"]])
    scores = index.scores([["tea", "tea", "unknown"], ["green"]])
    idf_tea, idf_green = math.log1p(0.5 / 2.5), math.log1p(1.5 / 1.5)
    short, long = 1.2 * (0.25 + 0.75 * 2 / 3), 1.2 * (0.25 + 0.75 * 4 / 3)
    assert scores[0].tolist() == pytest.approx([idf_tea * 2.2 / (1 + short), idf_tea * 2 * 2.2 / (2 + long)])
    assert scores[1].tolist() == pytest.approx([idf_green * 2.2 / (1 + short), 0.0])
    assert index.best([["green"], ["none"]], 2).tolist() == [[0, -1], [-1, -1]]


def test_only_positive_scores_are_answers() -> None:
    assert positive_top(np.array([[0.0, 2.0, 3.0, -1.0]]), 5).tolist() == [[2, 1, -1, -1, -1]]
