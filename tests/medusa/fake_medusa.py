"""A Medusa in memory behind a real HTTP server: the lists that the appliance reads, changed as a test likes.

It answers whole rows whatever ``fields`` asks for. ``test_fake_contract.py`` holds it against a real server.
"""

from __future__ import annotations

import base64
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

KEY = "sk_fake_0123456789"
LISTS = {
    "/admin/products": "products",
    "/admin/product-variants": "variants",
    "/admin/inventory-items": "inventory_items",
    "/admin/customers": "customers",
    "/admin/orders": "orders",
    "/admin/product-categories": "product_categories",
    "/admin/collections": "collections",
    "/admin/product-tags": "product_tags",
    "/admin/product-types": "product_types",
    "/admin/price-lists": "price_lists",
    "/admin/regions": "regions",
    "/admin/stock-locations": "stock_locations",
    "/admin/sales-channels": "sales_channels",
    "/admin/stores": "stores",
    "/admin/api-keys": "api_keys",
}
Row = dict[str, Any]
Params = dict[str, list[str]]
Answer = tuple[int, Any]
"""A status, and a body: bytes as they are, anything else as JSON."""


class Dropped(Exception):
    """Raised by a test's ``trouble``: the connection is closed without an answer."""


class FakeMedusa:
    """One shop. ``rows`` holds it by list and id; ``now`` is its clock, in Unix seconds."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.skew = 0.0
        """Seconds by which its clock is ahead."""
        self.rows: dict[str, dict[str, Row]] = {key: {} for key in LISTS.values()}
        self.trouble: Callable[[str, Params], Answer | None] = lambda _path, _params: None
        """Asked before each answer to a list; may give another one, or raise ``Dropped``."""
        self.seen: list[tuple[str, Params]] = []
        """The lists that were asked for."""
        self.torn: dict[str, str] = {}
        """By product id, which call does not show it: ``core`` or ``relations``."""
        self.logins: Answer = (401, {"type": "unauthorized", "message": "Invalid email or password"})
        """What a log-in is answered."""
        self.cut_short: dict[str, int] = {}
        """By list, how many rows a whole list ends after, as if there were no more."""
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def time(self) -> float:
        """What its clock shows."""
        return self.now() + self.skew

    def stamp(self, at: float | None = None) -> str:
        """Return a moment as Medusa writes it."""
        moment = datetime.fromtimestamp(self.time if at is None else at, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def put(self, key: str, *rows: Row) -> None:
        """Add or replace rows of a list."""
        with self._lock:
            self.rows[key] |= {row["id"]: row for row in rows}

    def drop(self, key: str, *ids: str) -> None:
        """Remove rows; a product leaves what ``with_deleted`` shows."""
        with self._lock:
            for id_ in ids:
                if key == "products":
                    self.rows[key][id_] |= {"deleted_at": self.stamp(), "updated_at": self.stamp()}
                else:
                    del self.rows[key][id_]

    def touch(self, key: str, id_: str, **fields: Any) -> None:
        """Change a row and its ``updated_at``."""
        with self._lock:
            self.rows[key][id_] |= fields | {"updated_at": self.stamp()}

    def paths(self) -> list[str]:
        """Return the lists asked for since ``seen`` was cleared, without their folder."""
        return [path.removeprefix("/admin/") for path, _ in self.seen]

    def answer(self, path: str, params: Params) -> Answer:
        """Answer one request for a list."""
        key = LISTS.get(path)
        if key is None:
            return 404, b"<!DOCTYPE html><pre>Cannot GET</pre>"
        self.seen.append((path, params))
        told = self.trouble(path, params)
        return told if told is not None else (200, self._page(key, params))

    def _page(self, key: str, params: Params) -> Row:
        with self._lock:
            rows = sorted(self._wanted(key, params), key=lambda row: row["id"])
        if key in self.cut_short and "id[]" not in params:
            rows = rows[: self.cut_short[key]]
        offset, limit = int(params.get("offset", ["0"])[0]), int(params.get("limit", ["50"])[0])
        shown = msgspec.json.decode(msgspec.json.encode(rows[offset : offset + limit]))
        return {key: shown, "count": len(rows), "offset": offset, "limit": limit}

    def _wanted(self, key: str, params: Params) -> Iterator[Row]:
        ids, since = set(params.get("id[]", ())), params.get("updated_at[$gte]", [""])[0]
        call = _call(params.get("fields", [""])[0])
        for row in self._all(key):
            if key == "products" and row["deleted_at"] is not None and params.get("with_deleted") != ["true"]:
                continue
            if (ids and row["id"] not in ids) or (since and _moment(row["updated_at"]) < _moment(since)):
                continue
            if key == "products" and self.torn.get(row["id"]) == call:
                continue
            yield row

    def _all(self, key: str) -> list[Row]:
        if key != "variants":
            return list(self.rows[key].values())
        living = (row for row in self.rows["products"].values() if row["deleted_at"] is None)
        return [variant | {"product_id": row["id"]} for row in living for variant in row["variants"]]


def _call(fields: str) -> str:
    named = fields.split(",")
    if "variants.manage_inventory" in named:
        return "core"
    return "relations" if "categories.id" in named and "tags.value" in named else ""


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _handler(shop: FakeMedusa) -> type[BaseHTTPRequestHandler]:
    proof = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if self.headers.get("Authorization") != proof:
                self._say(401, {"message": "Unauthorized"})
                return
            try:
                self._say(*shop.answer(address.path, parse_qs(address.query)))
            except Dropped:
                self.close_connection = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self._say(*shop.logins)

        def _say(self, status: int, body: Any) -> None:
            page = isinstance(body, bytes)
            raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if page else "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(shop.time if timestamp is None else timestamp, usegmt=True)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


@contextlib.contextmanager
def running(now: Callable[[], float] = time.time) -> Iterator[FakeMedusa]:
    """Run a shop without anything in it but what every shop has."""
    shop = FakeMedusa(now)
    try:
        yield shop
    finally:
        shop.close()
