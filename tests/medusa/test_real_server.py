"""What the synchronisation leans on, checked against a real Medusa server; see ``server/README.md``."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Callable
from typing import Any

import faults
import httpx
import pytest
from fault_proxy import FaultProxy, Seen
from live_medusa import LiveMedusa

_numbers = itertools.count()
MakeProduct = Callable[[], dict[str, Any]]


@pytest.fixture
def make_product(medusa: LiveMedusa) -> MakeProduct:
    """Create a published product with one variant at 100,000 ₫ and return it with its variants."""

    def make() -> dict[str, Any]:
        body = {
            "title": "Sản phẩm thử",
            "handle": f"san-pham-thu-{next(_numbers)}",
            "status": "published",
            "sales_channels": [{"id": medusa.channel_id}],
            "options": [{"title": "Màu", "values": ["Đen"]}],
            "variants": [
                {"title": "Đen", "options": {"Màu": "Đen"}, "prices": [{"currency_code": "vnd", "amount": 100_000}]}
            ],
        }
        product: dict[str, Any] = medusa.admin("POST", "/admin/products", body)["product"]
        return product

    return make


def _updated_at(medusa: LiveMedusa, product_id: str) -> str:
    fields = {"fields": "id,updated_at"}
    return str(medusa.admin("GET", f"/admin/products/{product_id}", params=fields)["product"]["updated_at"])


def _count(medusa: LiveMedusa, path: str, **filters: str) -> int:
    return int(medusa.admin("GET", path, params={"fields": "id", "limit": 1, **filters})["count"])


def test_the_seeded_shop_answers(medusa: LiveMedusa) -> None:
    assert _count(medusa, "/admin/products", **{"status[]": "draft"}) >= 1
    params = {"handle": "edge-giam-gia", "region_id": medusa.region_id, "fields": "*variants.calculated_price"}
    [sale] = medusa.store("GET", "/store/products", params=params)["products"]
    assert sale["variants"][0]["calculated_price"]["calculated_amount"] == 299_000


def test_pictures_are_served_by_this_server(medusa: LiveMedusa) -> None:
    [product] = medusa.admin("GET", "/admin/products", params={"handle": "edge-gia-le"})["products"]
    assert product["thumbnail"].startswith(f"{medusa.base_url}/")
    assert httpx.get(product["thumbnail"]).content.startswith(b"\x89PNG")


def test_a_title_moves_updated_at(medusa: LiveMedusa, make_product: MakeProduct) -> None:
    product = make_product()
    before = _updated_at(medusa, product["id"])
    medusa.admin("POST", f"/admin/products/{product['id']}", {"title": "Tên khác"})
    assert _updated_at(medusa, product["id"]) != before


@pytest.mark.parametrize("route", ["product", "variant"])
def test_a_price_does_not_move_updated_at(medusa: LiveMedusa, make_product: MakeProduct, route: str) -> None:
    product = make_product()
    path, variant = f"/admin/products/{product['id']}", product["variants"][0]["id"]
    before, prices = _updated_at(medusa, product["id"]), [{"currency_code": "vnd", "amount": 120_000}]
    if route == "product":
        medusa.admin("POST", path, {"variants": [{"id": variant, "prices": prices}]})
    else:
        medusa.admin("POST", f"{path}/variants/{variant}", {"prices": prices})
    fields = {"fields": "variants.prices.amount"}
    [now] = medusa.admin("GET", path, params=fields)["product"]["variants"]
    assert [price["amount"] for price in now["prices"]] == [120_000]
    assert _updated_at(medusa, product["id"]) == before


def test_a_category_by_its_own_route_moves_nothing(medusa: LiveMedusa, make_product: MakeProduct) -> None:
    product = make_product()
    fields = {"handle": "vi-da", "fields": "id,updated_at"}
    [category] = medusa.admin("GET", "/admin/product-categories", params=fields)["product_categories"]
    before = _updated_at(medusa, product["id"])
    medusa.admin("POST", f"/admin/product-categories/{category['id']}/products", {"add": [product["id"]]})
    fields = {"fields": "id,updated_at,categories.id"}
    now = medusa.admin("GET", f"/admin/products/{product['id']}", params=fields)["product"]
    assert [joined["id"] for joined in now["categories"]] == [category["id"]]
    assert now["updated_at"] == before


def test_deleted_products_are_listed_on_request(medusa: LiveMedusa, make_product: MakeProduct) -> None:
    product = make_product()
    before = _updated_at(medusa, product["id"])
    medusa.admin("DELETE", f"/admin/products/{product['id']}")
    window = {"updated_at[$gte]": before, "fields": "id,deleted_at", "limit": 1000}
    plain = medusa.admin("GET", "/admin/products", params=window)["products"]
    full = medusa.admin("GET", "/admin/products", params=window | {"with_deleted": "true"})["products"]
    assert product["id"] not in {row["id"] for row in plain}
    assert {row["id"]: row["deleted_at"] for row in full}[product["id"]] is not None


def test_unknown_filters_are_ignored(medusa: LiveMedusa) -> None:
    every = _count(medusa, "/admin/products")
    assert _count(medusa, "/admin/products", nonsense="1") == every
    assert _count(medusa, "/admin/products", **{"updated_at[gte]": "2099-01-01"}) == every
    assert _count(medusa, "/admin/products", **{"updated_at[$gte]": "2099-01-01"}) == 0
    assert _count(medusa, "/admin/orders", display_id="4") == _count(medusa, "/admin/orders")


def test_an_outage_keeps_keys_and_data(medusa: LiveMedusa, make_product: MakeProduct) -> None:
    product, key = make_product(), medusa.secret_key
    with medusa.outage(), pytest.raises(httpx.ConnectError):
        httpx.get(f"{medusa.base_url}/health")
    assert medusa.secret_key == key
    answer = httpx.get(f"{medusa.base_url}/admin/products/{product['id']}", auth=(key, ""))
    assert answer.status_code == 200


def test_a_hung_server_accepts_and_says_nothing(medusa: LiveMedusa) -> None:
    with medusa.hang(), pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{medusa.base_url}/health", timeout=0.5)
    assert httpx.get(f"{medusa.base_url}/health", timeout=30).status_code == 200


def test_a_lost_answer_had_its_effect_in_the_shop(medusa: LiveMedusa) -> None:
    body = {"value": f"thẻ mất hồi âm {next(_numbers)}"}
    with FaultProxy(medusa.base_url) as proxy, httpx.Client(base_url=proxy.url, auth=(medusa.secret_key, "")) as client:
        proxy.add(faults.drop_after(), method="WRITE", times=1)
        with pytest.raises(httpx.TransportError):
            client.post("/admin/product-tags", json=body)
        assert client.get("/admin/product-tags", params={"value": body["value"]}).json()["count"] == 1


def test_events_come_signed(medusa: LiveMedusa, make_product: MakeProduct) -> None:
    product = make_product()
    told = f'"data":{{"id":"{product["id"]}"}}'.encode()

    def events() -> list[Seen]:
        """Return what came of the change; events of other tests may come late."""
        updated = b'"event":"product.updated"'
        return [seen for seen in receiver.seen("/events") if updated in seen.body and told in seen.body]

    # Nobody listens behind the proxy: it answers and remembers.
    with FaultProxy("http://127.0.0.1:9") as receiver:
        receiver.add(faults.status(200))
        medusa.post_events_to(f"{receiver.url}/events")
        try:
            medusa.admin("POST", f"/admin/products/{product['id']}", {"title": "Tên mới"})
            receiver.wait_for(lambda: bool(events()))
        finally:
            medusa.post_events_to("")
        event = events()[0]
    signature = hmac.new(medusa.webhook_secret.encode(), event.body, hashlib.sha256).hexdigest()
    assert event.headers["x-kit-signature"] == f"sha256={signature}"
