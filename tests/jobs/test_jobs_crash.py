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

LAST = 1_000_000
"""Number of the process that is not killed."""
PROCESS = """
import appliance.__main__
import os, random, signal, sqlite3, sys, threading, time
from pathlib import Path
from appliance.issues import IssueBoard
from appliance.jobs.queue import JobKind, JobQueue
from appliance.metrics import Metrics

folder, mode, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
dice = random.Random(number)
lane = threading.Lock()

def write(sql, values):
    with sqlite3.connect(folder / "effects.db", timeout=30) as db:
        db.execute(sql, values)
    db.close()

def effect(context):
    time.sleep(dice.uniform(0.005, 0.06))
    write("insert or ignore into effect values (?)", [context.id])
    time.sleep(dice.uniform(0.0, 0.03))
    return {"attempt": context.attempt}

def heavy(context):
    # A second heavy job beside the first would fail five times and be dead in the end.
    if not lane.acquire(blocking=False):
        raise OSError("two heavy jobs at once")
    try:
        return effect(context)
    finally:
        lane.release()

def long(context):
    write("insert into run values (?, ?)", [context.id, number])
    if context.cancelled.wait(0.3 if mode == "submit" else 0.0):
        time.sleep(dice.uniform(0.0, 0.2))
        raise OSError("told to end")
    return {}

def poison(context):
    os.kill(os.getpid(), signal.SIGKILL)

kinds = [JobKind(name=f"work{n}", handler=effect, priority=10 * n) for n in range(6)]
kinds += [JobKind(name=name, handler=heavy, heavy=True, retry_seconds=0.01) for name in ("train", "evaluate")]
kinds += [JobKind(name="long", handler=long, priority=90), JobKind(name="poison", handler=poison)]
queue = JobQueue(folder / "jobs.db", kinds, Metrics(), IssueBoard(), workers=4, sweep_seconds=0.1)
queue.start()
print("ready", flush=True)
if mode == "submit":
    while True:
        for kind in kinds[:8]:
            print("submitted", queue.submit(kind.name).id, flush=True)
        job = queue.submit("long")
        time.sleep(dice.uniform(0.0, 0.1))
        try:
            print(queue.cancel(job.id).state, job.id, flush=True)
        except Exception:
            pass
if mode == "poison":
    queue.submit("poison")
while any(job.state in ("queued", "running") for job in queue.list(10_000)):
    time.sleep(0.02)
queue.stop()
"""


def spawn(folder: Path, mode: str, number: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROCESS, str(folder), mode, str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_killed_processes_lose_no_job_and_double_no_effect(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "effects.db")
    connection.executescript("create table effect (job text primary key); create table run (job text, process integer)")
    connection.close()
    dice = random.Random(4)
    submitted: set[str] = set()
    cancelled: set[str] = set()
    asked: dict[str, int] = {}
    for number in range(int(os.environ.get("CRASH_ROUNDS", "6"))):
        with spawn(tmp_path, "submit", number) as process:
            assert process.stdout is not None
            assert any(line == "ready\n" for line in process.stdout)
            killer = threading.Timer(dice.uniform(0.2, 0.9), process.kill)
            killer.start()
            # The last line may be cut in the middle by the kill.
            lines = [line.split() for line in process.stdout.read().splitlines()]
            killer.join()
        told = [(word, job) for word, job in (line for line in lines if len(line) == 2) if len(job) == 36]
        submitted |= {job for word, job in told if word == "submitted"}
        cancelled |= {job for word, job in told if word == "cancelled"}
        asked |= {job: number for word, job in told if word == "running"}
    with spawn(tmp_path, "finish", LAST) as process:
        assert process.wait(60) == 0
    # Rows of jobs that ended long ago are pruned; their effects stay.
    effects = {str(row[0]) for row in query(tmp_path / "effects.db", "select job from effect")}
    rows = {str(row[0]): str(row[1]) for row in query(tmp_path / "jobs.db", "select id, state from job")}
    print(f"{len(submitted)} jobs, {len(cancelled)} cancelled while they waited, {len(asked)} while they ran")
    assert submitted
    assert submitted <= effects
    assert {job for job in rows if job in submitted and rows[job] != "done"} == set()
    assert query(tmp_path / "jobs.db", "select count(*) from job where state not in ('done', 'cancelled')") == [(0,)]
    _assert_none_came_back(query(tmp_path / "effects.db", "select job, process from run"), rows, cancelled, asked)


def _assert_none_came_back(
    runs: list[tuple[object, ...]], rows: dict[str, str], cancelled: set[str], asked: dict[str, int]
) -> None:
    """What was cancelled while it waited never ran, and what ran then did not run in a later process."""
    assert asked
    started = {str(job) for job, _ in runs}
    assert cancelled & started == set()
    assert [job for job, process in runs if int(str(process)) > asked.get(str(job), LAST)] == []
    assert {rows[job] for job in cancelled if job in rows} <= {"cancelled"}
    # One may have returned before it heard of it.
    assert {rows[job] for job in asked if job in rows} <= {"cancelled", "done"}
    assert "cancelled" in {rows[job] for job in asked if job in rows}


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
