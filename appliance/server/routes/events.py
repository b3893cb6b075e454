"""Events: what visitors do. An acknowledged event is on the disk."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.params import PathParameter

from appliance.domain import ID_PATTERN
from appliance.errors import RateLimited, Unavailable
from appliance.ops.access import HOW_TO_SIGN
from appliance.server.auth import Caller, caller_of
from appliance.server.body import read_body
from appliance.server.exchange import exchange_of, runtime_of
from appliance.server.schemas import EventAck, EventBatch, IdentifyIn, IdentifyOut, RejectionOut
from appliance.store.ingest import Ingest, Rejection

SessionId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]


class _Named(msgspec.Struct):
    user_id: Any = ""


@post("/v1/events", status_code=202, operation_id="sendEvents", summary="Send events")
async def send_events(request: Request[Any, Any, Any]) -> EventAck:
    """Take up to 500 events. Each is judged alone; those that are acknowledged survive a power cut."""
    data = await read_body(request, EventBatch)
    return await _submit(request, data.events)


@post("/track", status_code=202, operation_id="track", summary="Send one event")
async def track(request: Request[Any, Any, Any]) -> EventAck:
    """Take one event; without a type it is a view."""
    data = await read_body(request, msgspec.Raw)
    return await _submit(request, [data], default_type="view")


@post(
    "/v1/sessions/{session_id:str}/identify",
    status_code=200,
    operation_id="identifySession",
    summary="Link a guest's session to a customer",
)
async def identify_session(request: Request[Any, Any, Any], session_id: SessionId) -> IdentifyOut:
    """Link a guest's history to the customer, durably and in order with the events around it."""
    data = await read_body(request, IdentifyIn)
    user_id = caller_of(request).may_name(data.user_id)
    await _ingest(request).identify(session_id, user_id)
    exchange_of(request).shelves.forget(user_id, session_id)
    return IdentifyOut(session_id=session_id, user_id=user_id)


async def _submit(
    request: Request[Any, Any, Any], events: list[msgspec.Raw], default_type: str | None = None
) -> EventAck:
    ingest = _ingest(request)
    caller = caller_of(request)
    if caller.kind != "trusted":
        _charge(request, len(events))
    if caller.kind != "trusted" and ingest.names_user(events):
        _require_any_own(caller, events)
    result = await ingest.submit(
        events, user_allowed=caller.kind == "trusted", own_user=caller.user_id, default_type=default_type
    )
    return EventAck(
        accepted=result.accepted,
        rejected=[
            RejectionOut(index=rejection.index, code=rejection.code, message=_explained(rejection))
            for rejection in result.rejected
        ],
    )


def _charge(request: Request[Any, Any, Any], events: int) -> None:
    """Count a browser's events, not only its requests. Raises ``RateLimited``; none of the events was kept then."""
    exchange = exchange_of(request)
    waiting = exchange.limiter.wait_for_events(exchange.client, events)
    if waiting:
        exchange.runtime.metrics.rate_limited.inc()
        raise RateLimited(
            "Too many events from this address.",
            retry_after=waiting,
            hint="Wait as long as Retry-After says and send the batch again; events of a secret key are not counted.",
        )


def _require_any_own(caller: Caller, events: list[msgspec.Raw]) -> None:
    """Refuse a request in which every event names a customer that the caller may not name.

    In a mixed batch each event is judged alone. Raises as ``Caller.may_name`` does.
    """
    named = [_named_user(event) for event in events]
    if all(user_id and user_id != caller.user_id for user_id in named):
        caller.may_name(named[0])


def _named_user(event: msgspec.Raw) -> str:
    try:
        user_id = msgspec.json.decode(event, type=_Named).user_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return user_id if isinstance(user_id, str) else ""


def _explained(rejection: Rejection) -> str:
    return f"{rejection.message}. {HOW_TO_SIGN}" if rejection.code == "unauthorised" else rejection.message


def _ingest(request: Request[Any, Any, Any]) -> Ingest:
    ingest = runtime_of(request).ingest
    if ingest is None:
        raise Unavailable(
            "Events cannot be taken at the moment.", retry_after=10, hint="Keep them and send them again."
        )
    return ingest
