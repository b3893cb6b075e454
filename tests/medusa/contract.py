"""The calls whose answers are recorded from a real Medusa, and a transport that plays them back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec

from appliance.medusa.client import MedusaClient
from appliance.medusa.reading import Reader
from appliance.medusa.writing import WantedPrice, Writer
from appliance.settings import Medusa
from appliance.settings.sections import Secret

FOLDER = Path(__file__).parent / "recorded"
URL = "http://medusa.test:9000"


class Facts(msgspec.Struct, kw_only=True):
    """What must be known of the recorded shop."""

    edges: dict[str, str]
    """Ids of the trap products by handle."""
    stages: dict[str, list[str]]
    """Ids of orders by the stage to which they were taken."""
    since: datetime
    publishable_key: str
    region_vn_id: str
    stock_location_id: str
    second_stock_location_id: str
    sales_channel_id: str
    item_ids: list[str]
    customer_ids: list[str]
    variant_id: str
    """Of ``edge-gia-theo-vung``."""
    unstocked_item_id: str
    """Of ``edge-khong-muc-kho``."""
    category_ids: list[str]


class Exchange(msgspec.Struct, kw_only=True):
    """One request without who asks, and Medusa's answer as it came."""

    method: str
    target: str
    """Path and query."""
    sent: msgspec.Raw = msgspec.Raw(b"null")
    status: int
    answer: msgspec.Raw


class Shop:
    """Both sides of one Medusa."""

    def __init__(self, client: MedusaClient, facts: Facts) -> None:
        self.read, self.write, self.facts = Reader(client), Writer(client), facts

    @property
    def edge_ids(self) -> list[str]:
        """Ids of the trap products, and one that does not exist."""
        return [*self.facts.edges.values(), "prod_none"]

    @property
    def two_orders(self) -> list[str]:
        """Ids of two orders and one that does not exist."""
        return [self.facts.stages["partly_shipped"][0], self.facts.stages["pending"][0], "order_none"]

    def regional(self) -> tuple[str, str]:
        """Ids of the product with a regional price and of its variant."""
        return self.facts.edges["edge-gia-theo-vung"], self.facts.variant_id

    def prices(self) -> list[WantedPrice]:
        """Prices of every kind."""
        vnd = {"currency_code": "vnd"}
        return [
            WantedPrice(amount=Decimal("4.72"), currency_code="usd"),
            WantedPrice(amount=Decimal(120_000), **vnd),
            WantedPrice(amount=Decimal("99999.5"), min_quantity=Decimal(10), max_quantity=Decimal(49), **vnd),
            WantedPrice(amount=Decimal(110_000), rules={"region_id": self.facts.region_vn_id}, **vnd),
        ]


def _all(iterator: Any) -> list[Any]:
    return [row for rows in iterator for row in rows]


READING: dict[str, Callable[[Shop], Any]] = {
    "product_ids": lambda shop: shop.read.product_ids(),
    "read_products": lambda shop: shop.read.read_products(shop.edge_ids),
    "changed_products": lambda shop: shop.read.changed_products(shop.facts.since),
    "changed_variants": lambda shop: shop.read.changed_variants(shop.facts.since),
    "price_fingerprints": lambda shop: shop.read.price_fingerprints(),
    "memberships": lambda shop: shop.read.memberships(),
    "inventory_pages": lambda shop: _all(shop.read.inventory_pages(100)),
    "inventory_items": lambda shop: shop.read.inventory_items([*shop.facts.item_ids, "iitem_none"]),
    "customer_pages": lambda shop: _all(shop.read.customer_pages()),
    "customers": lambda shop: shop.read.customers([*shop.facts.customer_ids, "cus_none"]),
    "changed_customers": lambda shop: shop.read.changed_customers(shop.facts.since),
    "order_pages": lambda shop: _all(shop.read.order_pages(30)),
    "orders": lambda shop: shop.read.orders(shop.two_orders),
    "changed_orders": lambda shop: shop.read.changed_orders(shop.facts.since),
    "categories": lambda shop: shop.read.categories(),
    "collections": lambda shop: shop.read.collections(),
    "tags": lambda shop: shop.read.tags(),
    "types": lambda shop: shop.read.types(),
    "price_lists": lambda shop: shop.read.price_lists(),
    "regions": lambda shop: shop.read.regions(),
    "stock_locations": lambda shop: shop.read.stock_locations(),
    "sales_channels": lambda shop: shop.read.sales_channels(),
    "store": lambda shop: shop.read.store(),
    "publishable_key_channels": lambda shop: shop.read.publishable_key_channels(shop.facts.publishable_key),
}
"""Every call of the reader."""

WRITING: dict[str, Callable[[Shop], Any]] = {
    "set_prices": lambda shop: [shop.write.set_prices(*shop.regional(), shop.prices()) for _ in range(2)],
    "set_prices_unknown": lambda shop: shop.write.set_prices(shop.regional()[0], "variant_none", shop.prices()),
    "set_stock": lambda shop: [
        shop.write.set_stock(shop.facts.unstocked_item_id, shop.facts.second_stock_location_id, count)
        for count in (5, 5, 3)
    ],
    "set_stock_unknown": lambda shop: shop.write.set_stock("iitem_none", shop.facts.stock_location_id, 1),
    "set_tags": lambda shop: [shop.write.set_tags(shop.regional()[0], tags) for tags in (["mới về", "unisex"], [])],
    "set_categories": lambda shop: [
        shop.write.set_categories(shop.regional()[0], ids) for ids in (shop.facts.category_ids, [])
    ],
    "set_metadata": lambda shop: [
        shop.write.set_metadata(shop.regional()[0], entries) for entries in ({"gợi ý": ["prod_1"]}, {"gợi ý": ""})
    ],
    "update_product": lambda shop: shop.write.update_product(
        shop.regional()[0], {"title": "Ốp lưng tên mới", "description": None, "status": "draft"}, key="row-1"
    ),
    "update_product_unknown": lambda shop: shop.write.update_product("prod_none", {"title": "x"}),
}
"""Every call of the writer. They change the shop, in this order."""


class Playing(httpx.BaseTransport):
    """Answers exactly the recorded requests in their order."""

    def __init__(self, name: str) -> None:
        lines = (FOLDER / f"{name}.jsonl").read_bytes().splitlines()
        self.left = [msgspec.json.decode(line, type=Exchange) for line in lines]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        expected = self.left.pop(0)
        asked = (request.method, request.url.raw_path.decode(), request.read() or b"null")
        assert asked == (expected.method, expected.target, bytes(expected.sent))
        return httpx.Response(expected.status, content=bytes(expected.answer))


def settings(url: str = URL, secret_key: str = "sk_played") -> Medusa:
    """Return settings for a recorded or a real Medusa."""
    return Medusa(url=url, secret_key=Secret(secret_key), timeout_seconds=60.0)


def load_facts() -> Facts:
    """Return the facts of the recorded shop."""
    return msgspec.json.decode((FOLDER / "facts.json").read_bytes(), type=Facts)
