"""What was changed on both sides: decided by the rule of its field, or by the owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from owner_shop import OwnerShop, shop_of_two
from small_medusa import FakeMedusa

from appliance.errors import Conflict, NotFound
from appliance.medusa.wishes import VariantWish

OpenShop = Callable[..., OwnerShop]


@pytest.fixture
def fake() -> FakeMedusa:
    return FakeMedusa()


@pytest.fixture
def open_shop(tmp_path: Path, fake: FakeMedusa) -> Iterator[OpenShop]:
    made: list[OwnerShop] = []

    def opened(**settings: Any) -> OwnerShop:
        made.append(shop_of_two(tmp_path, fake, **settings))
        return made[-1]

    yield opened
    for shop in made:
        shop.close()


@pytest.fixture
def shop(open_shop: OpenShop) -> OwnerShop:
    return open_shop()


def test_a_conflict_is_kept_with_both_versions_and_the_shop_shows_what_is_charged(
    shop: OwnerShop, fake: FakeMedusa
) -> None:
    shop.want("a", VariantWish(id="variant_a_0", prices={"VND": Decimal(90_000)}))
    shop.want("b", title="Khác")
    fake.products["a"]["variants"][0]["prices"][0]["amount"] = 120_000
    report = shop.push.run()
    assert (report.conflicts, report.sent) == (1, 1)
    (edit,) = shop.edits.undecided()
    assert (edit.state, edit.base, edit.value, edit.theirs) == ("conflict", "100000", "90000", "120000")
    assert shop.edits.view(edit).product_title == "Sản phẩm a"
    product = shop.catalogue.product("a")
    assert product is not None and product.price == 120_000
    assert [(issue.code, issue.detail) for issue in shop.issues.open()] == [("medusa_conflicts", "1")]


def test_the_owner_keeps_what_was_changed_here(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Ở đây")
    fake.products["a"]["title"] = "Bên kia"
    shop.push.run()
    (edit,) = shop.edits.undecided()
    assert shop.edits.resolve(edit.id, "here").state == "waiting"
    product = shop.catalogue.product("a")
    assert product is not None and product.title == "Ở đây"
    assert shop.issues.open() == []
    assert shop.push.run().sent == 1
    assert fake.products["a"]["title"] == "Ở đây"
    with pytest.raises(Conflict):
        shop.edits.resolve(edit.id, "medusa")


def test_the_owner_keeps_what_medusa_has(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Ở đây")
    fake.products["a"]["title"] = "Bên kia"
    shop.push.run()
    (edit,) = shop.edits.undecided()
    shop.edits.resolve(edit.id, "medusa")
    assert shop.states() == [("dropped", "medusa")]
    assert (shop.issues.open(), fake.writes) == ([], [])
    with pytest.raises(NotFound):
        shop.edits.resolve("none", "medusa")


def test_medusa_moved_on_since_the_owner_decided(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Ở đây")
    fake.products["a"]["title"] = "Bên kia"
    shop.push.run()
    shop.edits.resolve(shop.edits.undecided()[0].id, "here")
    fake.products["a"]["title"] = "Bên kia, lần nữa"
    assert shop.push.run().conflicts == 1
    assert shop.edits.undecided()[0].theirs == "Bên kia, lần nữa"


def test_a_new_change_of_the_owner_settles_the_conflict(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Ở đây")
    fake.products["a"]["title"] = "Bên kia"
    shop.push.run()
    shop.want("a", title="Cả hai")
    assert shop.push.run().sent == 1
    assert shop.states() == [("dropped", "superseded"), ("sent", "sent")]
    assert fake.products["a"]["title"] == "Cả hai"


@pytest.mark.parametrize(
    ("rule", "states", "stocked", "told"),
    [("here", [("sent", "sent")], 3, []), ("medusa", [("dropped", "rule")], 8, ["medusa_edits_lost"])],
)
def test_a_rule_decides_a_conflict(
    open_shop: OpenShop, fake: FakeMedusa, rule: str, states: list[tuple[str, str]], stocked: int, told: list[str]
) -> None:
    shop = open_shop(conflict_stock=rule)
    shop.want("a", VariantWish(id="variant_a_0", stock=3))
    fake.level("a")["stocked_quantity"] = 8
    shop.push.run()
    assert shop.states() == states
    assert fake.level("a")["stocked_quantity"] == stocked
    product = shop.catalogue.product("a")
    assert product is not None and product.variants[0].stock == stocked
    assert [issue.code for issue in shop.issues.open()] == told
    shop.clock.at += 90_000
    shop.push.run()
    assert shop.issues.open() == []


def test_of_several_edits_that_a_rule_gives_up_the_last_counts_as_lost(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", tags=["một"])
    shop.want("a", tags=["hai"])
    fake.products["a"]["tags"] = [{"value": "bên kia"}]
    shop.push.run()
    assert shop.states() == [("dropped", "superseded"), ("dropped", "rule")]
    assert [(issue.code, issue.detail) for issue in shop.issues.open()] == [("medusa_edits_lost", "1")]


def test_later_edits_of_the_same_thing_take_the_place_of_one_that_does_not_arrive(
    shop: OwnerShop, fake: FakeMedusa
) -> None:
    for title in ("Một", "Hai", "Ba"):
        shop.want("a", title=title)
    fake.products["a"]["title"] = "Bên kia"
    shop.push.run()
    assert shop.states() == [("dropped", "superseded"), ("dropped", "superseded"), ("conflict", "")]
    (edit,) = shop.edits.undecided()
    assert (edit.base, edit.value, edit.theirs) == ("Sản phẩm a", "Ba", "Bên kia")
    assert fake.writes == []
