"""A small real shop behind a real runtime, and callers that come from where a test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from litestar import Litestar
from litestar.testing import TestClient

from appliance.domain import Product, Variant
from appliance.runtime import Runtime

ORIGIN = "https://shop.example"
LOOPBACK = ("127.0.0.1", 50000)
OUTSIDE = ("203.0.113.9", 50000)


def products() -> list[Product]:
    """Return twelve products of three categories, one of them a draft, one sold out."""
    made = []
    for number in range(12):
        kind = ("Ba lô", "Túi xách", "Giày")[number % 3]
        made.append(
            Product(
                id=f"p{number}",
                handle=f"san-pham-{number}",
                title=f"{kind} da số {number}",
                title_en=f"Leather thing {number}",
                description="Da thật, bền và đẹp. " * 20,
                categories=(kind,),
                tags=("da", "nam" if number % 2 else "nữ"),
                attributes={"material": "da", "margin": "0.42"},
                variants=tuple(
                    Variant(
                        id=f"p{number}:{size}",
                        sku=f"SKU{number}{size}",
                        size=size,
                        color="đen",
                        price=(number + 1) * 100_000,
                        stock=0 if number == 5 else 3,
                    )
                    for size in ("38", "39")
                ),
                thumbnail=f"/demo/img/san-pham-{number}.svg",
                status="draft" if number == 11 else "published",
                created_at=1_760_000_000.0 + number,
            )
        )
    made.append(
        Product(
            id="single",
            handle="mot-phien-ban",
            title="Ví một phiên bản",
            categories=("Ví",),
            variants=(Variant(id="single:1", price=250_000, stock=9),),
            created_at=1_760_000_000.0,
        )
    )
    return made


class Shop:
    """A started runtime with its application."""

    def __init__(self, runtime: Runtime, app: Litestar, client: TestClient[Litestar]) -> None:
        self.runtime = runtime
        self.app = app
        self._client = client

    def at(self, address: tuple[str, int] = LOOPBACK, scheme: str = "http", **headers: str) -> Caller:
        """Return a client at an address that sends some headers with each request."""
        return Caller(self._client, address, scheme, {name.replace("_", "-"): value for name, value in headers.items()})

    @property
    def browser(self) -> Caller:
        """A shopper's browser somewhere on the internet."""
        return self.at(OUTSIDE, origin=ORIGIN)

    @property
    def storefront(self) -> Caller:
        """The storefront's server on the same machine: a plain loopback request."""
        return self.at(LOOPBACK)

    @property
    def owner(self) -> Caller:
        """The console on the box."""
        return self.at(LOOPBACK, authorization=f"Bearer {self.runtime.local_token}")


class Caller:
    """Sends requests through the application from a given address."""

    def __init__(
        self, client: TestClient[Litestar], address: tuple[str, int], scheme: str, headers: dict[str, str]
    ) -> None:
        self._client = client
        self._address = address
        self._scheme = scheme
        self._headers = headers

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request."""
        headers = {**self._headers, **{name.lower(): value for name, value in options.pop("headers", {}).items()}}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._client.app, raise_app_exceptions=False, client=self._address)  # type: ignore[arg-type]
            base = f"{self._scheme}://localhost"
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return await client.request(method, path, headers=headers, **options)

        return self._client.blocking_portal.call(send)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET request."""
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        """Send a POST request."""
        return (
            self.request("POST", path, json=json, **options)
            if json is not None
            else self.request("POST", path, **options)
        )


OpenShop = Callable[..., Shop]
