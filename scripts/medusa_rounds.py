"""Rounds of killing: what ``medusa_kill.py`` and ``medusa_kill_push.py`` share."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import psutil
from medusa_box import Box, Row

ORPHAN_SECONDS = 30.0
MOST_KILLS = 3
"""In one round; a job may be tried five times."""


@dataclass
class Round:
    """One round."""

    work: str
    number: int
    killed_at: list[str] = field(default_factory=list)
    """How far the job was at each kill."""
    attempts: int = 0
    """Of the job that was killed last, at its end."""
    seconds: float = 0.0
    """From the last start to the end of the work."""
    requests: int = 0
    """Sent after the last start."""
    problems: list[str] = field(default_factory=list)


class Killer:
    """Kills at random moments."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw

    def during(self, box: Box, job_id: str, seconds: float, done: Round) -> str:
        """Kill within ``seconds`` of a job's beginning, and return its id; ``''`` when it had ended before."""
        while (job := box.job(job_id))["state"] == "queued":
            time.sleep(0.02)
        time.sleep(self.draw.uniform(0.0, seconds))
        job = box.job(job["id"])
        done.killed_at.append(f"{round(100 * job['progress'])} % {job['message']}".strip())
        children = descendants(box)
        box.kill(children=self.draw.random() < 0.5)
        done.problems += orphans(children)
        return str(job["id"]) if job["state"] == "running" else ""


def jobs(box: Box) -> list[Row]:
    """Return all jobs, the newest first."""
    items: list[Row] = box.ask("GET", "/v1/admin/jobs")["items"]
    return items


def settle(box: Box) -> None:
    """Wait until every event is in the log."""
    end = time.monotonic() + 60
    while box.ask("GET", "/v1/admin/overview")["ingest"]["lag"]:
        if time.monotonic() > end:
            raise SystemExit("The journal does not empty.")
        time.sleep(0.05)


def differences(expected: Mapping[str, int], found: Mapping[str, int], what: str) -> list[str]:
    """Return what was counted otherwise."""
    wrong = [key for key in {*expected, *found} if expected.get(key, 0) != found.get(key, 0)]
    return (
        [f"{what}: {sum(found.values())} instead of {sum(expected.values())}, other products {len(wrong)}"]
        if wrong
        else []
    )


def descendants(box: Box) -> list[psutil.Process]:
    """Return what the process started."""
    assert box.process is not None
    return psutil.Process(box.process.pid).children(recursive=True)


def orphans(children: Iterable[psutil.Process]) -> list[str]:
    """Return children that live on long after the process was killed, having ended them."""
    _, alive = psutil.wait_procs(list(children), timeout=ORPHAN_SECONDS)
    for child in alive:
        child.kill()
    return [f"a child lived on for {ORPHAN_SECONDS:.0f} s" for _ in alive]
