"""Privacy: a shopper asks for export or erasure, or stops profiling."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, post

from appliance.errors import Unauthorised
from appliance.server.auth import caller_of
from appliance.server.body import read_body
from appliance.server.exchange import exchange_of
from appliance.server.present import moment
from appliance.server.schemas import OptOutIn, PrivacyRequestIn, PrivacyRequestOut

_DUE_HOURS = 72
"""Decree 13/2023/ND-CP gives 72 hours."""


@post("/v1/privacy/requests", status_code=202, operation_id="requestPrivacy", summary="Ask for export or erasure")
async def request_privacy(request: Request[Any, Any, Any]) -> PrivacyRequestOut:
    """Record the wish of a signed-in shopper, or of the one who holds a session; the owner answers in 72 hours."""
    data = await read_body(request, PrivacyRequestIn)
    user_id = caller_of(request).may_name(data.user_id)
    _require_somebody(user_id, data.session_id)
    privacy = exchange_of(request).runtime.privacy
    kept = await asyncio.to_thread(privacy.add_request, data.kind, user_id, data.session_id, _DUE_HOURS)
    return PrivacyRequestOut(id=kept.id, kind=kept.kind, due_at=moment(kept.due_at))


@post("/v1/privacy/opt-out", status_code=204, operation_id="optOut", summary="Stop profiling")
async def opt_out(request: Request[Any, Any, Any]) -> None:
    """Stop profiling a session or a customer at once; recommendations become those that everybody gets."""
    data = await read_body(request, OptOutIn)
    user_id = caller_of(request).may_name(data.user_id)
    _require_somebody(user_id, data.session_id)
    exchange = exchange_of(request)
    await asyncio.to_thread(exchange.runtime.opt_out, data.session_id, user_id)
    exchange.shelves.forget(user_id, data.session_id)


def _require_somebody(user_id: str, session_id: str) -> None:
    if not user_id and not session_id:
        raise Unauthorised(
            "Nothing says whom this is for.", hint="Send session_id, or sign the shopper in with X-Customer-Token."
        )
