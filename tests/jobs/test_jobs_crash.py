"""Jobs of a process that is killed: all of them end, each with one effect."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytestmark = [pytest.mark.crash, pytest.mark.slow]

PROCESS = """
import appliance.__main__
import os, random, signal, sqlite3, sys, time
from pathlib import Path
from appliance.issues import IssueBoard
from appliance.jobs.queue import JobKind, JobQueue
from appliance.metrics import Metrics

folder, mode, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
dice = random.Random(seed)

def effect(context):
    time.sleep(dice.uniform(0.005, 0.06))
    with sqlite3.connect(folder / "effects.db", timeout=30) as db:
        db.execute("insert or ignore into effect values (?)", [context.id])
    db.close()
    time.sleep(dice.uniform(0.0, 0.03))
    return {"attempt": context.attempt}

def poison(context):
    os.kill(os.getpid(), signal.SIGKILL)

handlers = {f"work{n}": effect for n in range(8)} | {"poison": poison}
queue = JobQueue(folder / "jobs.db", handlers, Metrics(), IssueBoard(), workers=4, sweep_seconds=0.1)
queue.start()
print("ready", flush=True)
if mode == "submit":
    while True:
        for n in range(8):
            print(queue.submit(f"work{n}").id, flush=True)
        time.sleep(0.02)
if mode == "poison":
    queue.submit("poison")
while any(job.state in ("queued", "running") for job in queue.list(10_000)):
    time.sleep(0.02)
queue.stop()
"""


def spawn(folder: Path, mode: str, seed: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROCESS, str(folder), mode, str(seed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_killed_processes_lose_no_job_and_double_no_effect(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "effects.db")
    connection.execute("create table effect (job text primary key)")
    connection.close()
    dice = random.Random(4)
    submitted: set[str] = set()
    for number in range(int(os.environ.get("CRASH_ROUNDS", "6"))):
        with spawn(tmp_path, "submit", number) as process:
            assert process.stdout is not None
            assert any(line == "ready\n" for line in process.stdout)
            killer = threading.Timer(dice.uniform(0.2, 0.9), process.kill)
            killer.start()
            lines = process.stdout.read().splitlines()
            killer.join()
        # The last line may be cut in the middle by the kill.
        submitted |= {line for line in lines if len(line) == 36}
    with spawn(tmp_path, "finish") as process:
        assert process.wait(60) == 0
    # Rows of jobs that ended long ago are pruned; their effects stay.
    effects = {str(row[0]) for row in query(tmp_path / "effects.db", "select job from effect")}
    rows = {str(row[0]) for row in query(tmp_path / "jobs.db", "select id from job")}
    assert submitted
    assert submitted <= effects
    assert rows <= effects
    assert query(tmp_path / "jobs.db", "select count(*) from job where state != 'done'") == [(0,)]


def test_a_job_that_kills_the_process_is_dead_after_five_attempts(tmp_path: Path) -> None:
    with spawn(tmp_path, "poison") as process:
        assert process.wait(60) == -signal.SIGKILL
    for _ in range(4):
        with spawn(tmp_path, "finish") as process:
            assert process.wait(60) == -signal.SIGKILL
    with spawn(tmp_path, "finish") as process:
        assert process.wait(60) == 0
    rows = query(tmp_path / "jobs.db", "select state, attempts, error from job")
    assert rows == [("dead", 5, "The process ended during each attempt.")]
