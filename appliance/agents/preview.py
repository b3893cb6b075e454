"""What would be answered to a question, for an owner who writes the FAQ. Nothing of it is kept or counted."""

from __future__ import annotations

import msgspec

from appliance.agents.pipeline import Assistant, TurnInput
from appliance.agents.service.retrieval import FaqHit, FaqSearch
from appliance.agents.types import Action, DialogueState
from appliance.messages import Locale
from appliance.store.normalise import encodable

NEAR = 3
"""Entries besides the one that answers."""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that nobody got."""

    reply: str
    locale: Locale
    intent: str
    confidence: float
    rule: str
    """What decided the intent; ``''`` when the model did."""
    action: Action
    answered: bool
    entry: FaqHit | None
    """The FAQ entry that answers. One that answers as the intent's own has no question and a score of 0."""
    near: tuple[FaqHit, ...]
    """Other entries by the question that comes nearest, the best first, whether or not it is near enough."""


def preview(assistant: Assistant, faq: FaqSearch, question: str, locale: Locale | None, now: float) -> Preview:
    """Answer a question as the first message of a guest.

    The turn has no session: without one the service agent compares no contact with an order, so that no try is counted.
    """
    given = TurnInput(message=encodable(question), state=DialogueState(), session_id="", locale=locale, now=now)
    result = assistant.turn(given)
    ranked = faq.near(result.utterance, NEAR + 1)
    source = next((source.id for source in result.reply.sources if source.kind == "faq"), "")
    entry = faq.index.by_id.get(source)
    own = FaqHit(entry, "", 0.0) if entry is not None else None
    if own is not None and result.interpretation.rule == f"faq:{source}":
        own = faq.best(result.utterance) or own
    return Preview(
        reply=result.reply.text,
        locale=result.locale,
        intent=result.interpretation.intent,
        confidence=round(result.interpretation.confidence, 4),
        rule=result.interpretation.rule,
        action=result.action,
        answered=result.answered,
        entry=own,
        near=tuple(hit for hit in ranked if hit.entry.id != source)[:NEAR],
    )
