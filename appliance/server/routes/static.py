"""The widget, the demo storefront, and the documentation page with its files: everything from this box."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from appliance.errors import NotFound
from appliance.ops.demo.thumbnails import svg
from appliance.server.assets import Asset, asset
from appliance.server.exchange import exchange_of

_WIDGET_SECONDS = 300
_PICTURE_SECONDS = 3600


@get("/widget.js", include_in_schema=False)
async def widget(request: Request[Any, Any, Any]) -> Response[Any]:
    """Answer with the embeddable widget."""
    return asset("widget.js").answer(exchange_of(request), max_age=_WIDGET_SECONDS)


@get("/chat.js", include_in_schema=False)
async def chat_widget(request: Request[Any, Any, Any]) -> Response[Any]:
    """Answer with the chat panel that a storefront embeds."""
    return asset("chat.js").answer(exchange_of(request), max_age=_WIDGET_SECONDS)


@get("/demo", include_in_schema=False)
async def demo_page(request: Request[Any, Any, Any]) -> Response[Any]:
    """Answer with the demo storefront; its relative links need the slash."""
    path = request.scope.get("raw_path", b"").split(b"?", 1)[0]
    if not path.endswith(b"/"):
        return Response(None, status_code=308, headers={"Location": "/demo/"})
    return asset("demo/index.html").answer(exchange_of(request))


@get("/demo/{path:path}", include_in_schema=False)
async def demo_file(request: Request[Any, Any, Any], path: FromPath[str]) -> Response[Any]:
    """Answer with a file of the demo storefront."""
    return asset(f"demo/{path.strip('/')}").answer(exchange_of(request))


@get("/demo/img/{name:str}", include_in_schema=False)
async def demo_picture(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[Any]:
    """Draw the picture of a demo product."""
    exchange = exchange_of(request)
    card = exchange.runtime.catalogue.resolve(name.removesuffix(".svg"))
    product = exchange.runtime.catalogue.product(card.id) if card is not None and card.published else None
    if product is None:
        raise NotFound("There is no such picture.")
    return Asset(svg(product).encode(), "image/svg+xml").answer(exchange, max_age=_PICTURE_SECONDS)


@get("/static/{path:path}", include_in_schema=False)
async def static_file(request: Request[Any, Any, Any], path: FromPath[str]) -> Response[Any]:
    """Answer with a file that pages of this box need."""
    return asset(path.strip("/")).answer(exchange_of(request))
