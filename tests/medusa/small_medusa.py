"""A small Medusa in memory: the routes that the push reads and writes, behaving as the real server does for them.

``test_push_contract.py`` holds it against the real one. Every write is remembered with its ``Idempotency-Key``.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

START = "2026-01-01T00:00:00.000Z"
HANOI, DANANG = "sloc_hn", "sloc_dn"
_STATUSES = ("draft", "proposed", "published", "rejected")


@dataclass
class Write:
    """One change that arrived, and whether it changed anything."""

    path: str
    body: dict[str, Any]
    key: str
    changed: bool


class Refusal(Exception):
    """What the server refuses, with its status."""

    def __init__(self, status: int, type: str, message: str) -> None:
        super().__init__(message)
        self.status, self.type = status, type


@dataclass
class FakeMedusa:
    """Products, stock items, tags and categories, as JSON in Medusa's own form."""

    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    categories: set[str] = field(default_factory=set)
    locations: set[str] = field(default_factory=lambda: {HANOI, DANANG})
    writes: list[Write] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    before: Callable[[str, str], httpx.Response | None] = lambda _method, _path: None
    """May answer in the server's place, or raise; asked before a request is looked at."""
    after: Callable[[str, str], None] = lambda _method, _path: None
    """Called after a request was done, before it is answered; may raise."""
    _numbers: Any = field(default_factory=lambda: count(1))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, product_id: str, *, variants: int = 1, price: int = 100_000, stock: int = 10) -> dict[str, Any]:
        """Add a published product whose variants have a price in VND and USD and stock in Hà Nội."""
        made = {
            "id": product_id,
            "title": f"Sản phẩm {product_id}",
            "handle": f"san-pham-{product_id}",
            "status": "published",
            "subtitle": None,
            "description": "Mô tả",
            "thumbnail": None,
            "external_id": None,
            "collection_id": None,
            "type_id": None,
            "material": None,
            "metadata": None,
            "created_at": START,
            "updated_at": START,
            "deleted_at": None,
            "variants": [self._variant(product_id, number, price, stock) for number in range(variants)],
            "categories": [],
            "tags": [],
            "images": [],
            "sales_channels": [{"id": "sc_1"}],
        }
        self.products[product_id] = made
        return made

    def _variant(self, product_id: str, number: int, price: int, stock: int) -> dict[str, Any]:
        item_id = f"iitem_{product_id}_{number}"
        level = {"id": f"ilev_{item_id}", "location_id": HANOI, "stocked_quantity": stock, "reserved_quantity": 0}
        self.items[item_id] = {"id": item_id, "sku": f"SKU-{product_id}-{number}", "location_levels": [level]}
        return {
            "id": f"variant_{product_id}_{number}",
            "title": f"Loại {number}",
            "sku": f"SKU-{product_id}-{number}",
            "barcode": None,
            "variant_rank": number,
            "manage_inventory": True,
            "allow_backorder": False,
            "options": [],
            "prices": [self.price(price, "vnd"), self.price(4.5, "usd")],
            "inventory_items": [{"inventory_item_id": item_id, "required_quantity": 1}],
        }

    def price(self, amount: float, currency: str, **more: Any) -> dict[str, Any]:
        """Return a price row with an id of its own."""
        row = {"min_quantity": None, "max_quantity": None, "rules": {}} | more
        return {"id": f"price_{next(self._numbers)}", "amount": amount, "currency_code": currency} | row

    def level(self, product_id: str, number: int = 0, location: str = HANOI) -> dict[str, Any]:
        """Return the stock level of a variant."""
        levels = self.items[f"iitem_{product_id}_{number}"]["location_levels"]
        return next(level for level in levels if level["location_id"] == location)

    def amount(self, product_id: str, currency: str = "vnd", number: int = 0) -> Any:
        """Return the plain price of a variant."""
        prices = self.products[product_id]["variants"][number]["prices"]
        plain = (row for row in prices if row["currency_code"] == currency and not row["rules"])
        return next((row["amount"] for row in plain if row["min_quantity"] is None), None)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as a transport of httpx does."""
        key = request.headers.get("Idempotency-Key", "")
        target = request.url.raw_path.decode()
        return self.handle(request.method, target, request.content, key)

    def handle(self, method: str, target: str, body: bytes, key: str) -> httpx.Response:
        """Answer one request; ``target`` is the path with its query."""
        parts = urlsplit(target)
        with self._lock:
            self.requests.append(f"{method} {parts.path}")
        instead = self.before(method, parts.path)
        if instead is not None:
            return instead
        with self._lock:
            try:
                answer = self._answer(method, parts.path, parse_qs(parts.query), json.loads(body or b"{}"), key)
                response = httpx.Response(200, json=copy.deepcopy(answer))
            except Refusal as refusal:
                response = httpx.Response(refusal.status, json={"type": refusal.type, "message": str(refusal)})
        self.after(method, parts.path)
        return response

    def _answer(
        self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any], key: str
    ) -> dict[str, Any]:
        match [method, *path.strip("/").split("/")[1:]]:
            case ["GET", "products"]:
                return _listed("products", self.products, query)
            case ["GET", "inventory-items"]:
                return _listed("inventory_items", self.items, query)
            case ["GET", "product-tags"]:
                wanted = query.get("value", [])
                return _listed("product_tags", {i: t for i, t in self.tags.items() if t["value"] in wanted}, {})
            case ["POST", "product-tags"]:
                return {"product_tag": self._new_tag(body["value"])}
            case ["POST", "products", product_id]:
                product = self._known(product_id)
                self._written(path, body, key, product, self._changed_product(product, body))
                return {"product": product}
            case ["POST", "products", product_id, "variants", variant_id]:
                product = self._known(product_id)
                before = copy.deepcopy(product)
                self._price(product, variant_id, body)
                self._written(path, body, key, before, product)
                return {"product": product}
            case ["POST", "inventory-items", item_id, "location-levels", *rest]:
                return {"inventory_item": self._stock(path, item_id, rest[0] if rest else None, body, key)}
        raise Refusal(404, "not_found", f"Cannot {method} {path}")

    def _known(self, product_id: str) -> dict[str, Any]:
        if product_id not in self.products:
            raise Refusal(404, "not_found", f"Product with id: {product_id} not found")
        return self.products[product_id]

    def _changed_product(self, product: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        if body.get("status", "draft") not in _STATUSES:
            raise Refusal(400, "invalid_data", "Invalid request: Expected: 'draft, proposed, published, rejected'")
        after = copy.deepcopy(product)
        for name, value in body.items():
            if name == "tags":
                after["tags"] = [{"value": self.tags[tag["id"]]["value"]} for tag in value]
            elif name == "categories":
                if not {one["id"] for one in value} <= self.categories:
                    raise Refusal(404, "not_found", "You tried to set relationship product_category_id")
                after["categories"] = [{"id": one["id"]} for one in value]
            elif name == "metadata":
                merged = (product["metadata"] or {}) | value
                after["metadata"] = {k: v for k, v in merged.items() if v != ""}
            else:
                after[name] = value
        return after

    def _price(self, product: dict[str, Any], variant_id: str, body: dict[str, Any]) -> None:
        for variant in product["variants"]:
            if variant["id"] == variant_id:
                rows = [dict(row) for row in body["prices"]]
                variant["prices"] = [
                    self.price(_number(row.pop("amount")), row.pop("currency_code"), **row) for row in rows
                ]

    def _stock(self, path: str, item_id: str, location: str | None, body: dict[str, Any], key: str) -> dict[str, Any]:
        item = self.items.get(item_id)
        if item is None:
            raise Refusal(404, "not_found", f"InventoryItem with id: {item_id} was not found")
        before = copy.deepcopy(item)
        wanted = location or body["location_id"]
        level = next((one for one in item["location_levels"] if one["location_id"] == wanted), None)
        if level is None and (location is not None or wanted not in self.locations):
            raise Refusal(404, "not_found", f"Item {item_id} is not stocked at location {wanted}")
        if level is None:
            level = {"id": f"ilev_{next(self._numbers)}", "location_id": wanted, "reserved_quantity": 0}
            item["location_levels"].append(level)
        level["stocked_quantity"] = body["stocked_quantity"]
        self._written(path, body, key, before, item)
        return item

    def _new_tag(self, value: str) -> dict[str, Any]:
        if any(tag["value"] == value for tag in self.tags.values()):
            raise Refusal(400, "invalid_data", f"Product tag with value: {value}, already exists.")
        tag = {"id": f"ptag_{next(self._numbers)}", "value": value}
        self.tags[tag["id"]] = tag
        return tag

    def _written(
        self, path: str, body: dict[str, Any], key: str, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        changed = before != after
        if path.startswith("/admin/products/") and "variants" not in path:
            self.products[after["id"]].update(after)
        self.writes.append(Write(path, body, key, changed))


def _listed(name: str, rows: dict[str, dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    wanted = query.get("id[]")
    found = [row for id_, row in sorted(rows.items()) if wanted is None or id_ in wanted]
    return {name: found, "count": len(found), "offset": 0, "limit": len(found)}


def _number(amount: Any) -> Any:
    """Return an amount as Medusa sends it: a JSON number, also where it came as text."""
    number = float(amount)
    return int(number) if number.is_integer() else number
