"""Events of Medusa: hints to look sooner. What is acknowledged is on the disk and will be followed."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, post

from appliance.errors import NotFound
from appliance.server.exchange import runtime_of
from appliance.server.sync_schemas import HookOut


@post("/v1/hooks/medusa", status_code=202, operation_id="takeMedusaEvent", summary="Take an event of Medusa")
async def take_medusa_event(request: Request[Any, Any, Any]) -> HookOut:
    """Take an event that is signed with ``medusa.webhook_secret``: ``X-Appliance-Signature: sha256=<hex HMAC-SHA256>``
    over the raw body, which carries ``sent_at``. One that is stale, altered or sent again is answered 401."""
    runtime = runtime_of(request)
    medusa = runtime.medusa
    if medusa is None:
        raise NotFound("No Medusa is connected.", hint="Set medusa.url and medusa.webhook_secret.")
    body = await request.body()
    followed = await asyncio.to_thread(medusa.intake.take, body, dict(request.headers))
    if followed and runtime.synchroniser is not None:
        await asyncio.to_thread(runtime.synchroniser.follow)
    return HookOut(followed=followed)
