"""What turns are counted as: by whom they were answered, how long each agent took, what they saved."""

from __future__ import annotations

from appliance.agents.model.costs import TYPICAL_IN, TYPICAL_OUT, Usage, cost_usd
from appliance.agents.pipeline import TurnResult
from appliance.agents.types import CONVERSATION, ORDERS, PEOPLE, POLICIES, SHOPPING
from appliance.metrics import Metrics
from appliance.settings import Assistant

AGENTS = ("language", "intent", "catalogue", "service", "talk", "model", "response")
"""The names of agents that are told apart; any other is counted as ``other``."""
_GROUPS = {
    intent: group
    for group, intents in (
        ("shopping", SHOPPING),
        ("orders", ORDERS),
        ("policies", POLICIES),
        ("people", PEOPLE),
        ("conversation", CONVERSATION),
    )
    for intent in intents
}


def group_of(intent: str) -> str:
    """Return the family that an intent belongs to, one of six."""
    return _GROUPS.get(intent, "other")


def usage_of(result: TurnResult) -> Usage:
    """Return the tokens that the language model read and wrote for a turn."""
    return result.consultation.usage if result.consultation is not None else Usage()


def saved_usd(result: TurnResult, settings: Assistant) -> float:
    """Return what a turn would have cost at a cloud model: its own tokens where a model answered, else typical ones."""
    usage = usage_of(result) if result.handled_by == "llm" else Usage(TYPICAL_IN, TYPICAL_OUT)
    return cost_usd(usage, settings)


def count_turn(metrics: Metrics, result: TurnResult, settings: Assistant) -> None:
    """Add a turn to the metrics."""
    metrics.chat_turns.labels(result.handled_by, group_of(result.interpretation.intent)).inc()
    metrics.chat_seconds.observe(result.took_ms / 1000)
    for step in result.steps:
        metrics.chat_agent_seconds.labels(step.agent if step.agent in AGENTS else "other").observe(step.took_ms / 1000)
    if result.unfounded:
        metrics.chat_unfounded.inc(len(result.unfounded))
    usage = usage_of(result)
    if usage.tokens_in or usage.tokens_out:
        metrics.chat_model_tokens.labels("in").inc(usage.tokens_in)
        metrics.chat_model_tokens.labels("out").inc(usage.tokens_out)
    metrics.chat_cost_avoided.labels(result.handled_by).inc(saved_usd(result, settings))
    if result.handoff:
        metrics.chat_handoffs.inc()
