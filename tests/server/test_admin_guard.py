"""The admin API: closed by default, closed to plain HTTP from outside, opened by a claim once."""

from __future__ import annotations

from typing import Any

import pytest
from server_shop import LOOPBACK, OUTSIDE, Shop


def admin_operations(shop: Shop) -> list[tuple[str, str]]:
    document = shop.storefront.get("/schema/openapi.json").json()
    found = [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, item in document["paths"].items()
        for method in item
        if path.startswith("/v1/admin/") and path != "/v1/admin/claim"
    ]
    assert len(found) > 15
    return found


def test_every_admin_operation_wants_a_token(shop: Shop) -> None:
    publishable = shop.runtime.tokens.create("publishable", "p").secret
    secret = shop.runtime.tokens.create("secret", "s").secret
    wrong: list[dict[str, Any]] = [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer adm_"},
        {"Authorization": "Bearer adm_" + "0" * 64},
        {"Authorization": f"Bearer {publishable}"},
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": "Bearer adm_é".encode()},
        {"Authorization": f"Basic {shop.runtime.local_token}"},
        {"X-Publishable-Key": shop.runtime.local_token},
    ]
    for method, path in admin_operations(shop):
        for headers in wrong:
            answer = shop.storefront.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path, headers)
            assert answer.headers["content-type"] == "application/problem+json"


def test_every_admin_operation_is_closed_to_plain_http_from_outside(shop: Shop) -> None:
    token = f"Bearer {shop.runtime.local_token}"
    for method, path in [*admin_operations(shop), ("POST", "/v1/admin/claim")]:
        answer = shop.at(OUTSIDE, authorization=token).request(method, path, json={})
        assert answer.status_code == 403, (method, path)
        assert "TLS" in answer.json()["hint"]


def test_tls_opens_the_admin_api_to_a_token_only(shop: Shop) -> None:
    token = f"Bearer {shop.runtime.local_token}"
    assert shop.at(OUTSIDE, "https", authorization=token).get("/v1/admin/overview").status_code == 200
    assert shop.at(OUTSIDE, "https").get("/v1/admin/overview").status_code == 401


def test_forwarding_headers_do_not_open_the_admin_api(shop: Shop) -> None:
    token = f"Bearer {shop.runtime.local_token}"
    for header in ("x_forwarded_for", "x_forwarded_proto", "forwarded", "x_real_ip"):
        outside = shop.at(OUTSIDE, authorization=token, **{header: "127.0.0.1"})
        assert outside.get("/v1/admin/overview").status_code == 403


def test_an_unknown_admin_address_is_closed_too(shop: Shop) -> None:
    assert shop.storefront.get("/v1/admin/nothing").status_code == 404
    assert shop.storefront.get("/v1/admin/overview/").status_code == 401
    assert shop.storefront.get("//v1//admin//overview").status_code in (401, 404)


def test_the_claim_gives_the_first_token_once(shop: Shop) -> None:
    code = shop.runtime.access.claim_code()
    assert code is not None
    unclaimed = shop.storefront.get("/v1/admin/overview")
    assert "claim" in unclaimed.json()["hint"]
    assert shop.storefront.post("/v1/admin/claim", {"code": "0000-0000-0000"}).status_code == 401
    assert shop.storefront.post("/v1/admin/claim", {}).status_code == 400
    token = shop.storefront.post("/v1/admin/claim", {"code": code})
    assert token.status_code == 201
    owner = shop.at(LOOPBACK, authorization=f"Bearer {token.json()['secret']}")
    assert owner.get("/v1/admin/overview").status_code == 200
    assert shop.storefront.post("/v1/admin/claim", {"code": code}).status_code == 409
    assert "claim" not in shop.storefront.get("/v1/admin/overview").json()["hint"].lower()


@pytest.mark.parametrize("code", ["", "x" * 65, 5, None, ["a"], {"a": 1}])
def test_a_malformed_code_is_bad_input(shop: Shop, code: Any) -> None:
    assert shop.storefront.post("/v1/admin/claim", {"code": code}).status_code == 400


def test_a_revoked_token_is_closed_at_once(shop: Shop) -> None:
    created = shop.owner.post("/v1/admin/tokens", {"kind": "admin", "name": "phone"})
    assert created.status_code == 201
    phone = shop.at(LOOPBACK, authorization=f"Bearer {created.json()['secret']}")
    assert phone.get("/v1/admin/tokens").status_code == 200
    listed = shop.owner.get("/v1/admin/tokens").json()["items"]
    assert [token["name"] for token in listed] == ["phone"]
    assert "secret" not in listed[0]
    assert shop.owner.request("DELETE", f"/v1/admin/tokens/{created.json()['id']}").status_code == 204
    assert phone.get("/v1/admin/tokens").status_code == 401
    assert shop.owner.request("DELETE", f"/v1/admin/tokens/{created.json()['id']}").status_code == 404
