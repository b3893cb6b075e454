"""Who may name whom: browsers nobody, servers anybody, shoppers themselves; and what a browser's page cannot fake."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from server_shop import LOOPBACK, ORIGIN, OUTSIDE, OpenShop, Shop

NAMING: list[tuple[str, str, Any]] = [
    ("GET", "/v1/recommendations?user_id=cus_1", None),
    ("POST", "/v1/recommendations/batch", {"requests": [{"limit": 1}, {"user_id": "cus_1"}]}),
    ("POST", "/v1/events", {"events": [{"type": "view", "product_id": "p1", "session_id": "s1", "user_id": "cus_1"}]}),
    ("POST", "/track", {"product_id": "p1", "session_id": "s1", "user_id": "cus_1"}),
    ("POST", "/v1/sessions/s1/identify", {"user_id": "cus_1"}),
    ("POST", "/v1/privacy/requests", {"kind": "export", "user_id": "cus_1"}),
    ("POST", "/v1/privacy/opt-out", {"user_id": "cus_1"}),
]


def customer_token(shop: Shop, user_id: str = "cus_1", seconds: float = 300) -> str:
    secret = str(shop.runtime.access.keys.customer_token_secret)
    return jwt.encode({"sub": user_id, "exp": int(time.time() + seconds)}, secret, "HS256")


@pytest.mark.parametrize(("method", "path", "body"), NAMING)
def test_a_browser_may_name_nobody_and_is_told_how(shop: Shop, method: str, path: str, body: Any) -> None:
    answer = shop.browser.request(method, path, json=body)
    assert answer.status_code == 401
    assert "X-Customer-Token" in answer.json()["hint"]
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path", "body"), NAMING)
def test_the_storefront_s_server_may_name_anybody(shop: Shop, method: str, path: str, body: Any) -> None:
    assert shop.storefront.request(method, path, json=body).status_code < 300
    secret = shop.runtime.tokens.create("secret", "test").secret
    remote = shop.at(OUTSIDE, authorization=f"Bearer {secret}")
    assert remote.request(method, path, json=body).status_code < 300


@pytest.mark.parametrize(("method", "path", "body"), NAMING)
def test_a_shopper_may_name_itself_only(shop: Shop, method: str, path: str, body: Any) -> None:
    own = shop.at(OUTSIDE, x_customer_token=customer_token(shop), origin=ORIGIN)
    assert own.request(method, path, json=body).status_code < 300
    other = shop.at(OUTSIDE, x_customer_token=customer_token(shop, "cus_2"), origin=ORIGIN)
    assert other.request(method, path, json=body).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:8000"},
        {"x_forwarded_for": "127.0.0.1"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 proxy"},
        {"x_real_ip": "127.0.0.1"},
        {"sec_fetch_site": "cross-site"},
    ],
)
def test_a_loopback_connection_with_somebody_behind_it_is_not_trusted(shop: Shop, headers: dict[str, str]) -> None:
    assert shop.at(LOOPBACK, **headers).get("/v1/recommendations?user_id=cus_1").status_code == 401


def test_forwarding_headers_make_nobody_local(shop: Shop) -> None:
    for header in ("x_forwarded_for", "x_real_ip", "forwarded"):
        outside = shop.at(OUTSIDE, **{header: "127.0.0.1"})
        assert outside.get("/v1/recommendations?user_id=cus_1").status_code == 401


def test_loopback_trust_can_be_switched_off(open_shop: OpenShop) -> None:
    shop = open_shop(security__trust_loopback=False)
    assert shop.storefront.get("/v1/recommendations?user_id=cus_1").status_code == 401


@pytest.mark.parametrize("value", ["Bearer sk_wrong", "Bearer ", "Basic dXNlcjpwYXNz", "sk_wrong", "Bearer sk_\xe9"])
def test_a_wrong_key_is_refused_even_from_loopback(shop: Shop, value: str) -> None:
    answer = shop.at(LOOPBACK).get("/v1/products/p1", headers={"Authorization": value.encode("latin-1")})
    assert answer.status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjdXNfMSJ9."])
def test_a_wrong_customer_token_is_refused(shop: Shop, token: str) -> None:
    assert shop.at(OUTSIDE, x_customer_token=token).get("/v1/recommendations").status_code == 401


def test_an_expired_customer_token_is_refused(shop: Shop) -> None:
    old = shop.at(OUTSIDE, x_customer_token=customer_token(shop, seconds=-5))
    assert old.get("/v1/recommendations").status_code == 401


def test_the_publishable_key_is_optional_but_never_wrong(shop: Shop) -> None:
    assert shop.browser.get("/v1/products/p1").status_code == 200
    assert shop.at(OUTSIDE, x_publishable_key="pk_wrong").get("/v1/products/p1").status_code == 401
    key = shop.runtime.tokens.create("publishable", "web")
    assert shop.at(OUTSIDE, x_publishable_key=key.secret).get("/v1/products/p1").status_code == 200
    shop.runtime.tokens.revoke(key.id)
    assert shop.at(OUTSIDE, x_publishable_key=key.secret).get("/v1/products/p1").status_code == 401


def test_the_publishable_key_can_be_required(open_shop: OpenShop) -> None:
    shop = open_shop(server__require_publishable_key=True)
    assert shop.browser.get("/v1/products/p1").status_code == 401
    assert shop.storefront.get("/v1/products/p1").status_code == 200
    assert shop.browser.get("/healthz").status_code == 200
    key = shop.runtime.tokens.create("publishable", "web").secret
    assert shop.at(OUTSIDE, x_publishable_key=key).get("/v1/products/p1").status_code == 200
    secret = shop.runtime.tokens.create("secret", "server").secret
    assert shop.at(OUTSIDE, x_publishable_key=secret).get("/v1/products/p1").status_code == 401


def test_an_event_hidden_in_escapes_names_nobody_either(shop: Shop) -> None:
    body = rb'{"events":[{"type":"view","product_id":"p1","session_id":"s","\u0075ser_id":"cus_1"}]}'
    assert shop.browser.request("POST", "/v1/events", content=body).status_code == 401


def test_a_foreign_user_id_costs_only_its_own_event(shop: Shop) -> None:
    plain = {"type": "view", "product_id": "p1", "session_id": "s1"}
    events = {"events": [plain, {**plain, "user_id": "cus_2"}, {**plain, "session_id": "s2"}]}
    for caller in (shop.browser, shop.at(OUTSIDE, x_customer_token=customer_token(shop), origin=ORIGIN)):
        answer = caller.request("POST", "/v1/events", json=events)
        assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
        [rejected] = answer.json()["rejected"]
        assert (rejected["index"], rejected["code"]) == (1, "unauthorised")
        assert "X-Customer-Token" in rejected["message"]


def test_a_batch_of_foreign_events_alone_is_refused(shop: Shop) -> None:
    foreign = {"type": "view", "product_id": "p1", "session_id": "s1", "user_id": "cus_2"}
    assert shop.browser.request("POST", "/v1/events", json={"events": [foreign, foreign]}).status_code == 401
    shopper = shop.at(OUTSIDE, x_customer_token=customer_token(shop), origin=ORIGIN)
    assert shopper.request("POST", "/v1/events", json={"events": [foreign, foreign]}).status_code == 403


def test_a_signed_in_shopper_s_events_are_kept_as_its_own(shop: Shop) -> None:
    shopper = shop.at(OUTSIDE, x_customer_token=customer_token(shop, "cus_7"), origin=ORIGIN)
    assert shopper.request("POST", "/track", json={"product_id": "p1", "session_id": "s7"}).json()["accepted"] == 1
    assert shop.runtime.merger is not None and shop.runtime.merger.flush(20)
    assert shop.runtime.log is not None
    assert [event.session_id for event in shop.runtime.log.recent_of_user("cus_7")] == ["s7"]
