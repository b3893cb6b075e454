"""The training job, from the queue to the published index."""

from __future__ import annotations

import time
from pathlib import Path

from appliance.domain import Product
from appliance.issues import IssueBoard
from appliance.jobs.queue import JobQueue
from appliance.jobs.tasks import model_kinds
from appliance.metrics import Metrics
from appliance.ops.training import Trainer
from appliance.settings import Settings
from appliance.store.artifacts import ArtifactStore
from appliance.store.catalogue import Catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore


def test_a_training_job_publishes_and_keeps_its_report(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    catalogue, artifacts = Catalogue(store), ArtifactStore(tmp_path / "models")
    catalogue.upsert([Product(id="p1", handle="balo-da", title="Balo da")])
    trainer = Trainer(tmp_path, catalogue, None, artifacts, Settings())
    jobs = JobQueue(tmp_path / "jobs.db", model_kinds(trainer), Metrics(), IssueBoard())
    jobs.start()
    job = jobs.submit("train", {"search_only": True})
    deadline = time.monotonic() + 60
    while job.state in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.02)
        job = jobs.get(job.id) or job
    jobs.stop()
    store.close()
    current = artifacts.current("search")
    assert current is not None
    assert job.state == "done", job.error
    assert job.result is not None
    assert job.result["published"] == {"search": current.version}
