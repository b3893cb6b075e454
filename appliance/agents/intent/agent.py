"""The intent agent: screening, the pending question, rules, the model, then the conversation and further intents."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from appliance.agents.intent.classifier import Decision, IntentClassifier
from appliance.agents.intent.context import CERTAIN, Guess, answer_to_pending, follow_up
from appliance.agents.intent.examples import OwnExamples
from appliance.agents.intent.revise import of_the_shop, revised
from appliance.agents.intent.rules import matching_rule, short_answer
from appliance.agents.intent.segments import segments
from appliance.agents.intent.slots import fill
from appliance.agents.types import (
    CONVERSATION,
    TRANSACTIONAL,
    DialogueState,
    Interpretation,
    Pending,
    Slots,
    Utterance,
)

_SCREENED = {"injection": "security_probe", "abuse": "abuse", "spam": "out_of_scope", "noise": "unclear"}
_SHOWN_SCORES = 5
_ABOUT_ONE = frozenset({"product_price", "product_info"})
_SAME_WISH = frozenset({"product_search", "product_availability", "product_recommend"})
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
        intents = self._all_intents(utterance, state, intent)
        slots: Slots = {}
        for name in intents:
            slots |= fill(name, utterance, state)
        return Interpretation(
            intent=intents[0],
            intents=intents,
            confidence=CERTAIN if rule else decision.confidence,
            slots=slots,
            rule=rule,
            scores=decision.scores[:_SHOWN_SCORES],
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

    def _all_intents(self, utterance: Utterance, state: DialogueState, intent: str) -> tuple[str, ...]:
        """Return every request of a message in the order said; small talk around a request is none."""
        parts = segments(utterance)
        if len(parts) < 2:
            return (intent,)
        found: list[str] = []
        for part in parts:
            decision, rule = self._decide(part, state)
            name, _ = revised(decision, rule, part, state)
            if name in CONVERSATION or (decision.confidence < _SECOND_INTENT_FROM and not rule):
                continue
            found.append(name)
        if "product_search" in found and _ABOUT_ONE.intersection(found):
            # "The leather wallet, how much?": what stands before only names the product.
            found = [name for name in found if name != "product_search"]
            intent = found[0] if intent == "product_search" else intent
        elif intent in _SAME_WISH:
            # "Any larger one, around 700k?" is one wish, though its parts look like two.
            found = [name for name in found if name == intent or name not in _SAME_WISH]
        distinct = tuple(dict.fromkeys(found))
        return distinct if len(distinct) > 1 and intent in distinct else (intent,)


def _is_free_text(decision: Decision) -> bool:
    """Tell whether a message may be the answer to "what shall be changed", which has no form of its own."""
    return decision.confidence < _SURE or decision.intent in CONVERSATION or decision.intent in TRANSACTIONAL


def _details(pending: Pending) -> Interpretation:
    intent = pending.intent
    return Interpretation(
        intent=intent, intents=(intent,), confidence=CERTAIN, slots=pending.slots, rule="pending:details"
    )
