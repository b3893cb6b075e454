"""The service over the assistant and its stores: one message of a shopper in, one answer out, and what is kept of it.

Turns of a session are answered one after the other, those of different sessions side by side in a few threads of their
own, so that a slow language model never takes a thread from search or recommendations.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import NamedTuple, Protocol

import msgspec
import structlog

from appliance.agents.accounting import count_turn, usage_of
from appliance.agents.dialogue.turns import TurnOrder
from appliance.agents.pipeline import TurnInput, TurnResult
from appliance.agents.types import Action, DialogueState, HandledBy, ProductFact, Slots, Source, Step
from appliance.errors import ApplianceError, InvalidInput, NotFound, Unavailable
from appliance.issues import IssueBoard, Severity
from appliance.messages import Locale, translate
from appliance.metrics import Metrics
from appliance.settings import Settings
from appliance.store.conversations import (
    NOTED,
    Conversation,
    ConversationRepository,
    Status,
    TurnRecord,
    new_turn_id,
)
from appliance.store.normalise import clean_text, encodable
from appliance.store.unanswered import UnansweredRepository

FOREIGN_FROM = 0.85
"""Confidence from which a message that was refused as no business of the shop is not shown to the owner."""
FAILURES_TO_PERSON = 2
"""Turns in a row that end in an apology before a person is called."""
_WAITING_ISSUE = "chat_waiting"
_FAILED_ISSUE = "assistant_answers"

log = structlog.get_logger(__name__)


class Answering(Protocol):
    """What answers a turn: the assistant."""

    def turn(self, given: TurnInput) -> TurnResult:
        """Answer one message."""
        ...


class _Said(NamedTuple):
    """A shopper's message with what is known of who says it."""

    message: str
    user_id: str
    client: str
    locale: Locale | None
    now: float


class ChatAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one message. While a person is on, ``reply`` is empty: the message was passed on to them."""

    turn_id: str
    conversation_id: str
    reply: str = ""
    intent: str = ""
    intents: tuple[str, ...] = ()
    confidence: float = 0.0
    slots: Slots = {}
    products: tuple[ProductFact, ...] = ()
    quick_replies: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    handled_by: HandledBy = "rules"
    action: Action = "answer"
    status: Status = "open"
    locale: Locale = "vi"
    steps: tuple[Step, ...] = ()
    took_ms: float = 0.0


class Conversations:
    """Everything that is said to shoppers goes through here. Safe to use from any thread."""

    def __init__(
        self,
        assistant: Answering,
        conversations: ConversationRepository,
        unanswered: UnansweredRepository,
        settings: Settings,
        metrics: Metrics,
        issues: IssueBoard,
    ) -> None:
        self._assistant = assistant
        self._conversations = conversations
        self._unanswered = unanswered
        self._settings = settings
        self._metrics = metrics
        self._issues = issues
        self._turns: TurnOrder[ChatAnswer] = TurnOrder()

    def submit(
        self,
        session_id: str,
        message: str,
        *,
        user_id: str = "",
        client: str = "",
        locale: Locale | None = None,
        now: float,
    ) -> Future[ChatAnswer]:
        """Have a message answered by a thread of this service; as ``say``.

        Raises ``InvalidInput``, ``Unavailable`` and ``Busy`` at once.
        """
        self._check(message)
        said = _Said(message, user_id, client, locale, now)
        return self._turns.submit(session_id, lambda: self._in_turn(session_id, said))

    def say(
        self,
        session_id: str,
        message: str,
        *,
        user_id: str = "",
        client: str = "",
        locale: Locale | None = None,
        now: float,
    ) -> ChatAnswer:
        """Answer a shopper's message and keep both, after the session's earlier ones.

        ``client`` is the shopper's own address, by which guesses at orders are counted, and ``''`` where it is not
        known; ``locale`` is what the storefront asks for; ``now`` is in Unix seconds. Raises ``InvalidInput`` for an
        empty or too long message, ``Unavailable`` while the assistant is switched off, ``Busy`` when too much waits.
        What fails inside the assistant is answered with an apology.
        """
        return self.submit(session_id, message, user_id=user_id, client=client, locale=locale, now=now).result()

    def feedback(self, turn_id: str, helpful: bool, comment: str, now: float) -> None:
        """Keep what a shopper thinks of a reply; one that did not help joins the unanswered questions.

        Raises ``NotFound`` without such a turn.
        """
        rated = self._conversations.feedback(turn_id, helpful, comment)
        if rated is None:
            raise NotFound("There is no such turn.", hint="Send the turn_id of an answer of POST /v1/chat.")
        if not helpful and not rated.noted:
            self._unanswered.note(rated.message, rated.locale, turn_id, now)

    def history(
        self, session_id: str, user_id: str, *, after: int, limit: int
    ) -> tuple[Conversation | None, list[TurnRecord]]:
        """Return the session's latest conversation with its turns behind a position."""
        return self._conversations.history(session_id, user_id, after=after, limit=limit)

    def forget(self, session_id: str, user_id: str | None = None) -> int:
        """Delete conversations of a session and return how many there were. Durable when it returns.

        All of them without a ``user_id``; with one those of that customer and of guests, and with ``''`` of guests.
        """
        gone = self._conversations.delete_session(session_id, user_id)
        if gone:
            self.count_waiting()
        return gone

    def count_waiting(self) -> None:
        """Tell the owner how many wait for a person; the problem is cured when nobody does.

        A store that cannot be read is logged: the count is made again with the next change, and every few seconds.
        """
        try:
            waiting = self._conversations.waiting().waiting
        except ApplianceError as error:
            log.error("waiting_not_counted", error=error.message)
            return
        self._metrics.chat_waiting.set(waiting)
        if waiting:
            self._issues.report(_WAITING_ISSUE, "chat_waiting", Severity.WARNING, "conversations", str(waiting))
        else:
            self._issues.cure(_WAITING_ISSUE)

    def close(self) -> None:
        """Let the running turns end; no further one is taken."""
        self._turns.close()

    def _check(self, message: str) -> None:
        assistant = self._settings.assistant
        if not assistant.enabled:
            raise Unavailable(
                "The shop assistant is switched off.",
                retry_after=60,
                hint="Hide the chat until then; the owner switches it on with assistant.enabled = true.",
            )
        if len(message) > assistant.max_message_chars:
            limit = f"must be at most {assistant.max_message_chars} characters long"
            raise InvalidInput(f"The message {limit}.", fields=(("message", limit),))
        if not message.strip():
            raise InvalidInput("The message is empty.", fields=(("message", "must not be empty"),))

    def _in_turn(self, session_id: str, said: _Said) -> ChatAnswer:
        began = time.perf_counter()
        said = said._replace(message=encodable(said.message))
        spoken = said.locale or self._settings.shop.locale
        conversation = self._conversations.open(session_id, said.user_id, spoken, said.now)
        if conversation.status == "human":
            return self._pass_on(conversation, said, began)
        return self._answer(conversation, said, began)

    def _answer(self, conversation: Conversation, said: _Said, began: float) -> ChatAnswer:
        state = _state_of(conversation)
        given = TurnInput(
            message=said.message,
            state=state,
            session_id=conversation.session_id,
            user_id=said.user_id,
            client=said.client,
            locale=said.locale,
            now=said.now,
        )
        try:
            result = self._assistant.turn(given)
        except Exception as error:
            # Whatever it is, the shopper gets an answer, and nothing of the failed turn is kept but the message.
            log.error("assistant_failed", exc_info=error)
            return self._apologise(conversation, state, said, error, began)
        self._issues.cure(_FAILED_ISSUE)
        count_turn(self._metrics, result, self._settings.assistant)
        is_open = self._is_open_question(result)
        record = _record(result, said, began, is_open=is_open)
        kept = self._keep(conversation, record, result.state, result.locale, result.handoff)
        if is_open:
            self._unanswered.note(said.message, result.locale, record.id, said.now)
        return _answered(result, record, kept, began)

    def _pass_on(self, conversation: Conversation, said: _Said, began: float) -> ChatAnswer:
        """Keep a message for the person who is on; the assistant is silent and its state stays as it is."""
        record = TurnRecord(
            id=new_turn_id(),
            message=clean_text(said.message),
            action="handoff",
            handled_by="handoff",
            took_ms=_since(began),
            created_at=said.now,
        )
        kept = self._conversations.append(conversation, record, conversation.state)
        self._metrics.chat_turns.labels("handoff", "people").inc()
        return ChatAnswer(
            turn_id=record.id,
            conversation_id=kept.id,
            handled_by="handoff",
            action="handoff",
            status=kept.status,
            locale=_locale_of(conversation),
            took_ms=record.took_ms,
        )

    def _apologise(
        self, conversation: Conversation, state: DialogueState, said: _Said, error: Exception, began: float
    ) -> ChatAnswer:
        """Answer for an assistant that failed. When it fails again the next time, a person is called."""
        detail = f"{type(error).__name__}: {error}"[:300]
        self._issues.report(_FAILED_ISSUE, "assistant_failed", Severity.ERROR, "assistant", detail)
        self._metrics.chat_failures.inc()
        self._metrics.chat_turns.labels("rules", "other").inc()
        locale = state.locale or _locale_of(conversation)
        failures = state.failures + 1
        handoff = "assistant_failed" if failures >= FAILURES_TO_PERSON else ""
        reply = translate("chat.failed.person" if handoff else "chat.failed.sorry", locale)
        record = TurnRecord(
            id=new_turn_id(),
            message=clean_text(said.message),
            reply=reply,
            action="handoff" if handoff else "offer_handoff",
            handled_by="handoff" if handoff else "rules",
            trace=msgspec.json.encode({"failed": detail}),
            took_ms=_since(began),
            created_at=said.now,
            answered=False,
        )
        after = msgspec.structs.replace(state, failures=failures, turns=state.turns + 1, last_at=said.now)
        kept = self._keep(conversation, record, after, locale, handoff)
        return ChatAnswer(
            turn_id=record.id,
            conversation_id=kept.id,
            reply=reply,
            quick_replies=() if handoff else (translate("chat.chips.person", locale),),
            handled_by="handoff" if handoff else "rules",
            action="handoff" if handoff else "offer_handoff",
            status=kept.status,
            locale=locale,
            took_ms=record.took_ms,
        )

    def _keep(
        self, conversation: Conversation, record: TurnRecord, state: DialogueState, locale: Locale, handoff: str
    ) -> Conversation:
        """Keep a turn. When a person is called and the disk refuses, the call holds in memory and is tried again."""
        encoded = msgspec.json.encode(state)
        try:
            kept = self._conversations.append(conversation, record, encoded, locale=locale, handoff=handoff)
        except ApplianceError as error:
            log.error("handoff_not_durable", error=error.message)
            kept = self._conversations.current(conversation.session_id) or conversation
        if handoff:
            self.count_waiting()
        return kept

    def _is_open_question(self, result: TurnResult) -> bool:
        """Return whether the owner should see a message among what the shop had no good answer to."""
        if not result.answered:
            return True
        if result.utterance.screen or result.handled_by != "rules":
            return False
        found = result.interpretation
        sure = self._settings.assistant.unsure_below
        # A refusal is no answer: what may be the shop's business after all is the owner's to judge.
        return found.confidence < (max(sure, FOREIGN_FROM) if found.intent == "out_of_scope" else sure)


def _state_of(conversation: Conversation) -> DialogueState:
    """Return the stored state; one that this version cannot read begins anew."""
    try:
        return msgspec.json.decode(conversation.state, type=DialogueState)
    except msgspec.DecodeError as error:
        log.warning("dialogue_state_unreadable", conversation=conversation.id, error=str(error))
        return DialogueState()


def _record(result: TurnResult, said: _Said, began: float, *, is_open: bool) -> TurnRecord:
    return TurnRecord(
        id=new_turn_id(),
        message=clean_text(said.message),
        reply=result.reply.text,
        intent=result.interpretation.intent,
        confidence=round(result.interpretation.confidence, 4),
        slots=result.interpretation.slots,
        action=result.action,
        handled_by=result.handled_by,
        trace=_trace(result, is_open=is_open),
        took_ms=_since(began),
        created_at=said.now,
        answered=result.answered,
    )


def _answered(result: TurnResult, record: TurnRecord, kept: Conversation, began: float) -> ChatAnswer:
    return ChatAnswer(
        turn_id=record.id,
        conversation_id=kept.id,
        reply=record.reply,
        intent=record.intent,
        intents=result.interpretation.intents,
        confidence=record.confidence,
        slots=record.slots,
        products=result.reply.products,
        quick_replies=result.reply.quick_replies,
        sources=result.reply.sources,
        handled_by=result.handled_by,
        action=result.action,
        status=kept.status,
        locale=result.locale,
        steps=result.steps,
        took_ms=_since(began),
    )


def _locale_of(conversation: Conversation) -> Locale:
    return "en" if conversation.locale == "en" else "vi"


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)


def _trace(result: TurnResult, *, is_open: bool) -> bytes:
    usage = usage_of(result)
    trace: dict[str, object] = {
        "steps": result.steps,
        "locale": result.locale,
        "model": {"asked": result.model.ask, "why": result.model.why},
    }
    if result.consultation is not None:
        trace["usage"] = {"tokens_in": usage.tokens_in, "tokens_out": usage.tokens_out}
        trace["failed"] = result.consultation.failed
    if result.unfounded:
        trace["unfounded"] = result.unfounded
    if result.handoff:
        trace["handoff"] = result.handoff
    if is_open:
        trace[NOTED] = True
    return msgspec.json.encode(trace)
