"""How the assistant did over a period, from the conversations that are kept."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import sqlite_utils

from appliance.store.group_writer import GroupWriter
from appliance.store.sqlite import SqliteStore

TIMED_TURNS = 20_000
"""Newest turns of the period whose traces are read for the agents' times."""

_BY_HANDLER = """
select handled_by, count(*), sum(answered) from chat_turns
where author = 'shopper' and created_at >= ? and created_at < ? group by handled_by
"""
_BY_INTENT = """
select intent, count(*), sum(answered) from chat_turns
where author = 'shopper' and created_at >= ? and created_at < ? group by intent order by count(*) desc, intent
"""
_OPINIONS = """
select coalesce(sum(helpful), 0), count(helpful) from chat_turns
where author = 'shopper' and created_at >= ? and created_at < ?
"""
_CONVERSATIONS = """
select count(*), coalesce(sum(handed_off), 0) from chat_sessions where last_at >= ? and started_at < ?
"""
_TOKENS = """
select coalesce(sum(trace ->> '$.usage.tokens_in'), 0), coalesce(sum(trace ->> '$.usage.tokens_out'), 0)
from chat_turns where author = 'shopper' and created_at >= ? and created_at < ?
"""
_TRACES = """
select trace from chat_turns where author = 'shopper' and created_at >= ? and created_at < ?
order by created_at desc limit ?
"""


class _Step(msgspec.Struct):
    agent: str
    took_ms: float


class _Trace(msgspec.Struct):
    steps: list[_Step] = []


class HandlerTurns(msgspec.Struct, frozen=True):
    """Turns of one way of answering."""

    turns: int
    answered: int


class ChatFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a period."""

    conversations: int
    handed_off: int
    """Conversations in which a person was ever called."""
    handlers: Mapping[str, HandlerTurns]
    intents: Mapping[str, HandlerTurns]
    """The most asked first; ``''`` for turns that no agent understood."""
    helpful: int
    marked: int
    tokens_in: int
    tokens_out: int
    agent_ms: Mapping[str, list[float]]
    """Milliseconds of each agent in the newest turns, in no order; an agent that ran twice in a turn counts once."""
    timed_turns: int


class ChatAnalytics:
    """Reads figures; safe to use from any thread."""

    def __init__(self, store: SqliteStore, writer: GroupWriter) -> None:
        self._store = store
        self._writer = writer

    def figures(self, since: float, until: float) -> ChatFigures:
        """Return what happened from ``since`` to before ``until``, Unix seconds."""
        period = [since, until]
        self._writer.settle()
        with self._store.reading() as db:
            conversations, handed_off = db.execute(_CONVERSATIONS, period).fetchone()
            helpful, marked = db.execute(_OPINIONS, period).fetchone()
            tokens_in, tokens_out = db.execute(_TOKENS, period).fetchone()
            times, timed = _agent_times(db, since, until)
            return ChatFigures(
                conversations=conversations,
                handed_off=handed_off,
                handlers=_grouped(db, _BY_HANDLER, period),
                intents=_grouped(db, _BY_INTENT, period),
                helpful=helpful,
                marked=marked,
                tokens_in=tokens_in,
                tokens_out=tokens_out,
                agent_ms=times,
                timed_turns=timed,
            )


def _grouped(db: sqlite_utils.Database, query: str, period: list[float]) -> dict[str, HandlerTurns]:
    return {name or "": HandlerTurns(turns, answered or 0) for name, turns, answered in db.execute(query, period)}


def _agent_times(db: sqlite_utils.Database, since: float, until: float) -> tuple[dict[str, list[float]], int]:
    decode = msgspec.json.Decoder(_Trace).decode
    times: dict[str, list[float]] = {}
    turns = 0
    for (trace,) in db.execute(_TRACES, [since, until, TIMED_TURNS]):
        turns += 1
        of_turn: dict[str, float] = {}
        for step in decode(trace).steps:
            of_turn[step.agent] = of_turn.get(step.agent, 0.0) + step.took_ms
        for agent, took_ms in of_turn.items():
            times.setdefault(agent, []).append(took_ms)
    return times, turns
