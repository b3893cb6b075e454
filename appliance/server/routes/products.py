"""Products: one, what is like it, what is bought with it, what is popular."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get
from litestar.params import QueryParameter

from appliance.domain import WINDOW_PATTERN, ProductCard
from appliance.errors import NotFound
from appliance.server.assets import matches
from appliance.server.exchange import Exchange, exchange_of
from appliance.server.present import product_out
from appliance.server.query import Category, Limit, LocaleTag, ProductRef, locale_of
from appliance.server.schemas import ProductOut, RecommendationOut
from appliance.server.shelves import Shelf

Window = Annotated[
    str,
    QueryParameter(
        pattern=WINDOW_PATTERN,
        description="Days: `7d`, at most `365d`.",
    ),
]


@get("/v1/products/{product:str}", operation_id="getProduct", summary="One product")
async def get_product(request: Request[Any, Any, Any], product: ProductRef) -> Response[ProductOut]:
    """Answer with a published product. `ETag` allows a cheap `If-None-Match`."""
    exchange = exchange_of(request)
    card = published(exchange, product)
    tag = _etag(exchange, card)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if matches(exchange.headers.get(b"if-none-match"), tag):
        return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type]
    record = exchange.runtime.catalogue.product(card.id)
    if record is None:
        raise _unknown(product)
    return Response(msgspec.json.encode(product_out(record)), headers=headers, media_type="application/json")  # type: ignore[arg-type]


@get("/v1/products/{product:str}/similar", operation_id="getSimilarProducts", summary="Products like one")
async def get_similar(
    request: Request[Any, Any, Any], product: ProductRef, limit: Limit = 10, locale: LocaleTag = ""
) -> RecommendationOut:
    """Answer with products that resemble this one in content or in who looks at them."""
    return _about(request, product, "similar", limit, locale)


@get(
    "/v1/products/{product:str}/bought-together",
    operation_id="getBoughtTogether",
    summary="Products bought together with one",
)
async def get_bought_together(
    request: Request[Any, Any, Any], product: ProductRef, limit: Limit = 10, locale: LocaleTag = ""
) -> RecommendationOut:
    """Answer with products that share carts and orders with this one."""
    return _about(request, product, "bought_together", limit, locale)


@get("/v1/products/popular", operation_id="getPopularProducts", summary="Popular products")
async def get_popular(
    request: Request[Any, Any, Any],
    category: Category = "",
    window: Window = "7d",
    limit: Limit = 10,
    locale: LocaleTag = "",
) -> RecommendationOut:
    """Answer with what shoppers look at and buy most, newer interest counting more."""
    exchange = exchange_of(request)
    known = exchange.runtime.catalogue.category(category) if category else None
    if category and known is None:
        raise NotFound("There is no such category.", hint="GET /v1/search lists the categories as facets.")
    handle = known.handle if known is not None else ""
    language = locale_of(request, locale)
    recommender = exchange.runtime.recommender
    return exchange.shelves.answer(
        Shelf(
            lambda: recommender.popular(handle, int(window[:-1]), limit, language),
            ("popular", handle, window),
            limit=limit,
            locale=language,
            placement="popular",
        ),
        shown=not exchange.head,
    )


def published(exchange: Exchange, product: str) -> ProductCard:
    """Return the card of a published product. Raises ``NotFound``."""
    card = exchange.runtime.catalogue.resolve(product)
    if card is None or not card.published:
        raise _unknown(product)
    return card


def _about(
    request: Request[Any, Any, Any], product: str, kind: Literal["similar", "bought_together"], limit: int, locale: str
) -> RecommendationOut:
    exchange = exchange_of(request)
    card = published(exchange, product)
    language = locale_of(request, locale)
    recommender = exchange.runtime.recommender
    ask = recommender.similar if kind == "similar" else recommender.bought_together
    return exchange.shelves.answer(
        Shelf(
            lambda: ask(card.id, limit, language),
            (kind, card.id),
            limit=limit,
            locale=language,
            placement=kind,
        ),
        shown=not exchange.head,
    )


def _unknown(product: str) -> NotFound:
    return NotFound("There is no such product.", hint="Use the id or handle that search and lists give.")


def _etag(exchange: Exchange, card: ProductCard) -> str:
    """Return a validator that changes with any change of the catalogue: cheap, and never wrong."""
    text = f"{exchange.runtime.catalogue.revision}/{card.id}"
    return f'"{hashlib.blake2b(text.encode(), digest_size=9).hexdigest()}"'
