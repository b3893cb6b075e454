"""How the assistant did: by whom turns were answered, how well, how fast, and what that saved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from litestar import Request, get
from litestar.params import QueryParameter

from appliance.agents.accounting import AGENTS
from appliance.agents.model.costs import Usage, cost_usd, typical_cost_usd
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.talk_schemas import AgentTimes, ChatAnalytics, IntentCount
from appliance.settings import Assistant
from appliance.store.chat_analytics import ChatFigures

_DAY = 86_400.0
Days = Annotated[int, QueryParameter(ge=1, le=3650, description="How many days back from now.")]


@get("/analytics/chat", operation_id="getChatAnalytics", summary="How the assistant did")
async def chat(request: Request[Any, Any, Any], days: Days = 30) -> ChatAnalytics:
    """Answer with turns by handler and intent, shares, the agents' times, and what the turns would have cost."""
    runtime = runtime_of(request)
    until = runtime.now()
    since = until - days * _DAY
    figures = await asyncio.to_thread(runtime.chat_analytics.figures, since, until)
    return _present(figures, since, until, runtime.settings.assistant)


def _present(figures: ChatFigures, since: float, until: float, settings: Assistant) -> ChatAnalytics:
    turns = sum(one.turns for one in figures.handlers.values())
    answered = sum(one.answered for one in figures.handlers.values())
    by_model = figures.handlers["llm"].turns if "llm" in figures.handlers else 0
    return ChatAnalytics(
        since=moment(since),
        until=moment(until),
        conversations=figures.conversations,
        turns=turns,
        handled_by={name: one.turns for name, one in sorted(figures.handlers.items())},
        answered_share=_share(answered, turns),
        handoff_share=_share(figures.handed_off, figures.conversations),
        helpful_share=_share(figures.helpful, figures.marked) if figures.marked else None,
        marked=figures.marked,
        intents=[
            IntentCount(intent=name, turns=one.turns, answered=_share(one.answered, one.turns))
            for name, one in figures.intents.items()
        ],
        model_tokens_in=figures.tokens_in,
        model_tokens_out=figures.tokens_out,
        model_cost_usd=round(cost_usd(Usage(figures.tokens_in, figures.tokens_out), settings), 4),
        avoided_cost_usd=round(typical_cost_usd(turns - by_model, settings), 4),
        agents=[
            _times(name, figures.agent_ms[name])
            for name in sorted(figures.agent_ms, key=lambda name: (AGENTS.index(name) if name in AGENTS else 99, name))
        ],
        timed_turns=figures.timed_turns,
    )


def _times(agent: str, took_ms: Sequence[float]) -> AgentTimes:
    p50, p95 = np.percentile(took_ms, [50, 95])
    return AgentTimes(agent=agent, turns=len(took_ms), p50_ms=round(float(p50), 3), p95_ms=round(float(p95), 3))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
