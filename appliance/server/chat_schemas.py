"""What the owner's routes about the assistant take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from appliance.agents.types import INTENTS, Action
from appliance.domain import NOT_BLANK_PATTERN
from appliance.server.schemas import In, LocaleTag, Out
from appliance.store.conversations import MAX_STAFF_MESSAGE, Status
from appliance.store.faq import MAX_ANSWER, MAX_QUESTION, MAX_QUESTIONS
from appliance.store.intent_examples import MAX_TEXT
from appliance.store.order_requests import MAX_NOTE, RequestKind, RequestStatus
from appliance.store.shop_words import MAX_MEANING
from appliance.store.unanswered import GroupStatus

_NAMES = "|".join(INTENTS)
INTENT_PATTERN = rf"^({_NAMES})$(?!\n)"
OPTIONAL_INTENT_PATTERN = rf"^$(?!\n)|{INTENT_PATTERN}"
Intent = Annotated[str, msgspec.Meta(pattern=INTENT_PATTERN)]
OptionalIntent = Annotated[str, msgspec.Meta(pattern=OPTIONAL_INTENT_PATTERN)]
Answer = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ANSWER, pattern=NOT_BLANK_PATTERN)]
Question = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_QUESTION, pattern=NOT_BLANK_PATTERN)]
Questions = Annotated[list[Question], msgspec.Meta(max_length=MAX_QUESTIONS)]


class AnswersIn(In, frozen=True, kw_only=True):
    """An answer in one language or both."""

    vi: Answer | msgspec.UnsetType = msgspec.UNSET
    en: Answer | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if self.vi is msgspec.UNSET and self.en is msgspec.UNSET:
            raise ValueError("needs vi or en")

    def by_language(self) -> dict[str, str]:
        """Return the answers that are there."""
        return {name: text for name, text in (("vi", self.vi), ("en", self.en)) if isinstance(text, str)}


class QuestionsIn(In, frozen=True, kw_only=True):
    """Wordings and synonyms by language."""

    vi: Questions = msgspec.field(default_factory=list)
    en: Questions = msgspec.field(default_factory=list)

    def by_language(self) -> dict[str, list[str]]:
        """Return the questions of the languages that have any."""
        return {name: texts for name, texts in (("vi", self.vi), ("en", self.en)) if texts}


Answers = Annotated[AnswersIn, msgspec.Meta(extra_json_schema={"minProperties": 1})]


class FaqIn(In, frozen=True, kw_only=True):
    """An answer of the shop: to an intent as such, to questions of its own, or to both."""

    answers: Answers
    questions: QuestionsIn = QuestionsIn()
    intent: OptionalIntent = ""
    enabled: bool = True


class FaqOut(Out, frozen=True, kw_only=True):
    """An entry of the FAQ."""

    id: str
    intent: str
    enabled: bool
    questions: dict[str, list[str]]
    answers: dict[str, str]
    created_at: str
    updated_at: str


class FaqList(Out, frozen=True, kw_only=True):
    """All entries, the oldest first."""

    items: list[FaqOut]


class FaqPreviewIn(In, frozen=True, kw_only=True):
    """A question as a shopper might ask it."""

    question: Annotated[str, msgspec.Meta(min_length=1, max_length=2000, pattern=NOT_BLANK_PATTERN)]
    locale: LocaleTag = ""
    """``vi`` or ``en``: the page's language; the answer follows the question's own words where they show one."""


class FaqMatchOut(Out, frozen=True, kw_only=True):
    """An entry by the question of its that comes nearest."""

    id: str
    question: str
    """``""`` when the entry answers as the intent's own."""
    score: float
    """0 to 1."""


class FaqPreviewOut(Out, frozen=True, kw_only=True):
    """What would be answered."""

    reply: str
    locale: str
    intent: str
    confidence: float
    rule: str
    """What decided the intent; ``""`` when the model did."""
    action: Action
    answered: bool
    """``false`` when the question would join the unanswered ones."""
    entry: FaqMatchOut | None
    """The entry that answers."""
    near: list[FaqMatchOut]
    """Up to three others, the nearest first."""


class ConversationOut(Out, frozen=True, kw_only=True):
    """A conversation. ``unread`` counts messages since a person last looked, while one is called or on."""

    id: str
    session_id: str
    user_id: str
    locale: str
    status: Status
    handed_off: bool
    reason: str
    """Why a person was called last."""
    unread: int
    turns: int
    last_message: str
    last_intent: str
    started_at: str
    last_at: str


class ConversationPage(Out, frozen=True, kw_only=True):
    """A page of conversations, the newest first, and what waits for the owner in all."""

    items: list[ConversationOut]
    total: int
    unread: int
    waiting: int
    """Conversations in which a person was called and none has come."""
    human: int
    """Conversations in which a person is on."""


class TurnOut(Out, frozen=True, kw_only=True):
    """A shopper's message with its reply, or the staff's message in ``reply``."""

    id: str
    position: int
    author: Literal["shopper", "staff"]
    message: str
    reply: str
    intent: str
    confidence: float
    slots: dict[str, Any]
    action: str
    handled_by: str
    trace: Any
    """What each agent found."""
    took_ms: float
    answered: bool
    helpful: bool | None
    comment: str
    created_at: str


class ConversationDetail(Out, frozen=True, kw_only=True):
    """A conversation with its turns."""

    conversation: ConversationOut
    turns: list[TurnOut]


class StaffMessageIn(In, frozen=True, kw_only=True):
    """What a person says to the shopper."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_STAFF_MESSAGE, pattern=NOT_BLANK_PATTERN)]


class QuestionGroupOut(Out, frozen=True, kw_only=True):
    """Questions that are one and have no answer."""

    id: str
    question: str
    variants: list[str]
    locale: str
    occurrences: int
    status: GroupStatus
    faq_entry_id: str
    last_turn_id: str
    first_at: str
    last_at: str


class QuestionGroupPage(Out, frozen=True, kw_only=True):
    """A page of groups, the most asked first."""

    items: list[QuestionGroupOut]
    total: int


class UnansweredAnswerIn(In, frozen=True, kw_only=True):
    """The answer to a group; its wordings become the questions of a new FAQ entry."""

    answers: Answers
    intent: OptionalIntent = ""


class IntentExampleIn(In, frozen=True, kw_only=True):
    """A message and what it means."""

    intent: Intent
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT, pattern=NOT_BLANK_PATTERN)]


class IntentExampleOut(Out, frozen=True, kw_only=True):
    """An example as it is kept."""

    id: str
    intent: str
    text: str
    created_at: str


class IntentExampleList(Out, frozen=True, kw_only=True):
    """All examples of the owner."""

    items: list[IntentExampleOut]


class ShopWordIn(In, frozen=True, kw_only=True):
    """What a word stands for."""

    meaning: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_MEANING, pattern=NOT_BLANK_PATTERN)]


class ShopWordOut(Out, frozen=True, kw_only=True):
    """A word of the shop."""

    word: str
    meaning: str


class ShopWordList(Out, frozen=True, kw_only=True):
    """All words in alphabetical order."""

    items: list[ShopWordOut]


class OrderRequestOut(Out, frozen=True, kw_only=True):
    """What a shopper asked to be done with an order."""

    id: str
    display_id: str
    kind: RequestKind
    details: dict[str, str]
    conversation_id: str
    status: RequestStatus
    note: str
    created_at: str
    updated_at: str


class OrderRequestPage(Out, frozen=True, kw_only=True):
    """A page of requests, the newest first."""

    items: list[OrderRequestOut]
    total: int


class ResolveIn(In, frozen=True, kw_only=True):
    """What became of a request."""

    status: Literal["done", "rejected"]
    note: Annotated[str, msgspec.Meta(max_length=MAX_NOTE)] = ""
