"""The intent classifier judged on files: what counts as right, and files that do not fit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import InvalidInput
from appliance.ops.evaluation.intents import OUT_OF_SCOPE, Phrase, evaluate, read_phrases

TRAIN = {
    "FEE": ["how much is shipping", "shipping charges", "delivery fee please", "cost of delivery", "is delivery free"],
    "TRACK": ["where is my order", "track my parcel", "order status", "has my package shipped", "when will it arrive"],
    "TALK": ["talk to an agent", "connect me to a person", "call me back", "customer care number", "i need a human"],
}
TEST = [
    ("what does shipping cost", "FEE"),
    ("track order", "TRACK"),
    ("let me talk to a human", "TALK"),
    ("order status please", "FEE"),
    ("who won the football world cup in brazil", OUT_OF_SCOPE),
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("sentence,label\n" + "".join(f'"{t}",{n}\n' for n, ts in TRAIN.items() for t in ts), "utf-8")
    test.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in TEST), "utf-8")
    return train, test


def test_rows_in_scope_count_by_their_label_and_others_by_refusal(files: tuple[Path, Path]) -> None:
    outcome = evaluate(files[0], test=files[1])
    report, rows = outcome.report, list(outcome.predictions)
    assert (report["rows"], report["rows_in_scope"], report["train_rows"], report["labels"]) == (5, 4, 15, 3)
    assert [row["prediction"] for row in rows[:4]] == ["FEE", "TRACK", "TALK", "TRACK"]
    assert report["accuracy"] == 0.75
    assert report["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3, abs=1e-6)
    refused = [row["decision"] == OUT_OF_SCOPE for row in rows]
    right = [row["decision"] == row["label"] for row in rows]
    assert report["accuracy_in_scope"] == pytest.approx(sum(right[:4]) / 4)
    assert report["accuracy_all"] == pytest.approx(sum(right) / 5)
    assert report["oos_recall"] == float(refused[4])
    assert report["oos_precision"] == pytest.approx(refused[4] / max(1, sum(refused)), abs=1e-6)
    assert {"fit_s", "query_us", "intervals", "baselines", "model"} <= report.keys()


def test_rows_out_of_scope_can_be_learned_from(files: tuple[Path, Path]) -> None:
    with files[0].open("a", encoding="utf-8") as file:
        for topic in ("weather", "football", "president", "movie", "song"):
            file.write(f"who likes the {topic} in brazil,{OUT_OF_SCOPE}\nbest {topic} of the world,\n")
    outcome = evaluate(files[0], test=files[1])
    assert list(outcome.predictions)[4]["decision"] == OUT_OF_SCOPE
    assert outcome.report["oos_recall"] == 1.0
    assert all(row["prediction"] != OUT_OF_SCOPE for row in outcome.predictions)


def test_json_lines_and_chat_cases_are_read(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    turns = [{"role": "user", "text": "hi"}, {"role": "assistant", "text": "?"}, {"role": "user", "text": "fee?"}]
    lines = [
        {"turns": turns, "intent": "fee", "accept": ["cost"]},
        {"text": "where", "label": "track"},
        {"sentence": "moon", "label": OUT_OF_SCOPE},
    ]
    path.write_text("\ufeff" + "\n\n".join(map(json.dumps, lines)), "utf-8")
    assert read_phrases(path) == [Phrase("fee?", "fee", ("cost",)), Phrase("where", "track"), Phrase("moon", "")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty|no phrase|nothing"),
        ("text,label\n", "no phrase|no row|empty|nothing"),
        ("one,two\na,b\n", "text|label"),
        ("text,label\nhello,A\nhi,A\n", "two labels"),
        ('{"text": "a", "label": "A"}\n{"text": 5, "label": "A"}\n', "line 2: text is missing"),
        ('{"text": "a", "label": "A"}\n{"text": "b"}\n', "line 2: label is missing"),
        ('{"text": "a", "label": "A"}\n{"text": \n', "line 2: it is no JSON object"),
        ('{"text": "a", "label": "A"}\n[1]\n', "line 2: it is no JSON object"),
    ],
)
def test_files_that_do_not_fit_are_one_sentence(files: tuple[Path, Path], content: str, says: str) -> None:
    files[0].write_text(content, "utf-8")
    with pytest.raises(InvalidInput, match=says):
        evaluate(files[0], test=files[1])


def test_a_test_file_without_a_row_in_scope_is_refused(files: tuple[Path, Path]) -> None:
    files[1].write_text(f"text,label\nmoon,{OUT_OF_SCOPE}\n", "utf-8")
    with pytest.raises(InvalidInput, match="no row in scope"):
        evaluate(files[0], test=files[1])


def _appliance(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance", "--data", str(data), "evaluate", "intents", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_prints_one_report_and_writes_the_answers(files: tuple[Path, Path], tmp_path: Path) -> None:
    said = ["--train", str(files[0]), "--test", str(files[1]), "--json"]
    out = tmp_path / "answers.jsonl"
    done = _appliance(tmp_path / "home", *said, "--predictions", str(out))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accuracy"] == 0.75
    assert [json.loads(line)["label"] for line in out.read_text("utf-8").splitlines()] == [label for _, label in TEST]


def test_the_command_says_one_sentence_about_a_bad_file(files: tuple[Path, Path], tmp_path: Path) -> None:
    files[0].write_text("text,label\nhello,A\n", "utf-8")
    done = _appliance(tmp_path / "home", "--train", str(files[0]), "--test", str(files[1]))
    assert done.returncode == 2
    assert "needs at least two labels" in done.stderr
    assert "Traceback" not in done.stderr
