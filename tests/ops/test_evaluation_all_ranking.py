"""``evaluate recsys`` on files whose answers are known, and on files that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.ops.evaluation.all_ranking import evaluate

GROUPS, EACH, USERS = 4, 10, 80


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Each user has six items of one group of ten in training, and two more of it in the test file."""
    random = np.random.default_rng(2)
    train, test = [], []
    for user in range(USERS):
        items = [f"i{user % GROUPS * EACH + place}" for place in random.permutation(EACH)]
        train.append(f"u{user} {' '.join(items[:6])}")
        test.append(f"u{user} {' '.join(items[6:8])}")
    test[0] = "u0"
    return _write(tmp_path, train, test)


def _write(folder: Path, train: list[str], test: list[str]) -> tuple[Path, Path]:
    first, second = folder / "train.txt", folder / "test.txt"
    first.write_text("\n".join(train) + "\n")
    second.write_text("\n".join(test) + "\n")
    return first, second


def test_the_report_has_what_it_promises(files: tuple[Path, Path]) -> None:
    outcome = evaluate(*files, k=4)
    report = outcome.report
    assert report["users"] == USERS - 1
    # The four unseen items of the group fill the four places, both right ones among them.
    assert report["recall@4"] == 1.0
    assert report["hit@4"] == 1.0
    assert 0.5 < report["ndcg@4"] <= 1.0
    assert report["coverage"] == 1.0
    low, high = report["intervals"]["ndcg@4"]
    assert low <= report["ndcg@4"] <= high
    assert report["serving"]["kept"] >= 0.99
    assert report["baselines"]["popularity"]["recall@4"] < report["baselines"]["item_knn"]["recall@4"]
    assert report["lead"]["popularity"]["recall@4"][0] > 0
    assert {"fit_s", "select_s", "peak_rss_mb", "query_p50_ms", "query_p99_ms"} <= report.keys()
    assert report["model"]["recipe"]["family"]


def test_predictions_leave_out_what_was_trained_on_and_keep_the_order(files: tuple[Path, Path]) -> None:
    lines = list(evaluate(*files, k=3).predictions)
    seen = {line.split()[0]: set(line.split()[1:]) for line in files[0].read_text().splitlines()}
    assert [line["user_id"] for line in lines] == [f"u{user}" for user in range(1, USERS)]
    assert all(len(line["items"]) == 3 and not seen[line["user_id"]] & set(line["items"]) for line in lines)


def test_the_test_file_does_not_touch_the_choice(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("u3 i9\nu4 i0 i1\n")
    first, second = evaluate(*files).report["model"], evaluate(files[0], other).report["model"]
    assert first["recipe"] == second["recipe"]
    assert first["recall"] == second["recall"]


def test_a_repeated_test_item_counts_once_and_an_unknown_one_is_missed(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    right = files[1].read_text().splitlines()[1].split()[1]
    other = tmp_path / "other.txt"
    other.write_text(f"u1 {right} {right} brand-new\n")
    assert evaluate(files[0], other, k=4).report["recall@4"] == pytest.approx(0.5)


def test_a_user_without_history_gets_what_is_popular(tmp_path: Path) -> None:
    train = [f"u{user} hit i{user % 5} i{user % 7 + 5}" for user in range(40)]
    outcome = evaluate(*_write(tmp_path, train, ["stranger hit"]), k=1)
    assert next(iter(outcome.predictions)) == {"user_id": "stranger", "items": ["hit"]}
    assert outcome.report["recall@1"] == 1.0


def test_csv_is_read_too(tmp_path: Path) -> None:
    rows = ["user_id,product_id"] + [f"u{user},i{user % 3 * 4 + place}" for user in range(30) for place in range(3)]
    outcome = evaluate(*_write(tmp_path, rows, ["user_id,product_id", "u0,i3"]), k=2)
    assert outcome.report["users"] == 1


def test_a_test_file_without_items_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    empty = tmp_path / "nothing.txt"
    empty.write_text("u1\nu2\n")
    with pytest.raises(InvalidInput, match=r"No line of .*nothing\.txt has an item"):
        evaluate(files[0], empty)


def test_a_missing_file_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"absent\.txt"):
        evaluate(files[0], tmp_path / "absent.txt")


def test_a_damaged_line_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.csv"
    damaged.write_text("user_id,product_id\nu1,i1\nu2\n")
    with pytest.raises(InvalidInput, match="line 3"):
        evaluate(damaged, files[1])
