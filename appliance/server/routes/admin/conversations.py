"""Conversations: the owner reads along, takes over and hands back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, delete, get, post
from litestar.params import PathParameter, QueryParameter

from appliance.domain import ID_PATTERN
from appliance.errors import NotFound
from appliance.runtime import Runtime
from appliance.server.body import read_body
from appliance.server.chat_schemas import (
    OPTIONAL_INTENT_PATTERN,
    ConversationDetail,
    ConversationOut,
    ConversationPage,
    StaffMessageIn,
    TurnOut,
)
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.query import Limit, Offset, SessionId
from appliance.store.conversations import Conversation, ConversationFilter, TurnRecord

ConversationId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]
WantedStatus = Annotated[
    Literal["", "open", "waiting", "human", "closed"], QueryParameter(description="Only conversations in this state.")
]
WantedIntent = Annotated[
    str, QueryParameter(max_length=40, pattern=OPTIONAL_INTENT_PATTERN, description="With a turn of this intent.")
]
WantedText = Annotated[str, QueryParameter(max_length=200, description="With these words in a message or reply.")]
Flag = Annotated[Literal["", "true", "false"], QueryParameter(description="`true` or `false`; else both.")]
_TURNS = 1000
"""The last turns of a conversation that are shown."""


@get("/conversations", operation_id="listConversations", summary="Conversations, the newest first")
async def list_conversations(
    request: Request[Any, Any, Any],
    status: WantedStatus = "",
    handed_off: Flag = "",
    intent: WantedIntent = "",
    unanswered: Flag = "",
    q: WantedText = "",
    session_id: SessionId = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> ConversationPage:
    """List conversations a page at a time, and count what waits for a person."""
    wanted = ConversationFilter(
        status=status or None,
        handed_off=_flag(handed_off),
        intent=intent,
        unanswered=_flag(unanswered),
        text=q,
        session_id=session_id,
        limit=limit,
        offset=offset,
    )
    return await asyncio.to_thread(_page, runtime_of(request), wanted)


@get("/conversations/{conversation_id:str}", operation_id="getConversation", summary="A conversation with its turns")
async def read_conversation(request: Request[Any, Any, Any], conversation_id: ConversationId) -> ConversationDetail:
    """Answer with a conversation and what each agent made of its messages; it counts as read then.

    Of a very long one the last thousand.
    """
    return await asyncio.to_thread(_detail, runtime_of(request), conversation_id, read=True)


@post(
    "/conversations/{conversation_id:str}/messages",
    status_code=201,
    operation_id="sayInConversation",
    summary="A message of the staff",
)
async def say_in_conversation(request: Request[Any, Any, Any], conversation_id: ConversationId) -> TurnOut:
    """Say something to the shopper; from then on the assistant is silent until the conversation is handed back."""
    data = await read_body(request, StaffMessageIn)
    runtime = runtime_of(request)
    turn = await asyncio.to_thread(_said, runtime, conversation_id, data.text)
    if turn is None:
        raise _unknown()
    return turn_out(turn)


@post(
    "/conversations/{conversation_id:str}/take",
    status_code=200,
    operation_id="takeConversation",
    summary="Take a conversation over",
)
async def take_conversation(request: Request[Any, Any, Any], conversation_id: ConversationId) -> ConversationDetail:
    """Have a person answer from now on; the assistant is silent."""
    runtime = runtime_of(request)
    return await asyncio.to_thread(_moved, runtime, runtime.conversations.take, conversation_id)


@post(
    "/conversations/{conversation_id:str}/hand-back",
    status_code=200,
    operation_id="handBackConversation",
    summary="Hand a conversation back",
)
async def hand_back_conversation(
    request: Request[Any, Any, Any], conversation_id: ConversationId
) -> ConversationDetail:
    """Have the assistant answer again."""
    runtime = runtime_of(request)
    return await asyncio.to_thread(_moved, runtime, runtime.conversations.hand_back, conversation_id)


@post(
    "/conversations/{conversation_id:str}/close",
    status_code=200,
    operation_id="closeConversation",
    summary="End a conversation",
)
async def close_conversation(request: Request[Any, Any, Any], conversation_id: ConversationId) -> ConversationDetail:
    """End a conversation: the shopper's next message begins a new one, which the assistant answers."""
    runtime = runtime_of(request)
    return await asyncio.to_thread(_moved, runtime, runtime.conversations.close_conversation, conversation_id)


@delete(
    "/conversations/{conversation_id:str}",
    status_code=204,
    operation_id="deleteConversation",
    summary="Delete a conversation",
)
async def delete_conversation(request: Request[Any, Any, Any], conversation_id: ConversationId) -> None:
    """Delete a conversation with all its turns, for good."""
    if not await asyncio.to_thread(_deleted, runtime_of(request), conversation_id):
        raise _unknown()


def turn_out(turn: TurnRecord) -> TurnOut:
    """Return a turn as the API gives it."""
    return TurnOut(
        id=turn.id,
        position=turn.position,
        author=turn.author,
        message=turn.message,
        reply=turn.reply,
        intent=turn.intent,
        confidence=turn.confidence,
        slots=turn.slots,
        action=turn.action,
        handled_by=turn.handled_by,
        trace=msgspec.json.decode(turn.trace),
        took_ms=turn.took_ms,
        answered=turn.answered,
        helpful=turn.helpful,
        comment=turn.comment,
        created_at=moment(turn.created_at),
    )


def _page(runtime: Runtime, wanted: ConversationFilter) -> ConversationPage:
    found, total = runtime.conversations.search(wanted)
    waiting = runtime.conversations.waiting()
    return ConversationPage(
        items=[_out(one.conversation, one.last_message, one.last_intent) for one in found],
        total=total,
        unread=waiting.unread,
        waiting=waiting.waiting,
        human=waiting.human,
    )


def _detail(runtime: Runtime, conversation_id: str, *, read: bool) -> ConversationDetail:
    found = runtime.conversations.get(conversation_id)
    if found is None:
        raise _unknown()
    if read:
        runtime.conversations.seen(conversation_id)
    turns = runtime.conversations.turns(conversation_id, after=found.next_position - 1 - _TURNS, limit=_TURNS)
    last = turns[-1] if turns else TurnRecord(id="")
    words = last.reply if last.author == "staff" else last.message
    return ConversationDetail(conversation=_out(found, words, last.intent), turns=[turn_out(turn) for turn in turns])


def _said(runtime: Runtime, conversation_id: str, text: str) -> TurnRecord | None:
    turn = runtime.conversations.say(conversation_id, text, runtime.now())
    if turn is not None:
        runtime.desk.count_waiting()
    return turn


def _deleted(runtime: Runtime, conversation_id: str) -> bool:
    existed = runtime.conversations.delete(conversation_id)
    if existed:
        runtime.desk.count_waiting()
    return existed


def _moved(runtime: Runtime, move: Callable[[str], Conversation | None], conversation_id: str) -> ConversationDetail:
    if move(conversation_id) is None:
        raise _unknown()
    runtime.desk.count_waiting()
    return _detail(runtime, conversation_id, read=False)


def _out(one: Conversation, last_message: str, last_intent: str) -> ConversationOut:
    return ConversationOut(
        id=one.id,
        session_id=one.session_id,
        user_id=one.user_id,
        locale=one.locale,
        status=one.status,
        handed_off=one.handed_off,
        reason=one.reason,
        unread=one.unread,
        turns=one.next_position,
        last_message=last_message,
        last_intent=last_intent,
        started_at=moment(one.started_at),
        last_at=moment(one.last_at),
    )


def _flag(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


def _unknown() -> NotFound:
    return NotFound("There is no such conversation.")
