"""Everything that is learned from interactions: who met whom, what follows what, what is bought together, what sells.

Fitted twice in a training: from the older events, so that the newer can judge them, and from all. Training only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from appliance.domain import InteractionType
from appliance.recsys import bought_together, histories, item_to_item
from appliance.recsys.base import Ints, Longs, sums_at
from appliance.recsys.histories import Events
from appliance.recsys.linear import select
from appliance.recsys.linear.select import Choice as LinearChoice
from appliance.recsys.neighbours import NeighbourTable
from appliance.recsys.next_item.specs import Specs
from appliance.recsys.next_item.tables import Workshop
from appliance.recsys.sequences import Sequences, from_entries
from appliance.recsys.sessions import model as session_models
from appliance.recsys.sessions import selection
from appliance.recsys.sessions.choice import Choice
from appliance.recsys.sessions.model import SessionModel
from appliance.recsys.trending import DAY, MAX_WINDOW_DAYS, DailyCounts

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LEAST_HISTORIES = 100
"""Histories from which the collaborative model is chosen among the linear family."""
MAX_WEIGHTS = 200
"""Weights of a product that are served; a request gathers those of up to twenty."""
CHOICE_SECONDS = 240.0
"""Time after which no further linear model is tried in a nightly training."""
_SESSION_CASES = 800
"""Next clicks that a nightly choice of the session model predicts: a third of the time, for a little certainty."""


class Choices(NamedTuple):
    """What was chosen for the shop by its own history, so that it need not be chosen again for the final fit."""

    sessions: Choice = Choice()
    sequential: Specs = Specs()
    linear: LinearChoice | None = None
    """``None`` where there is too little to choose by: the plain cosine serves."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the interactions gave, by model row."""

    histories: int
    support: Ints
    met: NeighbourTable
    """Cosines of products by common histories: what "similar" is about."""
    collaborative: NeighbourTable
    """The linear model that foresees best; its largest weights are about 1."""
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


def choose(
    events: Events, size: int, *, budget_mb: float, seed: int, tell: Callable[[float], None] = lambda _: None
) -> Choices:
    """Return the settings of the parts that are chosen on held-out visits."""
    sessions = selection.choose(
        session_sequences(events),
        size,
        seed=seed,
        most_cases=_SESSION_CASES,
        tell=lambda share, _: tell(share / 2),
    )
    entries, linear = histories.taste_histories(events), None
    if histories.owners_count(entries) >= LEAST_HISTORIES:
        linear = select.choose(
            select.prepared(_matrix(entries, size)),
            budget_mb=budget_mb,
            budget_s=CHOICE_SECONDS,
            width=MAX_WEIGHTS,
            seed=seed,
            tell=lambda share, _: tell(0.5 + share / 2),
        )
    return Choices(sessions=sessions, linear=linear)


def fit(events: Events, size: int, width: int, choices: Choices) -> Behaviour:
    """Return all tables of ``size`` products, ``width`` neighbours each."""
    entries = histories.taste_histories(events)
    met = item_to_item.fit(entries, size, width)
    workshop = Workshop(visitor_sequences(events), size, None)
    return Behaviour(
        histories=histories.owners_count(entries),
        support=histories.support(entries, size),
        met=met,
        collaborative=met if choices.linear is None else _linear(entries, size, choices.linear),
        sequential=workshop.table("rules", choices.sequential),
        sessions=session_models.build(session_sequences(events), size, choices.sessions),
        together=bought_together.fit(histories.baskets(events), size, width),
        daily=_daily(events),
    )


def _matrix(entries: histories.Entries, size: int) -> csr_array[Any]:
    """Return the confidence of each history in each product, csr float32[histories, size]."""
    from scipy.sparse import csr_array

    shape = (histories.owners_count(entries), size)
    return csr_array((entries.values.astype(np.float32), (entries.owners, entries.products)), shape=shape)


def _linear(entries: histories.Entries, size: int, choice: LinearChoice) -> NeighbourTable:
    table = select.fit(_matrix(entries, size), choice).table
    ids, scores = table.ids[:, :MAX_WEIGHTS], table.scores[:, :MAX_WEIGHTS]
    best = scores[:, 0] if scores.shape[1] else np.zeros(0, np.float32)
    # Families have scales of their own; beside cosines, and above the floor of weak evidence, they need a common one.
    scale = float(best[best > 0].mean()) if (best > 0).any() else 1.0
    return NeighbourTable(np.ascontiguousarray(ids), np.ascontiguousarray(scores / scale, np.float32))


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
