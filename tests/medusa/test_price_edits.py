"""Prices that the owner may change here, and those that are decided in Medusa."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from owner_shop import OwnerShop, shop_of_two
from small_medusa import FakeMedusa

from appliance.errors import Conflict
from appliance.medusa import records
from appliance.medusa.wishes import VariantWish

VARIANT = "variant_a_0"


@pytest.fixture
def fake() -> FakeMedusa:
    return FakeMedusa()


@pytest.fixture
def shop(tmp_path: Path, fake: FakeMedusa) -> Iterator[OwnerShop]:
    """A shop that shows the prices of Vietnam."""
    opened = shop_of_two(tmp_path, fake)
    opened.mirror.write_all(records.Region, [records.Region(id="reg_vn", name="Việt Nam", currency_code="vnd")])
    opened.mirror.write_channels(None)
    yield opened
    opened.close()


def _prices(shop: OwnerShop, fake: FakeMedusa, *rows: dict[str, Any]) -> None:
    fake.products["a"]["variants"][0]["prices"] = list(rows)
    shop.pull(["a"])


def _list(shop: OwnerShop, amount: int, type: str = "sale", **more: Any) -> None:
    price = records.ListPrice(id="price_l", amount=Decimal(amount), currency_code="vnd", variant_id=VARIANT)
    made = records.PriceList(id="plist_1", title="Tết", status="active", type=type, prices=(price,), **more)
    shop.mirror.write_price_lists([made])


def _want(shop: OwnerShop, amount: int | None, currency: str = "VND") -> list[Any]:
    return shop.want("a", VariantWish(id=VARIANT, prices={currency: None if amount is None else Decimal(amount)}))


def _shown(shop: OwnerShop) -> int | None:
    product = shop.catalogue.product("a")
    assert product is not None
    return product.variants[0].price


@pytest.mark.parametrize("amount", [250_000, 120_000, None])
def test_where_the_region_has_a_price_of_its_own_the_plain_one_is_not_changed(
    shop: OwnerShop, fake: FakeMedusa, amount: int | None
) -> None:
    _prices(shop, fake, fake.price(120_000, "vnd"), fake.price(90_000, "vnd", rules={"region_id": "reg_vn"}))
    assert _shown(shop) == 90_000
    with pytest.raises(Conflict, match="Việt Nam") as raised:
        _want(shop, amount)
    assert "in Medusa" in raised.value.hint
    assert _want(shop, 90_000) == []
    assert (shop.outbox.list(), _shown(shop)) == ([], 90_000)


def test_the_price_of_another_region_or_currency_stands_in_nobodys_way(shop: OwnerShop, fake: FakeMedusa) -> None:
    abroad = fake.price(9, "usd", rules={"region_id": "reg_vn"})
    _prices(shop, fake, fake.price(120_000, "vnd"), fake.price(7, "vnd", rules={"region_id": "reg_eu"}), abroad)
    _want(shop, 130_000)
    _want(shop, 5, "USD")
    assert _shown(shop) == 130_000
    assert shop.push.run().sent == 2
    assert (fake.amount("a"), fake.amount("a", "usd"), len(fake.products["a"]["variants"][0]["prices"])) == (
        130_000,
        5,
        4,
    )


@pytest.mark.parametrize(("type", "amount"), [("sale", 90_000), ("override", 90_000), ("override", 60_000)])
def test_a_price_list_in_force_decides(shop: OwnerShop, fake: FakeMedusa, type: str, amount: int) -> None:
    _list(shop, 80_000, type)
    assert _shown(shop) == 80_000
    for wish in (amount, None):
        with pytest.raises(Conflict, match="Tết"):
            _want(shop, wish)
    assert _want(shop, 80_000) == []
    assert (shop.outbox.list(), _shown(shop)) == ([], 80_000)


def test_a_price_below_the_sale_holds(shop: OwnerShop, fake: FakeMedusa) -> None:
    _list(shop, 80_000)
    _want(shop, 70_000)
    assert (_shown(shop), shop.push.run().sent, fake.amount("a")) == (70_000, 1, 70_000)


def test_a_list_that_is_not_in_force_decides_nothing(shop: OwnerShop) -> None:
    _list(shop, 80_000, rules={"customer.groups.id": ["cusgroup_1"]})
    _want(shop, 90_000)
    assert _shown(shop) == 90_000


@pytest.mark.parametrize("least", [0, 1])
def test_a_price_from_one_piece_on_is_a_plain_one(shop: OwnerShop, fake: FakeMedusa, least: int) -> None:
    _prices(shop, fake, fake.price(120_000, "vnd", min_quantity=least), fake.price(80_000, "vnd", min_quantity=10))
    (edit,) = _want(shop, 110_000)
    assert (edit.base, edit.value, _shown(shop)) == ("120000", "110000", 110_000)
    assert shop.push.run().sent == 1
    rows = fake.products["a"]["variants"][0]["prices"]
    assert sorted((row["amount"], row["min_quantity"]) for row in rows) == [(80_000, 10), (110_000, None)]
    assert _shown(shop) == 110_000
