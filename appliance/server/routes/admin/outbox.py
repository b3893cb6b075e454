"""The owner's changes on their way to Medusa, and those that need a decision."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from litestar import Request, get, post
from litestar.params import PathParameter, QueryParameter

from appliance.domain import ID_PATTERN
from appliance.errors import NotFound
from appliance.medusa.edits import Keep, OwnerEdits
from appliance.runtime import Runtime
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.outbox_schemas import DecisionIn, EditList, EditOut, EditState
from appliance.server.present_edits import edits_out
from appliance.server.query import Limit
from appliance.store.outbox import Edit

WantedState = Annotated[
    Literal["", "waiting", "sent", "conflict", "refused", "dropped"],
    QueryParameter(name="state", description="Only changes in this state."),
]
EditId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]


@get("/sync/outbox", operation_id="listOutbox", summary="Changes on their way to Medusa")
async def list_outbox(request: Request[Any, Any, Any], wanted: WantedState = "", limit: Limit = 50) -> EditList:
    """List what was changed here, the newest first, with what became of it."""
    return await asyncio.to_thread(_listed, runtime_of(request), wanted or None, limit)


@get("/sync/conflicts", operation_id="listConflicts", summary="Changes that need a decision")
async def list_conflicts(request: Request[Any, Any, Any]) -> EditList:
    """List what was changed on both sides, or refused by Medusa, with both versions."""
    return await asyncio.to_thread(_undecided, runtime_of(request))


@post("/sync/conflicts/{edit_id:str}", status_code=200, operation_id="resolveConflict", summary="Decide a conflict")
async def resolve_conflict(request: Request[Any, Any, Any], edit_id: EditId) -> EditOut:
    """Send the change made here after all, or keep what Medusa has; the latter also gives up a change that waits."""
    data = await read_body(request, DecisionIn)
    return await asyncio.to_thread(_resolve, runtime_of(request), edit_id, data.keep)


def _listed(runtime: Runtime, state: EditState | None, limit: int) -> EditList:
    edits = runtime.medusa.edits if runtime.medusa else None
    return _list(edits, edits.recent(state, limit) if edits else [])


def _undecided(runtime: Runtime) -> EditList:
    edits = runtime.medusa.edits if runtime.medusa else None
    return _list(edits, edits.undecided() if edits else [])


def _resolve(runtime: Runtime, edit_id: str, keep: Keep) -> EditOut:
    if runtime.medusa is None:
        raise NotFound("There is no such change.")
    return edits_out(runtime.medusa.edits, [runtime.medusa.edits.resolve(edit_id, keep)])[0]


def _list(edits: OwnerEdits | None, found: list[Edit]) -> EditList:
    return EditList(items=edits_out(edits, found) if edits else [])
