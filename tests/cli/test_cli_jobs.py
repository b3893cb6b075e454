"""``appliance jobs`` beside a running process and beside none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from appliance.cli import failures
from appliance.cli.root import root
from appliance.cli.session import Session
from appliance.domain import Product
from appliance.jobs.tasks import model_kinds
from appliance.messages import LOCALES, catalogue
from appliance.ops.process import ProcessLock, RunningProcess, write_process_file
from appliance.ops.training import TrainReport
from appliance.runtime import Runtime
from appliance.server.serve import make_server
from appliance.settings import load_settings
from appliance.store.jobs import JobState


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def runs(*arguments: str, code: int = 0, locale: str = "en") -> tuple[str, str]:
        monkeypatch.setenv("APPLIANCE_SHOP_LOCALE", locale)
        session = Session(as_json="--json" in arguments)
        given = ["--data", str(tmp_path), "jobs", *arguments]
        found = failures.guarded(root, given, session)
        told = capsys.readouterr()
        assert found == code, told.err
        return told.out, told.err

    return runs


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    return Trainings(monkeypatch)


class Trainings:
    """Trainings that end at once, or wait until they are let go or told to end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside, self.go = threading.Event(), threading.Event()
        self.go.set()
        self.broken = False
        monkeypatch.setattr("appliance.ops.training.Trainer.run", lambda _, **given: self._run(**given))

    def _run(self, *, progress: Any, cancelled: Any, search_only: bool) -> TrainReport:
        progress(0.5, "reading")
        self.inside.set()
        while not self.go.wait(0.01):
            if cancelled():
                raise RuntimeError("told to end")
        if self.broken:
            raise OSError("no room")
        return TrainReport(published={}, info={}, products=int(search_only), interactions=0, seconds=0.0)


@pytest.fixture
def process(tmp_path: Path, trainings: Trainings) -> Iterator[Runtime]:
    """A process that serves the data directory."""
    flags: dict[str, object] = {"server.rate_limit": "off", "server.port": 0, "recommender.retrain_hours": 0}
    with ProcessLock(tmp_path):
        runtime = Runtime.open(tmp_path, load_settings(tmp_path, environ={}, flags=flags))
        runtime.catalogue.upsert([Product(id="p1", handle="balo", title="Balo")])
        ready = threading.Event()

        def listening(host: str, port: int) -> None:
            write_process_file(tmp_path, RunningProcess(1, f"http://{host}:{port}", runtime.local_token))
            ready.set()

        server = make_server(runtime, on_ready=listening)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        assert ready.wait(30)
        yield runtime
        trainings.go.set()
        server.should_exit = True
        thread.join(20)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_kind_and_state_has_words(locale: Any) -> None:
    known = catalogue(locale)
    assert {f"job_state.{state}" for state in get_args(JobState)} <= known.keys()
    kinds = model_kinds(None)  # type: ignore[arg-type]
    assert {f"job_kind.{kind.name}" for kind in kinds} <= known.keys()
    assert known["job.headings"].count("|") + 5 == known["job.show_headings"].count("|")


def test_a_job_is_done_here_beside_no_process(run: Any, trainings: Trainings) -> None:
    assert "no such job yet" in run("list")[1]
    told = run("run", "train", "--arg", "search_only=true", "--json")[0]
    (job,) = json.loads(told)["items"]
    assert (job["state"], job["result"]["products"]) == ("done", 1)
    listed = run("list", locale="vi")[0]
    assert "huấn luyện" in listed
    assert "xong" in listed
    shown = run("show", job["id"])[0]
    assert 'arguments: {"search_only": true}' in shown
    assert "priority: 20" in shown
    assert "There is no job 'magic'" in run("run", "magic", code=2)[1]
    run("run", "train", "--arg", "search_only", code=2)
    run("run", "train", "--arg", "depth=3", code=2)
    run("show", "nothing", code=2)


def test_a_failed_job_ends_with_one_and_is_tried_again_later(run: Any, trainings: Trainings) -> None:
    trainings.broken = True
    out = run("run", "train", "--json", code=1)[0]
    (job,) = json.loads(out)["items"]
    # Its next attempt is for the process that serves.
    assert (job["state"], "no room" in job["error"]) == ("queued", True)
    assert run("cancel", job["id"])[1].strip() == f"Job {job['id']} is cancelled."
    assert "appliance serve" in run("retry", job["id"])[1]
    assert "waits" in run("watch")[0]
    assert "waits" in run("list", "--state", "queued", "--kind", "train")[0]


def test_the_schedule_is_listed_in_the_shops_time(run: Any) -> None:
    listed = run("schedule")[0]
    assert "Asia/Ho_Chi_Minh" in listed
    assert "0 3 * * *" in listed
    assert "03:00" in listed


@pytest.mark.server
def test_jobs_of_the_running_process_are_followed(run: Any, process: Runtime, trainings: Trainings) -> None:
    assert json.loads(run("run", "train", "--json")[0])["items"][0]["state"] == "done"
    assert "No job waits" in run("watch")[1]
    trainings.go.clear()
    trainings.inside.clear()
    (job,) = json.loads(run("run", "train", "--detach", "--json")[0])["items"]
    assert trainings.inside.wait(20)
    assert "runs" in run("list")[0]
    threading.Timer(0.2, trainings.go.set).start()
    watched = json.loads(run("watch", job["id"], "--json")[0])["items"]
    assert [(entry["id"], entry["state"]) for entry in watched] == [(job["id"], "done")]
    assert "has ended already" in run("cancel", job["id"], code=1)[1]


@pytest.mark.server
def test_a_running_job_is_cancelled(run: Any, process: Runtime, trainings: Trainings) -> None:
    trainings.go.clear()
    (job,) = json.loads(run("run", "train", "--detach", "--json")[0])["items"]
    assert trainings.inside.wait(20)
    assert "was asked to end" in run("cancel", job["id"])[1]
    out, told = run("watch", job["id"], code=1, locale="vi")
    assert "đã hủy" in out
    assert f"appliance jobs retry {job['id']}" in told
