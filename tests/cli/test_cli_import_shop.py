"""``appliance import orders`` and ``import faq``: alone, and through the running process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from appliance.ops.process import read_running

FIXTURE = Path(__file__).resolve().parent.parent / "agents" / "fixture"


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("APPLIANCE_", "LC_"))}
    return kept | {"LANG": "C.UTF-8", "COLUMNS": "120"}


def _appliance(data: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance", "--data", str(data), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=100, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def _imported(data: Path, kind: str, file: Path) -> Any:
    return json.loads(_appliance(data, "import", kind, str(file), "--json").stdout)


@pytest.mark.server
def test_orders_and_answers_are_imported_alone_and_through_the_process(tmp_path: Path) -> None:
    data = tmp_path / "data"
    orders = tmp_path / "orders.csv"
    orders.write_text("display_id,phone,status\n1024,0912000111,shipped\n1025,xyz,shipped\n", encoding="utf-8")
    said = _appliance(data, "import", "orders", str(orders))
    assert "1 new" in said.stdout or "1 mới" in said.stdout
    assert "3" in said.stderr
    assert "train" not in said.stderr
    assert _imported(data, "faq", FIXTURE / "faq.jsonl")["inserted"] == 11
    command = [sys.executable, "-m", "appliance", "--data", str(data), "serve", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment())
    try:
        end = time.monotonic() + 60
        while read_running(data) is None:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        report = _imported(data, "orders", FIXTURE / "orders.jsonl")
        assert (report["inserted"], report["updated"], report["rejected"]) == (5, 1, 0)
        assert _imported(data, "faq", FIXTURE / "faq.jsonl")["unchanged"] == 11
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
