"""Imports in batches: how the command line imports beside a running process."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, post

from appliance.errors import InvalidInput
from appliance.ops.importing.sinks import LocalSink
from appliance.ops.importing.wire import (
    MAX_BATCH,
    BatchReply,
    InteractionsBody,
    ProductsBody,
    apply_interactions,
    apply_products,
)
from appliance.runtime import Runtime
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.query import LocaleTag, locale_of


@post("/import/products", status_code=200, operation_id="importProducts", summary="Insert or update products")
async def import_products(request: Request[Any, Any, Any], locale: LocaleTag = "") -> BatchReply:
    """Take up to 500 rows as in a JSONL file; bad rows are named, good rows are kept."""
    data = await read_body(request, ProductsBody)
    _require_batch("products", len(data.products))
    runtime = runtime_of(request)
    language = locale_of(request, locale)
    return await asyncio.to_thread(apply_products, data, _sink(runtime), runtime.settings, language)


@post("/import/interactions", status_code=200, operation_id="importInteractions", summary="Record past interactions")
async def import_interactions(request: Request[Any, Any, Any], locale: LocaleTag = "") -> BatchReply:
    """Take up to 500 rows as in a JSONL file; a row imported twice counts once."""
    data = await read_body(request, InteractionsBody)
    _require_batch("interactions", len(data.interactions))
    runtime = runtime_of(request)
    language = locale_of(request, locale)
    return await asyncio.to_thread(apply_interactions, data, _sink(runtime), runtime.settings, language, runtime.now())


def _sink(runtime: Runtime) -> LocalSink:
    return LocalSink(runtime.catalogue, runtime.journal)


def _require_batch(field: str, count: int) -> None:
    if not 1 <= count <= MAX_BATCH:
        raise InvalidInput(
            f"A batch has 1 to {MAX_BATCH} rows.", fields=((field, f"{count} rows; send 1 to {MAX_BATCH}"),)
        )
