"""Who looked at what: the interaction arrays turned into histories (visitors, sessions) and baskets. Training only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from appliance.domain import InteractionType
from appliance.recsys.base import Doubles, Flags, Ints, Longs
from appliance.store.snapshot import InteractionArrays

DAY = 86_400.0
MAX_HISTORY = 200
"""Products of one history that count, the newest; keeps robots from costing the square of their appetite."""
TASTE_HALF_LIFE_DAYS = 120.0
BASKET_HALF_LIFE_DAYS = 60.0
CART_SHARE = 0.3
"""How much a common cart says beside a common purchase."""
_MAX_WEIGHT = 10.0
_TYPES = list(InteractionType)
_PURCHASE, _CART = _TYPES.index(InteractionType.PURCHASE), _TYPES.index(InteractionType.ADD_TO_CART)


class Entries(NamedTuple):
    """Distinct (owner, product) pairs with what speaks for them; the three arrays align."""

    owners: Longs
    products: Longs
    values: Doubles


class Events(NamedTuple):
    """The interactions with a product of the model and a positive weight, oldest first; the arrays align."""

    visitors: Longs
    sessions: Longs
    products: Longs
    types: Longs
    weights: Doubles
    times: Doubles


def usable_events(arrays: InteractionArrays, rows: dict[str, int]) -> Events:
    """Return the events that say something about a product of the model; ``rows`` numbers the products by id."""
    translated = np.fromiter((rows.get(name, -1) for name in arrays.product_ids), np.int64, len(arrays.product_ids))
    products = np.where(arrays.product >= 0, translated[arrays.product], -1) if len(translated) else arrays.product
    kept = (products >= 0) & (arrays.weight > 0)
    return Events(
        visitors=arrays.visitor[kept].astype(np.int64),
        sessions=arrays.session[kept].astype(np.int64),
        products=products[kept].astype(np.int64),
        types=arrays.type[kept].astype(np.int64),
        weights=arrays.weight[kept].astype(np.float64),
        times=arrays.occurred_at[kept].astype(np.float64),
    )


def before(events: Events, moment: float) -> Events:
    """Return the events up to a moment."""
    count = int(np.searchsorted(events.times, moment, side="right"))
    return Events(
        visitors=events.visitors[:count],
        sessions=events.sessions[:count],
        products=events.products[:count],
        types=events.types[:count],
        weights=events.weights[:count],
        times=events.times[:count],
    )


def taste_histories(events: Events) -> Entries:
    """Return the histories of sessions, and of visitors who came more than once, with at least two products each.

    A value is √(weight · decay), scaled by the length of the history to the power of -¼: what was done, how long ago,
    and by whom; two products that met in a long history owe less to it.
    """
    newest = events.times.max(initial=0.0)
    decayed = np.minimum(events.weights, _MAX_WEIGHT) * _decay(newest - events.times, TASTE_HALF_LIFE_DAYS)
    several = _visitors_with_several_sessions(events)
    by_visitor = (events.visitors >= 0) & (several[events.visitors] if len(several) else False)
    by_visitor |= (events.sessions < 0) & (events.visitors >= 0)
    by_session = events.sessions >= 0
    first_visitor = int(events.sessions.max(initial=-1)) + 1
    owners = np.concatenate([events.sessions[by_session], events.visitors[by_visitor] + first_visitor])
    products = np.concatenate([events.products[by_session], events.products[by_visitor]])
    values = np.concatenate([decayed[by_session], decayed[by_visitor]])
    times = np.concatenate([events.times[by_session], events.times[by_visitor]])
    entries = _at_least_two(_newest_only(_gather(owners, products, values, times)))
    lengths = np.bincount(entries.owners)[entries.owners] if len(entries.owners) else np.empty(0)
    return entries._replace(values=np.sqrt(entries.values) * np.maximum(lengths, 1) ** -0.25)


def baskets(events: Events) -> Entries:
    """Return what was bought, or put into the cart, in one visit on one day, in baskets of at least two products."""
    newest = events.times.max(initial=0.0)
    parts = []
    for kind, share in ((_PURCHASE, 1.0), (_CART, CART_SHARE)):
        chosen = (events.types == kind) & ((events.sessions >= 0) | (events.visitors >= 0))
        sessions, visitors = events.sessions[chosen], events.visitors[chosen]
        owner = np.where(sessions >= 0, 2 * sessions, 2 * visitors + 1)
        day = (events.times[chosen] // DAY).astype(np.int64)
        decay = share * _decay(newest - events.times[chosen], BASKET_HALF_LIFE_DAYS)
        key = np.stack([owner, day, np.full(len(owner), kind)], axis=1)
        parts.append((key, events.products[chosen], decay, events.times[chosen]))
    keys = np.concatenate([part[0] for part in parts])
    if not len(keys):
        return Entries(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    owners = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    products, values, times = (np.concatenate([part[column] for part in parts]) for column in (1, 2, 3))
    gathered = _newest_only(_gather(owners, products, values, times, largest=True))
    entries = _at_least_two(gathered)
    return entries._replace(values=np.sqrt(entries.values))


def _gather(
    owners: Longs, products: Longs, values: Doubles, times: Doubles, *, largest: bool = False
) -> tuple[Entries, Doubles]:
    """Fold repeats of (owner, product): values add up, or the largest stays; the newest time stays."""
    order = np.lexsort((products, owners))
    owners, products, values, times = owners[order], products[order], values[order], times[order]
    if not len(owners):
        return Entries(owners, products, values), times
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(owners) != 0) | (np.diff(products) != 0)]))
    folded = np.maximum.reduceat(values, starts) if largest else np.add.reduceat(values, starts)
    return Entries(owners[starts], products[starts], folded), np.maximum.reduceat(times, starts)


def _newest_only(gathered: tuple[Entries, Doubles]) -> Entries:
    entries, times = gathered
    order = np.lexsort((entries.products, -times, entries.owners))
    owners = entries.owners[order]
    place = np.arange(len(owners)) - np.searchsorted(owners, owners)
    kept = order[place < MAX_HISTORY]
    return Entries(entries.owners[kept], entries.products[kept], entries.values[kept])


def _at_least_two(entries: Entries) -> Entries:
    """Drop owners of one product and number the others from 0."""
    if not len(entries.owners):
        return entries
    _, numbers, sizes = np.unique(entries.owners, return_inverse=True, return_counts=True)
    kept = sizes[numbers] >= 2
    renumbered = np.unique(numbers[kept], return_inverse=True)[1].reshape(-1)
    return Entries(renumbered.astype(np.int64), entries.products[kept], entries.values[kept])


def _visitors_with_several_sessions(events: Events) -> Flags:
    known = (events.visitors >= 0) & (events.sessions >= 0)
    pairs = np.unique(np.stack([events.visitors[known], events.sessions[known]], axis=1), axis=0)
    counts = np.bincount(pairs[:, 0], minlength=int(events.visitors.max(initial=-1)) + 1)
    several: Flags = counts > 1
    return several


def _decay(ages: Doubles, half_life_days: float) -> Doubles:
    faded: Doubles = 0.5 ** (ages / (half_life_days * DAY))
    return faded


def heaviest_of_each(events: Events, chosen: Longs) -> Longs:
    """Return the places in ``chosen`` of the heaviest event of each visitor, product, type and day, in their order."""
    columns = (events.visitors[chosen], events.products[chosen], events.types[chosen], events.times[chosen] // DAY)
    order = np.lexsort((-events.weights[chosen], *columns))
    first = np.ones(len(order), np.bool_)
    if len(order):
        first[1:] = np.logical_or.reduce([np.diff(column[order]) != 0 for column in columns])
    places: Longs = np.sort(order[first])
    return places


def owners_count(entries: Entries) -> int:
    """Return how many histories or baskets there are."""
    return int(entries.owners.max(initial=-1)) + 1


def support(entries: Entries, size: int) -> Ints:
    """Return in how many histories each product occurs, int32[size]."""
    return np.bincount(entries.products, minlength=size).astype(np.int32)
