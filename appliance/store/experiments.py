"""The owner's experiments, kept in memory because every shelf asks for those that run."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import get_args

import msgspec

from appliance.domain import Experiment, ExperimentMetric, Placement, StrategyChoice
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.store.normalise import encodable
from appliance.store.sqlite import SqliteStore
from appliance.text import clean_line

MAX_NAME = 200
MIN_SHARE, MAX_SHARE = 0.05, 0.95
"""A smaller arm would learn nothing in the life of an experiment."""

_ALL = """
select id, name, placement, arm_a, arm_b, share, metric, started_at, ended_at from experiments order by started_at, id
"""
_START = """
insert into experiments (id, name, placement, arm_a, arm_b, share, metric, started_at)
values (:id, :name, :placement, :arm_a, :arm_b, :share, :metric, :started_at)
"""
_STOP = "update experiments set ended_at = ? where id = ? and state = 'running'"


class ExperimentRepository:
    """All experiments, the oldest first. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        with store.reading() as db:
            self._experiments = {row[0]: _experiment(*row) for row in db.execute(_ALL)}
        self._running = self._by_placement()

    def running(self, placement: Placement) -> Experiment | None:
        """Return the experiment that divides the visitors of a placement now."""
        return self._running.get(placement) or self._running.get(None) if self._running else None

    def list(self) -> list[Experiment]:
        """Return all experiments, those that have ended included."""
        return list(self._experiments.values())

    def get(self, experiment_id: str) -> Experiment:
        """Return an experiment. Raises ``NotFound``."""
        found = self._experiments.get(experiment_id)
        if found is None:
            raise NotFound("There is no such experiment.", hint="`appliance experiment list` shows all of them.")
        return found

    def start(self, experiment: Experiment) -> Experiment:
        """Start an experiment and return it with its id and time.

        Raises ``InvalidInput`` for one that makes no sense, ``Conflict`` for equal arms and while another divides the
        same visitors.
        """
        checked = _checked(experiment)
        if checked.arm_a == checked.arm_b:
            raise Conflict("Both arms are the same strategy.", hint="Choose another one for arm_b.")
        with self._lock:
            other = self._overlapping(checked.placement)
            if other is not None:
                raise Conflict(
                    f"The experiment {other.name!r} is running there already.",
                    hint=f"Stop it first (appliance experiment stop {other.id}), or choose another placement.",
                )
            started = msgspec.structs.replace(
                checked, id=f"exp_{secrets.token_hex(6)}", started_at=self._now(), ended_at=None
            )
            with self._store.write() as db:
                db.execute(_START, msgspec.structs.asdict(started))
            self._keep(started)
        return started

    def stop(self, experiment_id: str) -> Experiment:
        """End an experiment for good and return it. Raises ``NotFound``, or ``Conflict`` when it has ended."""
        with self._lock:
            found = self.get(experiment_id)
            if not found.running:
                raise Conflict("This experiment has ended already.")
            ended = msgspec.structs.replace(found, ended_at=self._now())
            with self._store.write() as db:
                db.execute(_STOP, [ended.ended_at, ended.id])
            self._keep(ended)
        return ended

    def _keep(self, experiment: Experiment) -> None:
        self._experiments = {**self._experiments, experiment.id: experiment}
        self._running = self._by_placement()

    def _by_placement(self) -> dict[Placement | None, Experiment]:
        return {found.placement: found for found in self._experiments.values() if found.running}

    def _overlapping(self, placement: Placement | None) -> Experiment | None:
        for running in self._running.values():
            if placement is None or running.placement in (None, placement):
                return running
        return None


def _checked(experiment: Experiment) -> Experiment:
    """Return the experiment with its name cleaned, or refuse it by every field that is wrong."""
    name = clean_line(encodable(experiment.name))
    strategies = get_args(StrategyChoice)
    placements = (None, *get_args(Placement))
    faults = (
        ("name", f"must have 1 to {MAX_NAME} characters", not 0 < len(name) <= MAX_NAME),
        ("placement", "is unknown", experiment.placement not in placements),
        ("arm_a", f"use one of {', '.join(strategies)}", experiment.arm_a not in strategies),
        ("arm_b", f"use one of {', '.join(strategies)}", experiment.arm_b not in strategies),
        ("share", f"must be {MIN_SHARE:g} to {MAX_SHARE:g}", not MIN_SHARE <= experiment.share <= MAX_SHARE),
        ("metric", "use click or conversion", experiment.metric not in get_args(ExperimentMetric)),
    )
    wrong = tuple((field, reason) for field, reason, failed in faults if failed)
    if wrong:
        raise InvalidInput(f"the experiment's {wrong[0][0]} {wrong[0][1]}", fields=wrong)
    return msgspec.structs.replace(experiment, name=name)


def _experiment(*row: object) -> Experiment:
    return msgspec.convert(dict(zip(Experiment.__struct_fields__, row, strict=True)), Experiment)
