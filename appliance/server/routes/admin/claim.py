"""The first admin token, for the code on the appliance's own screen."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, post

from appliance.server.admin_schemas import ClaimIn, NewTokenOut
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of


@post("/claim", status_code=201, operation_id="claimAppliance", summary="Trade the claim code for the first token")
async def claim(request: Request[Any, Any, Any]) -> NewTokenOut:
    """Give the first admin token, once. The secret is not shown again."""
    data = await read_body(request, ClaimIn)
    token = await asyncio.to_thread(runtime_of(request).access.claim, data.code)
    return NewTokenOut(id=token.id, kind=token.kind, name=token.name, secret=token.secret)
