"""Imports in batches: how the command line imports beside a running process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from litestar import Request, post

from appliance.errors import InvalidInput
from appliance.messages import Locale
from appliance.ops.importing.sinks import ImportSink, LocalSink
from appliance.ops.importing.wire import (
    MAX_BATCH,
    BatchReply,
    FaqBody,
    InteractionsBody,
    LinksBody,
    OrdersBody,
    ProductsBody,
    apply_faq,
    apply_interactions,
    apply_links,
    apply_orders,
    apply_products,
)
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.query import LocaleTag, locale_of
from appliance.settings import Settings

T = TypeVar("T")


@post("/import/products", status_code=200, operation_id="importProducts", summary="Insert or update products")
async def import_products(request: Request[Any, Any, Any], locale: LocaleTag = "") -> BatchReply:
    """Take up to 500 rows as in a JSONL file; bad rows are named, good rows are kept."""
    return await _applied(request, ProductsBody, "products", apply_products, locale)


@post("/import/interactions", status_code=200, operation_id="importInteractions", summary="Record past interactions")
async def import_interactions(request: Request[Any, Any, Any], locale: LocaleTag = "") -> BatchReply:
    """Take up to 500 rows as in a JSONL file; a row imported twice counts once."""
    now = runtime_of(request).now

    def apply(data: InteractionsBody, sink: ImportSink, settings: Settings, language: Locale) -> BatchReply:
        return apply_interactions(data, sink, settings, language, now())

    return await _applied(request, InteractionsBody, "interactions", apply, locale)


@post("/import/links", status_code=200, operation_id="importLinks", summary="Link past sessions to their users")
async def import_links(request: Request[Any, Any, Any], locale: LocaleTag = "") -> BatchReply:
    """Take up to 500 links out of an old log; a session that is linked already stays as it is."""
    return await _applied(request, LinksBody, "links", apply_links, locale)


@post("/import/orders", status_code=200, operation_id="importOrders", summary="Insert or update orders")
async def import_orders(request: Request[Any, Any, Any], locale: LocaleTag = "") -> BatchReply:
    """Take up to 500 rows as in a JSONL file; phone and e-mail are stored as keyed hashes only."""
    return await _applied(request, OrdersBody, "orders", apply_orders, locale)


@post("/import/faq", status_code=200, operation_id="importFaq", summary="Insert or update FAQ entries")
async def import_faq(request: Request[Any, Any, Any], locale: LocaleTag = "") -> BatchReply:
    """Take up to 500 rows as in a JSONL file; a row without an id replaces the intent's own answer."""
    return await _applied(request, FaqBody, "faq", apply_faq, locale)


async def _applied(
    request: Request[Any, Any, Any],
    kind: type[T],
    field: str,
    apply: Callable[[T, ImportSink, Settings, Locale], BatchReply],
    locale: str,
) -> BatchReply:
    """Read a body whose rows stand in ``field`` and have them judged and written."""
    data = await read_body(request, kind)
    count = len(getattr(data, field))
    if not 1 <= count <= MAX_BATCH:
        raise InvalidInput(
            f"A batch has 1 to {MAX_BATCH} rows.", fields=((field, f"{count} rows; send 1 to {MAX_BATCH}"),)
        )
    runtime = runtime_of(request)
    sink = LocalSink(
        runtime.catalogue,
        runtime.journal,
        orders=runtime.orders,
        faq=runtime.faq,
        opted_out=runtime.privacy.is_opted_out,
    )
    return await asyncio.to_thread(apply, data, sink, runtime.settings, locale_of(request, locale))
