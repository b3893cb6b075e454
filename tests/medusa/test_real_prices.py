"""Prices that are worked out here against those that a real Medusa's store charges, in both regions."""

from __future__ import annotations

import time
from typing import Any

import pytest
from live_medusa import LiveMedusa

from appliance.medusa.client import MedusaClient
from appliance.medusa.pricing import offers_in_force, shelf_price
from appliance.medusa.reading import Reader
from appliance.settings import Medusa, Secret

LISTS: list[tuple[str, str, dict[str, Any], float]] = [
    # handle of the product, kind of list, more of the list, amount
    ("edge-gia-khong-dong", "sale", {}, 100),
    ("edge-gia-le", "sale", {}, 0),
    ("edge-gia-si", "sale", {}, 150_000),
    ("edge-gia-si", "override", {}, 140_000),
    ("edge-gia-theo-vung", "sale", {"starts_at": "2999-01-01T00:00:00Z"}, 1),
    ("edge-hai-kho", "override", {"ends_at": "2001-01-01T00:00:00Z"}, 1),
    ("edge-hai-danh-muc", "override", {"status": "draft"}, 1),
    ("edge-khong-danh-muc", "override", {"rules": {"customer_group_id": ["cusgroup_nobody"]}}, 1),
]


def _make_lists(medusa: LiveMedusa) -> None:
    for handle, kind, more, amount in LISTS:
        asked = {"handle": handle, "fields": "id,variants.id"}
        [product] = medusa.admin("GET", "/admin/products", params=asked)["products"]
        prices = [{"currency_code": "vnd", "amount": amount, "variant_id": one["id"]} for one in product["variants"]]
        body = {"title": handle, "description": kind, "type": kind, "status": "active", "prices": prices} | more
        medusa.admin("POST", "/admin/price-lists", body)


def _charged(medusa: LiveMedusa, region: str) -> dict[str, float | None]:
    params = {"region_id": region, "fields": "id,*variants.calculated_price", "limit": 200}
    products = medusa.store("GET", "/store/products", params=params)["products"]
    return {
        one["id"]: (one["calculated_price"] or {}).get("calculated_amount")
        for product in products
        for one in product["variants"]
    }


@pytest.fixture(scope="module")
def reader(medusa: LiveMedusa) -> Reader:
    _make_lists(medusa)
    return Reader(MedusaClient(Medusa(url=medusa.base_url, secret_key=Secret(medusa.secret_key))))


@pytest.mark.parametrize("currency", ["VND", "USD"])
def test_every_variant_costs_here_what_it_costs_there(medusa: LiveMedusa, reader: Reader, currency: str) -> None:
    region = medusa.region_id if currency == "VND" else medusa.info.region_us_id
    charged = _charged(medusa, region)
    offers = offers_in_force(reader.price_lists(), region, time.time())
    products = reader.products([row.id for row in reader.product_ids()])
    ours = {
        variant.id: shelf_price(variant.prices, offers.get(variant.id, ()), currency, region)
        for product in products
        for variant in product.variants
    }
    assert len(charged) > 80
    assert {id_: None if price is None else float(price) for id_, price in ours.items() if id_ in charged} == charged
