"""Corrects the model where the mentioned values or the conversation say more than the words."""

from __future__ import annotations

from itertools import pairwise

from appliance.agents.intent.classifier import Decision
from appliance.agents.types import CONVERSATION, MEASURES, PRICES, SHIPPING, TRANSACTIONAL, DialogueState, Utterance

_SHOP_VALUES = frozenset({"category", "order_id", "coupon_code"})
_MAY_COMPARE = frozenset({"product_recommend", "product_search", "product_info", "product_price"})
_OF_SHOWN = frozenset({"ref", "attribute"})
_BUDGETLESS = frozenset({"product_availability", "product_price"})
"""Questions about one product: who names a budget searches."""
_OR = frozenset({"hay", "hoac", "or", "vs", "versus"})
_PRICE_WORDS = frozenset({"gia", "price", "priced"})
"""Said of goods; what is done for the shopper costs."""
_SURE, _DOUBTFUL, _UNSURE = 0.91, 0.55, 0.3
_LEAST_SHARE = 0.03
"""Probability from which a shop's intent replaces "no business of ours" when a value of the shop is named."""


def of_the_shop(decision: Decision, utterance: Utterance, state: DialogueState) -> str:
    """Return the model's guess, or its likeliest request where it sees none though a value of the shop is named."""
    if decision.intent not in ("out_of_scope", "unclear"):
        return decision.intent
    slots = {mention.slot for mention in utterance.mentions if mention.certain}
    if not (_SHOP_VALUES & slots or _speaks_of_shown(utterance, state)):
        return decision.intent
    request = next(((name, share) for name, share in decision.scores if name not in CONVERSATION), None)
    return request[0] if request is not None and request[1] >= _LEAST_SHARE else decision.intent


def revised(decision: Decision, rule: str, utterance: Utterance, state: DialogueState) -> tuple[str, str]:
    """Return the intent after revision and the rule that decided, ``''`` when it stays the model's."""
    intent = decision.intent
    if rule:
        return intent, rule
    slots = {mention.slot for mention in utterance.mentions if mention.certain}
    if MEASURES & slots and intent.startswith("product_"):
        return "size_advice", "revise:measures"
    if intent in _BUDGETLESS and PRICES & slots:
        return "product_search", "revise:budget"
    if intent in _MAY_COMPARE and _names_two_alike(utterance):
        return "product_compare", "revise:two"
    if intent in ("unclear", "out_of_scope") and {"phone", "order_id"} <= slots:
        return "order_status", "revise:order"
    if intent == "product_price" and _asks_the_fee(slots, utterance, state):
        return "shipping_fee", "revise:shipping"
    if _is_foreign(decision, utterance, slots, state):
        return "out_of_scope", "revise:scope"
    return intent, ""


def _names_two_alike(utterance: Utterance) -> bool:
    """Tell whether two products of one group stand beside each other with "or" between them."""
    groups = [mention for mention in utterance.mentions if mention.slot == "category"]
    return any(
        first.value == second.value and any(token.folded in _OR for token in utterance.tokens[first.end : second.start])
        for first, second in pairwise(groups)
    )


def _is_foreign(decision: Decision, utterance: Utterance, slots: set[str], state: DialogueState) -> bool:
    """Tell whether a message is more likely no business of the shop than the request that it looks most like.

    Vietnamese messages reach a Vietnamese shop with a purpose: there the model must be quite unsure as well.
    """
    doubtful = not decision.in_scope or (utterance.locale == "en" and decision.confidence < _DOUBTFUL)
    if not doubtful or decision.intent in CONVERSATION or decision.confidence >= _SURE:
        return False
    in_talk = state.pending is not None or state.shown or state.focus is not None
    if decision.intent in TRANSACTIONAL and "order_id" in state.last_slots:
        return False
    if in_talk or slots & (_SHOP_VALUES | MEASURES | {"location", "size", "phone"}):
        return False
    return utterance.locale == "en" or decision.confidence < _UNSURE


def _speaks_of_shown(utterance: Utterance, state: DialogueState) -> bool:
    """Tell whether a message points at a product that the conversation is about ("nó làm ở nước nào")."""
    return bool(state.shown or state.focus) and any(mention.slot in _OF_SHOWN for mention in utterance.mentions)


def _asks_the_fee(slots: set[str], utterance: Utterance, state: DialogueState) -> bool:
    """Tell whether "what does that cost", with no product named, goes on about delivery."""
    if state.last_intent not in SHIPPING or slots & {"category", "ref"}:
        return False
    in_sight = state.focus is not None or bool(state.shown)
    return not in_sight or not any(token.folded in _PRICE_WORDS for token in utterance.tokens)
