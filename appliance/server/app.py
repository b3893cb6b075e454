"""The application: every route, its guards, and the layer around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import Litestar, Request, Router, get, post
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components
from litestar.routes import HTTPRoute

from appliance import __version__
from appliance.runtime import Runtime
from appliance.server.auth import require_public
from appliance.server.middleware import Gate
from appliance.server.openapi import SECURITY_SCHEMES, DocumentationPage, DocumentJson
from appliance.server.problems import handle
from appliance.server.routes import chat, events, health, hooks, privacy, products, recommendations, search, static
from appliance.server.routes.admin import admin_router, claim_router
from appliance.server.shelves import Shelves


def create_app(runtime: Runtime, *, noop: bool = False) -> Litestar:
    """Return the application over an opened runtime; its lifespan starts and stops one that is not started yet.

    ``noop`` adds ``GET`` and ``POST /noop`` for benchmarks: the same layers around a handler that does nothing.
    """

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        owned = not runtime.started
        if owned:
            await asyncio.to_thread(runtime.start)
        try:
            yield
        finally:
            if owned:
                await asyncio.to_thread(runtime.stop)

    app = Litestar(
        [_public(), claim_router(), admin_router(), _open(noop)],
        lifespan=[running],
        request_max_body_size=runtime.settings.server.max_body_bytes,
        exception_handlers={Exception: handle},
        logging_config=None,
        openapi_config=_openapi(),
        debug=False,
    )
    app.asgi_handler = Gate(app.asgi_handler, runtime, Shelves(runtime), _methods(app))
    return app


def _methods(app: Litestar) -> dict[str, frozenset[str]]:
    """Return the methods of every route template."""
    found: dict[str, set[str]] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            found.setdefault(route.path_format, set()).update(str(method) for method in route.methods)
    return {template: frozenset(methods) for template, methods in found.items()}


def _public() -> Router:
    return Router(
        "/",
        route_handlers=[
            events.send_events,
            events.track,
            events.identify_session,
            recommendations.get_recommendations,
            recommendations.get_recommendations_batch,
            products.get_popular,
            products.get_product,
            products.get_similar,
            products.get_bought_together,
            search.search_products,
            chat.chat,
            chat.stream_chat,
            chat.rate_turn,
            chat.read_history,
            chat.delete_history,
            privacy.request_privacy,
            privacy.opt_out,
        ],
        before_request=require_public,
        tags=["storefront"],
        security=[{}, {"publishableKey": []}, {"secretKey": []}, {"customerToken": []}],
    )


def _open(noop: bool) -> Router:
    handlers: list[Any] = [
        health.healthz,
        health.readyz,
        health.metrics,
        hooks.take_medusa_event,
        static.widget,
        static.chat_widget,
        static.demo_page,
        static.demo_picture,
        static.demo_file,
        static.static_file,
    ]
    return Router("/", route_handlers=[*handlers, *((_noop_get, _noop_post) if noop else ())], tags=["operations"])


@get("/noop", include_in_schema=False)
async def _noop_get() -> dict[str, int]:
    return {"accepted": 0}


@post("/noop", status_code=202, include_in_schema=False)
async def _noop_post(request: Request[Any, Any, Any]) -> dict[str, int]:
    body = await request.body()
    return {"accepted": len(msgspec.json.decode(body, type=dict[str, list[msgspec.Raw]])["events"])}


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Shop appliance",
        version=__version__,
        description="Recommendations, search and events for a storefront, from the shop's own box.",
        path="/schema",
        use_handler_docstrings=True,
        components=Components(security_schemes=SECURITY_SCHEMES),
        render_plugins=[DocumentationPage(), DocumentJson()],
    )
