"""The intent agent: screening, the pending question, rules, the model, then the conversation and further intents."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from appliance.agents.intent.classifier import Decision, IntentClassifier
from appliance.agents.intent.context import CERTAIN, Guess, answer_to_pending, follow_up
from appliance.agents.intent.examples import OwnExamples
from appliance.agents.intent.revise import of_the_shop, revised
from appliance.agents.intent.rules import companion, matching_rule, short_answer
from appliance.agents.intent.segments import is_joined, segments
from appliance.agents.intent.slots import ALLOWED, fill
from appliance.agents.types import (
    CONVERSATION,
    TRANSACTIONAL,
    DialogueState,
    Interpretation,
    Pending,
    Request,
    Utterance,
)

_SCREENED = {"injection": "security_probe", "abuse": "abuse", "spam": "out_of_scope", "noise": "unclear"}
_SHOWN_SCORES = 5
_ABOUT_ONE = frozenset({"product_price", "product_info"})
_SHARED = frozenset({"product", "ref", "order_id", "phone", "email", "location"})
"""Slots that one request of a message lends to another."""
_SAME_WISH = frozenset({"product_search", "product_availability", "product_recommend"})
"""Of these a message holds one: "any larger one, around 700k?" is one wish, though its parts look like two."""
_SAME_ORDER = TRANSACTIONAL | {"complaint", "payment_issue"}
"""Of these too: what else is told of an order is the reason ("ordered the wrong one, cancel 6032")."""
_SURE = 0.9
_OF_THE_SHOP = 0.55
"""Confidence in the likeliest request of a message that the model took for none: less than what counts as sure."""
_SECOND_INTENT_FROM = 0.6
"""Confidence that every part of a message needs to count as a request of its own."""


class IntentInput(msgspec.Struct, frozen=True):
    """An utterance in its conversation."""

    utterance: Utterance
    state: DialogueState


class IntentAgent:
    """Finds the intent and its slots."""

    name = "intent"

    def __init__(self, classifier: IntentClassifier, examples: Callable[[], OwnExamples | None]) -> None:
        """``examples`` is asked for with every turn: what the owner adds counts at once."""
        self._classifier = classifier
        self._examples = examples

    def run(self, given: IntentInput) -> Interpretation:
        """Interpret one message."""
        utterance, state = given.utterance, given.state
        if utterance.screen:
            intent = _SCREENED[utterance.screen]
            return Interpretation(
                intent=intent, intents=(intent,), confidence=CERTAIN, rule=f"screen:{utterance.screen}"
            )
        decision, rule = self._decide(utterance, state)
        guess = Guess(decision.intent, decision.confidence)
        turn = answer_to_pending(utterance, state, guess) or (None if rule else follow_up(utterance, state, guess))
        if turn is not None:
            return msgspec.structs.replace(turn, scores=decision.scores[:_SHOWN_SCORES])
        if not rule and state.pending is not None and state.pending.kind == "details" and _is_free_text(decision):
            return _details(state.pending)
        intent, rule = revised(decision, rule, utterance, state)
        requests = _filled(self._requests(utterance, state, intent), utterance, state)
        slots = {name: value for request in requests for name, value in request.slots.items()}
        return Interpretation(
            intent=requests[0].intent,
            intents=tuple(request.intent for request in requests),
            confidence=CERTAIN if rule else decision.confidence,
            slots=slots,
            rule=rule,
            scores=decision.scores[:_SHOWN_SCORES],
            requests=requests if len(requests) > 1 else (),
        )

    def _decide(self, utterance: Utterance, state: DialogueState) -> tuple[Decision, str]:
        decision = self._classifier.decide(utterance, self._examples())
        guess = of_the_shop(decision, utterance, state)
        answer = short_answer(utterance)
        sure = (answer, f"{answer}#short") if answer else matching_rule(utterance, guess)
        if sure is not None:
            return msgspec.structs.replace(decision, intent=sure[0], confidence=CERTAIN), sure[1]
        if guess != decision.intent:
            return msgspec.structs.replace(decision, intent=guess, confidence=_OF_THE_SHOP), ""
        return decision, ""

    def _requests(self, utterance: Utterance, state: DialogueState, intent: str) -> dict[str, Utterance]:
        """Return every request of a message with its words, in the order said; small talk around one is none."""
        parts = segments(utterance)
        found: dict[str, Utterance] = {}
        for part in parts if len(parts) > 1 else ():
            decision, rule = self._decide(part, state)
            name, _ = revised(decision, rule, part, state)
            if name not in CONVERSATION and (rule or decision.confidence >= _SECOND_INTENT_FROM):
                found.setdefault(name, part)
        if "product_search" in found and _ABOUT_ONE & found.keys():
            # "The leather wallet, how much?": what stands before only names the product.
            del found["product_search"]
            intent = next(iter(found)) if intent == "product_search" else intent
        if intent != "complaint":
            # What went wrong is the reason of the request: "zip broke, is that under warranty?"
            found.pop("complaint", None)
        for family in (_SAME_WISH, _SAME_ORDER):
            if intent in family:
                found = {
                    name: part
                    for name, part in found.items()
                    if name == intent or name not in family or (family is _SAME_ORDER and is_joined(part))
                }
        if len(found) > 1 and intent in found:
            return found
        other = companion(intent, utterance)
        return {intent: utterance, other: utterance} if other else {intent: utterance}


def _filled(requests: dict[str, Utterance], whole: Utterance, state: DialogueState) -> tuple[Request, ...]:
    """Return the requests with their slots.

    What one says of the product, the order or the place holds for the others, and what stands in no request for all.
    """
    if len(requests) == 1:
        return tuple(Request(name, fill(name, part, state), part) for name, part in requests.items())
    filled = {name: fill(name, part, state) for name, part in requests.items()}
    shared = {slot: value for slots in filled.values() for slot, value in slots.items() if slot in _SHARED}
    found = []
    for name, part in requests.items():
        others = {mention.slot for other, words in requests.items() if other != name for mention in words.mentions}
        lent = {slot: value for slot, value in shared.items() if slot in ALLOWED.get(name, ())}
        loose = {slot: value for slot, value in fill(name, whole, state).items() if slot not in {*others, "product"}}
        found.append(Request(name, loose | lent | filled[name], part))
    return tuple(found)


def _is_free_text(decision: Decision) -> bool:
    """Tell whether a message may be the answer to "what shall be changed", which has no form of its own."""
    return decision.confidence < _SURE or decision.intent in CONVERSATION or decision.intent in TRANSACTIONAL


def _details(pending: Pending) -> Interpretation:
    intent = pending.intent
    return Interpretation(
        intent=intent, intents=(intent,), confidence=CERTAIN, slots=pending.slots, rule="pending:details"
    )
