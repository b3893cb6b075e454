"""What the chat routes take and give."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from appliance.agents.types import Action, HandledBy
from appliance.server.schemas import Amount, Id, In, Item, LocaleTag, OptionalId, Out
from appliance.store.conversations import Status

Message = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": 2000, "pattern": r"\S"})]
"""Checked by the service, against the limit that the owner sets; the schema tells its default."""
Comment = Annotated[str, msgspec.Meta(max_length=1000)]


class ChatIn(In, frozen=True, kw_only=True):
    """One message of a shopper."""

    session_id: Id
    message: Message
    user_id: OptionalId = ""
    locale: LocaleTag = ""
    """``vi`` or ``en``: the page's language; the answer follows the shopper's own words where they show one."""
    trace: bool = False
    """Whether to tell what each agent made of the message; for a secret key or an admin token only."""


class ChatItem(Item, frozen=True, kw_only=True):
    """A product that an answer shows; ``score`` is 1 for the first, 1/2 for the second, and so on."""

    reason: str
    """Why it is recommended, or ``""``."""


class SourceOut(Out, frozen=True, kw_only=True):
    """Where an answer comes from."""

    kind: str
    id: str


class StepOut(Out, frozen=True, kw_only=True):
    """What one agent made of the message."""

    agent: str
    took_ms: float
    output: dict[str, Any]


class ChatOut(Out, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a message.

    ``reply`` is empty while a person is on (``status`` ``human``): their words come with the session's history.
    """

    turn_id: str
    reply: str
    intent: str
    intents: list[str]
    confidence: float
    slots: dict[str, str | int | list[int]]
    """What was understood; amounts in main units."""
    products: list[ChatItem]
    quick_replies: list[str]
    sources: list[SourceOut]
    handled_by: HandledBy
    action: Action
    status: Status
    locale: str
    took_ms: float
    trace: list[StepOut] | None = None


class DeltaOut(Out, frozen=True, kw_only=True):
    """The next piece of a streamed reply."""

    text: str


class FeedbackIn(In, frozen=True, kw_only=True):
    """Whether a reply helped."""

    helpful: bool
    comment: Comment = ""


class ChatTurnOut(Out, frozen=True, kw_only=True):
    """One exchange of a conversation; a message of the staff stands in ``reply``."""

    turn_id: str
    position: int
    author: str
    """``shopper``, or ``staff``."""
    message: str
    reply: str
    handled_by: str
    action: str
    helpful: bool | None
    created_at: str


class ChatHistory(Out, frozen=True, kw_only=True):
    """The latest conversation of a session, or no turns when there is none. Ask again with ``after`` = ``position``."""

    status: Status
    position: int
    """Of the last turn; -1 when there is none."""
    turns: list[ChatTurnOut]


class AgentTimes(Out, frozen=True, kw_only=True):
    """How long an agent took a turn, in milliseconds."""

    agent: str
    turns: int
    p50_ms: float
    p95_ms: float


class IntentCount(Out, frozen=True, kw_only=True):
    """Turns of one intent."""

    intent: str
    turns: int
    answered: float
    """The part that had an answer."""


class ChatAnalytics(Out, frozen=True, kw_only=True):
    """How the assistant did; shares are from 0 to 1."""

    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    conversations: int
    turns: int
    """Messages of shoppers."""
    handled_by: dict[str, int]
    """Turns by rules, by the language model, and those for a person."""
    answered_share: float
    """The part of the turns that had an answer."""
    handoff_share: float
    """The part of the conversations in which a person was called."""
    helpful_share: float | None
    """The part of the marked replies that helped; ``null`` when none was marked."""
    marked: int
    """Replies that shoppers marked."""
    intents: list[IntentCount]
    model_tokens_in: int
    model_tokens_out: int
    model_cost_usd: Amount
    """What the language model's tokens would have cost at a cloud model."""
    avoided_cost_usd: Amount
    """What the turns without the language model would have cost there, at the length of a typical turn."""
    agents: list[AgentTimes]
    timed_turns: int
    """The newest turns, from which ``agents`` was computed."""
