"""Everything that is learned from interactions: who met whom, what follows what, what is bought together, what sells.

Fitted twice in a training: from the older events, so that the newer can judge them, and from all. Training only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from appliance.domain import InteractionType
from appliance.recsys import bought_together, histories, item_to_item
from appliance.recsys.base import Ints, Longs, sums_at
from appliance.recsys.histories import Events
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.next_item.specs import Specs
from appliance.recsys.next_item.tables import Workshop
from appliance.recsys.sequences import Sequences, from_entries
from appliance.recsys.sessions import model as session_models
from appliance.recsys.sessions import selection
from appliance.recsys.sessions.choice import Choice
from appliance.recsys.sessions.model import SessionModel
from appliance.recsys.sessions.selection import Tell
from appliance.recsys.trending import DAY, MAX_WINDOW_DAYS, DailyCounts

_SESSION_CASES = 800
"""Next clicks that a nightly choice of the session model predicts: a third of the time, for a little certainty."""


class Choices(NamedTuple):
    """What was chosen for the shop by its own history, so that it need not be chosen again for the final fit."""

    sessions: Choice = Choice()
    sequential: Specs = Specs()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the interactions gave, by model row."""

    histories: int
    support: Ints
    collaborative: NeighbourTable
    sequential: NeighbourTable
    sessions: SessionModel
    together: NeighbourTable
    daily: DailyCounts

    def save(self, folder: Path) -> None:
        """Write the parts as the files that ``model.load`` maps."""
        self.collaborative.save(folder, "collaborative")
        self.sequential.save(folder, "sequential")
        self.together.save(folder, "together")
        self.sessions.save(folder)
        self.daily.save(folder)
        np.save(folder / "support.npy", self.support, allow_pickle=False)


def choose(events: Events, size: int, *, seed: int, tell: Tell | None = None) -> Choices:
    """Return the settings of the parts that are chosen on held-out visits."""
    sessions = selection.choose(session_sequences(events), size, seed=seed, most_cases=_SESSION_CASES, tell=tell)
    return Choices(sessions=sessions)


def fit(events: Events, size: int, width: int, choices: Choices) -> Behaviour:
    """Return all tables of ``size`` products, ``width`` neighbours each."""
    entries = histories.taste_histories(events)
    workshop = Workshop(visitor_sequences(events), size, None)
    return Behaviour(
        histories=histories.owners_count(entries),
        support=histories.support(entries, size),
        collaborative=item_to_item.fit(entries, size, width),
        sequential=workshop.table("rules", choices.sequential),
        sessions=session_models.build(session_sequences(events), size, choices.sessions),
        together=bought_together.fit(histories.baskets(events), size, width),
        daily=_daily(events),
    )


def session_sequences(events: Events) -> Sequences:
    """Return the visits, each oldest first; an event without a session belongs to none."""
    return _by_owner(events, events.sessions)


def visitor_sequences(events: Events) -> Sequences:
    """Return what each visitor did, oldest first; of repeated steps on one product only the first stays."""
    sequences = _by_owner(events, events.visitors)
    owner = sequences.owner_of_entry()
    again = np.zeros(len(owner), np.bool_)
    again[1:] = (owner[1:] == owner[:-1]) & (sequences.items[1:] == sequences.items[:-1])
    return sequences.keep(~again)


def _by_owner(events: Events, owners: Longs) -> Sequences:
    known = owners >= 0
    names, numbers = np.unique(owners[known], return_inverse=True)
    return from_entries(numbers.astype(np.int64), events.products[known], events.times[known], len(names))


def _daily(events: Events) -> DailyCounts:
    """Return the sums by product and day of the last days that a window may ask for.

    Each visitor counts once a product, type and day, by the heaviest event; those of nobody are one visitor together.
    """
    recent = np.flatnonzero(events.times > events.times.max(initial=0.0) - (MAX_WINDOW_DAYS + 1) * DAY)
    recent = recent[histories.heaviest_of_each(events, recent)]
    products, days = events.products[recent], (events.times[recent] // DAY).astype(np.int64)
    sold = events.types[recent] == list(InteractionType).index(InteractionType.PURCHASE)
    span = int(days.max(initial=0)) + 1
    keys, where = np.unique(products * span + days, return_inverse=True)
    return DailyCounts(
        rows=(keys // span).astype(np.int32),
        days=(keys % span).astype(np.int32),
        weights=sums_at(where, events.weights[recent], len(keys)).astype(np.float32),
        sold=sums_at(where, sold, len(keys)).astype(np.float32),
    )
