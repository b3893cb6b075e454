"""The jobs that keep the shop in step: which there are, when they start, and how a pass that cannot go on ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from job_waits import ended, in_state

from appliance.issues import IssueBoard
from appliance.jobs.queue import JobQueue
from appliance.jobs.synchronising import COPY, FOLLOW, PUSH, SYNC, WRITE_BACK, Synchroniser
from appliance.medusa.faults import MedusaUnreachable
from appliance.medusa.service import MedusaService
from appliance.messages import LOCALES, catalogue
from appliance.metrics import Metrics
from appliance.settings import Medusa, Settings

AWAY = {"state": "offline", "reason": "refused", "detail": "x"}


class Passes:
    """Stands for the connection: notes the passes, and holds those of ``sync`` until they are let go or stopped."""

    def __init__(self) -> None:
        self.modes: list[str] = []
        self.inside, self.go = threading.Event(), threading.Event()
        self.go.set()

    def is_copied(self) -> bool:
        return True

    def pull(
        self, mode: str, progress: Callable[[float, str], None], stopping: Callable[[], bool]
    ) -> Mapping[str, Any]:
        self.modes.append(mode)
        if mode == "events":
            return AWAY
        progress(0.5, "products")
        self.inside.set()
        while not self.go.wait(0.01):
            if stopping():
                raise MedusaUnreachable("stopped", reason="stopping")
        return {"mode": mode}


@pytest.fixture
def passes() -> Passes:
    return Passes()


@pytest.fixture
def queue(tmp_path: Path, passes: Passes) -> Iterator[JobQueue]:
    kinds = Synchroniser(cast("MedusaService", passes), Settings()).kinds()
    opened = JobQueue(tmp_path / "jobs.db", kinds, Metrics(), IssueBoard())
    opened.start()
    yield opened
    passes.go.set()
    opened.stop()


def test_a_pass_is_a_job_with_its_report(queue: JobQueue) -> None:
    job = ended(queue, queue.submit(SYNC, {"mode": "full"}).id)
    assert (job.state, job.result) == ("done", {"mode": "full"})


def test_medusa_being_away_is_no_failure(queue: JobQueue) -> None:
    job = ended(queue, queue.submit(FOLLOW).id)
    assert (job.state, job.result) == ("done", AWAY)


def test_an_unknown_mode_fails(queue: JobQueue) -> None:
    job = in_state(queue, queue.submit(SYNC, {"mode": "backwards"}).id, "failed", "queued", "dead")
    assert "backwards" in job.error


def test_events_are_followed_beside_a_long_pass_and_modes_do_not_swallow_each_other(
    queue: JobQueue, passes: Passes
) -> None:
    passes.go.clear()
    running = queue.submit(SYNC, {"mode": "full"})
    assert passes.inside.wait(10)
    waiting = [queue.submit(SYNC, {"mode": mode}) for mode in ("changes", "stock", "changes")]
    assert waiting[0].id == waiting[2].id != waiting[1].id
    assert ended(queue, queue.submit(FOLLOW).id).state == "done"
    assert passes.modes == ["full", "events"]
    passes.go.set()
    for job in (running, *waiting):
        assert ended(queue, job.id).state == "done"
    assert sorted(passes.modes) == ["changes", "events", "full", "stock"]


def test_a_cancelled_pass_ends_soon(queue: JobQueue, passes: Passes) -> None:
    passes.go.clear()
    job = queue.submit(SYNC, {"mode": "full"})
    assert passes.inside.wait(10)
    queue.cancel(job.id)
    assert ended(queue, job.id).state == "cancelled"


def test_what_starts_by_itself_goes_by_the_settings() -> None:
    nothing = cast("MedusaService", None)
    entries = {one.name: one for one in Synchroniser(nothing, Settings()).entries()}
    assert {name: (one.kind, one.args.get("mode")) for name, one in entries.items()} == {
        "medusa_changes": (SYNC, "changes"),
        "medusa_stock": (SYNC, "stock"),
        "medusa_sweep": (SYNC, "sweep"),
        "medusa_full": (COPY, None),
    }
    assert (entries["medusa_changes"].period, entries["medusa_stock"].period) == (60.0, 300.0)
    assert entries["medusa_full"].cron == "30 3 * * *"
    off = Medusa(sync_seconds=0, stock_minutes=0, sweep_minutes=0, reconcile_at="")
    assert Synchroniser(nothing, Settings(medusa=off)).entries() == ()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_kind_has_words(locale: Any) -> None:
    assert {f"job_kind.{kind}" for kind in (SYNC, COPY, FOLLOW, PUSH, WRITE_BACK)} <= catalogue(locale).keys()


def test_waiting_events_are_taken_up_once_there_is_a_copy(queue: JobQueue) -> None:
    medusa = SimpleNamespace(
        client=SimpleNamespace(state=SimpleNamespace(state="online"), on_change=lambda _: None),
        edits=SimpleNamespace(),
        owes_pass=False,
        push_is_due=lambda: False,
        events_wait=lambda: True,
        is_copied=lambda: False,
    )
    keeper = Synchroniser(cast("MedusaService", medusa), Settings())
    keeper.start(queue)
    keeper.look_after()
    assert queue.list(kind=FOLLOW) == []
    medusa.is_copied = lambda: True
    keeper.look_after()
    assert [job.kind for job in queue.list(kind=FOLLOW)] == [FOLLOW]


def test_a_missed_pass_is_made_up_for_behind_a_quick_look_but_once(queue: JobQueue, passes: Passes) -> None:
    medusa = SimpleNamespace(
        client=SimpleNamespace(state=SimpleNamespace(state="online"), on_change=lambda _: None),
        edits=SimpleNamespace(),
        owes_pass=True,
        push_is_due=lambda: False,
        events_wait=lambda: False,
        is_copied=lambda: True,
    )
    keeper = Synchroniser(cast("MedusaService", medusa), Settings())
    passes.go.clear()
    keeper.start(queue)
    assert passes.inside.wait(10)
    keeper.look_after()
    keeper.look_after()
    assert [job.args["mode"] for job in reversed(queue.active(SYNC))] == ["now", "changes"]
    passes.go.set()
