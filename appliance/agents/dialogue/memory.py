"""How a conversation's state goes from one turn to the next. Pure functions on frozen records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from appliance.agents.types import (
    POLICIES,
    DialogueState,
    Interpretation,
    Outcome,
    ProductFact,
    ShownProduct,
    Utterance,
)
from appliance.messages import Locale

T = TypeVar("T")
_EXPECTED = {"order_id": "order_id", "verify": "verify", "measures": "measures", "contact": "verify", "details": "size"}
_ANSWERS = frozenset({"affirm", "deny"})
"""Intents that answer a question: what the conversation is about stays."""
_SIDE_REMARKS = frozenset({"greeting", "thanks", "goodbye", "bot_identity", "unclear", "abuse", "feedback"})
"""Intents that leave a pending question and the running search where they are."""

_PATIENT = frozenset({"order_id", "verify", "measures"})
"""Questions that wait while the shopper asks about a policy: their answers are values, which nobody says by chance."""


def expected(state: DialogueState) -> str:
    """Return what a bare number would be the answer to, for the language agent."""
    if state.pending is None:
        return "ref" if state.shown else ""
    return _EXPECTED.get(state.pending.kind, "ref" if state.shown else "")


def spoken_locale(utterance: Utterance, evidence: int, state: DialogueState, requested: Locale | None) -> Locale:
    """Return the language to answer in: that of the message where it shows one, else the conversation's.

    ``evidence`` is positive for Vietnamese and negative for English; one English product name never switches.
    """
    if evidence:
        return "vi" if evidence > 0 else "en"
    return state.locale or requested or utterance.locale


def after_turn(
    state: DialogueState,
    interpretation: Interpretation,
    outcomes: Sequence[Outcome],
    *,
    locale: Locale,
    reply: str,
    now: float,
) -> DialogueState:
    """Return the state that the next turn starts from."""
    products = _last((outcome.products for outcome in outcomes), ())
    cards = tuple(map(shown_product, products))
    shown = state.shown if not cards or _of_the_list(cards, state, outcomes) else cards
    focus = _last((outcome.focus for outcome in outcomes), None)
    if focus is None:
        focus = cards[0] if len(cards) == 1 else (None if cards else state.focus)
    aside = interpretation.intent in _SIDE_REMARKS
    same_subject = aside or interpretation.intent in _ANSWERS
    pending = _last((outcome.pending for outcome in outcomes), None)
    filters = next((outcome.filters for outcome in reversed(outcomes) if outcome.filters is not None), state.filters)
    answered = all(outcome.answered for outcome in outcomes)
    return msgspec.structs.replace(
        state,
        locale=locale,
        shown=shown,
        focus=focus,
        filters=filters,
        pending=pending or (state.pending if aside or _waits(state, interpretation) else None),
        last_intent=state.last_intent if same_subject else interpretation.intent,
        last_slots=state.last_slots if same_subject else interpretation.slots,
        last_reply=reply,
        order_id=_last((outcome.order_id for outcome in outcomes), state.order_id),
        offered=_last((outcome.offered for outcome in outcomes), state.offered),
        failures=0 if answered else state.failures + 1,
        turns=state.turns + 1,
        last_at=now,
    )


def _last(found: Iterable[T], kept: T) -> T:
    """Return the last of the outcomes' values that is one, else what is known already."""
    value = kept
    for one in found:
        value = one or value
    return value


def _of_the_list(cards: Sequence[ShownProduct], state: DialogueState, outcomes: Sequence[Outcome]) -> bool:
    """Tell whether an answer is but about one product of the list, which stays the list that is counted in."""
    if len(cards) != 1 or any(outcome.filters is not None for outcome in outcomes):
        return False
    return bool(cards[0].product_id) and cards[0].product_id in {product.product_id for product in state.shown}


def _waits(state: DialogueState, interpretation: Interpretation) -> bool:
    return state.pending is not None and state.pending.kind in _PATIENT and interpretation.intent in POLICIES


def shown_product(product: ProductFact) -> ShownProduct:
    """Return what is remembered of a card."""
    return ShownProduct(product.product_id, product.title, product.price)
