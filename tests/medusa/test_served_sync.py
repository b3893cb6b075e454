"""The served appliance: events through the door reach shoppers in seconds, and the state is told without secrets."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fake_medusa import KEY, FakeMedusa, running
from fake_rows import fill, stock
from served_shop import PASSWORD, SECRET, Served, serving, until
from synced_shop import copied

SECONDS = 10.0
"""Within which a sold-out product must be gone; on an idle machine it is a fraction of one."""


@pytest.fixture(scope="module")
def world() -> Iterator[FakeMedusa]:
    with running(time.time) as shop:
        fill(shop, 8)
        yield shop


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, empty_data: Path, world: FakeMedusa) -> Iterator[Served]:
    folder = copied(empty_data, tmp_path_factory.mktemp("served") / "data")
    with serving(folder, world) as shop:
        until(lambda: len(shop.runtime.catalogue) == 8)
        until(lambda: not shop.admin("GET", "/sync")["copying"])
        yield shop


def post(shop: Served, event: str, ids: Any, **given: Any) -> httpx.Response:
    """Send an event as Medusa's relay does."""
    raw = given.get("raw") or msgspec.json.encode({"event": event, "data": {"id": ids}, "sent_at": shop.fake.stamp()})
    proof = "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    headers = {"x-kit-signature": proof, "content-type": "application/json"} | given.get("headers", {})
    return shop.client.post("/v1/hooks/medusa", content=raw, headers=headers)


def _recommended(shop: Served) -> set[str]:
    answer = shop.client.get("/v1/recommendations", params={"session_id": "s1", "limit": 20})
    return {item["product_id"] for item in answer.json()["items"]}


def _found(shop: Served, **given: Any) -> set[str]:
    answer = shop.client.get("/v1/search", params={"q": "hang", "limit": 20} | given)
    return {item["product_id"] for item in answer.json()["items"]}


def test_a_sold_out_product_leaves_shelves_and_search_within_seconds(served: Served) -> None:
    served.client.get("/v1/recommendations", params={"session_id": "s1", "limit": 20})
    assert "prod_0003" in _recommended(served) and "prod_0003" in _found(served, in_stock="true")
    served.fake.put("inventory_items", stock("iitem_variant_0003", sloc_hn=0))
    answer = post(served, "inventory-level.updated", "ilev_iitem_variant_0003_sloc_hn")
    assert (answer.status_code, answer.json()) == (202, {"followed": True})
    until(lambda: "prod_0003" not in _recommended(served), SECONDS)
    assert "prod_0003" not in _found(served, in_stock="true")
    assert "prod_0003" in _found(served)
    served.fake.put("inventory_items", stock("iitem_variant_0003", sloc_hn=3))
    post(served, "inventory-level.updated", "ilev_iitem_variant_0003_sloc_hn")
    until(lambda: "prod_0003" in _recommended(served), SECONDS)


def test_a_new_title_and_a_deletion_reach_the_search(served: Served) -> None:
    served.fake.touch("products", "prod_0004", title="Đèn ngủ hình mèo")
    post(served, "product.updated", ["prod_0004"])
    until(lambda: _found(served, q="den ngu") == {"prod_0004"}, SECONDS)
    served.fake.drop("products", "prod_0004")
    post(served, "product.deleted", ["prod_0004"])
    until(lambda: _found(served, q="den ngu") == set(), SECONDS)
    assert served.client.get("/v1/products/prod_0004").status_code == 404


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"raw": b"garbage"}, 400),
        ({"raw": b'{"event": "product.updated"}'}, 400),
        ({"headers": {"x-kit-signature": "sha256=00"}}, 401),
        ({"raw": b'{"event": "product.updated", "data": {}, "sent_at": "2020-01-01T00:00:00Z"}'}, 401),
        ({"raw": b" " * (1 << 20) + b"{}"}, 413),
        ({"raw": b'{"event": "' + b"x" * (3 << 20) + b'"}'}, 413),
    ],
)
def test_what_the_door_refuses_is_said_plainly(served: Served, given: dict[str, Any], status: int) -> None:
    answer = post(served, "product.updated", "prod_0001", **given)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_the_state_is_told_where_it_is_asked_for(served: Served) -> None:
    ready = served.client.get("/readyz").json()
    assert ready["parts"]["medusa"] == "ok"
    assert (ready["medusa"]["state"], ready["medusa"]["message"] != "") == ("online", True)
    told = served.admin("GET", "/sync")
    assert told["mirrored"]["product"] >= 7 and not told["copying"]
    assert {one["mode"] for one in told["last"]} >= {"full"}
    found = served.admin("POST", "/sync/test")
    assert (found["ok"], found["shop"], found["currencies"], found["region"]) == (
        True,
        "Cửa hàng thử",
        ["VND"],
        "Việt Nam",
    )


def test_no_secret_is_shown(served: Served) -> None:
    settings = {one["key"]: one["value"] for one in served.admin("GET", "/settings")["settings"]}
    assert {settings[f"medusa.{name}"] for name in ("secret_key", "webhook_secret", "admin_password")} == {"***"}
    pages = [served.client.get(path, headers=served.owner).text for path in ("/readyz", "/metrics", "/v1/admin/logs")]
    pages += [str(served.admin("GET", path)) for path in ("/sync", "/settings", "/issues", "/jobs")]
    for secret in (KEY, SECRET, PASSWORD):
        assert not any(secret in page for page in pages)


@pytest.mark.parametrize(("method", "path"), [("GET", "/sync"), ("POST", "/sync"), ("POST", "/sync/test")])
def test_only_the_owner_may_ask(served: Served, method: str, path: str) -> None:
    assert served.client.request(method, f"/v1/admin{path}").status_code == 401


def test_an_unknown_mode_is_bad_input(served: Served) -> None:
    answer = served.client.post("/v1/admin/sync", json={"mode": "backwards"}, headers=served.owner)
    assert answer.status_code == 400


def test_shoppers_are_served_while_medusa_is_away(tmp_path: Path, empty_data: Path) -> None:
    with running(time.time) as gone:
        fill(gone)
        with serving(copied(empty_data, tmp_path / "data"), gone) as shop:
            shop.admin("POST", "/sync", json={"mode": "full"})
            until(lambda: len(shop.runtime.catalogue) == 3)
            gone.close()
            job = shop.admin("POST", "/sync", json={})
            until(lambda: shop.admin("GET", f"/jobs/{job['id']}")["state"] == "done")
            ready = shop.client.get("/readyz", headers={"Accept-Language": "vi"})
            assert (ready.status_code, ready.json()["parts"]["medusa"]) == (200, "degraded")
            assert (ready.json()["medusa"]["state"], ready.json()["medusa"]["reason"]) == ("offline", "refused")
            assert "Máy chủ Medusa" in ready.json()["medusa"]["message"] and ready.json()["medusa"]["since"]
            assert post(shop, "product.updated", "prod_0001").status_code == 202
            assert len(_found(shop)) == 3 and _recommended(shop)
            found = shop.admin("POST", "/sync/test", params={"locale": "vi"})
            assert (found["ok"], found["code"]) == (False, "medusa_unreachable")
            assert found["message"].startswith("Máy chủ Medusa chưa chạy")


def test_without_a_medusa_the_door_is_closed(tmp_path: Path, empty_data: Path, world: FakeMedusa) -> None:
    with serving(copied(empty_data, tmp_path / "data"), world, url="") as shop:
        assert post(shop, "product.updated", "prod_0001").status_code == 404
        assert shop.client.post("/v1/admin/sync", headers=shop.owner, json={}).status_code == 404
        assert shop.admin("GET", "/sync")["connection"]["state"] == "off"
        ready = shop.client.get("/readyz").json()
        assert (ready["ready"], ready["medusa"]["state"]) == (True, "off")
