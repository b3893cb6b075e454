"""The owner's experiments: kept, started once a placement, ended for good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from appliance.domain import Experiment
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.store.experiments import ExperimentRepository
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

HOME = Experiment(id="", name="Trang chủ", placement="home", arm_a="blend", arm_b="popular")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


def test_an_experiment_is_kept_from_start_to_end(store: SqliteStore) -> None:
    times = iter((10.0, 20.0))
    experiments = ExperimentRepository(store, now=lambda: next(times))
    started = experiments.start(replace(HOME, name=" Trang\tchủ ", share=0.2, metric="conversion"))
    assert replace(started, id="") == replace(HOME, share=0.2, metric="conversion", started_at=10.0)
    for repository in (experiments, ExperimentRepository(store)):
        assert repository.running("home") == repository.get(started.id) == started
        assert repository.running("cart") is None
    ended = experiments.stop(started.id)
    assert (ended.ended_at, ended.running) == (20.0, False)
    for repository in (experiments, ExperimentRepository(store)):
        assert repository.running("home") is None
        assert repository.list() == [ended]
    states = store.read().execute("select state from experiments").fetchall()
    assert states == [("ended",)]
    with pytest.raises(Conflict):
        experiments.stop(started.id)
    with pytest.raises(NotFound):
        experiments.stop("exp_none")


def test_a_placement_has_one_experiment_at_a_time(store: SqliteStore) -> None:
    experiments = ExperimentRepository(store)
    home = experiments.start(HOME)
    cart = experiments.start(replace(HOME, placement="cart"))
    for placement in ("home", None):
        with pytest.raises(Conflict):
            experiments.start(replace(HOME, placement=placement))
    experiments.stop(home.id)
    experiments.stop(cart.id)
    everywhere = experiments.start(replace(HOME, placement=None))
    assert experiments.running("search") == experiments.running("home") == everywhere
    with pytest.raises(Conflict):
        experiments.start(replace(HOME, placement="search"))


def test_an_experiment_needs_two_strategies(store: SqliteStore) -> None:
    with pytest.raises(Conflict):
        ExperimentRepository(store).start(replace(HOME, arm_b="blend"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 201),
        ("placement", "cellar"),
        ("arm_a", "magic"),
        ("arm_b", "magic"),
        ("share", 0.0),
        ("share", 1.0),
        ("share", float("nan")),
        ("metric", "luck"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(store: SqliteStore, field: str, value: Any) -> None:
    experiments = ExperimentRepository(store)
    with pytest.raises(InvalidInput) as caught:
        experiments.start(replace(HOME, **{field: value}))
    assert caught.value.fields[0][0] == field
    assert experiments.list() == []
