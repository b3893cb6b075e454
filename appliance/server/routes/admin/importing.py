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
    FaqBody,
    InteractionsBody,
    OrdersBody,
    ProductsBody,
    apply_faq,
    apply_interactions,
    apply_orders,
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


@post("/import/orders", status_code=200, operation_id="importOrders", summary="Insert or update orders")
async def import_orders(request: Request[Any, Any, Any], locale: LocaleTag = "") -> BatchReply:
    """Take up to 500 rows as in a JSONL file; phone and e-mail are stored as keyed hashes only."""
    data = await read_body(request, OrdersBody)
    _require_batch("orders", len(data.orders))
    runtime = runtime_of(request)
    language = locale_of(request, locale)
    return await asyncio.to_thread(apply_orders, data, _sink(runtime), runtime.settings, language)


@post("/import/faq", status_code=200, operation_id="importFaq", summary="Insert or update FAQ entries")
async def import_faq(request: Request[Any, Any, Any], locale: LocaleTag = "") -> BatchReply:
    """Take up to 500 rows as in a JSONL file; a row without an id replaces the intent's own answer."""
    data = await read_body(request, FaqBody)
    _require_batch("faq", len(data.faq))
    runtime = runtime_of(request)
    language = locale_of(request, locale)
    return await asyncio.to_thread(apply_faq, data, _sink(runtime), runtime.settings, language)


def _sink(runtime: Runtime) -> LocalSink:
    return LocalSink(runtime.catalogue, runtime.journal, orders=runtime.orders, faq=runtime.faq)


def _require_batch(field: str, count: int) -> None:
    if not 1 <= count <= MAX_BATCH:
        raise InvalidInput(
            f"A batch has 1 to {MAX_BATCH} rows.", fields=((field, f"{count} rows; send 1 to {MAX_BATCH}"),)
        )
