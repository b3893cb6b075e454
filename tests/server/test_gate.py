"""The outermost layer: ids, headers, hosts, CORS, limits, HEAD and OPTIONS, compression, metrics, logs."""

from __future__ import annotations

import re
from typing import Any

import pytest
import structlog
from server_shop import LOOPBACK, ORIGIN, OUTSIDE, OpenShop, Shop


def test_a_request_id_is_echoed_when_sane_and_made_otherwise(shop: Shop) -> None:
    assert shop.storefront.get("/healthz", headers={"X-Request-Id": "abc-1.2:3"}).headers["x-request-id"] == "abc-1.2:3"
    for bad in (b"a b", b"x" * 65, b"\x1b[31m", b"", b"a\xff", b"<script>"):
        made = shop.storefront.get("/healthz", headers={"X-Request-Id": bad}).headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f]{16}", made)
    problem = shop.storefront.get("/nothing", headers={"X-Request-Id": "trace-7"}).json()
    assert problem["request_id"] == "trace-7"


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/v1/products/p1", "/v1/search?limit=0", "/schema"])
def test_security_headers_are_on_every_answer(shop: Shop, path: str) -> None:
    headers = shop.browser.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


def test_pages_have_a_content_security_policy(shop: Shop) -> None:
    policy = shop.browser.get("/schema").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.1", "localhost.evil.example"])
def test_a_foreign_host_is_refused(shop: Shop, host: str) -> None:
    answer = shop.storefront.get("/v1/products/p1", headers={"Host": host})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"


def test_a_configured_host_passes(open_shop: OpenShop) -> None:
    shop = open_shop(server__allowed_hosts=("box.shop.vn",))
    assert shop.storefront.get("/healthz", headers={"Host": "BOX.shop.vn:8000"}).status_code == 200


def test_cors_lets_the_storefront_in_and_nobody_else(shop: Shop) -> None:
    for path in ("/v1/products/p1", "/v1/products/none", "/v1/search?limit=0"):
        headers = shop.at(OUTSIDE, origin=ORIGIN).get(path).headers
        assert headers["access-control-allow-origin"] == ORIGIN
        assert "Origin" in headers["vary"]
        evil = shop.at(OUTSIDE, origin="https://evil.example").get(path).headers
        assert "access-control-allow-origin" not in evil
    assert "access-control-allow-credentials" not in headers


def test_preflight(shop: Shop) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-customer-token"}
    answer = shop.at(OUTSIDE, origin=ORIGIN).request("OPTIONS", "/v1/events", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Customer-Token" in answer.headers["access-control-allow-headers"]
    evil = shop.at(OUTSIDE, origin="https://evil.example").request("OPTIONS", "/v1/events", headers=asked)
    assert "access-control-allow-origin" not in evil.headers
    admin = shop.at(OUTSIDE, origin=ORIGIN).request("OPTIONS", "/v1/admin/overview", headers=asked)
    assert "access-control-allow-origin" not in admin.headers


def test_head_answers_as_get_without_a_body(shop: Shop) -> None:
    for path in ("/healthz", "/v1/products/p1", "/v1/search?q=da", "/nothing"):
        get, head = shop.storefront.get(path), shop.storefront.request("HEAD", path)
        assert head.status_code == get.status_code
        assert head.content == b""
        assert head.headers["content-type"] == get.headers["content-type"]
    assert shop.storefront.request("HEAD", "/v1/events").status_code == 405


def test_options_and_405_name_the_methods(shop: Shop) -> None:
    options = shop.storefront.request("OPTIONS", "/v1/search")
    assert options.status_code == 204
    assert options.headers["allow"] == "GET, HEAD, OPTIONS"
    wrong = shop.storefront.request("DELETE", "/v1/search")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "GET, HEAD, OPTIONS"
    assert wrong.json()["code"] == "method_not_allowed"


def test_large_answers_are_compressed(shop: Shop) -> None:
    plain = shop.storefront.get("/v1/search?q=da", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]
    packed = shop.storefront.get("/v1/search?q=da", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json()["total"] == plain.json()["total"]
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert "content-encoding" not in shop.storefront.get("/healthz", headers={"Accept-Encoding": "gzip"}).headers


def test_the_limit_holds_for_an_address_whatever_it_says_it_is(open_shop: OpenShop) -> None:
    shop = open_shop(server__rate_limit="on", server__request_burst=20, server__requests_per_second=0.001)
    passed = 0
    for number in range(200):
        spoofed = {
            "X-Forwarded-For": f"10.0.0.{number}",
            "Forwarded": f"for=10.0.0.{number}",
            "X-Real-Ip": f"1.1.1.{number}",
        }
        answer = shop.at(OUTSIDE).get("/v1/products/p1", headers=spoofed)
        passed += answer.status_code == 200
    assert passed == 20
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["code"] == "rate_limited"
    assert shop.at(("203.0.113.10", 1)).get("/v1/products/p1").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("PUT", "/v1/search"), ("GET", "/v1/search?limit=0")]
)
def test_wrong_requests_count_too(open_shop: OpenShop, method: str, path: str) -> None:
    shop = open_shop(server__rate_limit="on", server__request_burst=5, server__requests_per_second=0.001)
    codes = [shop.at(OUTSIDE).request(method, path).status_code for _ in range(8)]
    assert codes[5:] == [429] * 3
    assert 429 not in codes[:5]


def test_a_foreign_host_counts_too(open_shop: OpenShop) -> None:
    shop = open_shop(server__rate_limit="on", server__request_burst=5, server__requests_per_second=0.001)
    codes = [shop.at(OUTSIDE).get("/", headers={"Host": "evil.example"}).status_code for _ in range(7)]
    assert codes == [400] * 5 + [429] * 2


def test_a_secret_key_gets_more_and_a_wrong_one_does_not(open_shop: OpenShop) -> None:
    shop = open_shop(server__rate_limit="on", server__request_burst=5, server__requests_per_second=0.001)
    secret = shop.runtime.tokens.create("secret", "s").secret
    keyed = shop.at(OUTSIDE, authorization=f"Bearer {secret}")
    assert [keyed.get("/healthz").status_code for _ in range(50)] == [200] * 50
    wrong = shop.at(OUTSIDE, authorization="Bearer sk_wrong")
    assert [wrong.get("/healthz").status_code for _ in range(7)] == [200] * 5 + [429] * 2


def test_claims_and_privacy_have_a_stricter_limit(open_shop: OpenShop) -> None:
    shop = open_shop(server__rate_limit="on")
    codes = [shop.at(LOOPBACK).post("/v1/admin/claim", {"code": "nope"}).status_code for _ in range(12)]
    assert codes[10:] == [429, 429]
    codes = [shop.at(OUTSIDE).post("/v1/privacy/opt-out", {"session_id": "s"}).status_code for _ in range(12)]
    assert codes == [204] * 10 + [429] * 2


def test_metrics_are_by_route_template(shop: Shop) -> None:
    for product in ("p1", "p2", "none"):
        shop.storefront.get(f"/v1/products/{product}")
    for path in ("/random-1", "/random-2"):
        shop.storefront.get(path)
    shop.storefront.request("BREW", "/healthz")
    text = shop.storefront.get("/metrics").text
    assert 'appliance_http_requests_total{method="GET",route="/v1/products/{product}",status="200"} 2.0' in text
    assert 'appliance_http_requests_total{method="GET",route="unmatched",status="404"} 2.0' in text
    assert 'method="OTHER"' in text
    assert "random" not in text
    assert "appliance_catalogue_products 12.0" in text


def test_the_access_log_holds_no_secret_no_query_and_no_control_character(shop: Shop) -> None:
    secret = shop.runtime.tokens.create("secret", "s").secret
    code = shop.runtime.access.claim_code() or ""
    with structlog.testing.capture_logs() as logs:
        shop.at(OUTSIDE, authorization=f"Bearer {secret}").get(
            "/v1/recommendations?user_id=cus_secret&session_id=s_secret"
        )
        shop.at(OUTSIDE, x_customer_token="token_secret").get("/v1/recommendations")
        shop.at(OUTSIDE, x_publishable_key="pk_secret").get("/v1/products/p1")
        shop.storefront.post("/v1/admin/claim", {"code": code})
        shop.storefront.post("/v1/events", {"events": [{"note": "body_secret"}]})
        shop.storefront.get("/%0d%0aInjected:%20line/%1b%5b2J")
        shop.storefront.get("/healthz", headers={"X-Request-Id": b"a\x1b[2Jb", "User-Agent": "agent_secret"})
    text = repr(logs)
    for hidden in (secret, code, "cus_secret", "s_secret", "token_secret", "pk_secret", "body_secret", "agent_secret"):
        assert hidden not in text
    for values in logs:
        for value in values.values():
            assert not re.search(r"[\x00-\x1f\x7f]", str(value))
    assert any(entry["event"] == "request" and entry["route"] == "/v1/recommendations" for entry in logs)


def test_a_defect_is_a_plain_500_with_an_id(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(shop.runtime.catalogue, "resolve", broken)
    answer = shop.storefront.get("/v1/products/p1")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text
