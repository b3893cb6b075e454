"""What a Medusa server says, read on its own: the side of ``medusa_compare.py`` that the appliance is measured against.

Nothing here is shared with the appliance's own synchronisation but the cleaning of texts. Prices on the shelf and what
can be sold are Medusa's own sums (``calculated_price``, ``inventory_quantity``), not ours.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
from medusa_forms import formed

from appliance.domain import decimals
from appliance.store.normalise import clean_text
from appliance.text import clean_line

Record = dict[str, Any]
"""Fields of one thing. What the truth does not know is left out and not compared."""
Side = dict[str, dict[str, Record]]
"""Things by kind and id."""

ATTRIBUTES = ("subtitle", "material")
PRIVATE_METADATA = ("appliance_",)
"""Metadata that the appliance itself writes: no facts of the product."""
NOT_ATTRIBUTES = frozenset({"title_en"})
PAGE = 1000


@dataclass
class Access:
    """Where the shop is and what opens it."""

    base_url: str
    secret_key: str
    publishable_key: str
    region_id: str


@dataclass
class Medusa:
    """Asks the server and counts."""

    access: Access
    requests: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0
    currency: str = ""
    """The region's, once the shop was read."""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=300))

    def get(self, path: str, **params: Any) -> Any:
        """Return a decoded answer with exact decimals; any error status ends the comparison."""
        if path.startswith("/store"):
            options: dict[str, Any] = {"headers": {"x-publishable-api-key": self.access.publishable_key}}
        else:
            options = {"auth": (self.access.secret_key, "")}
        began = time.perf_counter()
        answer = self.client.get(self.access.base_url + path, params=params, **options)
        self.seconds += time.perf_counter() - began
        self.requests += 1
        self.megabytes += len(answer.content) / 1e6
        if answer.status_code != 200:
            raise SystemExit(f"GET {answer.url}: {answer.status_code} {answer.text[:300]}")
        return answer.json(parse_float=Decimal)

    def all(self, path: str, fields: str, *, page: int = PAGE, **filters: Any) -> list[dict[str, Any]]:
        """Return every row of a list, by pages in the order of ids: nobody else writes while sides are compared."""
        rows: list[dict[str, Any]] = []
        while True:
            answer = self.get(path, limit=page, offset=len(rows), order="id", fields=fields, **filters)
            [found] = [value for value in answer.values() if isinstance(value, list)]
            rows += found
            if not found or len(rows) >= answer["count"]:
                return rows

    def by_id(self, path: str, fields: str, **options: Any) -> dict[str, dict[str, Any]]:
        """Return every row of a list by its id."""
        return {row["id"]: row for row in self.all(path, fields, **options)}


class AnyOf(frozenset[str]):
    """Several words that all say the truth."""


def read_truth(medusa: Medusa) -> Side:
    """Read the whole shop."""
    region = medusa.get(f"/admin/regions/{medusa.access.region_id}", fields="id,currency_code")["region"]
    medusa.currency = currency = region["currency_code"].upper()
    products, variants = read_products(medusa), read_variants(medusa)
    categories = medusa.by_id(
        "/admin/product-categories", "id,name,handle,parent_category_id,is_active,is_internal,rank"
    )
    items = medusa.by_id(
        "/admin/inventory-items",
        "id,sku,location_levels.location_id,location_levels.stocked_quantity,location_levels.reserved_quantity",
    )
    shown = read_shelf(medusa)
    side = {
        "product": {id_: product_record(row, id_ in shown, categories) for id_, row in products.items()},
        "category": category_records(categories),
        "variant": {},
    }
    for id_, row in variants.items():
        shelf = shown.get(row["product_id"])
        price = shelf.get(id_) if shelf is not None else None
        side["variant"][id_] = variant_record(row, items, currency, shelf is not None, price)
    for record in side["product"].values():
        record["variants"] = []
    for id_ in sorted(side["variant"]):
        side["product"][variants[id_]["product_id"]]["variants"].append(id_)
    side |= read_people(medusa)
    side |= read_records(medusa, products, variants, categories, items)
    return side


def read_products(medusa: Medusa) -> dict[str, dict[str, Any]]:
    """Return the products; each to-many relation is asked for alone, because Medusa multiplies their rows."""
    products = medusa.by_id(
        "/admin/products",
        "id,handle,title,subtitle,description,status,material,thumbnail,metadata,collection_id,type_id,created_at,"
        "external_id,collection.title,type.value",
    )
    for fields in ("categories.id", "tags.value", "images.url,images.rank", "sales_channels.id"):
        name = fields.split(".", 1)[0]
        for row in medusa.all("/admin/products", f"id,{fields}"):
            products[row["id"]][name] = row.get(name) or []
    return products


def read_variants(medusa: Medusa) -> dict[str, dict[str, Any]]:
    """Return the variants with their prices, stock items and what Medusa says can be sold."""
    path = "/admin/product-variants"
    variants = medusa.by_id(
        path, "id,product_id,title,sku,barcode,manage_inventory,allow_backorder,inventory_quantity,variant_rank"
    )
    prices = "amount,currency_code,min_quantity,max_quantity,price_rules.attribute,price_rules.value"
    for fields in (
        ",".join(f"prices.{name}" for name in prices.split(",")),
        "inventory_items.inventory_item_id,inventory_items.required_quantity",
    ):
        name = fields.split(".", 1)[0]
        for row in medusa.all(path, f"id,{fields}"):
            variants[row["id"]][name] = row.get(name) or []
    return variants


def read_shelf(medusa: Medusa) -> dict[str, dict[str, Decimal | None]]:
    """Return what shoppers see: by product, by variant, the price of one piece (``None``: no price)."""
    rows = medusa.all(
        "/store/products",
        "id,variants.id,*variants.calculated_price",
        page=200,
        region_id=medusa.access.region_id,
    )
    return {
        row["id"]: {
            variant["id"]: (variant.get("calculated_price") or {}).get("calculated_amount")
            for variant in row["variants"]
        }
        for row in rows
    }


def product_record(row: Mapping[str, Any], shown: bool, categories: Mapping[str, Any]) -> Record:
    """Return what the appliance's catalogue must say of a product."""
    named = {key: row.get(key) for key in ATTRIBUTES} | {"type": (row.get("type") or {}).get("value")}
    for key, value in (row.get("metadata") or {}).items():
        if not key.startswith(PRIVATE_METADATA) and key not in NOT_ATTRIBUTES:
            named.setdefault(key, value)
    paths = (category_path(link["id"], categories) for link in row["categories"])
    return {
        "handle": clean_line(row["handle"]),
        "title": clean_line(row["title"]),
        "description": clean_text(row.get("description") or ""),
        "status": "published" if shown else "draft",
        "attributes": {clean_line(key): text for key, value in named.items() if (text := attribute(value))},
        "categories": sorted(path for path in paths if path),
        "tags": sorted(clean_line(tag["value"]) for tag in row["tags"]),
        "collection": clean_line((row.get("collection") or {}).get("title") or ""),
        "thumbnail": row.get("thumbnail") or "",
        "images": image_urls(row["images"]),
    }


def attribute(value: object) -> str:
    """Return a fact as text; lists, objects and nothing are none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return clean_line(str(value)) if isinstance(value, str | int | Decimal) else ""


def image_urls(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the addresses of a product's pictures in their order."""
    return [row["url"] for row in sorted(rows, key=lambda row: (row.get("rank") or 0, row.get("id") or ""))]


def category_path(category_id: str, categories: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the names from the root on; ``''`` when the category or one above it is hidden from shoppers."""
    names: list[str] = []
    here: str | None = category_id
    while here:
        row = categories[here]
        if not row["is_active"] or row["is_internal"]:
            return ""
        names.append(clean_line(row["name"].replace(">", " ")))
        here = row["parent_category_id"]
    return " > ".join(reversed(names))


def category_records(categories: Mapping[str, Mapping[str, Any]]) -> dict[str, Record]:
    """Return the tree that shoppers see."""
    return {
        id_: {
            "name": clean_line(row["name"].replace(">", " ")),
            "handle": clean_line(row["handle"]),
            "parent": row["parent_category_id"],
        }
        for id_, row in categories.items()
        if category_path(id_, categories)
    }


def variant_record(
    row: Mapping[str, Any], items: Mapping[str, Any], currency: str, shown: bool, price: Decimal | None
) -> Record:
    """Return what the appliance's catalogue must say of a variant.

    A product that is not on the shelf has no calculated price; then its price in the shop's currency is not compared.
    """
    prices = plain_prices(row["prices"])
    prices.pop(currency, None)
    if price is not None:
        prices[currency] = minor(price, currency)
    stock = stock_of(row, items)
    record: Record = {
        "product_id": row["product_id"],
        "sku": clean_line(row.get("sku") or ""),
        "title": clean_line(row.get("title") or ""),
        "other prices": {code: amount for code, amount in prices.items() if code != currency},
        "stock": None if stock is None else {place: count for place, count in stock.items() if count},
        "stock in all": None if stock is None else int(row["inventory_quantity"] or 0),
    }
    return record | ({f"price {currency}": prices.get(currency)} if shown else {})


def plain_prices(prices: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return by currency the price of one piece that depends on nothing, in smallest units."""
    found: dict[str, int] = {}
    for price in prices:
        code = price["currency_code"].upper()
        if not price.get("rules") and (price.get("min_quantity") or 0) <= 1:
            amount = minor(price["amount"], code)
            found[code] = min(amount, found.get(code, amount))
    return found


def stock_of(row: Mapping[str, Any], items: Mapping[str, Any]) -> dict[str, int] | None:
    """Return what can be sold by location; ``None`` where stock sets no limit.

    Of a variant that takes several stock items a location offers what its scarcest item allows.
    """
    if not row["manage_inventory"] or row["allow_backorder"]:
        return None
    by_item: list[dict[str, int]] = []
    for link in row["inventory_items"]:
        required = max(int(link["required_quantity"]), 1)
        levels = (items.get(link["inventory_item_id"]) or {}).get("location_levels") or []
        by_item.append(
            {
                level["location_id"]: int((level["stocked_quantity"] - level["reserved_quantity"]) // required)
                for level in levels
            }
        )
    places = {place for levels in by_item for place in levels}
    return {place: min(levels.get(place, 0) for levels in by_item) for place in places}


def minor(amount: Decimal | int, currency: str) -> int:
    """Return an amount in smallest units; Medusa rounds nothing, a cash desk rounds half up."""
    return int((Decimal(amount) * 10 ** decimals(currency)).to_integral_value(ROUND_HALF_UP))


def read_people(medusa: Medusa) -> Side:
    """Return customers, orders and places as the appliance's tables must hold them."""
    customers = medusa.by_id("/admin/customers", "id,has_account,created_at,groups.name")
    orders = medusa.by_id(
        "/admin/orders",
        "id,display_id,status,payment_status,fulfillment_status,currency_code,customer_id,total,*items",
        page=200,
    )
    locations = medusa.by_id("/admin/stock-locations", "id,name")
    return {
        "customer": {id_: {"has_account": row["has_account"]} for id_, row in customers.items()},
        "order": {id_: order_record(row) for id_, row in orders.items()},
        "location": {id_: {"name": clean_line(row["name"])} for id_, row in locations.items()},
    }


def order_record(row: Mapping[str, Any]) -> Record:
    """Return what the appliance must say of an order."""
    currency = row["currency_code"].upper()
    items = [
        (item["product_id"] or "", item["variant_id"] or "", int(item["quantity"]), minor(item["total"], currency))
        for item in row["items"]
        if item["quantity"] > 0
    ]
    return {
        "display_id": str(row["display_id"]),
        "status": order_words(row["status"], row["payment_status"], row["fulfillment_status"]),
        "currency": currency,
        "customer_id": row.get("customer_id"),
        "items": sorted(items),
    }


def order_words(status: str, payment: str, fulfillment: str) -> AnyOf:
    """Return the words by which the appliance may call an order's state. Medusa has three states of an order."""
    if status == "canceled":
        return AnyOf({"canceled"})
    if payment == "refunded":
        return AnyOf({"refunded", status})
    if status in ("completed", "archived"):
        return AnyOf({"completed", "archived"} | ({"delivered"} if fulfillment == "delivered" else set()))
    sent = {
        "delivered": {"delivered"},
        "partially_delivered": {"delivered", "shipped"},
        "shipped": {"shipped"},
        "partially_shipped": {"shipped", "processing"},
        "fulfilled": {"processing"},
        "partially_fulfilled": {"processing"},
    }
    return AnyOf(sent.get(fulfillment, {"pending", "processing"}))


def read_records(
    medusa: Medusa,
    products: Mapping[str, Mapping[str, Any]],
    variants: Mapping[str, Mapping[str, Any]],
    categories: Mapping[str, Mapping[str, Any]],
    items: Mapping[str, Mapping[str, Any]],
) -> Side:
    """Return Medusa's own records in the form in which both sides are compared."""
    prices = "prices.amount,prices.currency_code,prices.min_quantity,prices.max_quantity,prices.price_set.variant.id"
    rules = "price_list_rules.attribute,price_list_rules.value,prices.price_rules.attribute,prices.price_rules.value"
    rows: dict[str, Mapping[str, Mapping[str, Any]]] = {
        "product": products,
        "variant": variants,
        "category": categories,
        "inventory_item": items,
        "price_list": medusa.by_id("/admin/price-lists", f"id,status,type,starts_at,ends_at,{prices},{rules}"),
        "collection": medusa.by_id("/admin/collections", "id,title,handle"),
        "tag": medusa.by_id("/admin/product-tags", "id,value"),
        "type": medusa.by_id("/admin/product-types", "id,value"),
        "region": medusa.by_id("/admin/regions", "id,name,currency_code"),
        "location": medusa.by_id("/admin/stock-locations", "id,name"),
        "channel": medusa.by_id("/admin/sales-channels", "id,name,is_disabled"),
        "customer": medusa.by_id("/admin/customers", "id,has_account,created_at,groups.name"),
    }
    return {f"record: {kind}": {id_: formed(kind, row) for id_, row in of.items()} for kind, of in rows.items()}
