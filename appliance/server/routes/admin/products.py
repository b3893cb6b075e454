"""The owner's view of products: list, read, change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from litestar import Request, get, patch
from litestar.params import QueryParameter

from appliance.domain import Product, Variant, to_main
from appliance.errors import InvalidInput, NotFound
from appliance.runtime import Runtime
from appliance.server import product_changes
from appliance.server.admin_schemas import AdminProductOut, AdminProductPage, AdminVariantOut, ProductPatch
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.outbox_schemas import EditOut
from appliance.server.present import product_fields, variant_fields
from appliance.server.present_edits import edits_out
from appliance.server.query import Limit, ProductRef

Order = Annotated[
    Literal["title", "-title", "price", "-price", "created_at", "-created_at", "id"],
    QueryParameter(description="Order; a minus sign turns it round."),
]
Words = Annotated[str, QueryParameter(max_length=200, description="Words of the title, tags or description.")]
WantedStatus = Annotated[Literal["", "published", "draft"], QueryParameter(description="Only products of this status.")]
Cursor = Annotated[str, QueryParameter(max_length=2000, description="`next_cursor` of the page before.")]


@get("/products", operation_id="listAdminProducts", summary="Products, drafts included")
async def list_products(
    request: Request[Any, Any, Any],
    q: Words = "",
    status: WantedStatus = "",
    sort: Order = "id",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> AdminProductPage:
    """List products a page at a time."""
    runtime = runtime_of(request)
    try:
        page = await asyncio.to_thread(
            runtime.catalogue.page, query=q, status=status, sort=sort, limit=limit, cursor=cursor
        )
    except InvalidInput as error:
        # Everything else was checked above: the list has no such page.
        raise NotFound("There is no such page of this list.", hint="Begin again without a cursor.") from error
    return AdminProductPage(
        items=await asyncio.to_thread(_outs, runtime, page.items), total=page.total, next_cursor=page.next_cursor
    )


@get("/products/{product:str}", operation_id="getAdminProduct", summary="One product with stock")
async def read_product(request: Request[Any, Any, Any], product: ProductRef) -> AdminProductOut:
    """Answer with a product, also a draft."""
    return await asyncio.to_thread(_shown, runtime_of(request), product)


@patch("/products/{product:str}", operation_id="changeProduct", summary="Change a product")
async def change_product(request: Request[Any, Any, Any], product: ProductRef) -> AdminProductOut:
    """Change what is named; search and recommendations know it at once, the shop's Medusa as soon as it can be told."""
    data = await read_body(request, ProductPatch)
    return await asyncio.to_thread(_change, runtime_of(request), product, data)


def _change(runtime: Runtime, ref: str, data: ProductPatch) -> AdminProductOut:
    product = _known(runtime, ref)
    product_changes.change_product(runtime, product, data)
    return _shown(runtime, product.id)


def _known(runtime: Runtime, ref: str) -> Product:
    card = runtime.catalogue.resolve(ref)
    product = runtime.catalogue.product(card.id) if card is not None else None
    if product is None:
        raise NotFound("There is no such product.")
    return product


def _shown(runtime: Runtime, ref: str) -> AdminProductOut:
    return _outs(runtime, [_known(runtime, ref)])[0]


def _outs(runtime: Runtime, products: Sequence[Product]) -> list[AdminProductOut]:
    pending: dict[str, list[EditOut]] = {}
    if runtime.medusa is not None:
        edits = runtime.medusa.edits
        for edit in edits_out(edits, edits.open([product.id for product in products])):
            pending.setdefault(edit.product_id, []).append(edit)
    return [_out(product, pending.get(product.id, [])) for product in products]


def _out(product: Product, pending: list[EditOut]) -> AdminProductOut:
    return AdminProductOut(
        **product_fields(product),
        attributes=product.attributes,
        status=product.status,
        images=list(product.images or ()),
        variants=[_variant_out(variant, product.currency) for variant in product.variants],
        pending=pending,
    )


def _variant_out(variant: Variant, currency: str) -> AdminVariantOut:
    return AdminVariantOut(
        **variant_fields(variant, currency),
        stock=variant.stock,
        prices={code: to_main(amount, code) for code, amount in (variant.prices or {}).items()},
        stock_by_location=variant.levels or {},
    )
