"""The owner's view of products: list, read, change."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, patch
from litestar.params import QueryParameter

from appliance.domain import Product, Variant, to_minor
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.runtime import Runtime
from appliance.server.admin_schemas import (
    AdminProductOut,
    AdminProductPage,
    AdminVariantOut,
    ProductPatch,
    VariantPatch,
)
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.present import product_fields, variant_fields
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
    catalogue = runtime_of(request).catalogue
    try:
        page = await asyncio.to_thread(catalogue.page, query=q, status=status, sort=sort, limit=limit, cursor=cursor)
    except InvalidInput as error:
        # Everything else was checked above: the list has no such page.
        raise NotFound("There is no such page of this list.", hint="Begin again without a cursor.") from error
    return AdminProductPage(
        items=[_out(product) for product in page.items], total=page.total, next_cursor=page.next_cursor
    )


@get("/products/{product:str}", operation_id="getAdminProduct", summary="One product with stock")
async def read_product(request: Request[Any, Any, Any], product: ProductRef) -> AdminProductOut:
    """Answer with a product, also a draft."""
    return _out(await asyncio.to_thread(_known, runtime_of(request), product))


@patch("/products/{product:str}", operation_id="changeProduct", summary="Change a product")
async def change_product(request: Request[Any, Any, Any], product: ProductRef) -> AdminProductOut:
    """Change what is named; search and recommendations know it at once."""
    data = await read_body(request, ProductPatch)
    return _out(await asyncio.to_thread(_change, runtime_of(request), product, data))


def _change(runtime: Runtime, ref: str, data: ProductPatch) -> Product:
    return runtime.catalogue.change(_known(runtime, ref).id, lambda former: _changed(former, data))


def _changed(former: Product, data: ProductPatch) -> Product:
    named: dict[str, Any] = {
        field: value
        for field in ("title", "description", "status")
        if (value := getattr(data, field)) is not msgspec.UNSET
    }
    if data.tags is not msgspec.UNSET:
        named["tags"] = tuple(data.tags)
    return msgspec.structs.replace(former, **named, variants=_variants(former, data))


def _variants(product: Product, data: ProductPatch) -> tuple[Variant, ...]:
    patches = {change.id: change for change in data.variants}
    if not patches.keys() <= {variant.id for variant in product.variants}:
        raise NotFound("The product has no such variant.")
    if data.price is not msgspec.UNSET or data.stock is not msgspec.UNSET:
        if len(product.variants) != 1 or patches:
            raise Conflict(
                "This product's variants have prices and stock of their own.",
                hint="Name them in variants: [{id, price, stock}].",
            )
        only = product.variants[0].id
        patches[only] = VariantPatch(id=only, price=data.price, stock=data.stock)
    return tuple(_variant(variant, patches.get(variant.id), product.currency) for variant in product.variants)


def _variant(variant: Variant, change: VariantPatch | None, currency: str) -> Variant:
    if change is None:
        return variant
    price, stock = variant.price, variant.stock
    if change.price is not msgspec.UNSET:
        try:
            price = None if change.price is None else to_minor(change.price, currency)
        except ValueError as error:
            raise Conflict(f"The price does not fit the product's currency: {error}.") from None
    if change.stock is not msgspec.UNSET:
        stock = change.stock
    return msgspec.structs.replace(variant, price=price, stock=stock)


def _known(runtime: Runtime, ref: str) -> Product:
    card = runtime.catalogue.resolve(ref)
    product = runtime.catalogue.product(card.id) if card is not None else None
    if product is None:
        raise NotFound("There is no such product.")
    return product


def _out(product: Product) -> AdminProductOut:
    return AdminProductOut(
        **product_fields(product),
        attributes=product.attributes,
        status=product.status,
        variants=[
            AdminVariantOut(**variant_fields(variant, product.currency), stock=variant.stock)
            for variant in product.variants
        ],
    )
