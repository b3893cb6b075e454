"""Corrects the model where the mentioned values or the conversation say more than the words."""

from __future__ import annotations

from appliance.agents.intent.phrases import product_phrases
from appliance.agents.types import DialogueState, Utterance

_MEASURES = frozenset({"height_cm", "weight_kg", "foot_cm"})
_ABOUT_ONE = frozenset({"product_availability", "product_price"})


def revised(intent: str, rule: str, utterance: Utterance, state: DialogueState) -> tuple[str, str]:
    """Return the intent after revision and the rule that decided, ``''`` when it stays the model's."""
    slots = {mention.slot for mention in utterance.mentions}
    if rule:
        return intent, rule
    if intent == "product_availability" and _names_only_a_category(utterance, state):
        return "product_search", "revise:category"
    if _MEASURES & slots and intent.startswith("product_"):
        return "size_advice", "revise:measures"
    return intent, ""


def _names_only_a_category(utterance: Utterance, state: DialogueState) -> bool:
    """Tell whether a stock question names a group of products and no product ("còn balo không")."""
    mentions = [mention for mention in utterance.mentions if mention.slot == "category"]
    if not mentions or state.focus is not None or any(mention.slot == "ref" for mention in utterance.mentions):
        return False
    said = {" ".join(token.marked for token in utterance.tokens[mention.start : mention.end]) for mention in mentions}
    return all(phrase in said for phrase in product_phrases(utterance))
