"""Questions that the shop had no answer to: answer each once, or set it aside."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from litestar import Request, get, post
from litestar.params import PathParameter, QueryParameter

from appliance.domain import ID_PATTERN
from appliance.errors import Conflict, NotFound
from appliance.runtime import Runtime
from appliance.server.body import read_body
from appliance.server.chat_schemas import FaqOut, QuestionGroupOut, QuestionGroupPage, UnansweredAnswerIn
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.query import Limit, Offset
from appliance.server.routes.admin.faq import faq_out
from appliance.store.unanswered import QuestionGroup

GroupId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]
WantedStatus = Annotated[
    Literal["open", "answered", "dismissed", "all"], QueryParameter(description="Only groups in this state.")
]


@get("/unanswered", operation_id="listUnanswered", summary="Questions without an answer")
async def list_unanswered(
    request: Request[Any, Any, Any], status: WantedStatus = "open", limit: Limit = 50, offset: Offset = 0
) -> QuestionGroupPage:
    """List groups of like questions, the most asked first."""
    wanted = None if status == "all" else status
    found, total = runtime_of(request).unanswered.list(wanted, limit=limit, offset=offset)
    return QuestionGroupPage(items=[_out(group) for group in found], total=total)


@post("/unanswered/{group_id:str}/answer", status_code=201, operation_id="answerUnanswered", summary="Answer a group")
async def answer_unanswered(request: Request[Any, Any, Any], group_id: GroupId) -> FaqOut:
    """Make an FAQ entry with all wordings of the group as its questions; it answers from the next message on."""
    data = await read_body(request, UnansweredAnswerIn)
    return await asyncio.to_thread(_answered, runtime_of(request), group_id, data)


@post("/unanswered/{group_id:str}/dismiss", status_code=200, operation_id="dismissUnanswered", summary="Set aside")
async def dismiss_unanswered(request: Request[Any, Any, Any], group_id: GroupId) -> QuestionGroupOut:
    """Set a group aside: it is counted on, and stays out of the list."""
    group = await asyncio.to_thread(runtime_of(request).unanswered.dismiss, group_id)
    if group is None:
        raise _unknown()
    return _out(group)


def _answered(runtime: Runtime, group_id: str, data: UnansweredAnswerIn) -> FaqOut:
    group = runtime.unanswered.get(group_id)
    if group is None:
        raise _unknown()
    if group.status == "answered" and runtime.faq.get(group.faq_entry_id) is not None:
        raise Conflict("These questions have an answer.", hint=f"Change the FAQ entry {group.faq_entry_id}.")
    entry = runtime.faq.create(
        answers=data.answers.by_language(),
        questions={group.locale: [group.question, *group.variants]},
        intent=data.intent,
    )
    runtime.unanswered.answer(group_id, entry.id)
    return faq_out(entry)


def _out(group: QuestionGroup) -> QuestionGroupOut:
    return QuestionGroupOut(
        id=group.id,
        question=group.question,
        variants=list(group.variants),
        locale=group.locale,
        occurrences=group.occurrences,
        status=group.status,
        faq_entry_id=group.faq_entry_id,
        last_turn_id=group.last_turn_id,
        first_at=moment(group.first_at),
        last_at=moment(group.last_at),
    )


def _unknown() -> NotFound:
    return NotFound("There is no such group of questions.")
