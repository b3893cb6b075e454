"""Requests that look like others, batches that cost more than a request, and error texts without expressions."""

from __future__ import annotations

from typing import Any

import pytest
from server_shop import ORIGIN, OUTSIDE, OpenShop, Shop

from appliance.domain import CURRENCY_PATTERN, said_plainly


def batch(size: int) -> dict[str, Any]:
    return {"events": [{"type": "view", "product_id": "p1", "session_id": "s1"}] * size}


@pytest.mark.parametrize("path", ["//v1/privacy/opt-out", "/v1//privacy///opt-out"])
def test_a_doubled_slash_escapes_no_strict_limit(open_shop: OpenShop, path: str) -> None:
    shop = open_shop(server__rate_limit="on")
    url = f"http://localhost{path}"
    codes = [shop.at(OUTSIDE).post(url, {"session_id": "s"}).status_code for _ in range(12)]
    assert codes[10:] == [429, 429]
    assert 429 not in codes[:10]


@pytest.mark.parametrize("path", ["//v1/admin/overview", "/v1//admin/overview"])
def test_a_doubled_slash_opens_the_admin_api_to_no_origin(shop: Shop, path: str) -> None:
    answer = shop.at(OUTSIDE, origin=ORIGIN).get(f"http://localhost{path}")
    assert answer.status_code in (401, 403, 404)
    assert "access-control-allow-origin" not in answer.headers


def test_vary_names_the_origin_for_who_sends_none(open_shop: OpenShop) -> None:
    shop = open_shop()
    assert "Origin" in shop.storefront.get("/v1/products/p1").headers["vary"]
    assert "access-control-allow-origin" not in shop.storefront.get("/v1/products/p1").headers


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, identity"])
def test_a_compressed_body_is_refused(shop: Shop, encoding: str) -> None:
    for path in ("/v1/events", "/v1/recommendations/batch"):
        answer = shop.browser.post(path, content=b"\x1f\x8b", headers={"Content-Encoding": encoding})
        assert answer.status_code == 415
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unsupported_media_type"
    assert shop.browser.post("/v1/events", batch(1), headers={"Content-Encoding": "Identity"}).status_code == 202


def test_a_browser_pays_for_its_events(open_shop: OpenShop) -> None:
    shop = open_shop(server__rate_limit="on", server__request_burst=100, server__requests_per_second=0.001)
    codes = [shop.browser.post("/v1/events", batch(500)).status_code for _ in range(4)]
    assert codes == [202, 202, 429, 429]
    refused = shop.browser.post("/v1/events", batch(500))
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1


def test_small_batches_cost_what_a_request_costs(open_shop: OpenShop) -> None:
    shop = open_shop(server__rate_limit="on", server__request_burst=5, server__requests_per_second=0.001)
    codes = [shop.browser.post("/v1/events", batch(10)).status_code for _ in range(7)]
    assert codes == [202] * 5 + [429] * 2
    assert shop.at(("203.0.113.77", 1)).post("/v1/events", batch(500)).status_code == 202


def test_a_trusted_server_and_a_shop_without_limit_pay_nothing(open_shop: OpenShop) -> None:
    shop = open_shop(server__rate_limit="on", server__request_burst=20, server__requests_per_second=0.001)
    assert [shop.storefront.post("/v1/events", batch(500)).status_code for _ in range(10)] == [202] * 10


def test_without_a_limit_nobody_pays(shop: Shop) -> None:
    assert [shop.browser.post("/v1/events", batch(500)).status_code for _ in range(10)] == [202] * 10


@pytest.mark.parametrize("window", ["24h", "7", "2w"])
def test_a_wrong_window_is_told_what_a_window_is(shop: Shop, window: str) -> None:
    [fault] = shop.browser.get(f"/v1/products/popular?window={window}").json()["errors"]
    assert fault["field"] == "window"
    assert "days" in fault["message"]
    assert "7d" in fault["message"]


def test_no_message_holds_a_regular_expression(shop: Shop) -> None:
    event = {"type": "view", "product_id": "p1", "session_id": "a b"}
    answers = [
        shop.browser.get("/v1/products/popular?window=24h"),
        shop.browser.get("/v1/recommendations?session_id=a%20b"),
        shop.storefront.post("/v1/sessions/s%201/identify", {"user_id": "cus_1"}),
        shop.storefront.post("/v1/sessions/s1/identify", {"user_id": "a b"}),
        shop.browser.post("/v1/recommendations/batch", {"requests": [{"session_id": "a b"}]}),
        shop.browser.post("/v1/events", {"events": [event, event | {"session_id": "s", "currency": "dong"}]}),
        shop.owner.post("/v1/admin/tokens", {"kind": "secret", "name": " "}),
        shop.owner.request("PATCH", "/v1/admin/settings", json={"settings": {"shop.currency": "dong"}}),
    ]
    for answer in answers:
        assert "regex" not in answer.text
        assert "(?!" not in answer.text
    assert "letters, digits and _ . : - only" in answers[1].text
    assert "letters, digits and _ . : - only" in answers[5].text
    assert "three capital letters" in answers[5].text


def test_an_unknown_pattern_is_not_shown_either() -> None:
    assert "[a-z]" not in said_plainly("Expected `str` matching regex '^[a-z]$' - at `$.x`")
    assert said_plainly(f"Expected `str` matching regex {CURRENCY_PATTERN!r}").startswith("must be a currency code")
    assert said_plainly("Expected `int` <= 5") == "Expected `int` <= 5"
