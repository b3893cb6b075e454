"""The push against the real server, and the small Medusa of the other tests held against it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from live_medusa import LiveMedusa
from own_products import know_shop, make_products
from owner_shop import OwnerShop
from small_medusa import FakeMedusa
from talking import Clock, talk

from appliance.medusa import records
from appliance.medusa.client import MedusaClient
from appliance.medusa.faults import MedusaRefused
from appliance.medusa.projection import stock_items
from appliance.medusa.wishes import VariantWish
from appliance.medusa.writing import Writer
from appliance.settings import Medusa
from appliance.settings.sections import Secret

OpenShop = Callable[..., OwnerShop]


@pytest.fixture
def open_shop(tmp_path: Path, medusa: LiveMedusa) -> Iterator[OpenShop]:
    made: list[OwnerShop] = []

    def opened(**settings: Any) -> OwnerShop:
        client = MedusaClient(Medusa(url=medusa.base_url, secret_key=Secret(medusa.secret_key)))
        shop = OwnerShop(tmp_path, client, time.time, **settings)
        know_shop(shop)
        made.append(shop)
        return shop

    yield opened
    for shop in made:
        shop.close()


def _read(shop: OwnerShop, product_id: str) -> tuple[records.Product, dict[str, records.InventoryItem]]:
    (product,) = shop.reader.products([product_id])
    return product, {item.id: item for item in shop.reader.inventory_items(stock_items([product]))}


def _seeded(shop: OwnerShop, product_id: str, medusa: LiveMedusa) -> FakeMedusa:
    """Return a small Medusa that has a product of the real one as it is now."""
    product, items = _read(shop, product_id)
    fake = FakeMedusa(categories=set(shop.mirror.all(records.Category)), locations=set(medusa.location_ids))
    row = msgspec.json.decode(msgspec.json.encode(_whole(product)))
    for variant in row["variants"]:
        for price in variant["prices"]:
            price["amount"] = float(price["amount"])
    row["categories"] = [{"id": id_} for id_ in product.categories]
    row["sales_channels"] = [{"id": id_} for id_ in product.sales_channels]
    row["tags"], row["images"] = [{"value": tag} for tag in product.tags], [{"url": url} for url in product.images]
    fake.products[product_id] = row
    for id_, item in items.items():
        body = msgspec.json.decode(msgspec.json.encode(_whole(item)))
        for level in body["location_levels"]:
            level |= {name: int(level[name]) for name in ("stocked_quantity", "reserved_quantity")}
        fake.items[id_] = body
    return fake


def _whole(value: Any) -> Any:
    """Return a record with its defaults, which the mirror leaves out."""
    if isinstance(value, msgspec.Struct):
        return {name: _whole(getattr(value, name)) for name in value.__struct_fields__}
    return [_whole(one) for one in value] if isinstance(value, tuple) else value


def _likeness(shop: OwnerShop, product_id: str) -> Any:
    """Return a product and its stock without what differs by nature: ids of prices and levels, times of change."""
    product, items = _read(shop, product_id)
    prices = [
        sorted(
            (price.currency_code, price.amount, price.min_quantity, price.max_quantity, sorted(price.rules))
            for price in variant.prices
        )
        for variant in product.variants
    ]
    levels = {
        id_: sorted((one.location_id, one.stocked_quantity, one.reserved_quantity) for one in item.location_levels)
        for id_, item in items.items()
    }
    own = (product.title, product.description, product.status, product.tags, product.categories, product.metadata)
    return own, prices, levels


def _change_everything(writer: Writer, shop: OwnerShop, product_id: str, second: str) -> list[str]:
    """Do what a push may do, and return what was refused with which status."""
    product, _ = _read(shop, product_id)
    variant, item = product.variants[0], product.variants[0].inventory_items[0].inventory_item_id
    category = sorted(shop.mirror.all(records.Category))[0]
    prices = [*variant.prices, records.Price(id="", amount=Decimal("9.50"), currency_code="eur")]
    steps: tuple[Callable[[], object], ...] = (
        lambda: writer.update_product(product_id, {"title": "Tên mới", "description": "", "status": "proposed"}),
        lambda: writer.update_product(product_id, {"status": "nothing"}),  # type: ignore[typeddict-item]
        lambda: writer.update_product("prod_none", {"title": "x"}),
        lambda: writer.set_prices(product_id, variant.id, prices),
        lambda: writer.set_prices(product_id, "variant_none", prices),
        lambda: writer.set_stock(item, second, 4),
        lambda: writer.set_stock(item, second, 5),
        lambda: writer.set_stock("iitem_none", second, 5),
        lambda: writer.set_tags(product_id, ["thẻ hoàn toàn mới", "da"]),
        lambda: writer.set_categories(product_id, [category]),
        lambda: writer.set_categories(product_id, ["pcat_none"]),
        lambda: writer.set_metadata(product_id, {"one": ["a", "b"], "two": "x"}),
        lambda: writer.set_metadata(product_id, {"two": ""}),
    )
    refused = []
    for number, step in enumerate(steps):
        try:
            step()
        except MedusaRefused as fault:
            refused.append(f"{number}: {fault.status} {fault.type}")
    return refused


def test_the_small_medusa_behaves_as_the_real_one(open_shop: OpenShop, tmp_path: Path, medusa: LiveMedusa) -> None:
    real = open_shop()
    (product_id,) = make_products(medusa, 1)
    fake = _seeded(real, product_id, medusa)
    (tmp_path / "small").mkdir()
    small = OwnerShop(tmp_path / "small", talk(fake, Clock()), Clock())
    small.mirror.write_categories(real.reader.categories())
    assert _likeness(small, product_id) == _likeness(real, product_id)
    second = medusa.location_ids[1]
    refused = [_change_everything(Writer(shop.client), shop, product_id, second) for shop in (small, real)]
    assert refused[0] == refused[1]
    assert len(refused[0]) == 5
    assert _likeness(small, product_id) == _likeness(real, product_id)
    small.close()


def test_every_kind_of_change_arrives_at_the_real_server(open_shop: OpenShop, medusa: LiveMedusa) -> None:
    shop = open_shop()
    ((product_id, variant_id),) = make_products(medusa, 1).items()
    shop.pull([product_id])
    category = next(one for one in shop.catalogue.categories() if not one.parent_id)
    wish = VariantWish(id=variant_id, prices={"VND": Decimal(250_000), "USD": Decimal("9.75")}, stock=3)
    fields: dict[str, Any] = {"title": "Gửi đi", "description": "Dòng 1\nDòng 2", "status": "draft"}
    shop.want(product_id, wish, tags=["thẻ gửi đi", "da"], categories=[category.handle], **fields)
    report = shop.push.run()
    assert (report.sent, report.waiting, report.stopped) == (8, 0, "")
    product, items = _read(shop, product_id)
    assert (product.title, product.description, product.status) == ("Gửi đi", "Dòng 1\nDòng 2", "draft")
    assert (product.tags, product.categories) == (("da", "thẻ gửi đi"), (category.id,))
    prices = {price.currency_code: price.amount for price in product.variants[0].prices}
    assert prices == {"vnd": Decimal(250_000), "usd": Decimal("9.75")}
    (item,) = items.values()
    assert [int(level.stocked_quantity) for level in item.location_levels] == [3]
    assert shop.mirror.some(records.Product, [product_id]) == {product_id: product}
    assert shop.mirror.some(records.InventoryItem, list(items)) == items


def test_a_change_on_both_sides_is_kept_and_decided(open_shop: OpenShop, medusa: LiveMedusa) -> None:
    shop = open_shop()
    ((product_id, variant_id),) = make_products(medusa, 1).items()
    shop.pull([product_id])
    shop.want(product_id, VariantWish(id=variant_id, prices={"VND": Decimal(90_000)}), title="Ở đây")
    path = f"/admin/products/{product_id}"
    medusa.admin("POST", path, {"title": "Bên kia"})
    medusa.admin("POST", f"{path}/variants/{variant_id}", {"prices": [{"currency_code": "vnd", "amount": 120_000}]})
    assert shop.push.run().conflicts == 2
    price, title = sorted(shop.edits.undecided(), key=lambda edit: edit.field)
    assert (price.base, price.value, price.theirs) == ("100000", "90000", "120000")
    assert (title.value, title.theirs) == ("Ở đây", "Bên kia")
    shop.edits.resolve(price.id, "here")
    shop.edits.resolve(title.id, "medusa")
    assert shop.push.run().sent == 1
    product, _ = _read(shop, product_id)
    assert (product.title, [price.amount for price in product.variants[0].prices]) == ("Bên kia", [Decimal(90_000)])


@pytest.mark.medusa_long
@pytest.mark.timeout(300)
def test_a_hundred_changes_made_during_an_outage_arrive_in_order_and_once(
    open_shop: OpenShop, medusa: LiveMedusa
) -> None:
    shop = open_shop()
    variants = make_products(medusa, 5)
    ids = list(variants)
    shop.pull(ids)
    with medusa.outage():
        for number in range(100):
            id_ = ids[number % 5]
            if number % 2:
                shop.want(id_, title=f"Lúc mất mạng {number}")
            else:
                shop.want(id_, VariantWish(id=variants[id_], prices={"VND": Decimal(1000 + number)}))
        assert shop.push.run().stopped == "refused"
    deadline = time.monotonic() + 120
    while shop.outbox.counts().get("waiting") and time.monotonic() < deadline:
        shop.push.run(at_once=True)
    assert shop.outbox.counts() == {"sent": 100}
    assert {edit.outcome for edit in shop.outbox.list(limit=200)} == {"sent"}
    for id_ in ids:
        product, _ = _read(shop, id_)
        mirrored = shop.mirror.some(records.Product, [id_])[id_]
        assert (product.title, product.variants[0].prices) == (mirrored.title, mirrored.variants[0].prices)
