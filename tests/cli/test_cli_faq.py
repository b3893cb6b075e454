"""``appliance faq``: answers made, listed, tried and removed, without a process and in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import failures
from appliance.cli.root import root
from appliance.cli.session import Session

QUESTION = "Shop có gói quà không?"
ANSWER = "Dạ shop gói quà miễn phí ạ."


def _code(data: Path, *arguments: str) -> int:
    return failures.guarded(root, ["--data", str(data), "faq", *arguments], Session())


def _run(data: Path, *arguments: str, code: int = 0) -> None:
    assert _code(data, *arguments) == code


def _json(data: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    _run(data, *arguments, "--json")
    return json.loads(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def _in_vietnamese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_SHOP_LOCALE", "vi")


def test_an_answer_is_made_listed_tried_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(tmp_path, "list")
    assert "appliance faq add" in capsys.readouterr().err
    added = ("add", "--vi", ANSWER, "--question", QUESTION, "--question", "có giấy gói quà không")
    made = _json(tmp_path, capsys, *added, "--question-en", "do you gift wrap?")
    assert made["questions"] == {"en": ["do you gift wrap?"], "vi": [QUESTION, "có giấy gói quà không"]}
    assert [entry["id"] for entry in _json(tmp_path, capsys, "list")["items"]] == [made["id"]]
    _run(tmp_path, "list")
    told = capsys.readouterr().out
    assert all(word in told for word in (made["id"], ANSWER, "(+2)", "bật"))
    found = _json(tmp_path, capsys, "preview", "shop oi", "co goi qua khong")
    assert (found["reply"], found["entry"]["id"]) == (ANSWER, made["id"])
    _run(tmp_path, "preview", "shop oi co goi qua khong")
    shown = capsys.readouterr()
    assert ANSWER in shown.out
    assert f"→   {made['id']}" in shown.out
    assert "Hiểu là" in shown.err
    assert _json(tmp_path, capsys, "remove", made["id"]) == {"removed": made["id"]}
    _run(tmp_path, "remove", made["id"], code=2)
    assert _json(tmp_path, capsys, "list") == {"items": []}


def test_the_intents_own_answer_is_tried_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(tmp_path, "add", "--intent", "shipping_fee", "--vi", "Ship 30.000đ toàn quốc ạ.")
    _run(tmp_path, "preview", "phí ship bao nhiêu")
    assert "shipping_fee" in capsys.readouterr().out
    assert _json(tmp_path, capsys, "preview", "phí ship bao nhiêu")["entry"]["question"] == ""
    _run(tmp_path, "preview", "bảo hành mấy tháng")
    assert "chưa trả lời" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "--vi", "x"),
        ("add", "--question", "x"),
        ("add", "--intent", "no_such", "--vi", "x"),
        ("add", "--intent", "warranty", "--vi", " "),
        ("preview", " "),
        ("preview",),
    ],
)
def test_what_is_no_answer_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert _code(tmp_path, *arguments) == (1 if arguments == ("add", "--vi", "x") else 2)
    assert _json(tmp_path, capsys, "list") == {"items": []}
