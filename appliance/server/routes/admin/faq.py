"""The owner's answers to what shoppers ask."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from litestar import Request, delete, get, post, put
from litestar.params import PathParameter

from appliance.agents.service.retrieval import FaqHit
from appliance.domain import ID_PATTERN
from appliance.errors import Conflict, NotFound
from appliance.server.body import read_body
from appliance.server.chat_schemas import FaqIn, FaqList, FaqMatchOut, FaqOut, FaqPreviewIn, FaqPreviewOut
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.query import locale_of
from appliance.store.faq import FaqEntry

EntryId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]


@get("/faq", operation_id="listFaq", summary="The shop's answers")
async def list_faq(request: Request[Any, Any, Any]) -> FaqList:
    """List all entries, also those that are switched off, the oldest first."""
    return FaqList(items=[faq_out(entry) for entry in runtime_of(request).faq.entries()])


@post("/faq", status_code=201, operation_id="createFaq", summary="A new answer")
async def create_faq(request: Request[Any, Any, Any]) -> FaqOut:
    """Add an entry; it answers from the next message on. An intent has one answer of its own."""
    data = await read_body(request, FaqIn)
    _require_purpose(data)
    create = partial(
        runtime_of(request).faq.create,
        answers=data.answers.by_language(),
        questions=data.questions.by_language(),
        intent=data.intent,
        enabled=data.enabled,
    )
    return faq_out(await asyncio.to_thread(create))


@put("/faq/{entry_id:str}", operation_id="replaceFaq", summary="Replace an answer")
async def replace_faq(request: Request[Any, Any, Any], entry_id: EntryId) -> FaqOut:
    """Replace an entry as a whole."""
    data = await read_body(request, FaqIn)
    _require_purpose(data)
    replace = partial(
        runtime_of(request).faq.replace,
        entry_id,
        answers=data.answers.by_language(),
        questions=data.questions.by_language(),
        intent=data.intent,
        enabled=data.enabled,
    )
    entry = await asyncio.to_thread(replace)
    if entry is None:
        raise NotFound("There is no such FAQ entry.")
    return faq_out(entry)


@delete("/faq/{entry_id:str}", status_code=204, operation_id="deleteFaq", summary="Delete an answer")
async def delete_faq(request: Request[Any, Any, Any], entry_id: EntryId) -> None:
    """Delete an entry; it stops answering at once."""
    if not await asyncio.to_thread(runtime_of(request).faq.delete, entry_id):
        raise NotFound("There is no such FAQ entry.")


@post("/faq/preview", status_code=200, operation_id="previewFaq", summary="What would be answered")
async def preview_faq(request: Request[Any, Any, Any]) -> FaqPreviewOut:
    """Answer a question that nobody asked, and name the entries near it. Nothing is kept or counted."""
    data = await read_body(request, FaqPreviewIn)
    runtime = runtime_of(request)
    locale = locale_of(request, data.locale) if data.locale else None
    found = await asyncio.to_thread(runtime.desk.preview, data.question, locale, runtime.now())
    return FaqPreviewOut(
        reply=found.reply,
        locale=found.locale,
        intent=found.intent,
        confidence=found.confidence,
        rule=found.rule,
        action=found.action,
        answered=found.answered,
        entry=_match(found.entry) if found.entry is not None else None,
        near=[_match(hit) for hit in found.near],
    )


def _match(hit: FaqHit) -> FaqMatchOut:
    return FaqMatchOut(id=hit.entry.id, question=hit.question, score=round(hit.score, 4))


def faq_out(entry: FaqEntry) -> FaqOut:
    """Return an entry as the API gives it."""
    return FaqOut(
        id=entry.id,
        intent=entry.intent,
        enabled=entry.enabled,
        questions={locale: list(texts) for locale, texts in entry.questions.items()},
        answers=dict(entry.answers),
        created_at=moment(entry.created_at),
        updated_at=moment(entry.updated_at),
    )


def _require_purpose(data: FaqIn) -> None:
    if not data.intent and not data.questions.by_language():
        raise Conflict("An answer needs an intent or at least one question.", hint="Send intent or questions.")
