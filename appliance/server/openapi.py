"""The OpenAPI document, and a page that shows it without the internet."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.enums import MediaType, OpenAPIMediaType
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Reference, SecurityScheme

from appliance.server.openapi_document import complete

SECURITY_SCHEMES: dict[str, SecurityScheme | Reference] = {
    "publishableKey": SecurityScheme(
        type="apiKey",
        name="X-Publishable-Key",
        security_scheme_in="header",
        description="For browsers. Optional unless server.require_publishable_key is set.",
    ),
    "secretKey": SecurityScheme(
        type="http", scheme="bearer", description="For the storefront's server: `sk_…`. May name any user_id."
    ),
    "customerToken": SecurityScheme(
        type="apiKey",
        name="X-Customer-Token",
        security_scheme_in="header",
        description="For signed-in shoppers: a JWT (HS256, sub, exp) signed by the storefront's server.",
    ),
    "adminToken": SecurityScheme(type="http", scheme="bearer", description="For the owner: `adm_…`."),
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shop appliance API</title>
<link rel="icon" href="/static/swagger/favicon.svg">
<link rel="stylesheet" href="/static/swagger/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/static/swagger/swagger-ui-bundle.js"></script>
<script src="/static/swagger/swagger-ui-standalone-preset.js"></script>
<script src="/static/swagger/init.js"></script>
</body>
</html>
"""


class DocumentJson(OpenAPIRenderPlugin):
    """``/schema/openapi.json``."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json", media_type=OpenAPIMediaType.OPENAPI_JSON)
        self._rendered = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the completed document; made once."""
        if not self._rendered:
            self._rendered = self.render_json(request, complete(openapi_schema))
        return self._rendered


class DocumentationPage(OpenAPIRenderPlugin):
    """``/schema``: Swagger UI from this box's own files."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page; it loads the document by itself."""
        return _PAGE.encode()
