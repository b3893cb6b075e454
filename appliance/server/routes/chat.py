"""The shop assistant: messages, answers as a whole or streamed, feedback, history and deletion."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
import structlog
from litestar import Request, Response, delete, get, post
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream

from appliance.agents.conversations import ChatAnswer
from appliance.domain import ID_PATTERN
from appliance.errors import Forbidden, RateLimited
from appliance.runtime import Runtime
from appliance.server.auth import caller_of
from appliance.server.body import read_body
from appliance.server.exchange import exchange_of, runtime_of
from appliance.server.present import card_fields, moment
from appliance.server.problems import answer_for, instance_of, request_id_of
from appliance.server.query import UserId, locale_of
from appliance.server.ratelimit import client_key
from appliance.server.talk_schemas import (
    ChatHistory,
    ChatIn,
    ChatItem,
    ChatOut,
    ChatTurnOut,
    DeltaOut,
    FeedbackIn,
    SourceOut,
    StepOut,
)
from appliance.store.conversations import TurnRecord

SessionId = Annotated[
    str,
    PathParameter(
        min_length=1, max_length=128, pattern=ID_PATTERN, description="The session, as in `session_id` of a message."
    ),
]
TurnId = Annotated[
    str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN, description="`turn_id` of an answer.")
]
After = Annotated[int, QueryParameter(ge=-1, le=1_000_000, description="Only turns behind this `position`.")]
Most = Annotated[int, QueryParameter(ge=1, le=500, description="How many turns at most.")]

_PROMPT_SECONDS = 0.25
"""A turn that fails within this time is answered with its status, before the stream begins."""
_HEARTBEAT_SECONDS = 5.0
_DELTAS = 6
_WORDS = re.compile(r"\s*\S+\s*")

log = structlog.get_logger(__name__)


@post("/v1/chat", status_code=200, operation_id="chat", summary="Answer a shopper's message")
async def chat(request: Request[Any, Any, Any]) -> ChatOut:
    """Answer a message within its conversation; one begins by itself. Every fact of a reply is from the shop's store.

    When `status` is `waiting` or `human`, poll the session's history for the words of the staff.
    """
    data = await read_body(request, ChatIn)
    answer = await _submitted(request, data)
    return _present(runtime_of(request), answer, with_trace=data.trace)


@post(
    "/v1/chat/stream", status_code=200, operation_id="streamChat", summary="Answer a shopper's message piece by piece"
)
async def stream_chat(request: Request[Any, Any, Any]) -> Stream:
    """Answer a message as server-sent events: `delta` with pieces of the text, `products`, then `done` with all of it.

    Should the answer fail after the stream began, an `error` event carries the problem.
    """
    data = await read_body(request, ChatIn)
    turn = _submitted(request, data)
    done, _ = await asyncio.wait({turn}, timeout=_PROMPT_SECONDS)
    if done:
        turn.result()
    return Stream(
        _events(request, turn, with_trace=data.trace),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@post(
    "/v1/chat/turns/{turn_id:str}/feedback",
    status_code=204,
    operation_id="rateChatTurn",
    summary="Say whether a reply helped",
)
async def rate_turn(request: Request[Any, Any, Any], turn_id: TurnId) -> None:
    """Keep a shopper's opinion of a reply; one that did not help joins the questions that the owner looks at."""
    data = await read_body(request, FeedbackIn)
    runtime = runtime_of(request)
    await asyncio.to_thread(runtime.talk.feedback, turn_id, data.helpful, data.comment, runtime.now())


@get("/v1/chat/sessions/{session_id:str}", operation_id="getChatHistory", summary="Read a conversation")
async def read_history(
    request: Request[Any, Any, Any], session_id: SessionId, user_id: UserId = "", after: After = -1, limit: Most = 200
) -> Response[ChatHistory]:
    """Answer with the session's latest conversation, messages of the staff included.

    A conversation of a signed-in shopper is shown to that shopper only; to others the session has none.
    """
    named = caller_of(request).may_name(user_id)
    talk = runtime_of(request).talk
    found, turns = await asyncio.to_thread(talk.history, session_id, named, after=after, limit=limit)
    body = ChatHistory(
        status="open" if found is None else found.status,
        position=turns[-1].position if turns else (-1 if found is None else found.next_position - 1),
        turns=[_turn(turn) for turn in turns],
    )
    return Response(body, headers={"Cache-Control": "no-store"})


@delete(
    "/v1/chat/sessions/{session_id:str}",
    status_code=204,
    operation_id="deleteChatHistory",
    summary="Delete a session's conversations",
)
async def delete_history(request: Request[Any, Any, Any], session_id: SessionId) -> None:
    """Delete a session's conversations for good; doing it again changes nothing.

    Those of a signed-in shopper are deleted for that shopper or the shop's own server only.
    """
    caller = caller_of(request)
    whose = None if caller.kind == "trusted" else caller.user_id
    await asyncio.to_thread(runtime_of(request).talk.forget, session_id, whose)


def _submitted(request: Request[Any, Any, Any], data: ChatIn) -> asyncio.Future[ChatAnswer]:
    """Have a message answered by the assistant's threads. Raises what refuses it."""
    exchange, caller = exchange_of(request), caller_of(request)
    runtime = exchange.runtime
    user_id = caller.may_name(data.user_id)
    is_trusted = caller.kind == "trusted"
    if data.trace and not is_trusted:
        raise Forbidden("A trace is for the shop's own servers.", hint="Leave trace out, or send a secret key.")
    # The shop's own server speaks for many shoppers and is none of them.
    client = "" if is_trusted else exchange.client
    waiting = exchange.limiter.wait_for_chat(client, data.session_id)
    if waiting:
        runtime.metrics.rate_limited.inc()
        raise RateLimited(
            "Too many messages in a short time.", retry_after=waiting, hint="Wait as long as Retry-After says."
        )
    turn = runtime.talk.submit(
        data.session_id,
        data.message,
        user_id=user_id,
        client=client_key(client),
        locale=locale_of(request, data.locale),
        now=runtime.now(),
    )
    return asyncio.wrap_future(turn)


async def _events(
    request: Request[Any, Any, Any], turn: asyncio.Future[ChatAnswer], *, with_trace: bool
) -> AsyncIterator[bytes]:
    """Yield the events of an answer, and comments while it takes long; ends when the client is gone."""
    yield b": hello\n\n"
    while not turn.done():
        done, _ = await asyncio.wait({turn}, timeout=_HEARTBEAT_SECONDS)
        if not done:
            yield b": still here\n\n"
    try:
        answer = _present(runtime_of(request), turn.result(), with_trace=with_trace)
    except Exception as error:
        # The status has been sent; the problem travels as an event.
        log.error("chat_stream_failed", exc_info=error)
        problem = answer_for(error, instance=instance_of(request.scope), request_id=request_id_of(request.scope))
        yield _event("error", problem.body)
        return
    for piece in _pieces(answer.reply):
        yield _event("delta", msgspec.json.encode(DeltaOut(text=piece)))
    if answer.products:
        yield _event("products", msgspec.json.encode(answer.products))
    yield _event("done", msgspec.json.encode(answer))


def _event(name: str, data: bytes) -> bytes:
    """Return a server-sent event; JSON has no line breaks of its own."""
    return b"event: " + name.encode("ascii") + b"\ndata: " + data + b"\n\n"


def _pieces(text: str) -> list[str]:
    """Cut a text behind words into a few pieces that make it up again."""
    words = _WORDS.findall(text)
    if not words:
        return [text] if text else []
    size = -(-len(words) // _DELTAS)
    return ["".join(words[start : start + size]) for start in range(0, len(words), size)]


def _present(runtime: Runtime, answer: ChatAnswer, *, with_trace: bool) -> ChatOut:
    return ChatOut(
        turn_id=answer.turn_id,
        reply=answer.reply,
        intent=answer.intent,
        intents=list(answer.intents),
        confidence=answer.confidence,
        slots=answer.slots,
        products=_items(runtime, answer),
        quick_replies=list(answer.quick_replies),
        sources=[SourceOut(kind=source.kind, id=source.id) for source in answer.sources],
        handled_by=answer.handled_by,
        action=answer.action,
        status=answer.status,
        locale=answer.locale,
        took_ms=answer.took_ms,
        trace=[StepOut(agent=step.agent, took_ms=step.took_ms, output=step.output) for step in answer.steps]
        if with_trace
        else None,
    )


def _items(runtime: Runtime, answer: ChatAnswer) -> list[ChatItem]:
    """Return the cards of an answer as the store has them now."""
    cards = runtime.catalogue.cards()
    return [
        ChatItem(**card_fields(card), score=round(1 / place, 4), reason=product.reason)  # type: ignore[arg-type]
        for place, product in enumerate(answer.products, 1)
        if (card := cards.get(product.product_id)) is not None and card.published
    ]


def _turn(turn: TurnRecord) -> ChatTurnOut:
    return ChatTurnOut(
        turn_id=turn.id,
        position=turn.position,
        author=turn.author,
        message=turn.message,
        reply=turn.reply,
        handled_by=turn.handled_by,
        action=turn.action,
        helpful=turn.helpful,
        created_at=moment(turn.created_at),
    )
