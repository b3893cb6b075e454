"""Rows of a Medusa as its admin API gives them, and a small shop made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_medusa import FakeMedusa, Row

REGION, OTHER_REGION = "reg_vn", "reg_us"
HANOI, DANANG = "sloc_hn", "sloc_dn"
CHANNEL, OTHER_CHANNEL = "sc_web", "sc_other"
MADE = "2026-01-01T00:00:00.000Z"


def price(amount: float, currency: str = "vnd", *, id: str = "", **given: Any) -> Row:
    """Return one price, as it stands in a variant."""
    row = {"id": id or f"price_{currency}_{amount}", "amount": amount, "currency_code": currency}
    return row | {"min_quantity": None, "max_quantity": None, "rules": {}} | given


def variant(id: str, *prices: Row, items: Sequence[tuple[str, int]] | None = None, **given: Any) -> Row:
    """Return a variant that takes ``items`` (stock item and quantity); by itself one of its own."""
    linked = [(f"iitem_{id}", 1)] if items is None else items
    row = {
        "id": id,
        "title": id,
        "sku": f"SKU-{id}",
        "barcode": None,
        "variant_rank": 0,
        "manage_inventory": True,
        "allow_backorder": False,
        "options": [],
        "prices": list(prices),
        "inventory_items": [{"inventory_item_id": item, "required_quantity": count} for item, count in linked],
        "updated_at": MADE,
    }
    return row | given


def product(id: str, *variants: Row, categories: Sequence[str] = (), tags: Sequence[str] = (), **given: Any) -> Row:
    """Return a published product in the web channel."""
    row = {
        "id": id,
        "title": f"Hàng {id}",
        "handle": id.replace("_", "-"),
        "status": "published",
        "subtitle": None,
        "description": None,
        "thumbnail": None,
        "external_id": None,
        "collection_id": None,
        "type_id": None,
        "material": None,
        "metadata": None,
        "created_at": MADE,
        "updated_at": MADE,
        "deleted_at": None,
        "variants": list(variants),
        "categories": [{"id": category} for category in categories],
        "tags": [{"value": tag} for tag in tags],
        "images": [],
        "sales_channels": [{"id": CHANNEL}],
    }
    return row | given


def stock(item: str, **levels: tuple[int, int] | int) -> Row:
    """Return a stock item with what is stocked, and perhaps reserved, by location."""
    rows = []
    for place, given in levels.items():
        stocked, reserved = given if isinstance(given, tuple) else (given, 0)
        level = {"id": f"ilev_{item}_{place}", "location_id": place}
        rows.append(level | {"stocked_quantity": stocked, "reserved_quantity": reserved})
    return {"id": item, "sku": None, "location_levels": rows}


def category(id: str, name: str, parent: str | None = None, **given: Any) -> Row:
    """Return a public category."""
    row = {"id": id, "name": name, "handle": f"h-{id}", "parent_category_id": parent, "rank": 0}
    return row | {"is_active": True, "is_internal": False} | given


def price_list(id: str, *prices: Row, **given: Any) -> Row:
    """Return a sale that is on."""
    row = {"id": id, "title": id, "status": "active", "type": "sale", "starts_at": None, "ends_at": None}
    return row | {"rules": {}, "prices": list(prices)} | given


def order(id: str, number: int, *lines: tuple[str | None, str | None, int, float], at: str = MADE, **given: Any) -> Row:
    """Return an order of lines: product id, variant id, quantity and total."""
    row = {
        "id": id,
        "display_id": number,
        "status": "pending",
        "payment_status": "authorized",
        "fulfillment_status": "not_fulfilled",
        "email": "khach@kit.test",
        "customer_id": None,
        "currency_code": "vnd",
        "created_at": at,
        "updated_at": at,
        "canceled_at": None,
        "items": [
            {
                "id": f"ordli_{id}_{place}",
                "title": f"Hàng {product_id}",
                "subtitle": None,
                "product_id": product_id,
                "product_handle": None,
                "variant_id": variant_id,
                "quantity": quantity,
                "total": total,
                "detail": {"return_received_quantity": 0},
            }
            for place, (product_id, variant_id, quantity, total) in enumerate(lines)
        ],
        "shipping_address": {"phone": "0912 345 678"},
        "fulfillments": [],
    }
    return row | given


def customer(id: str, **given: Any) -> Row:
    """Return a customer with an account."""
    return {"id": id, "has_account": True, "created_at": MADE, "updated_at": MADE, "groups": []} | given


def simple(number: int, *, pieces: int = 5, amount: float = 100_000, **given: Any) -> tuple[Row, Row]:
    """Return a product of one variant, and its stock."""
    id_ = f"{number:04}"
    made = product(f"prod_{id_}", variant(f"variant_{id_}", price(amount, id=f"price_{id_}")), **given)
    return made, stock(f"iitem_variant_{id_}", **{HANOI: pieces})


def fill(shop: FakeMedusa, products: int = 3) -> None:
    """Give a shop what every shop has, and some products."""
    shop.put("stores", {"id": "store_1", "name": "Cửa hàng thử", "supported_currencies": [{"currency_code": "vnd"}]})
    vietnam = {"id": REGION, "name": "Việt Nam", "currency_code": "vnd", "countries": [{"iso_2": "vn"}]}
    america = {"id": OTHER_REGION, "name": "United States", "currency_code": "usd", "countries": [{"iso_2": "us"}]}
    shop.put("regions", vietnam, america)
    shop.put("stock_locations", {"id": HANOI, "name": "Hà Nội"}, {"id": DANANG, "name": "Đà Nẵng"})
    shop.put("sales_channels", {"id": CHANNEL, "name": "Web"}, {"id": OTHER_CHANNEL, "name": "Khác"})
    key = {"id": "apk_1", "token": "pk_web", "type": "publishable", "sales_channels": [{"id": CHANNEL}]}
    shop.put("api_keys", key)
    shop.put("product_categories", category("pcat_tui", "Túi"), category("pcat_xach", "Túi xách", "pcat_tui"))
    for number in range(1, products + 1):
        made, pieces = simple(number, categories=("pcat_tui",))
        shop.put("products", made)
        shop.put("inventory_items", pieces)
