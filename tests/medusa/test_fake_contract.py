"""The Medusa in memory answers as a real one with the same shop: every reading, filter and refusal is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fake_medusa import KEY, LISTS, FakeMedusa, running
from live_medusa import LiveMedusa

from appliance.errors import NotFound
from appliance.medusa import fields
from appliance.medusa.client import MedusaClient
from appliance.medusa.reading import Reader
from appliance.medusa.version import require_version_2
from appliance.settings import Medusa, Secret

SHOP_LISTS = {
    "/admin/inventory-items": fields.INVENTORY,
    "/admin/customers": f"{fields.CUSTOMER},updated_at",
    "/admin/orders": fields.ORDER,
    "/admin/product-categories": fields.CATEGORY,
    "/admin/collections": fields.COLLECTION,
    "/admin/product-tags": fields.VALUE,
    "/admin/product-types": fields.VALUE,
    "/admin/price-lists": fields.PRICE_LIST,
    "/admin/regions": fields.REGION,
    "/admin/stock-locations": fields.LOCATION,
    "/admin/sales-channels": fields.CHANNEL,
    "/admin/stores": fields.STORE,
    "/admin/api-keys": f"{fields.API_KEY},type",
}
EVER = datetime(1970, 1, 1, tzinfo=UTC)


def copy_shop(medusa: LiveMedusa, fake: FakeMedusa) -> None:
    """Fill the Medusa in memory with what the real one has."""

    def rows(path: str, names: str, **filters: str) -> list[dict[str, Any]]:
        answer = medusa.admin("GET", path, params={"fields": names, "limit": 10_000, "order": "id"} | filters)
        found: list[dict[str, Any]] = answer[LISTS[path]]
        return found

    for path, names in SHOP_LISTS.items():
        fake.put(LISTS[path], *rows(path, names))
    changed = {row["id"]: row for row in rows("/admin/product-variants", fields.VARIANT_ROW)}
    belongings = {row["id"]: row for row in rows("/admin/products", fields.RELATIONS)}
    for row in rows("/admin/products", fields.CORE):
        for variant in row["variants"]:
            variant["updated_at"] = changed[variant["id"]]["updated_at"]
        fake.put("products", row | belongings[row["id"]])
    since = {"with_deleted": "true", "updated_at[$gte]": "1970-01-01T00:00:00.000Z"}
    for row in rows("/admin/products", fields.DELETABLE_ROW, **since):
        if row["deleted_at"] is not None:
            fake.put("products", row | {"variants": []})


class Pair:
    """Both readers, and what of the shop the readings name."""

    def __init__(self, real: Reader, pretended: Reader, medusa: LiveMedusa, fake: FakeMedusa) -> None:
        self.real, self.pretended, self.medusa, self.fake = real, pretended, medusa, fake
        products = fake.rows["products"]
        self.ids = [*products, "prod_nobody"]
        self.deleted = [id_ for id_, row in products.items() if row["deleted_at"] is not None]
        self.variant_ids = [one["id"] for row in products.values() for one in row["variants"]][:20]
        times = sorted(datetime.fromisoformat(row["updated_at"].replace("Z", "+00:00")) for row in products.values())
        self.middle = times[len(times) // 2]


def _client(url: str, key: str) -> MedusaClient:
    return MedusaClient(Medusa(url=url, secret_key=Secret(key)))


@pytest.fixture(scope="module")
def pair(medusa: LiveMedusa) -> Iterator[Pair]:
    products = medusa.admin("GET", "/admin/products", params={"handle": "edge-het-hang", "fields": "id"})["products"]
    for product in products:
        medusa.admin("DELETE", f"/admin/products/{product['id']}")
    with running() as fake:
        copy_shop(medusa, fake)
        real, pretended = _client(medusa.base_url, medusa.secret_key), _client(fake.url, KEY)
        yield Pair(Reader(real), Reader(pretended), medusa, fake)
        real.close()
        pretended.close()


READINGS: dict[str, Callable[[Reader, Pair], Any]] = {
    "product_ids": lambda reader, _: reader.product_ids(),
    "read_products": lambda reader, pair: reader.read_products(pair.ids),
    "changed_products": lambda reader, pair: reader.changed_products(pair.middle),
    "all_changed_products": lambda reader, _: reader.changed_products(EVER),
    "variants": lambda reader, pair: reader.variants([*pair.variant_ids, "variant_nobody"]),
    "changed_variants": lambda reader, pair: reader.changed_variants(pair.middle),
    "price_fingerprints": lambda reader, _: reader.price_fingerprints(20),
    "memberships": lambda reader, _: reader.memberships(20),
    "inventory": lambda reader, _: list(reader.inventory_pages(30)),
    "inventory_items": lambda reader, pair: reader.inventory_items([*pair.fake.rows["inventory_items"]][:9]),
    "customers": lambda reader, pair: reader.customers([*pair.fake.rows["customers"], "cus_nobody"]),
    "customer_pages": lambda reader, _: [one for page in reader.customer_pages(6) for one in page],
    "changed_customers": lambda reader, pair: reader.changed_customers(pair.middle),
    "orders": lambda reader, pair: reader.orders([*pair.fake.rows["orders"]][:3]),
    "order_pages": lambda reader, _: [one for page in reader.order_pages(6) for one in page],
    "changed_orders": lambda reader, _: reader.changed_orders(EVER),
    "categories": lambda reader, _: reader.categories(),
    "collections": lambda reader, _: reader.collections(),
    "tags": lambda reader, _: reader.tags(),
    "types": lambda reader, _: reader.types(),
    "price_lists": lambda reader, _: reader.price_lists(),
    "regions": lambda reader, _: reader.regions(),
    "stock_locations": lambda reader, _: reader.stock_locations(),
    "sales_channels": lambda reader, _: reader.sales_channels(),
    "store": lambda reader, _: reader.store(),
    "key": lambda reader, pair: reader.publishable_key_channels(pair.medusa.publishable_key),
}


@pytest.mark.parametrize("name", READINGS)
def test_both_are_read_alike(pair: Pair, name: str) -> None:
    read = READINGS[name]
    expected = read(pair.real, pair)
    assert read(pair.pretended, pair) == expected
    assert expected, "nothing was read, so nothing was compared"


def test_every_list_that_is_read_is_compared(pair: Pair) -> None:
    pair.fake.seen.clear()
    for read in READINGS.values():
        read(pair.pretended, pair)
    assert {path for path, _ in pair.fake.seen} == set(LISTS)
    assert pair.deleted


def test_both_refuse_alike(pair: Pair) -> None:
    for reader in (pair.real, pair.pretended):
        require_version_2(reader._client)
        with pytest.raises(NotFound):
            reader.publishable_key_channels("pk_nobody")
    for url in (pair.medusa.base_url, pair.fake.url):
        refused = httpx.get(f"{url}/admin/products", headers={"Authorization": "Basic c2tfd3Jvbmc6"})
        assert (refused.status_code, refused.json()) == (401, {"message": "Unauthorized"})
        assert "date" in refused.headers
    pages = [
        httpx.get(f"{url}/admin/nothing-of-that-kind", auth=(key, ""))
        for url, key in ((pair.medusa.base_url, pair.medusa.secret_key), (pair.fake.url, KEY))
    ]
    assert [(page.status_code, "html" in page.headers["content-type"]) for page in pages] == [(404, True)] * 2


def test_pages_have_one_shape(pair: Pair) -> None:
    answers = [
        httpx.get(
            f"{url}/admin/products", params={"limit": 2, "offset": 1, "fields": "id", "order": "id"}, auth=(key, "")
        )
        for url, key in ((pair.medusa.base_url, pair.medusa.secret_key), (pair.fake.url, KEY))
    ]
    shapes = [{name: value for name, value in one.json().items() if name != "products"} for one in answers]
    assert shapes[0] == shapes[1]
    ids = [[row["id"] for row in one.json()["products"]] for one in answers]
    assert ids[0] == ids[1] and len(ids[0]) == 2
