"""Corrects the model where the mentioned values say more than the words."""

from __future__ import annotations

from appliance.agents.types import Utterance

_MEASURES = frozenset({"height_cm", "weight_kg", "foot_cm"})


def revised(intent: str, rule: str, utterance: Utterance) -> tuple[str, str]:
    """Return the intent after revision and the rule that decided, ``''`` when it stays the model's."""
    slots = {mention.slot for mention in utterance.mentions}
    if rule:
        return intent, rule
    if _MEASURES & slots and intent.startswith("product_"):
        return "size_advice", "revise:measures"
    return intent, ""
