"""What the appliance says of the shop: the other side of ``medusa_compare.py``.

Its admin API, where the process runs, and ``catalogue.db`` opened read-only for what the API does not show.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import httpx
from medusa_forms import formed
from medusa_truth import Record, Side

from appliance.domain import to_minor

PRODUCTS = """
select p.id, p.handle, p.title, p.description, p.status, p.attributes, coalesce(c.title, '') as collection, p.thumbnail
from products p left join collections c on c.id = p.collection_id
"""
NOWHERE = "default"
"""The location of pieces that lie at no single place; they count in all."""
SAMPLE = 20
SCALARS = ("handle", "title", "description", "status", "collection", "thumbnail")


class Asks(Protocol):
    """A client of the appliance that is signed in as the owner."""

    def get(self, path: str, /, *, params: dict[str, Any] | None = None) -> httpx.Response:
        """Send a GET request."""


def read_tables(data: Path, currency: str) -> Side:
    """Return what ``catalogue.db`` holds. ``currency`` is the shop's."""
    db = sqlite3.connect(f"file:{data / 'catalogue.db'}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        db.execute("begin")
        return {
            "product": _products(db),
            "variant": _variants(db, currency),
            "category": {
                row["id"]: {"name": row["name"], "handle": row["handle"], "parent": row["parent_id"]}
                for row in db.execute("select * from categories")
            },
            "customer": {
                row["id"]: {"has_account": bool(row["has_account"])} for row in db.execute("select * from customers")
            },
            "order": _orders(db),
            "location": {
                row["id"]: {"name": row["name"]}
                for row in db.execute("select * from stock_locations where id <> ?", [NOWHERE])
            },
            **_records(db),
        }
    finally:
        db.close()


def _products(db: sqlite3.Connection) -> dict[str, Record]:
    paths = _category_paths(db)
    categories = _lists(db, "select product_id, category_id from product_categories order by product_id, position")
    tags = _lists(db, "select product_id, tag from product_tags")
    images = _lists(db, "select product_id, url from product_images order by product_id, position")
    variants = _lists(db, "select product_id, id from variants")
    found: dict[str, Record] = {}
    for row in db.execute(PRODUCTS):
        id_ = row["id"]
        found[id_] = {name: row[name] for name in SCALARS} | {
            "attributes": json.loads(row["attributes"]),
            "categories": sorted(paths[category] for category in categories[id_]),
            "tags": sorted(tags[id_]),
            "images": images[id_],
            "variants": sorted(variants[id_]),
        }
    return found


def _category_paths(db: sqlite3.Connection) -> dict[str, str]:
    rows = {row["id"]: row for row in db.execute("select id, name, parent_id from categories")}

    def path(id_: str) -> str:
        row = rows[id_]
        return f"{path(row['parent_id'])} > {row['name']}" if row["parent_id"] else str(row["name"])

    return {id_: path(id_) for id_ in rows}


def _variants(db: sqlite3.Connection, currency: str) -> dict[str, Record]:
    prices: dict[str, dict[str, int]] = defaultdict(dict)
    for row in db.execute("select variant_id, currency, amount from prices"):
        prices[row["variant_id"]][row["currency"]] = row["amount"]
    stock: dict[str, dict[str, int]] = defaultdict(dict)
    for row in db.execute("select variant_id, location_id, quantity from stock_levels"):
        stock[row["variant_id"]][row["location_id"]] = row["quantity"]
    found: dict[str, Record] = {}
    for row in db.execute("select product_id, id, sku, title from variants"):
        levels = stock.get(row["id"])
        own = prices[row["id"]]
        found[row["id"]] = {
            "product_id": row["product_id"],
            "sku": row["sku"],
            "title": row["title"],
            f"price {currency}": own.get(currency),
            "other prices": {code: amount for code, amount in own.items() if code != currency},
            "stock": None if levels is None else {at: count for at, count in levels.items() if count and at != NOWHERE},
            "stock in all": None if levels is None else sum(levels.values()),
        }
    return found


def _orders(db: sqlite3.Connection) -> dict[str, Record]:
    items: dict[str, list[tuple[str, str, int, int]]] = defaultdict(list)
    for row in db.execute("select order_id, product_id, variant_id, quantity, total from order_items"):
        items[row["order_id"]].append((row["product_id"], row["variant_id"], row["quantity"], row["total"]))
    return {
        row["id"]: {
            "display_id": row["display_id"],
            "status": row["status"],
            "currency": row["currency"],
            "customer_id": row["customer_id"],
            "items": sorted(items[row["id"]]),
        }
        for row in db.execute("select id, display_id, status, currency, customer_id from orders")
    }


def _records(db: sqlite3.Connection) -> Side:
    """Return Medusa's records as the mirror keeps them; variants stand inside their products."""
    side: Side = defaultdict(dict)
    for row in db.execute("select kind, id, body from medusa_records"):
        body = json.loads(row["body"], parse_float=Decimal)
        try:
            if row["kind"] == "product":
                for variant in body.get("variants") or ():
                    side["record: variant"][variant["id"]] = formed("variant", variant)
            side[f"record: {row['kind']}"][row["id"]] = formed(row["kind"], body)
        except KeyError:
            continue  # a kind that is not compared
    return dict(side)


def _lists(db: sqlite3.Connection, sql: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in db.execute(sql):
        found[key].append(value)
    return found


def read_api(client: Asks, currency: str) -> Side:
    """Return the products and variants as the admin API shows them to the owner whom the client signs in as.

    A sample is asked for one by one as well; a list that tells another story than they do ends the comparison.
    """
    products: dict[str, Record] = {}
    variants: dict[str, Record] = {}
    cursor: str | None = ""
    while cursor is not None:
        page = _answer(client.get("/v1/admin/products", params={"limit": 100, "cursor": cursor}))
        for item in page["items"]:
            products[item["id"]] = _api_product(item)
            variants |= {variant["id"]: _api_variant(item, variant, currency) for variant in item["variants"]}
        cursor = page["next_cursor"] or None
    for id_ in sorted(products)[:: max(1, len(products) // SAMPLE)]:
        if _api_product(_answer(client.get(f"/v1/admin/products/{id_}"))) != products[id_]:
            raise SystemExit(f"The list and product {id_} alone differ: compare in a quiet shop.")
    return {"API: product": products, "API: variant": variants}


def _answer(answer: httpx.Response) -> Any:
    if answer.status_code != 200:
        raise SystemExit(f"GET {answer.url}: {answer.status_code} {answer.text[:300]}")
    return answer.json(parse_float=Decimal)


def _api_product(item: dict[str, Any]) -> Record:
    return {name: item[name] for name in SCALARS} | {
        "attributes": item["attributes"],
        "categories": sorted(item["categories"]),
        "tags": sorted(item["tags"]),
        "variants": sorted(variant["id"] for variant in item["variants"]),
    }


def _api_variant(item: dict[str, Any], variant: dict[str, Any], currency: str) -> Record:
    price = variant["price"] if item["currency"] == currency else None
    return {
        "product_id": item["id"],
        "sku": variant["sku"],
        "title": variant["title"],
        f"price {currency}": None if price is None else to_minor(price, currency),
        "stock in all": variant["stock"],
    }
