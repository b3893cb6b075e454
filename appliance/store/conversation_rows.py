"""Conversations and turns as records, and the SQL that moves them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
import sqlite_utils

from appliance.store.normalise import encodable

Status = Literal["open", "waiting", "human", "closed"]
"""``waiting``: a person was called; ``human``: a person is on, and the assistant is silent."""
Author = Literal["shopper", "staff"]

_TURN_FIELDS = (
    "id, chat_session_id, position, author, message, reply, intent, confidence, slots, action, handled_by, trace, "
    "took_ms, created_at, answered, helpful, comment"
)
_SESSION_FIELDS = "id, session_id, user_id, locale, status, state, started_at, last_at, unread, handed_off, reason"

SAVE_SESSION = """
insert into chat_sessions (id, session_id, user_id, locale, status, state, started_at, last_at, unread, handed_off,
    reason)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (id) do update set user_id = excluded.user_id, locale = excluded.locale, status = excluded.status,
    state = excluded.state, last_at = excluded.last_at, unread = excluded.unread, handed_off = excluded.handed_off,
    reason = excluded.reason
"""
ADD_TURN = f"""
insert into chat_turns ({_TURN_FIELDS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""  # noqa: S608
LATEST = f"select {_SESSION_FIELDS} from chat_sessions where session_id = ? order by last_at desc, id limit 1"  # noqa: S608
BY_ID = f"select {_SESSION_FIELDS} from chat_sessions where id = ?"  # noqa: S608
TURNS = f"select {_TURN_FIELDS} from chat_turns where chat_session_id = ? and position > ? order by position limit ?"  # noqa: S608
NEXT_POSITION = "select coalesce(max(position) + 1, 0) from chat_turns where chat_session_id = ?"
NOTED = "noted"
"""Key of a turn's trace: its message was put among the unanswered questions, by its answer or by a rating."""
FEEDBACK = f"""
update chat_turns set helpful = ?1, comment = ?2,
    trace = case when ?1 then trace else json_set(trace, '$.{NOTED}', json('true')) end
where id = ?3
"""  # noqa: S608
RATED = f"""
select t.message, s.locale, coalesce(json_extract(t.trace, '$.{NOTED}'), 0)
from chat_turns t join chat_sessions s on s.id = t.chat_session_id where t.id = ?
"""  # noqa: S608
FORGET_TURNS = """
update unanswered_questions set last_turn_id = ''
where last_turn_id in (select id from chat_turns where chat_session_id = ?)
"""
FORGET_REQUESTS = """
update order_requests set chat_session_id = '' where exists (
    select 1 from chat_sessions s where s.id = ? and s.session_id = order_requests.chat_session_id
    and order_requests.created_at <= s.last_at + 60
)
"""
"""Requests know their conversation by its session; later ones belong to a later conversation of it."""
DELETE = "delete from chat_sessions where id = ?"
WITH_ID = "select id from chat_sessions where id = ?"
OF_SESSION = "select id from chat_sessions where session_id = ?1 and (?2 is null or user_id in ('', ?2))"
OF_USER = "select id from chat_sessions where user_id = ? and user_id <> ''"
OLD = "select id from chat_sessions where last_at < ? order by last_at limit ?"
UNREAD = """
select coalesce(sum(unread), 0), count(*) filter (where status = 'waiting'), count(*) filter (where status = 'human')
from chat_sessions where status in ('waiting', 'human') or unread > 0
"""


class TurnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange: a shopper's message with its reply, or a message of the staff, which stands in ``reply``."""

    id: str
    conversation_id: str = ""
    """Filled in by the repository, like ``position``."""
    position: int = -1
    author: Author = "shopper"
    message: str = ""
    reply: str = ""
    intent: str = ""
    confidence: float = 0.0
    slots: dict[str, Any] = {}
    action: str = ""
    handled_by: str = "rules"
    """rules, llm, handoff."""
    trace: bytes = b"{}"
    """JSON of the agents' lines."""
    took_ms: float = 0.0
    created_at: float = 0.0
    answered: bool = True
    """``False`` when the shop had no answer."""
    helpful: bool | None = None
    comment: str = ""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as it is now."""

    id: str
    session_id: str
    user_id: str = ""
    locale: str = "vi"
    status: Status = "open"
    state: bytes = b"{}"
    """JSON of the dialogue's state; ``{}`` at the start."""
    started_at: float = 0.0
    last_at: float = 0.0
    unread: int = 0
    """Messages since a person last looked, while one is called or on."""
    handed_off: bool = False
    """Whether a person was ever called."""
    reason: str = ""
    """Why a person was called last."""
    next_position: int = 0


class ConversationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations the owner wants to see; what is left out does not narrow."""

    status: Status | None = None
    handed_off: bool | None = None
    intent: str = ""
    unanswered: bool | None = None
    """With a turn that the shop had no answer to, or without any."""
    text: str = ""
    """A part of a message or reply, whatever the case of its ASCII letters."""
    session_id: str = ""
    limit: int = 50
    offset: int = 0


class ConversationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the owner's list."""

    conversation: Conversation
    last_message: str
    last_intent: str


class Rated(msgspec.Struct, frozen=True):
    """The message whose reply a shopper has rated."""

    message: str
    locale: str
    noted: bool
    """Whether it is among the unanswered questions already, from its answer or from an earlier rating."""


class Waiting(msgspec.Struct, frozen=True):
    """What the owner has to look at."""

    unread: int
    """Messages not looked at."""
    waiting: int
    """Conversations in which a person was called and none has come."""
    human: int
    """Conversations in which a person is on."""


def save_session(db: sqlite_utils.Database, one: Conversation) -> None:
    """Insert or update a conversation."""
    db.execute(
        SAVE_SESSION,
        [
            *(one.id, one.session_id, one.user_id, one.locale, one.status, one.state.decode(), one.started_at),
            *(one.last_at, one.unread, int(one.handed_off), one.reason),
        ],
    )


def add_turn(db: sqlite_utils.Database, turn: TurnRecord) -> None:
    """Insert a turn."""
    db.execute(
        ADD_TURN,
        [
            *(turn.id, turn.conversation_id, turn.position, turn.author),
            *(encodable(turn.message), encodable(turn.reply), turn.intent),
            *(turn.confidence, msgspec.json.encode(turn.slots).decode(), turn.action, turn.handled_by),
            *(turn.trace.decode(), turn.took_ms, turn.created_at, int(turn.answered)),
            *(None if turn.helpful is None else int(turn.helpful), turn.comment),
        ],
    )


def rate(db: sqlite_utils.Database, turn_id: str, helpful: bool, comment: str) -> Rated | None:
    """Keep an opinion of a reply and return what it is about; ``None`` without such a turn."""
    found = db.execute(RATED, [turn_id]).fetchone()
    if found is None:
        return None
    db.execute(FEEDBACK, [int(helpful), comment, turn_id])
    message, locale, noted = found
    return Rated(message, locale, bool(noted))


def delete(db: sqlite_utils.Database, ids: Iterable[str]) -> None:
    """Delete conversations with their turns; unanswered questions and requests about orders forget them."""
    for conversation_id in ids:
        db.execute(FORGET_TURNS, [conversation_id])
        db.execute(FORGET_REQUESTS, [conversation_id])
        db.execute(DELETE, [conversation_id])


def conversation_of(db: sqlite_utils.Database, row: Sequence[Any] | None) -> Conversation | None:
    """Return the conversation of a row, with the place of its next turn."""
    if row is None:
        return None
    return _conversation(row, int(db.execute(NEXT_POSITION, [row[0]]).fetchone()[0]))


def turns_of(db: sqlite_utils.Database, conversation_id: str, after: int, limit: int) -> list[TurnRecord]:
    """Return the turns behind a position in order."""
    return [_turn(row) for row in db.execute(TURNS, [conversation_id, after, limit])]


def search(db: sqlite_utils.Database, wanted: ConversationFilter) -> tuple[list[ConversationSummary], int]:
    """Return a page of conversations, the newest first, and how many there are in all."""
    where, values = _where(wanted)
    total = int(db.execute(f"select count(*) from chat_sessions s where {where}", values).fetchone()[0])  # noqa: S608
    fields = ", ".join(f"s.{name.strip()}" for name in _SESSION_FIELDS.split(","))
    rows = db.execute(
        f"select {fields}, t.position, t.author, t.message, t.reply, t.intent from chat_sessions s "  # noqa: S608
        "left join chat_turns t on t.chat_session_id = s.id and t.position = "
        "(select max(position) from chat_turns where chat_session_id = s.id) "
        f"where {where} order by s.last_at desc, s.id limit ? offset ?",
        [*values, wanted.limit, wanted.offset],
    ).fetchall()
    return [_summary(row) for row in rows], total


def _where(wanted: ConversationFilter) -> tuple[str, list[Any]]:
    has = "exists (select 1 from chat_turns u where u.chat_session_id = s.id and {})"
    pattern = "%" + wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    negation = "not " if wanted.unanswered is False else ""
    clauses: list[tuple[bool, str, list[Any]]] = [
        (wanted.status is not None, "s.status = ?", [wanted.status]),
        (wanted.handed_off is not None, "s.handed_off = ?", [int(bool(wanted.handed_off))]),
        (bool(wanted.intent), has.format("u.intent = ?"), [wanted.intent]),
        (wanted.unanswered is not None, negation + has.format("u.answered = 0"), []),
        (
            bool(wanted.text),
            has.format("(u.message like ? escape '\\' or u.reply like ? escape '\\')"),
            [pattern, pattern],
        ),
        (bool(wanted.session_id), "s.session_id = ?", [wanted.session_id]),
    ]
    chosen = [(clause, values) for given, clause, values in clauses if given]
    return " and ".join(["1 = 1", *(clause for clause, _ in chosen)]), [one for _, values in chosen for one in values]


def _summary(row: Sequence[Any]) -> ConversationSummary:
    *session, position, author, message, reply, intent = row
    return ConversationSummary(
        conversation=_conversation(session, 0 if position is None else position + 1),
        last_message=(reply if author == "staff" else message) or "",
        last_intent=intent or "",
    )


def _conversation(row: Sequence[Any], next_position: int) -> Conversation:
    id_, session_id, user_id, locale, status, state, started_at, last_at, unread, handed_off, reason = row
    return Conversation(
        id=id_,
        session_id=session_id,
        user_id=user_id,
        locale=locale,
        status=status,
        state=state.encode(),
        started_at=started_at,
        last_at=last_at,
        unread=unread,
        handed_off=bool(handed_off),
        reason=reason,
        next_position=next_position,
    )


def _turn(row: Sequence[Any]) -> TurnRecord:
    (id_, conversation_id, position, author, message, reply, intent, confidence, slots, action, handled_by, *rest) = row
    trace, took_ms, created_at, answered, helpful, comment = rest
    return TurnRecord(
        id=id_,
        conversation_id=conversation_id,
        position=position,
        author=author,
        message=message,
        reply=reply,
        intent=intent,
        confidence=confidence,
        slots=msgspec.json.decode(slots),
        action=action,
        handled_by=handled_by,
        trace=trace.encode(),
        took_ms=took_ms,
        created_at=created_at,
        answered=bool(answered),
        helpful=None if helpful is None else bool(helpful),
        comment=comment,
    )
