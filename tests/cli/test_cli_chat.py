"""``appliance chat``: one message, a conversation, a trace; alone and beside the running process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.cli.chatting import _told
from appliance.ops.process import read_running

PRODUCTS = "".join(
    json.dumps({"id": f"p{number}", "title": title, "price": 200_000 + number * 1000, "categories": ["Ba lô"]}) + "\n"
    for number, title in enumerate(["Balo da nam", "Balo laptop", "Balo \x1b[31mmini"])
)


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("APPLIANCE_", "LC_"))}
    return kept | {"LANG": "C.UTF-8", "COLUMNS": "140"}


def run(data: Path, *arguments: str, typed: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance", "--data", str(data), *arguments]
    done = subprocess.run(
        command, input=typed, capture_output=True, text=True, env=_environment(), timeout=100, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    file = folder / "products.jsonl"
    file.write_text(PRODUCTS, encoding="utf-8")
    run(folder / "data", "import", "products", str(file))
    return folder / "data"


def test_one_message_is_one_answer(data: Path) -> None:
    done = run(data, "chat", "tìm", "balo", "dưới", "300k")
    assert "Balo da nam" in done.stdout
    assert "200,000 VND" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    answer = json.loads(run(data, "chat", "--json", "tìm balo dưới 300k").stdout)
    assert len(answer["products"]) == 3
    assert "trace" not in answer


def test_lines_are_a_conversation_until_the_end_of_input(data: Path) -> None:
    done = run(data, "chat", "--session", "cli-1", typed="tìm balo\n\ncho mình gặp nhân viên\n" + "x" * 5000 + "\nhi\n")
    assert "A person was called" in done.stderr
    assert "at most 2000" in done.stderr
    listed = json.loads(run(data, "chat", "--session", "cli-1", "--json", typed="tìm balo\nhi\n").stdout)
    assert [answer["status"] for answer in listed] == ["waiting", "waiting"]


def test_a_trace_tells_what_each_agent_made_of_it(data: Path) -> None:
    shown = run(data, "chat", "--trace", "--locale", "en", "backpack under 300k").stdout
    for agent in ("language", "intent", "catalogue", "response"):
        assert agent in shown
    assert "price_max=300000" in shown
    steps = json.loads(run(data, "chat", "--trace", "--json", "xin chào").stdout)["trace"]
    assert steps[0]["output"]["words"] == "xin chào"


def test_mistakes_are_told(data: Path) -> None:
    assert "empty" in run(data, "chat", " ", code=2).stderr
    assert "not valid" in run(data, "chat", "--session", "../x", "hi", code=2).stderr
    assert run(data, "chat", "--locale", "fr", "hi", code=2).stderr


def test_beside_the_running_process(data: Path) -> None:
    command = [sys.executable, "-m", "appliance", "--data", str(data), "serve", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment())
    try:
        end = time.monotonic() + 60
        while read_running(data) is None:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
        answer = json.loads(run(data, "chat", "--session", "cli-2", "--trace", "--json", "tìm balo").stdout)
        assert answer["products"] and answer["trace"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    # What was said there is remembered here.
    again = json.loads(run(data, "chat", "--session", "cli-2", "--json", "cái đầu tiên giá bao nhiêu").stdout)
    assert again["intent"] == "product_price"
    assert answer["products"][0]["title"] in again["reply"]


def test_findings_are_told_on_one_line_without_what_is_empty() -> None:
    told = _told({"words": "a", "none": [], "scores": [["x", 0.5], ["y", 0.25]], "slots": {"size": "M"}, "ok": True})
    assert told == 'words: a · scores: x 0.5, y 0.25 · slots: {"size": "M"} · ok: true'
