"""Simulated shoppers of the demo shop, with tastes, as columns of numbers.

Each visitor belongs to a persona (what kinds, styles, prices and gender they look for) and a circle of brands. A
session has an intent, one kind of product; its views stay mostly there, come back to what the visitor saw before, and
wander at times. Views lead to clicks, wishes, carts and purchases, and a cart draws complements: a water bottle to a
backpack, socks to shoes. Everything is drawn with numpy, so a million events take
seconds: views are rows, what they lead to are masks over them, and no Python loop runs over events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.domain import InteractionType, Product
from appliance.ops.demo.tastes import Shelves, shelves

DAY = 86_400.0
PERIOD_DAYS = 60.0
TYPES = tuple(InteractionType)
"""The codes of ``EventColumns.type`` index this tuple."""

_VIETNAM_OFFSET = 7 * 3600.0
# Visits by hour of the day in Vietnam: a lunch break and a long evening.
_HOURS = np.array([3, 1, 1, 0.5, 0.5, 1, 2, 4, 6, 7, 8, 10, 12, 10, 8, 7, 7, 8, 9, 12, 16, 17, 13, 7])
_EVENTS_A_SESSION, _MEAN_VIEWS = 7.2, 4.4
_STAY, _WANDER, _RETURN = 0.78, 0.12, 0.14
_CLICKED, _WISHED, _CARTED, _REMOVED = 0.38, 0.045, 0.085, 0.12
_CHECKOUT, _PAID, _SOLD_OUT_CART = 0.55, 0.78, 0.1
_COMPLEMENT, _COMPLEMENT_CARTED = 0.5, 0.62
_SEARCHED, _IDENTIFIED, _AGAIN = 0.27, 0.4, 0.6

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Simulated events in order of time, one array a field, all of the same length."""

    visitor: Ints
    session: Ints
    product: Ints
    """Index into the products, -1 for a search or a checkout."""
    type: Ints
    """Index into ``TYPES``."""
    quantity: Ints
    occurred_at: Floats
    query: Ints
    """Index into ``queries``, -1 for what is not a search."""
    persona: Ints
    """The visitor's persona, by visitor."""
    identified: Flags
    """Whether a visitor is signed in, by visitor."""
    queries: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.type)


@dataclass(frozen=True, slots=True)
class _Sessions:
    visitor: Ints
    start: Floats
    kind: Ints
    views: Ints


@dataclass(frozen=True, slots=True)
class _Views:
    session: Ints
    product: Ints
    at: Floats


def simulate_columns(
    products: Sequence[Product], seed: int, now: float, visitors: int = 2000, events: int = 60_000
) -> EventColumns:
    """Return ``events`` events of about ``visitors`` visitors over the 60 days before ``now``.

    Raises ``ValueError`` when there are no products, or fewer events than visitors.
    """
    if not products or not 0 < visitors <= events:
        raise ValueError("the simulation needs products, visitors, and at least one event a visitor")
    rng = np.random.default_rng(seed)
    stock = shelves(products, rng)
    persona, circle = _visitors(stock, visitors, rng)
    sessions = _sessions(stock, persona, events, now, rng)
    taste = persona[sessions.visitor] * stock.circles + circle[sessions.visitor]
    views = _with_returns(_views(stock, sessions, taste, rng), sessions, rng)
    columns = _columns(stock, sessions, views, taste, now, rng)
    order = _chosen(columns, events)
    ordered = {name: column[order] for name, column in columns.items()}
    return EventColumns(
        visitor=sessions.visitor[ordered["session"]],
        session=ordered["session"].astype(np.int64),
        product=ordered["product"].astype(np.int64),
        type=ordered["type"].astype(np.int64),
        quantity=ordered["quantity"].astype(np.int64),
        occurred_at=ordered["at"].astype(np.float64),
        query=ordered["query"].astype(np.int64),
        persona=persona,
        identified=rng.random(visitors) < _IDENTIFIED,
        queries=stock.queries,
    )


def _visitors(stock: Shelves, count: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    persona = rng.choice(len(stock.persona_share), size=count, p=stock.persona_share)
    return persona, rng.integers(0, stock.circles, size=count)


def _sessions(stock: Shelves, persona: Ints, events: int, now: float, rng: np.random.Generator) -> _Sessions:
    visitors = len(persona)
    count = max(visitors, round(events / _EVENTS_A_SESSION * 1.25))
    # Everybody comes once; who comes again is a long tail of regulars.
    activity = rng.lognormal(0.0, 0.9, size=visitors)
    again = rng.choice(visitors, size=count - visitors, p=activity / activity.sum())
    visitor = np.concatenate([rng.permutation(visitors), again])
    main_kind = _draw(stock.kind_cdf[persona], rng)
    own = main_kind[visitor]
    other = _draw(stock.kind_cdf[persona[visitor]], rng)
    kind = np.where(rng.random(count) < _AGAIN, own, other)
    views = 1 + rng.geometric(1.0 / _MEAN_VIEWS, size=count)
    return _Sessions(visitor, _starts(count, now, rng), kind, np.minimum(views, 40))


def _starts(count: int, now: float, rng: np.random.Generator) -> Floats:
    """Draw session starts: rising slowly over the period, more at week-ends and in the evening."""
    hour_cdf = np.cumsum(_HOURS / _HOURS.sum())
    day = PERIOD_DAYS * rng.random(count * 2) ** 0.8
    midnight = np.floor((now - PERIOD_DAYS * DAY + _VIETNAM_OFFSET) / DAY + day)
    weekday = (midnight + 3) % 7
    hour = np.searchsorted(hour_cdf, rng.random(count * 2)) + rng.random(count * 2)
    start = midnight * DAY + hour * 3600.0 - _VIETNAM_OFFSET
    wanted = (rng.random(count * 2) < np.where(weekday >= 5, 1.0, 0.8)) & (start < now - 3600.0)
    wanted &= start > now - PERIOD_DAYS * DAY
    kept = start[wanted]
    return rng.choice(kept, size=count, replace=len(kept) < count)


def _draw(cdf: Floats, rng: np.random.Generator) -> Ints:
    """Draw one column index a row from row-wise cumulative odds."""
    return np.asarray((rng.random(len(cdf))[:, None] > cdf).sum(axis=1).clip(max=cdf.shape[1] - 1), dtype=np.int64)


def _views(stock: Shelves, sessions: _Sessions, taste: Ints, rng: np.random.Generator) -> _Views:
    session = np.repeat(np.arange(len(sessions.views)), sessions.views)
    # In a session people stay with what they came for and wander to what goes with it or to anything they like.
    intent, chance = sessions.kind[session], rng.random(len(session))
    goes_with = _draw(stock.complement_cdf[intent], rng)
    anything = _draw(stock.kind_cdf[taste[session] // stock.circles], rng)
    kind = np.where(chance < _STAY, intent, np.where(chance < _STAY + _WANDER, goes_with, anything))
    product = stock.draw(taste[session], kind, rng)
    dwell = rng.lognormal(3.6, 0.8, size=len(session))
    first = np.cumsum(sessions.views) - sessions.views
    elapsed = np.cumsum(dwell)
    at = sessions.start[session] + elapsed - elapsed[first][session]
    return _Views(session, product, at)


def _with_returns(views: _Views, sessions: _Sessions, rng: np.random.Generator) -> _Views:
    """Let some views be of what the same visitor saw before: people compare and come back."""
    visitor = sessions.visitor[views.session]
    order = np.lexsort((views.at, visitor))
    sorted_visitor = visitor[order]
    starts = np.flatnonzero(np.r_[True, sorted_visitor[1:] != sorted_visitor[:-1]])
    lengths = np.diff(np.r_[starts, len(order)])
    offset = np.arange(len(order)) - np.repeat(starts, lengths)
    # The more recent past comes back more often.
    back = np.ceil(offset * rng.random(len(order)) ** 1.6).astype(np.int64)
    returns = (rng.random(len(order)) < _RETURN) & (offset > 0)
    source = np.where(returns, np.arange(len(order)) - np.clip(back, 1, np.maximum(offset, 1)), np.arange(len(order)))
    product = views.product.copy()
    product[order] = views.product[order][source]
    return _Views(views.session, product, views.at)


def _columns(
    stock: Shelves, sessions: _Sessions, views: _Views, taste: Ints, now: float, rng: np.random.Generator
) -> dict[str, Floats | Ints]:
    """Return unsorted columns of all events: views, what they lead to, and searches."""
    views = _released(stock, views)
    carted = _carts(stock, views, _CARTED, rng)
    views, carted = _add_complements(stock, views, carted, taste, rng)
    kept = carted & ~(rng.random(len(carted)) < _REMOVED)
    checkout = np.zeros(len(sessions.visitor), dtype=bool)
    checkout[views.session[kept]] = True
    checkout &= rng.random(len(checkout)) < _CHECKOUT
    paid = checkout & (rng.random(len(checkout)) < _PAID)
    end = np.zeros(len(sessions.visitor))
    np.maximum.at(end, views.session, views.at)
    everything = np.ones(len(views.at), dtype=bool)
    parts = [
        _part(views, InteractionType.VIEW, everything, views.at),
        _part(views, InteractionType.CLICK, rng.random(len(views.at)) < _CLICKED, views.at - 1.5),
        _part(views, InteractionType.WISHLIST, rng.random(len(views.at)) < _WISHED, views.at + 9.0),
        _part(views, InteractionType.ADD_TO_CART, carted, views.at + 14.0),
        _part(views, InteractionType.REMOVE_FROM_CART, carted & ~kept, end[views.session] + 25.0),
        _part(views, InteractionType.PURCHASE, kept & paid[views.session], end[views.session] + 150.0),
        _session_part(InteractionType.BEGIN_CHECKOUT, np.flatnonzero(checkout), end + 60.0),
        _searches(stock, sessions, rng),
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    bought = columns["type"] == TYPES.index(InteractionType.PURCHASE)
    columns["quantity"] = np.where(bought & (rng.random(len(bought)) < 0.07), 2, 1)
    columns["at"] = np.minimum(columns["at"], now)
    return columns


def _released(stock: Shelves, views: _Views) -> _Views:
    """Drop views of products that did not exist yet."""
    there = views.at > stock.created_at[views.product]
    return _Views(views.session[there], views.product[there], views.at[there])


def _carts(stock: Shelves, views: _Views, odds: float, rng: np.random.Generator) -> Flags:
    chance = np.where(stock.in_stock[views.product], odds, odds * _SOLD_OUT_CART)
    return np.asarray(rng.random(len(views.product)) < chance, dtype=bool)


def _add_complements(
    stock: Shelves, views: _Views, carted: Flags, taste: Ints, rng: np.random.Generator
) -> tuple[_Views, Flags]:
    """After a cart, some people look at what goes with it, mostly one of the product's usual companions."""
    cause = np.flatnonzero(carted & (rng.random(len(carted)) < _COMPLEMENT))
    product, session = views.product[cause], views.session[cause]
    usual = stock.companions[product, rng.integers(0, stock.companions.shape[1], size=len(cause))]
    kind = _draw(stock.complement_cdf[stock.kind[product]], rng)
    companion = np.where(rng.random(len(cause)) < 0.7, usual, stock.draw(taste[session], kind, rng))
    at = views.at[cause] + 30.0
    extra = _released(stock, _Views(session, companion, at))
    joined = _Views(
        np.concatenate([views.session, extra.session]),
        np.concatenate([views.product, extra.product]),
        np.concatenate([views.at, extra.at]),
    )
    return joined, np.concatenate([carted, _carts(stock, extra, _COMPLEMENT_CARTED, rng)])


def _part(views: _Views, kind: InteractionType, mask: Flags, at: Floats) -> dict[str, Floats | Ints]:
    session = views.session[mask]
    return {
        "session": session,
        "product": views.product[mask],
        "type": np.full(len(session), TYPES.index(kind)),
        "at": at[mask],
        "query": np.full(len(session), -1),
    }


def _session_part(kind: InteractionType, session: Ints, at: Floats) -> dict[str, Floats | Ints]:
    return {
        "session": session,
        "product": np.full(len(session), -1),
        "type": np.full(len(session), TYPES.index(kind)),
        "at": at[session],
        "query": np.full(len(session), -1),
    }


def _searches(stock: Shelves, sessions: _Sessions, rng: np.random.Generator) -> dict[str, Floats | Ints]:
    session = np.flatnonzero(rng.random(len(sessions.kind)) < _SEARCHED)
    part = _session_part(InteractionType.SEARCH, session, sessions.start - 6.0)
    first, count = stock.query_range[sessions.kind[session]].T
    return part | {"query": np.where(count > 0, first + (rng.random(len(session)) * count).astype(np.int64), -1)}


def _chosen(columns: dict[str, Floats | Ints], events: int) -> Ints:
    """Choose exactly ``events`` rows, whole sessions as far as they go, and return them in order of time."""
    # A search without words (a catalogue of other kinds) says nothing.
    useful = (columns["type"] != TYPES.index(InteractionType.SEARCH)) | (columns["query"] >= 0)
    rank = np.lexsort((columns["at"], columns["session"]))
    rank = rank[useful[rank]][:events]
    if len(rank) < events:
        raise AssertionError(f"the simulation fell short: {len(rank)} of {events} events")
    return np.asarray(rank[np.argsort(columns["at"][rank], kind="stable")], dtype=np.int64)
