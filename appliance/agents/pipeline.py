"""The assistant: five agents in a row, each with its line in the trace.

language → intent → (catalogue | service | talk) → response. An agent that answers intents is a *skill*; a further one
is a class of its own and one line where the assistant is built.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from appliance.agents.dialogue.memory import after_turn, expected, spoken_locale
from appliance.agents.intent.agent import IntentAgent, IntentInput
from appliance.agents.language.agent import LanguageAgent, LanguageInput
from appliance.agents.language.detect import evidence
from appliance.agents.model.consultant import Consultant, Consultation
from appliance.agents.model.policy import Policy, Verdict
from appliance.agents.port import LanguageModel
from appliance.agents.response.agent import ResponseAgent, ResponseInput, ResponseOutput
from appliance.agents.service.retrieval import FaqHit
from appliance.agents.types import (
    TRANSACTIONAL,
    Action,
    DialogueState,
    HandledBy,
    Interpretation,
    Outcome,
    Reply,
    SkillInput,
    Slots,
    Step,
    Token,
    Utterance,
)
from appliance.messages import Locale
from appliance.settings import Settings

T = TypeVar("T")
_FAQ = "faq"
_ANSWERED_BY_SERVICE = frozenset({"confirm", "handoff", "contact", "details"})
"""Questions to which the service agent takes a yes or no; to the others it is but a remark."""
_ASKED_AGAIN = frozenset({"purchase", "order_id", "verify", "product", "measures"})
"""Questions that a bare yes leaves open: the skill that asked goes on from what it knows."""
_NAMES = frozenset({"category", "location", "email", "coupon_code"})


class Skill(Protocol):
    """An agent that answers some intents from a store."""

    name: str
    intents: frozenset[str]

    def run(self, given: SkillInput) -> Outcome:
        """Find the facts that answer one intent."""
        ...


class TurnInput(msgspec.Struct, frozen=True, kw_only=True):
    """One message in its conversation."""

    message: str
    state: DialogueState
    session_id: str
    user_id: str = ""
    client: str = ""
    """The address of the caller."""
    locale: Locale | None = None
    """What the storefront asks for; the shopper's own words go first."""
    now: float = 0.0
    """Unix seconds."""


class TurnResult(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a turn came to."""

    reply: Reply
    utterance: Utterance
    interpretation: Interpretation
    action: Action
    handled_by: HandledBy
    state: DialogueState
    locale: Locale
    steps: tuple[Step, ...]
    answered: bool
    handoff: str = ""
    """Why a person is called; ``''``: not."""
    model: Verdict
    consultation: Consultation | None = None
    unfounded: tuple[int, ...] = ()
    took_ms: float = 0.0


class Assistant:
    """Answers turns. It keeps nothing of a conversation: the state comes with a turn and goes with its result."""

    def __init__(
        self,
        language: Callable[[], LanguageAgent],
        intent: IntentAgent,
        skills: Sequence[Skill],
        response: ResponseAgent,
        settings: Settings,
        faq: Callable[[Utterance], FaqHit | None],
        model: Callable[[], LanguageModel | None] = lambda: None,
    ) -> None:
        """``language`` and ``model`` are asked for with every turn, because the shop's vocabulary and model change.

        ``faq`` finds the owner's entry whose question a message repeats: what the owner wrote goes before the rules.
        """
        self._language = language
        self._intent = intent
        self._skills: Mapping[str, Skill] = {name: skill for skill in skills for name in skill.intents}
        self._response = response
        self._settings = settings
        self._faq = faq
        self._model = model
        self._policy = Policy(settings.assistant)
        self._consultant = Consultant(settings.shop.name)

    def turn(self, given: TurnInput) -> TurnResult:
        """Answer one message."""
        began = time.perf_counter()
        steps: list[Step] = []
        asked, found = self._heard(given, steps)
        model = self._model()
        verdict = self._policy.decide(model, found, asked.utterance, time.monotonic())
        consultation = self._consult(model, asked, verdict, steps) if model is not None and verdict.ask else None
        by_model = consultation is not None and not consultation.failed
        if consultation is not None and by_model:
            found, outcomes = _as_understood(found, consultation), consultation.outcomes
        else:
            outcomes = tuple(self._answer(found, asked, steps))
        facts = _facts(outcomes, asked, consultation)
        worded = _timed(steps, "response", lambda: self._response.run(facts), _seen_by_response)
        handoff = next((outcome.handoff for outcome in outcomes if outcome.handoff), "")
        state = after_turn(asked.state, found, outcomes, locale=asked.locale, reply=worded.reply.text, now=given.now)
        return TurnResult(
            reply=worded.reply,
            utterance=asked.utterance,
            interpretation=found,
            action=outcomes[-1].action if outcomes else "answer",
            handled_by="handoff" if handoff else "llm" if by_model else "rules",
            state=state,
            locale=asked.locale,
            steps=tuple(steps),
            answered=all(outcome.answered for outcome in outcomes),
            handoff=handoff,
            model=verdict,
            consultation=consultation,
            unfounded=worded.unfounded,
            took_ms=round((time.perf_counter() - began) * 1000, 3),
        )

    def _heard(self, given: TurnInput, steps: list[Step]) -> tuple[SkillInput, Interpretation]:
        """Return what the skills are asked, and how the message was understood."""
        state = given.state
        heard = LanguageInput(given.message, expected(state))
        utterance = _timed(steps, "language", lambda: self._language().run(heard), _seen_by_language)
        found = _timed(steps, "intent", lambda: self._understood(utterance, state), _seen_by_intent)
        asked = SkillInput(
            intent=found.intent,
            slots=found.slots,
            utterance=utterance,
            state=state,
            locale=spoken_locale(utterance, evidence(_spoken(utterance)), state, given.locale),
            session_id=given.session_id,
            user_id=given.user_id,
            client=given.client,
            now=given.now,
        )
        return asked, found

    def _understood(self, utterance: Utterance, state: DialogueState) -> Interpretation:
        """Return the intent; a question that the owner has answered is that entry's, whatever else it looks like."""
        found = self._intent.run(IntentInput(utterance, state))
        if utterance.screen or found.rule.startswith("pending:"):
            return found
        hit = self._faq(utterance)
        if hit is None:
            return found
        intent = hit.entry.intent or found.intent
        slots = {**found.slots, "faq": hit.entry.id}
        return msgspec.structs.replace(
            found, intent=intent, intents=(intent,), slots=slots, rule=f"{_FAQ}:{hit.entry.id}", confidence=hit.score
        )

    def _answer(self, interpretation: Interpretation, asked: SkillInput, steps: list[Step]) -> list[Outcome]:
        """Run the skill of every intent, a transaction last."""
        if interpretation.rule.startswith(f"{_FAQ}:"):
            return [self._run(_FAQ, asked.slots, asked, steps)]
        if not interpretation.requests:
            return [self._run(interpretation.intent, asked.slots, asked, steps)]
        requests = sorted(interpretation.requests, key=lambda request: request.intent in TRANSACTIONAL)
        return [
            self._run(request.intent, request.slots, msgspec.structs.replace(asked, utterance=request.utterance), steps)
            for request in requests
        ]

    def _run(self, intent: str, slots: Slots, asked: SkillInput, steps: list[Step]) -> Outcome:
        given = msgspec.structs.replace(asked, intent=intent, slots=slots)
        skill = self._skills[intent]
        pending = asked.state.pending
        if intent in ("affirm", "deny") and pending is not None:
            if pending.kind in _ANSWERED_BY_SERVICE:
                skill = self._skills["human_handoff"]
            elif pending.kind in _ASKED_AGAIN and intent == "affirm":
                skill = self._skills[pending.intent]
                given = msgspec.structs.replace(given, intent=pending.intent, slots=pending.slots)
        return _timed(steps, skill.name, lambda: skill.run(given), _seen_by_skill)

    def _consult(self, model: LanguageModel, asked: SkillInput, verdict: Verdict, steps: list[Step]) -> Consultation:
        breaker = self._policy.breaker

        def ask() -> Consultation:
            return self._consultant.ask(
                model,
                asked.utterance.text,
                asked.state,
                lambda intent, slots: self._run(intent, slots, asked, steps),
                locale=asked.locale,
                deadline=self._settings.assistant.model_deadline_seconds,
                conversation=asked.session_id,
            )

        found = _timed(steps, "model", ask, lambda result: {"why": verdict.why, "failed": result.failed})
        if found.failed:
            breaker.failed(time.monotonic())
        else:
            breaker.succeeded()
        return found


def _facts(outcomes: tuple[Outcome, ...], asked: SkillInput, found: Consultation | None) -> ResponseInput:
    return ResponseInput(
        outcomes=outcomes,
        locale=asked.locale,
        variation=asked.state.turns,
        conversation=asked.session_id,
        text=found.text if found is not None and not found.failed else "",
    )


def _spoken(utterance: Utterance) -> list[Token]:
    """Return the words that show the shopper's language: not a product's, a place's or a person's own name."""
    named = {
        place for mention in utterance.mentions if mention.slot in _NAMES for place in range(mention.start, mention.end)
    }
    return [token for place, token in enumerate(utterance.tokens) if place not in named] or list(utterance.tokens)


def _as_understood(interpretation: Interpretation, consultation: Consultation) -> Interpretation:
    """Return the interpretation that the model acted on."""
    if not consultation.intent or consultation.intent == "faq":
        return interpretation
    return msgspec.structs.replace(
        interpretation, intent=consultation.intent, intents=(consultation.intent,), slots=consultation.slots, rule=""
    )


def _timed(steps: list[Step], agent: str, run: Callable[[], T], seen: Callable[[T], dict[str, object]]) -> T:
    began = time.perf_counter()
    result = run()
    steps.append(Step(agent, round((time.perf_counter() - began) * 1000, 3), seen(result)))
    return result


def _seen_by_intent(found: Interpretation) -> dict[str, object]:
    seen: dict[str, object] = msgspec.to_builtins(msgspec.structs.replace(found, requests=()))
    return seen


def _seen_by_language(utterance: Utterance) -> dict[str, object]:
    return {
        "words": " ".join(token.marked for token in utterance.tokens)[:500],
        "locale": utterance.locale,
        "mentions": [f"{mention.slot}={mention.value}" for mention in utterance.mentions],
        "repairs": [f"{raw}→{read}" for raw, read in utterance.repairs],
        "screen": utterance.screen,
    }


def _seen_by_skill(outcome: Outcome) -> dict[str, object]:
    return {
        "action": outcome.action,
        "parts": [part.message or "text" for part in outcome.parts],
        "products": [product.product_id for product in outcome.products],
        "sources": [f"{source.kind}:{source.id}" for source in outcome.sources],
        "answered": outcome.answered,
    }


def _seen_by_response(output: ResponseOutput) -> dict[str, object]:
    return {"characters": len(output.reply.text), "unfounded": list(output.unfounded)}
