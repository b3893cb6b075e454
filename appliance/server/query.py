"""The query parameters that several routes share, with their bounds."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.params import PathParameter, QueryParameter

from appliance.domain import OPTIONAL_ID_PATTERN
from appliance.messages import Locale, pick_locale
from appliance.server.exchange import exchange_of

UserId = Annotated[
    str,
    QueryParameter(
        max_length=128,
        pattern=OPTIONAL_ID_PATTERN,
        description="The customer. Needs a secret key or X-Customer-Token.",
    ),
]
SessionId = Annotated[
    str,
    QueryParameter(
        max_length=128, pattern=OPTIONAL_ID_PATTERN, description="The visitor's session, made by the client."
    ),
]
Category = Annotated[str, QueryParameter(max_length=200, description="Handle or name of a category.")]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many items at most.")]
Offset = Annotated[int, QueryParameter(ge=0, le=10_000, description="How many results to skip.")]
LocaleTag = Annotated[
    str, QueryParameter(max_length=35, description="Language of the reasons, `vi` or `en`; else Accept-Language.")
]
ProductRef = Annotated[str, PathParameter(min_length=1, max_length=128, description="Id or handle of a product.")]


def locale_of(request: Request[Any, Any, Any], tag: str) -> Locale:
    """Return the language of an answer: the parameter, else Accept-Language, else the shop's."""
    exchange = exchange_of(request)
    wanted = tag or exchange.headers.get(b"accept-language", b"").decode("latin-1")[:200]
    return pick_locale(wanted, exchange.runtime.settings.shop.locale)
