"""What shoppers asked to be done with their orders."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any, Literal

from litestar import Request, get, post
from litestar.params import PathParameter, QueryParameter

from appliance.domain import ID_PATTERN
from appliance.errors import Conflict, NotFound
from appliance.server.body import read_body
from appliance.server.chat_schemas import OrderRequestOut, OrderRequestPage, ResolveIn
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.query import Limit, Offset
from appliance.store.order_requests import OrderRequest

RequestId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]
WantedStatus = Annotated[
    Literal["open", "done", "rejected", "all"], QueryParameter(description="Only requests in this state.")
]


@get("/order-requests", operation_id="listOrderRequests", summary="Requests about orders")
async def list_order_requests(
    request: Request[Any, Any, Any], status: WantedStatus = "open", limit: Limit = 50, offset: Offset = 0
) -> OrderRequestPage:
    """List requests a page at a time, the newest first."""
    wanted = None if status == "all" else status
    read = partial(runtime_of(request).order_requests.list, wanted, limit=limit, offset=offset)
    found, total = await asyncio.to_thread(read)
    return OrderRequestPage(items=[_out(one) for one in found], total=total)


@post(
    "/order-requests/{request_id:str}/resolve",
    status_code=200,
    operation_id="resolveOrderRequest",
    summary="Close a request",
)
async def resolve_order_request(request: Request[Any, Any, Any], request_id: RequestId) -> OrderRequestOut:
    """Note that a request was carried out or turned down; the order itself is changed in the shop's own system."""
    data = await read_body(request, ResolveIn)
    resolve = runtime_of(request).order_requests.resolve
    found, changed = await asyncio.to_thread(resolve, request_id, data.status, data.note)
    if found is None:
        raise NotFound("There is no such request.")
    if not changed:
        raise Conflict(f"The request is {found.status} already.")
    return _out(found)


def _out(one: OrderRequest) -> OrderRequestOut:
    return OrderRequestOut(
        id=one.id,
        display_id=one.display_id,
        kind=one.kind,
        details=one.details,
        conversation_id=one.conversation_id,
        status=one.status,
        note=one.note,
        created_at=moment(one.created_at),
        updated_at=moment(one.updated_at),
    )
