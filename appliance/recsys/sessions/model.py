"""The trained session model: what is written into an artifact and mapped from it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from appliance.errors import ArtifactInvalid
from appliance.recsys.base import Floats, Ints, mapped
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.sequences import Sequences
from appliance.recsys.sessions import archive as archives
from appliance.recsys.sessions import tables
from appliance.recsys.sessions.archive import Archive
from appliance.recsys.sessions.choice import Choice

_CHOICE_FILE = "sessions_choice.json"


class SessionModel(NamedTuple):
    """Everything that a ``SessionIndex`` answers from."""

    choice: Choice
    archive: Archive
    rules: NeighbourTable
    companions: NeighbourTable
    walk: NeighbourTable
    demand: Floats
    """float32[size], shares of the latest clicks."""
    popular: Ints
    """int32[at most 100], the rows most in demand, the first first."""

    @property
    def size(self) -> int:
        """The number of item rows."""
        return self.archive.size

    def save(self, folder: Path) -> None:
        """Write the model as ``sessions_*.npy`` and ``sessions_choice.json``."""
        self.archive.save(folder)
        self.rules.save(folder, "sessions_rules")
        self.companions.save(folder, "sessions_companions")
        self.walk.save(folder, "sessions_walk")
        np.save(folder / "sessions_demand.npy", self.demand, allow_pickle=False)
        (folder / _CHOICE_FILE).write_bytes(msgspec.json.encode(self.choice))

    @classmethod
    def load(cls, folder: Path) -> SessionModel:
        """Map the model of a verified artifact. Raises ``ArtifactInvalid`` for one of another version."""
        try:
            choice = msgspec.json.decode((folder / _CHOICE_FILE).read_bytes(), type=Choice)
        except msgspec.DecodeError as error:
            raise ArtifactInvalid(
                f"The session model in {folder} is of another version: {error}.", hint="Train again."
            ) from error
        demand = mapped(folder / "sessions_demand.npy")
        return cls(
            choice,
            Archive.load(folder),
            NeighbourTable.load(folder, "sessions_rules"),
            NeighbourTable.load(folder, "sessions_companions"),
            NeighbourTable.load(folder, "sessions_walk"),
            demand,
            _leaders(demand),
        )


def build(sequences: Sequences, size: int, choice: Choice) -> SessionModel:
    """Return the model of sessions over ``size`` item rows, with parameters and weights that were chosen before."""
    archive = archives.build(sequences, size)
    kept = Sequences(archive.starts, archive.items, np.arange(len(archive.items), dtype=np.float64))
    weights = archive.freshness(choice.parameters.recency)
    rules = tables.sequential_rules(kept, size, weights)
    near = tables.companions(kept, size, weights)
    demand = tables.demand(archive.items, archive.starts, size)
    return SessionModel(choice, archive, rules, near, tables.two_steps(rules, near), demand, _leaders(demand))


def _leaders(demand: Floats) -> Ints:
    order = np.argsort(-demand, kind="stable")[: tables.POPULAR]
    leaders: Ints = order[demand[order] > 0].astype(np.int32)
    return leaders
