"""Search: words, filters, facets."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Annotated, Any, Literal

import structlog
from litestar import Request, get
from litestar.params import QueryParameter

from appliance.domain import decimals
from appliance.issues import Severity
from appliance.runtime import Runtime
from appliance.search.types import FacetValue, SearchHit, SearchQuery, SearchResult, Sort
from appliance.server.exchange import exchange_of
from appliance.server.listing import list_products
from appliance.server.present import card_fields, money
from appliance.server.query import Limit, Offset
from appliance.server.schemas import FacetsOut, FacetValueOut, Item, PriceBucketOut, PriceFacetOut, SearchOut

_ISSUE = "search_answers"
_THREAD_FROM = 5000
"""Products from which a search goes to a thread: measured, 0.35 ms at 300 products and 2 to 5 ms at 50,000."""
_HIGHEST_PRICE = 1e12
"""As an upper bound it means none."""

Words = Annotated[str, QueryParameter(max_length=200, description="What the shopper typed; empty lists everything.")]
Price = Annotated[float, QueryParameter(ge=0, le=_HIGHEST_PRICE, description="In the shop's currency, main units.")]
Stock = Annotated[
    Literal["", "true", "false", "1", "0"],
    QueryParameter(description="`true`: only what can be bought now; `false`: only what cannot."),
]
Value = Annotated[str, QueryParameter(max_length=100, description="A value of the facet.")]
Order = Annotated[Sort, QueryParameter(description="Order of the results.")]
Category = Annotated[str, QueryParameter(max_length=200, description="Handle or name of a category.")]

log = structlog.get_logger(__name__)


@get("/v1/search", operation_id="searchProducts", summary="Search products")
async def search_products(
    request: Request[Any, Any, Any],
    q: Words = "",
    category: Category = "",
    price_min: Price = 0.0,
    price_max: Price = _HIGHEST_PRICE,
    in_stock: Stock = "",
    color: Value = "",
    size: Value = "",
    sort: Order = "relevance",
    limit: Limit = 20,
    offset: Offset = 0,
) -> SearchOut:
    """Find products by words in Vietnamese or English, with or without diacritics, slips forgiven."""
    began = time.perf_counter()
    runtime = exchange_of(request).runtime
    places = decimals(runtime.settings.shop.currency)
    query = SearchQuery(
        q=q,
        category=category,
        price_min=math.ceil(round(price_min * 10**places, 6)) if price_min > 0 else None,
        price_max=math.floor(round(price_max * 10**places, 6)) if price_max < _HIGHEST_PRICE else None,
        in_stock=in_stock in ("true", "1") if in_stock else None,
        color=color,
        size=size,
        sort=sort,
        limit=limit,
        offset=offset,
    )
    quick = runtime.search.ready and len(runtime.catalogue) < _THREAD_FROM
    result, fallback = _find(runtime, query) if quick else await asyncio.to_thread(_find, runtime, query)
    runtime.metrics.searches.labels("found" if result.total else "nothing").inc()
    return _present(runtime, result, began, fallback=fallback)


def _find(runtime: Runtime, query: SearchQuery) -> tuple[SearchResult, bool]:
    """Search; when the index is off or fails, list from the catalogue's cards, and say that by ``True``."""
    if not runtime.search.ready:
        return list_products(runtime, query), True
    try:
        result = runtime.search.search(query)
    except Exception as error:
        # A failing index costs the results their relevance, not the shop its page.
        log.error("search_failed", exc_info=error)
        detail = f"{type(error).__name__}: {error}"[:300]
        runtime.issues.report(_ISSUE, "search_failed", Severity.ERROR, "search", detail)
        return list_products(runtime, query), True
    runtime.issues.cure(_ISSUE)
    return result, False


def _present(runtime: Runtime, result: SearchResult, began: float, *, fallback: bool) -> SearchOut:
    facets, currency = result.facets, runtime.settings.shop.currency
    return SearchOut(
        total=result.total,
        items=_items(runtime, result.items),
        related=_items(runtime, result.related),
        facets=FacetsOut(
            categories=_values(facets.categories),
            colors=_values(facets.colors),
            sizes=_values(facets.sizes),
            price=PriceFacetOut(
                min=money(facets.price.min, currency),
                max=money(facets.price.max, currency),
                buckets=[_bucket(bucket, currency) for bucket in facets.price.buckets],
            ),
            in_stock=_values(facets.in_stock),
        ),
        corrections=result.corrections,
        took_ms=round((time.perf_counter() - began) * 1000, 3),
        fallback=fallback,
    )


def _items(runtime: Runtime, hits: list[SearchHit]) -> list[Item]:
    cards = runtime.catalogue.cards()
    return [
        Item(**card_fields(card), score=round(hit.score, 4))  # type: ignore[arg-type]
        for hit in hits
        if (card := cards.get(hit.product_id)) is not None and card.published
    ]


def _values(values: list[FacetValue]) -> list[FacetValueOut]:
    return [
        FacetValueOut(value=value.value, label=value.label, count=value.count, parent=value.parent) for value in values
    ]


def _bucket(bucket: FacetValue, currency: str) -> PriceBucketOut:
    low, _, high = bucket.value.partition("-")
    return PriceBucketOut(min=money(int(low), currency) or 0, max=money(int(high), currency) or 0, count=bucket.count)
