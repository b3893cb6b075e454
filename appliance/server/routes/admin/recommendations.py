"""Why a visitor gets what: a recommendation made afresh, with everything it was made from."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get

from appliance.recsys.base import RecommendRequest
from appliance.server.admin_schemas import ExplanationOut
from appliance.server.exchange import exchange_of
from appliance.server.query import Category, Limit, LocaleTag, SessionId, UserId, locale_of
from appliance.server.routes.recommendations import PagePlacement, PageProduct
from appliance.server.shelves import items_out


@get("/recommendations/explain", operation_id="explainRecommendation", summary="Why a visitor gets what")
async def explain(
    request: Request[Any, Any, Any],
    user_id: UserId = "",
    session_id: SessionId = "",
    placement: PagePlacement = "home",
    product_id: PageProduct = "",
    category: Category = "",
    limit: Limit = 10,
    locale: LocaleTag = "",
) -> ExplanationOut:
    """Make a recommendation past the cache, with its whole derivation: the weights and why they are so, every
    candidate's components, contributions and evidence, and what became of it. It counts as no impression.
    """
    runtime = exchange_of(request).runtime
    card = runtime.catalogue.resolve(product_id) if product_id else None
    known = runtime.catalogue.category(category) if category else None
    found, derivation = runtime.recommender.derive(
        RecommendRequest(
            user_id=user_id,
            session_id=session_id,
            placement=placement,
            product_id=card.id if card is not None else product_id,
            category=known.handle if known is not None else category,
            limit=limit,
            locale=locale_of(request, locale),
        )
    )
    model = runtime.recommender.model
    return ExplanationOut(
        strategy=found.strategy,
        fallback=found.fallback,
        items=items_out(runtime.catalogue, found),
        trace={
            "derivation": msgspec.to_builtins(derivation),
            "model": None if model is None else msgspec.to_builtins(model),
            "opted_out": runtime.privacy.is_opted_out(session_id, user_id),
            "rules": len(runtime.rules.list()),
            "catalogue_revision": runtime.catalogue.revision,
        },
    )
