"""The owner changes products of Medusa through the admin API, sees what waits, and decides conflicts."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from server_shop import OpenShop, Shop

from appliance.medusa import records
from appliance.medusa.mirror import Mirror
from appliance.medusa.service import MedusaService
from appliance.settings.sections import Secret
from appliance.store.mirror import MirrorRepository
from appliance.store.state import StateRepository

AT = datetime(2026, 1, 1, tzinfo=UTC)
HERE = "sloc_1"


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """A shop whose Medusa is away; one product of it is mirrored."""
    never = {"medusa__sync_seconds": 0.0, "medusa__stock_minutes": 0.0, "medusa__sweep_minutes": 0.0}
    key = Secret("sk_0123456789")
    opened = open_shop(medusa__url="http://127.0.0.1:9", medusa__secret_key=key, medusa__reconcile_at="", **never)
    _fill(_medusa(opened).mirror)
    return opened


def _fill(mirror: Mirror) -> None:
    category = records.Category(
        id="pcat_1", name="Giày", handle="giay-dep", parent_category_id=None, is_active=True, is_internal=False
    )
    mirror.write_categories([category])
    mirror.write_locations([records.StockLocation(id=HERE, name="Hà Nội")])
    level = records.Level(id="l", location_id=HERE, stocked_quantity=Decimal(9), reserved_quantity=Decimal(2))
    mirror.write_items({"i": records.InventoryItem(id="i", location_levels=(level,))})
    variant = records.Variant(
        id="v",
        title="Đen",
        manage_inventory=True,
        allow_backorder=False,
        prices=(records.Price(id="p", amount=Decimal(100_000), currency_code="vnd"),),
        inventory_items=(records.InventoryLink(inventory_item_id="i"),),
    )
    product = records.Product(
        id="prod_1",
        title="Giày da",
        handle="giay-da",
        status="published",
        created_at=AT,
        updated_at=AT,
        variants=(variant,),
    )
    mirror.write_products([product])


def _medusa(shop: Shop) -> MedusaService:
    assert shop.runtime.medusa is not None
    return shop.runtime.medusa


def _change(shop: Shop, **change: Any) -> Any:
    return shop.owner.request("PATCH", "/v1/admin/products/giay-da", json=change)


def test_a_mirrored_product_is_changed_at_once_and_its_changes_wait(shop: Shop) -> None:
    answer = _change(shop, title="Giày mới", price=120_000, stock=5, categories=["giay-dep"], tags=["da"])
    assert answer.status_code == 200
    body = answer.json()
    assert (body["title"], body["price"], body["variants"][0]["stock"]) == ("Giày mới", 120_000, 5)
    assert (body["categories"], body["tags"]) == (["Giày"], ["da"])
    assert [(edit["field"], edit["base"], edit["value"], edit["part"]) for edit in body["pending"]] == [
        ("title", "Giày da", "Giày mới", ""),
        ("tags", [], ["da"], ""),
        ("categories", [], ["Giày"], ""),
        ("price", "100000", "120000", "VND"),
        ("stock", 9, 7, "Hà Nội"),
    ]
    assert {edit["state"] for edit in body["pending"]} == {"waiting"}
    assert shop.browser.get("/v1/products/giay-da").json()["price"] == 120_000
    listed = shop.owner.get("/v1/admin/products?q=giay moi").json()["items"]
    assert [len(item["pending"]) for item in listed] == [5]
    assert shop.owner.get("/v1/admin/products/p1").json()["pending"] == []


def test_prices_in_several_currencies_and_stock_by_location(shop: Shop) -> None:
    variant = {"id": "v", "prices": {"USD": 4.99, "VND": None}, "stock": 1, "location": "Hà Nội"}
    answer = _change(shop, variants=[variant])
    assert answer.status_code == 200
    assert [(edit["field"], edit["part"], edit["value"]) for edit in answer.json()["pending"]] == [
        ("price", "USD", "4.99"),
        ("price", "VND", None),
        ("stock", "Hà Nội", 3),
    ]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"categories": ["Không có"]}, 409),
        ({"stock": None}, 409),
        ({"price": 0.5}, 409),
        ({"variants": [{"id": "v", "price": 1, "prices": {"VND": 2}}]}, 400),
        ({"variants": [{"id": "v", "prices": {"vnd": 2}}]}, 400),
        ({"variants": [{"id": "v", "stock": 1, "location": "Huế"}]}, 409),
        ({"variants": [{"id": "w", "stock": 1}]}, 404),
        ({"categories": [" "]}, 400),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_waits(shop: Shop, change: dict[str, Any], status: int) -> None:
    revision = shop.runtime.catalogue.revision
    assert _change(shop, **{"title": "Khác"} | change).status_code == status
    assert (shop.runtime.catalogue.revision, _medusa(shop).outbox.list()) == (revision, [])


def test_the_outbox_is_listed_by_state(shop: Shop) -> None:
    _change(shop, title="Một")
    _change(shop, title="Hai")
    (first, second) = reversed(_medusa(shop).outbox.list())
    _medusa(shop).outbox.settle(first.id, "sent", "sent")
    items = shop.owner.get("/v1/admin/sync/outbox").json()["items"]
    assert [(item["id"], item["state"], item["settled_at"] is None) for item in items] == [
        (second.id, "waiting", True),
        (first.id, "sent", False),
    ]
    sent = shop.owner.get("/v1/admin/sync/outbox?state=sent").json()["items"]
    assert [item["id"] for item in sent] == [first.id]
    assert shop.owner.get("/v1/admin/sync/outbox?state=lost").status_code == 400


@pytest.mark.parametrize(("keep", "state", "title"), [("here", "waiting", "Ở đây"), ("medusa", "dropped", "Giày da")])
def test_a_conflict_is_shown_with_both_versions_and_decided(shop: Shop, keep: str, state: str, title: str) -> None:
    _change(shop, title="Ở đây")
    edit = _medusa(shop).outbox.list()[0]
    _medusa(shop).outbox.settle(edit.id, "conflict", "", theirs="Bên kia")
    _medusa(shop).mirror.reproject(["prod_1"])
    (found,) = shop.owner.get("/v1/admin/sync/conflicts").json()["items"]
    assert (found["product_title"], found["base"], found["value"], found["theirs"]) == (
        "Giày da",
        "Giày da",
        "Ở đây",
        "Bên kia",
    )
    path = f"/v1/admin/sync/conflicts/{edit.id}"
    assert shop.owner.post(path, {"keep": "both"}).status_code == 400
    decided = shop.owner.post(path, {"keep": keep})
    assert (decided.status_code, decided.json()["state"], decided.json()["outcome"]) == (200, state, keep)
    assert shop.owner.get("/v1/admin/products/giay-da").json()["title"] == title
    assert shop.owner.post(path, {"keep": keep}).status_code == 409
    assert shop.owner.get("/v1/admin/sync/conflicts").json()["items"] == []


def test_a_change_that_waits_is_given_up(shop: Shop) -> None:
    _change(shop, title="Ở đây")
    path = f"/v1/admin/sync/conflicts/{_medusa(shop).outbox.list()[0].id}"
    assert shop.owner.post(path, {"keep": "here"}).status_code == 409
    given_up = shop.owner.post(path, {"keep": "medusa"})
    assert (given_up.status_code, given_up.json()["state"], given_up.json()["outcome"]) == (200, "dropped", "medusa")
    assert shop.owner.get("/v1/admin/products/giay-da").json()["title"] == "Giày da"


def test_without_a_medusa_nothing_waits(open_shop: OpenShop) -> None:
    shop = open_shop()
    assert shop.owner.get("/v1/admin/sync/outbox").json() == {"items": []}
    assert shop.owner.get("/v1/admin/sync/conflicts").json() == {"items": []}
    assert shop.owner.post("/v1/admin/sync/conflicts/x", {"keep": "here"}).status_code == 404


def _without_connection(open_shop: OpenShop, **settings: Any) -> Shop:
    """Return a shop that has Medusa's product from before and no connection to it now."""
    shop = open_shop(**settings)
    runtime = shop.runtime
    assert runtime.medusa is None
    state = StateRepository(runtime.store, "sync_state")
    _fill(Mirror(runtime.catalogue, MirrorRepository(runtime.store), state, runtime.settings, time.time))
    return shop


@pytest.mark.parametrize("safe_mode", [False, True])
def test_what_could_not_be_queued_for_medusa_is_refused(open_shop: OpenShop, safe_mode: bool) -> None:
    gone = {"medusa__url": "https://127.0.0.1:9", "medusa__ca_file": "/gone/ca.pem"}
    shop = _without_connection(open_shop, **({} if safe_mode else gone))
    shop.runtime.safe_mode = safe_mode
    answer = _change(shop, title="Sẽ mất")
    assert (answer.status_code, answer.json()["code"], "Retry-After" in answer.headers) == (503, "unavailable", True)
    assert "appliance status" in answer.json()["hint"]
    assert shop.owner.get("/v1/admin/products/giay-da").json()["title"] == "Giày da"
    own = shop.owner.request("PATCH", "/v1/admin/products/single", json={"title": "Của shop"})
    assert (own.status_code, own.json()["title"]) == (200, "Của shop")


def test_a_shop_that_was_cut_loose_from_its_medusa_changes_all_products(open_shop: OpenShop) -> None:
    shop = _without_connection(open_shop)
    answer = _change(shop, title="Của mình", price=90_000)
    assert (answer.status_code, answer.json()["title"], answer.json()["price"]) == (200, "Của mình", 90_000)


def test_a_product_of_the_shops_own_takes_categories_and_prices(shop: Shop) -> None:
    def change(body: dict[str, Any]) -> Any:
        return shop.owner.request("PATCH", "/v1/admin/products/single", json=body)

    variant = {"id": "single:1", "prices": {"USD": 9.5, "VND": 260_000}, "stock": 4}
    body = change({"categories": ["vi", "Quà > Tết"], "variants": [variant]}).json()
    assert (set(body["categories"]), body["price"], body["pending"]) == ({"Ví", "Quà > Tết"}, 260_000, [])
    product = shop.runtime.catalogue.product("single")
    assert product is not None
    assert (product.variants[0].prices, product.variants[0].stock) == ({"USD": 950}, 4)
    assert change({"variants": [{"id": "single:1", "stock": 1, "location": "x"}]}).status_code == 409
    assert _medusa(shop).outbox.list() == []
