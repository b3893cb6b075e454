"""kill -9 while events pour in: every acknowledged event is there once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = int(os.environ.get("KILL_ROUNDS", "8"))
STOPS = int(os.environ.get("STOP_ROUNDS", "3"))
SCRIPTS = Path(__file__).parents[2] / "scripts"

pytestmark = [pytest.mark.crash, pytest.mark.server, pytest.mark.slow]


def _run(script: str, rounds: int) -> dict[str, object]:
    command = [sys.executable, str(SCRIPTS / script), "--rounds", str(rounds), "--seed", "11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    outcome: dict[str, object] = json.loads(done.stdout)
    assert done.returncode == 0, outcome
    return outcome


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_kill_loses_nothing_and_counts_nothing_twice() -> None:
    outcome = _run("kill_test.py", ROUNDS)
    assert (outcome["rounds"], outcome["lost"], outcome["twice"]) == (ROUNDS, 0, 0)
    assert outcome["acknowledged"]


@pytest.mark.timeout(60 + 60 * STOPS)
def test_sigterm_under_load_is_an_orderly_end() -> None:
    outcome = _run("stop_test.py", STOPS)
    assert (outcome["stops"], outcome["lost"], outcome["faults"]) == (STOPS, 0, [])
    assert outcome["acknowledged"]
