"""Recommendations: a shelf, or all shelves of a page."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import QueryParameter

from appliance.domain import Placement
from appliance.recsys.base import RecommendRequest
from appliance.server.auth import caller_of
from appliance.server.body import read_body
from appliance.server.exchange import exchange_of
from appliance.server.query import Category, Limit, LocaleTag, SessionId, UserId, locale_of
from appliance.server.schemas import RecommendationBatch, RecommendationOut, RecommendationQuery

PageProduct = Annotated[
    str, QueryParameter(max_length=128, description="Id or handle of the product that the page shows.")
]
PagePlacement = Annotated[Placement, QueryParameter(description="Where the shelf stands.")]


@get("/v1/recommendations", operation_id="getRecommendations", summary="Recommendations for a place on a page")
async def get_recommendations(
    request: Request[Any, Any, Any],
    user_id: UserId = "",
    session_id: SessionId = "",
    placement: PagePlacement = "home",
    product_id: PageProduct = "",
    category: Category = "",
    limit: Limit = 10,
    locale: LocaleTag = "",
) -> RecommendationOut:
    """Answer with products for this visitor and place; where nothing is known, with popular ones (`fallback`)."""
    query = RecommendationQuery(
        user_id=user_id,
        session_id=session_id,
        placement=placement,
        product_id=product_id,
        category=category,
        limit=limit,
        locale=locale,
    )
    return recommend(request, query)


@post(
    "/v1/recommendations/batch",
    status_code=200,
    operation_id="getRecommendationsBatch",
    summary="All shelves of a page in one call",
)
async def get_recommendations_batch(request: Request[Any, Any, Any]) -> list[RecommendationOut]:
    """Answer up to ten requests, in their order."""
    data = await read_body(request, RecommendationBatch)
    caller = caller_of(request)
    for query in data.requests:
        caller.may_name(query.user_id)
    return [recommend(request, query) for query in data.requests]


def recommend(request: Request[Any, Any, Any], query: RecommendationQuery) -> RecommendationOut:
    """Answer one shelf for whom the caller may speak."""
    exchange = exchange_of(request)
    locale = locale_of(request, query.locale)
    card = exchange.runtime.catalogue.resolve(query.product_id) if query.product_id else None
    category = exchange.runtime.catalogue.category(query.category) if query.category else None
    return exchange.shelves.recommend(
        RecommendRequest(
            user_id=caller_of(request).may_name(query.user_id),
            session_id=query.session_id,
            placement=query.placement,
            product_id=card.id if card is not None else query.product_id,
            category=category.handle if category is not None else query.category,
            limit=query.limit,
            locale=locale,
        ),
        locale,
        shown=not exchange.head,
    )
