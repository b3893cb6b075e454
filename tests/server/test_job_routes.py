"""The owner's routes about background jobs, and the stream of their changes over real sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_shop import Shop, products

from appliance.ops.training import TrainReport
from appliance.runtime import Runtime
from appliance.server.routes.admin import job_events
from appliance.server.serve import make_server
from appliance.settings import load_settings

pytestmark = [pytest.mark.server]


class Slow:
    """A training behind a gate; it tells its progress when told to, and ends when it is cancelled."""

    def __init__(self) -> None:
        self.inside = threading.Event()
        self.go = threading.Event()
        self.tell: Callable[[float, str], None] = lambda fraction, text: None

    def __call__(self, *, progress: Any, cancelled: Callable[[], bool], **_: Any) -> TrainReport:
        self.tell = progress
        self.inside.set()
        while not self.go.wait(0.01):
            if cancelled():
                raise RuntimeError("told to end")
        return TrainReport(published={}, info={}, products=0, interactions=0, seconds=0.0)


@pytest.fixture
def slow(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    gate = Slow()
    monkeypatch.setattr(shop.runtime.trainer, "run", gate)
    yield gate
    gate.go.set()


def settled(shop: Shop, job_id: str, *states: str) -> dict[str, Any]:
    """Wait until a job is in one of the states and return it."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        job: dict[str, Any] = shop.owner.get(f"/v1/admin/jobs/{job_id}").json()
        if job["state"] in states:
            return job
        time.sleep(0.01)
    raise AssertionError(f"the job stays as it is: {job}")


def test_a_running_job_is_cancelled_and_tried_again(shop: Shop, slow: Slow) -> None:
    job = shop.owner.post("/v1/admin/jobs", {"kind": "train", "args": {"search_only": True}}).json()
    assert (job["priority"], job["heavy"], job["args"]) == (20, True, {"search_only": True})
    assert slow.inside.wait(20)
    refused = shop.owner.post(f"/v1/admin/jobs/{job['id']}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    asked = shop.owner.post(f"/v1/admin/jobs/{job['id']}/cancel")
    assert asked.status_code == 200
    assert asked.json()["cancelling"] is True
    assert settled(shop, job["id"], "cancelled")["cancelling"] is False
    assert [entry["id"] for entry in shop.owner.get("/v1/admin/jobs?state=cancelled").json()["items"]] == [job["id"]]
    slow.go.set()
    again = shop.owner.post(f"/v1/admin/jobs/{job['id']}/retry")
    assert again.status_code == 202
    assert again.json()["id"] == job["id"]
    assert settled(shop, job["id"], "done")["args"] == {"search_only": True}
    assert shop.owner.post(f"/v1/admin/jobs/{job['id']}/cancel").status_code == 409


def test_jobs_are_listed_by_kind_and_state(shop: Shop, slow: Slow) -> None:
    running = shop.owner.post("/v1/admin/jobs", {"kind": "train"}).json()["id"]
    assert slow.inside.wait(20)
    # Heavy like the training, so it waits.
    waiting = shop.owner.post("/v1/admin/jobs", {"kind": "evaluate", "priority": 90}).json()
    assert waiting["priority"] == 90

    def listed(query: str) -> list[str]:
        return [job["id"] for job in shop.owner.get(f"/v1/admin/jobs?{query}").json()["items"]]

    assert listed("kind=train") == listed("state=running") == [running]
    assert listed("state=queued&kind=evaluate") == [waiting["id"]]
    assert listed("state=queued&kind=train") == []
    assert shop.owner.get("/v1/admin/jobs?state=lost").status_code == 400
    cancelled = shop.owner.post(f"/v1/admin/jobs/{waiting['id']}/cancel").json()
    assert (cancelled["state"], cancelled["cancelling"]) == ("cancelled", False)


def test_a_job_that_nobody_knows_is_not_found(shop: Shop) -> None:
    for path in ("cancel", "retry"):
        assert shop.owner.post(f"/v1/admin/jobs/none/{path}").status_code == 404
    for priority in (-1, 101, "high"):
        assert shop.owner.post("/v1/admin/jobs", {"kind": "train", "priority": priority}).status_code == 400


def test_the_schedule_is_shown_in_the_shops_time(shop: Shop) -> None:
    schedule = shop.owner.get("/v1/admin/jobs/schedule").json()
    assert schedule["time_zone"] == "Asia/Ho_Chi_Minh"
    (training,) = schedule["items"]
    assert (training["name"], training["kind"], training["cron"], training["enabled"]) == (
        "train",
        "train",
        "0 3 * * *",
        True,
    )
    assert training["last_run_at"] is None
    # Three in the morning there.
    assert training["next_due_at"].partition("T")[2].startswith("20:00:00")


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Runtime, Slow, Callable[[], None]]]:
    flags: dict[str, object] = {"server.rate_limit": "off", "server.port": 0}
    runtime = Runtime.open(tmp_path, load_settings(tmp_path, environ={}, flags=flags))
    runtime.catalogue.upsert(products())
    gate = Slow()
    monkeypatch.setattr(runtime.trainer, "run", gate)
    ready, found = threading.Event(), []

    def listening(host: str, port: int) -> None:
        found.append(f"http://{host}:{port}")
        ready.set()

    server = make_server(runtime, on_ready=listening)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(30)

    def stop() -> None:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()

    yield found[0], runtime, gate, stop
    gate.go.set()
    stop()


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Yield the jobs of a stream."""
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def watch(url: str, runtime: Runtime) -> Any:
    headers = {"Authorization": f"Bearer {runtime.local_token}"}
    return httpx.stream("GET", f"{url}/v1/admin/jobs/events", headers=headers, timeout=20, trust_env=False)


def test_changes_are_streamed_as_they_happen(served: tuple[str, Runtime, Slow, Callable[[], None]]) -> None:
    url, runtime, gate, _ = served
    assert runtime.jobs is not None
    earlier = runtime.jobs.submit("train").id
    assert gate.inside.wait(20)
    with watch(url, runtime) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        seen = events(answer.iter_lines())
        first = next(seen)
        assert (first["id"], first["state"]) == (earlier, "running")
        gate.tell(0.5, "reading")
        half = next(seen)
        assert (half["state"], half["progress"], half["message"]) == ("running", 0.5, "reading")
        gate.go.set()
        assert next(seen)["state"] == "done"
        later = runtime.jobs.submit("train").id
        last = next(job for job in seen if job["state"] == "done")
        assert last["id"] == later


def test_a_quiet_stream_is_kept_alive_and_ends_with_the_process(
    served: tuple[str, Runtime, Slow, Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_events, "_HEARTBEAT_SECONDS", 0.05)
    url, runtime, _, stop = served
    with watch(url, runtime) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line == ": still here")
        began = time.monotonic()
        stopping = threading.Thread(target=stop)
        stopping.start()
        assert set(lines) <= {"", ": still here"}
        stopping.join(20)
    # Well below the five seconds that requests under way are given.
    assert time.monotonic() - began < 4
    assert runtime.jobs is not None
    assert runtime.jobs.feed.listeners == 0


def test_a_client_that_leaves_is_told_no_more(
    served: tuple[str, Runtime, Slow, Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_events, "_HEARTBEAT_SECONDS", 0.05)
    url, runtime, _, _ = served
    assert runtime.jobs is not None
    with watch(url, runtime) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line == ": still here")
        assert runtime.jobs.feed.listeners == 1
    end = time.monotonic() + 10
    while runtime.jobs.feed.listeners:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_too_many_watchers_are_sent_away(
    served: tuple[str, Runtime, Slow, Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_events, "_MOST_STREAMS", 0)
    url, runtime, _, _ = served
    with watch(url, runtime) as answer:
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "10"


def test_head_of_the_stream_ends(served: tuple[str, Runtime, Slow, Callable[[], None]]) -> None:
    url, runtime, _, _ = served
    headers = {"Authorization": f"Bearer {runtime.local_token}"}
    answer = httpx.head(f"{url}/v1/admin/jobs/events", headers=headers, timeout=10, trust_env=False)
    assert answer.status_code == 200
