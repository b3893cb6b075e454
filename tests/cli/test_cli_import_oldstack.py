"""``appliance import postgres``: alone, through the running process, and killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from appliance.ops.process import read_running

FIXTURE = Path(__file__).resolve().parent.parent / "ops" / "fixture" / "oldstack"
COLUMNS = "id,user_id,session_id,product_id,product_handle,interaction_type,weight,metadata,created_at,updated_at"
"""Of the recorded file without a header."""
ROWS = 30_000


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("APPLIANCE_", "LC_"))}
    return kept | {"LANG": "C.UTF-8", "COLUMNS": "120"}


def _command(data: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "appliance", "--data", str(data), *arguments]


def _appliance(data: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = _command(data, *arguments)
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=100, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def _imported(data: Path, *arguments: str) -> Any:
    return json.loads(_appliance(data, "import", "postgres", *arguments, "--json").stdout)


def _counted(data: Path) -> tuple[int, int, float]:
    with duckdb.connect(str(data / "analytics.duckdb"), read_only=True) as log:
        events = log.execute("select count(*) from interaction_events").fetchone()
        folded = log.execute("select count(*), sum(weight) from rec_user_interactions").fetchone()
    assert events is not None
    assert folded is not None
    return events[0], folded[0], folded[1]


@pytest.mark.server
def test_the_same_alone_and_through_the_process(tmp_path: Path) -> None:
    alone, served = tmp_path / "alone", tmp_path / "served"
    said = _appliance(alone, "import", "postgres", str(FIXTURE), "--create-products", "--columns", COLUMNS)
    assert "51" in said.stdout
    assert "\x1b" not in said.stdout + said.stderr
    assert "rec_product_similarities" in said.stderr
    # The folder holds the table as CSV, as COPY text and in a dump: the same rows, which count once.
    assert _counted(alone)[0] == 13
    process = subprocess.Popen(
        _command(served, "serve", "--port", "0", "--json"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )
    try:
        end = time.monotonic() + 60
        while read_running(served) is None:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        beside = _imported(served, str(FIXTURE / "dump.sql"), "--create-products")
        again = _imported(served, str(FIXTURE / "rec_user_interactions.csv"), "--create-products")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert (beside["read"], beside["accepted"], beside["events"], beside["links"]) == (17, 9, 13, 3)
    assert again["created_products"] == 0
    # What the process had not merged at its end is merged by the next command.
    _appliance(served, "import", "postgres", str(FIXTURE / "rec_user_interactions.csv"))
    assert _counted(served) == _counted(alone)


def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path) -> None:
    done = _appliance(tmp_path / "data", "import", "postgres", str(tmp_path / "nothing"), code=2)
    assert "nothing" in done.stderr
    done = _appliance(tmp_path / "data", "import", "postgres", str(FIXTURE), "--zone", "Saigon", code=2)
    assert "Saigon" in done.stderr
    done = _appliance(tmp_path / "data", "import", "postgres", "postgresql://o:geheim@127.0.0.1:1/shop", code=2)
    assert "geheim" not in done.stdout + done.stderr
    kept = [path for path in (tmp_path / "data").rglob("*") if path.is_file() and b"geheim" in path.read_bytes()]
    assert kept == []


@pytest.mark.crash
@pytest.mark.slow
def test_a_killed_import_is_finished_by_the_next(tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = tmp_path / "rec_user_interactions.csv"
    day = "2025-03-01 00:00:00+07"
    rows = (f"u{n},s{n},p{n % 50},view,2,{day},{day}\n" for n in range(ROWS))
    file.write_text("user_id,session_id,product_id,interaction_type,weight,created_at,updated_at\n" + "".join(rows))
    journal = data / "journal.db-wal"
    for growth in (200_000, 600_000, 1_200_000):
        process = subprocess.Popen(
            _command(data, "import", "postgres", str(file), "--create-products"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        end = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < end:
            if journal.exists() and journal.stat().st_size > growth:
                break
            time.sleep(0.01)
        process.kill()
        assert process.wait(30) == -signal.SIGKILL, "it ended before it could be killed"
    report = _imported(data, str(file), "--create-products")
    assert (report["accepted"], report["events"]) == (ROWS, 2 * ROWS)
    assert _counted(data) == (2 * ROWS, ROWS, 2.0 * ROWS)
