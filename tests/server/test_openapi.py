"""The OpenAPI document: complete, with examples that are right, and readable without the internet."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest
from server_shop import Shop


@pytest.fixture
def document(shop: Shop) -> dict[str, Any]:
    answer = shop.browser.get("/schema/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()]


def test_every_operation_is_named_described_and_knows_its_problems(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for path, _, operation in operations(document):
        assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"])
        assert operation["summary"]
        assert operation["description"]
        assert {"400", "429", "503"} <= set(operation["responses"])
        if path.startswith("/v1/admin"):
            assert {"401", "403"} <= set(operation["responses"])
        if "requestBody" in operation:
            assert {"408", "413", "507"} <= set(operation["responses"])
            assert "example" in operation["requestBody"]["content"]["application/json"]


def test_the_promised_routes_are_there(document: dict[str, Any]) -> None:
    promised = {
        "/v1/events", "/track", "/v1/sessions/{session_id}/identify", "/v1/recommendations",
        "/v1/recommendations/batch", "/v1/products/{product}", "/v1/products/{product}/similar",
        "/v1/products/{product}/bought-together", "/v1/products/popular", "/v1/search", "/v1/privacy/requests",
        "/v1/privacy/opt-out", "/healthz", "/readyz", "/metrics", "/v1/admin/overview", "/v1/admin/products",
        "/v1/admin/settings", "/v1/admin/claim", "/v1/admin/issues", "/v1/admin/jobs", "/v1/admin/models",
        "/v1/admin/rules", "/v1/admin/tokens", "/v1/admin/recommendations/explain",
    }  # fmt: skip
    assert promised <= set(document["paths"])


def _resolve(document: dict[str, Any], node: Any) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            target: Any = document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return _resolve(document, target)
        return {key: _resolve(document, value) for key, value in node.items()}
    return [_resolve(document, value) for value in node] if isinstance(node, list) else node


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for path, _, operation in operations(document):
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in contents:
            for media in _resolve(document, content).get("content", {}).values():
                if "example" in media:
                    jsonschema_rs.validator_for(media["schema"]).validate(media["example"])
                    checked += 1
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                jsonschema_rs.validator_for(parameter["schema"]).validate(parameter["example"])
        assert path
    assert checked > 100


def test_bounds_and_strictness_are_in_the_document(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["EventBatch"]["additionalProperties"] is False
    assert schemas["EventBatch"]["properties"]["events"]["maxItems"] == 500
    parameters = {entry["name"]: entry["schema"] for entry in document["paths"]["/v1/search"]["get"]["parameters"]}
    assert (parameters["limit"]["minimum"], parameters["limit"]["maximum"]) == (1, 100)
    assert parameters["price_min"]["minimum"] == 0
    assert document["components"]["securitySchemes"]["adminToken"]["scheme"] == "bearer"


def test_the_documentation_page_needs_nothing_from_elsewhere(shop: Shop) -> None:
    for path in ("/schema", "/schema/"):
        page = shop.browser.get(path)
        assert page.status_code == 200
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(links) >= 4
        for link in links:
            assert link.startswith("/static/swagger/")
            assert shop.browser.get(link).status_code == 200, link
        assert "http" not in page.text


def test_static_files_cannot_be_left(shop: Shop) -> None:
    for path in ("..%2fapp.py", "%2e%2e/app.py", "swagger/..%2f..%2fapp.py", "%00", "swagger", "", "/etc/passwd"):
        assert shop.browser.get(f"/static/{path}").status_code in (400, 404), path


def test_static_files_have_validators(shop: Shop) -> None:
    first = shop.browser.get("/static/swagger/swagger-ui.css")
    assert first.headers["content-type"] == "text/css; charset=utf-8"
    assert first.headers["vary"].count("Accept-Encoding") == 1
    tag = first.headers["etag"]
    assert shop.browser.get("/static/swagger/swagger-ui.css", headers={"If-None-Match": tag}).status_code == 304


def test_a_demo_picture_is_drawn(shop: Shop) -> None:
    picture = shop.browser.get("/demo/img/san-pham-1.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.text.startswith("<svg")
    assert shop.browser.get("/demo/img/none.svg").status_code == 404
