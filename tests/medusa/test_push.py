"""The push: in order, each once, and nothing lost while Medusa is away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from owner_shop import OwnerShop, shop_of_two
from small_medusa import DANANG, FakeMedusa

from appliance.medusa.wishes import VariantWish


@pytest.fixture
def fake() -> FakeMedusa:
    return FakeMedusa()


@pytest.fixture
def shop(tmp_path: Path, fake: FakeMedusa) -> Iterator[OwnerShop]:
    opened = shop_of_two(tmp_path, fake)
    yield opened
    opened.close()


def _keys(fake: FakeMedusa) -> list[str]:
    return [write.key for write in fake.writes]


def _away(*_: str) -> httpx.Response | None:
    raise httpx.ConnectError("refused")


def test_every_kind_of_change_arrives(shop: OwnerShop, fake: FakeMedusa) -> None:
    fake.products["a"]["variants"][0]["prices"] += [
        fake.price(80_000, "vnd", min_quantity=10),
        fake.price(90_000, "vnd", rules={"region_id": "reg_1"}),
    ]
    fake.products["a"]["metadata"] = {"brand": "X"}
    shop.pull(["a"])
    wish = VariantWish(id="variant_a_0", prices={"VND": Decimal(250_000)}, stock=3)
    more = VariantWish(id="variant_a_0", stock=4, location=DANANG)
    fields: dict[str, Any] = {"title": "Ba lô", "description": "Mới", "status": "draft", "tags": ["da", "mới"]}
    shop.want("a", wish, categories=["tui"], **fields)
    shop.want("a", more)
    report = shop.push.run()
    assert (report.sent, report.waiting, report.stopped) == (8, 0, "")
    there = fake.products["a"]
    assert (there["title"], there["description"], there["status"]) == ("Ba lô", "Mới", "draft")
    assert sorted(tag["value"] for tag in there["tags"]) == ["da", "mới"]
    assert there["categories"] == [{"id": "pcat_tui"}]
    assert there["metadata"] == {"brand": "X"}
    assert (fake.level("a")["stocked_quantity"], fake.level("a", 0, DANANG)["stocked_quantity"]) == (3, 4)
    prices = there["variants"][0]["prices"]
    assert sorted((row["currency_code"], row["amount"], row["min_quantity"], bool(row["rules"])) for row in prices) == [
        ("usd", 4.5, None, False),
        ("vnd", 80_000, 10, False),
        ("vnd", 90_000, None, True),
        ("vnd", 250_000, None, False),
    ]
    assert shop.states() == [("sent", "sent")] * 8
    assert _keys(fake) == [edit.id for edit in reversed(shop.outbox.list())]
    product = shop.catalogue.product("a")
    assert product is not None and product.variants[0].stock == 7


def test_a_hundred_changes_made_while_medusa_is_away_arrive_in_order_and_once(
    shop: OwnerShop, fake: FakeMedusa
) -> None:
    fake.before = _away
    assert shop.want("a", title="Lần 0")
    stopped = shop.push.run()
    assert (stopped.stopped, stopped.sent, stopped.waiting) == ("no_route", 0, 1)
    for number in range(1, 100):
        if number % 3:
            shop.want("ab"[number % 2], title=f"Lần {number}")
        else:
            shop.want("a", VariantWish(id="variant_a_0", prices={"VND": Decimal(1000 * number)}))
    assert shop.push.run().stopped == "waiting"
    assert shop.outbox.counts() == {"waiting": 100}
    fake.before = lambda _method, _path: None
    shop.clock.at += 400
    report = shop.push.run()
    assert (report.sent, report.waiting) == (100, 0)
    assert _keys(fake) == [edit.id for edit in reversed(shop.outbox.list(limit=200))]
    assert (fake.products["a"]["title"], fake.amount("a")) == ("Lần 98", 99_000)


def test_a_try_that_fails_waits_longer_each_time_and_nothing_overtakes(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một")
    shop.want("b", title="Hai")
    waits = []
    for _ in range(9):
        fake.before = lambda _method, _path: httpx.Response(500)
        report = shop.push.run(at_once=True)
        assert (report.stopped, report.sent, report.waiting) == ("server_error", 0, 2)
        waits.append(report.retry_in or 0.0)
        shop.clock.at += 400
    assert waits[0] < waits[3] < waits[-1] <= 300
    assert fake.products["b"]["title"] == "Sản phẩm b"
    assert shop.outbox.list("waiting")[-1].last_error == "Medusa failed (500)."
    fake.before = lambda _method, _path: None
    assert shop.push.run().sent == 2


def test_a_clock_that_was_set_back_does_not_hold_edits(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một")
    fake.before = _away
    shop.push.run()
    fake.before = lambda _method, _path: None
    shop.clock.at -= 86_400
    assert shop.push.run().sent == 1


def test_an_answer_that_was_lost_is_healed_by_looking(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một", description="Hai")

    def lose(method: str, _path: str) -> None:
        if method == "POST":
            fake.after = lambda _method, _path: None
            raise httpx.ReadError("dropped")

    fake.after = lose
    report = shop.push.run()
    assert (report.already, report.sent, report.stopped) == (1, 1, "")
    assert len(fake.writes) == len(set(_keys(fake))) == 2


def test_answers_that_are_lost_again_and_again_stop_the_push_and_are_healed_by_the_next(
    shop: OwnerShop, fake: FakeMedusa
) -> None:
    shop.want("a", title="Một", description="Hai")

    def lose(_method: str, _path: str) -> None:
        if fake.writes:
            raise httpx.ReadError("dropped")

    fake.after = lose
    assert shop.push.run().stopped == "dropped"
    assert [write.body for write in fake.writes] == [{"title": "Một"}]
    fake.after = lambda _method, _path: None
    shop.clock.at += 60
    report = shop.push.run()
    assert (report.already, report.sent) == (1, 1)
    assert len(fake.writes) == len(set(_keys(fake))) == 2


def test_another_way_of_writing_the_same_is_no_conflict(shop: OwnerShop, fake: FakeMedusa) -> None:
    wish = VariantWish(id="variant_a_0", prices={"VND": Decimal(5000), "USD": Decimal("7.5")})
    shop.want("a", wish, status="draft")
    fake.products["a"]["variants"][0]["prices"] = [fake.price(100_000.0, "vnd"), fake.price(7.50, "usd")]
    fake.products["a"]["status"] = "proposed"
    report = shop.push.run()
    assert (report.sent, report.already, report.conflicts) == (1, 2, 0)


def test_a_refusal_is_kept_with_its_reason_and_the_others_go_on(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Không được")
    shop.want("b", title="Được")

    def refuse(method: str, path: str) -> httpx.Response | None:
        refusal = {"type": "invalid_data", "message": "the title is taken"}
        return httpx.Response(400, json=refusal) if (method, path) == ("POST", "/admin/products/a") else None

    fake.before = refuse
    report = shop.push.run()
    assert (report.refused, report.sent) == (1, 1)
    (edit,) = shop.edits.undecided()
    assert (edit.state, "the title is taken" in edit.last_error) == ("refused", True)
    assert [issue.code for issue in shop.issues.open()] == ["medusa_edits_refused"]
    product = shop.catalogue.product("a")
    assert product is not None and product.title == "Sản phẩm a"
    fake.before = lambda _method, _path: None
    shop.edits.resolve(edit.id, "here")
    assert shop.push.run().sent == 1
    assert (fake.products["a"]["title"], shop.issues.open()) == ("Không được", [])


def test_a_refused_edit_gives_way_to_a_later_one(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Không được")
    shop.want("a", title="Được")
    answers = [httpx.Response(400, json={"type": "invalid_data", "message": "no"})]
    fake.before = lambda method, _path: answers.pop() if method == "POST" and answers else None
    shop.push.run()
    assert shop.states() == [("dropped", "superseded"), ("sent", "sent")]
    assert fake.products["a"]["title"] == "Được"


def test_a_product_that_is_gone_takes_its_edits_along(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một", description="Hai")
    shop.want("b", title="Ba")
    del fake.products["a"]
    report = shop.push.run()
    assert (report.gone, report.sent) == (1, 1)
    assert shop.states() == [("dropped", "gone"), ("dropped", "gone"), ("sent", "sent")]
    assert shop.catalogue.product("a") is None
    assert [issue.code for issue in shop.issues.open()] == ["medusa_edits_lost"]
    shop.clock.at += 90_000
    shop.push.run()
    assert shop.issues.open() == []


def test_a_product_that_is_deleted_between_look_and_call_is_gone(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một")

    def delete(method: str, _path: str) -> None:
        if method == "POST":
            fake.products.pop("a", None)

    fake.before = lambda method, path: delete(method, path)
    assert shop.push.run().gone == 1


def test_a_variant_that_is_gone_is_told_apart_from_its_product(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", VariantWish(id="variant_a_0", stock=1, prices={"VND": Decimal(1)}), title="Một")
    fake.products["a"]["variants"] = []
    report = shop.push.run()
    assert (report.gone, report.sent) == (2, 1)
    assert shop.catalogue.product("a") is not None


def test_a_conflict_about_a_product_that_the_pull_found_gone_is_closed(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Ở đây")
    fake.products["a"]["title"] = "Bên kia"
    shop.push.run()
    del fake.products["a"]
    shop.pull(["a"])
    shop.push.run()
    assert shop.states() == [("dropped", "gone")]


def test_a_conflict_follows_what_medusa_has(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Ở đây")
    for title in ("Bên kia", "Bên kia, lần nữa"):
        fake.products["a"]["title"] = title
        shop.pull(["a"])
        shop.push.run()
        assert shop.edits.undecided()[0].theirs == title
    fake.products["a"]["title"] = "Ở đây"
    shop.pull(["a"])
    shop.push.run()
    assert (shop.states(), shop.issues.open()) == ([("sent", "already")], [])


def test_a_refused_key_stops_the_push_and_keeps_every_edit(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một")
    shop.want("b", title="Hai")
    fake.before = lambda _method, _path: httpx.Response(403, json={"type": "forbidden", "message": "no"})
    report = shop.push.run()
    assert (report.stopped, report.waiting) == ("medusa_denied", 2)


def test_a_push_that_is_stopped_keeps_what_is_left(shop: OwnerShop, fake: FakeMedusa) -> None:
    for number in range(5):
        shop.want("a", title=f"Lần {number}")
    report = shop.push.run(stopping=lambda: len(fake.writes) >= 2)
    assert (report.sent, report.waiting) == (2, 3)
    seen: list[float] = []
    shop.push.run(lambda share, _stage: seen.append(share))
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_edits_made_while_one_is_sent_follow_it(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một")
    hands: list[threading.Thread] = []

    def edit(method: str, _path: str) -> None:
        if method == "POST" and not hands:
            # The owner does not wait for Medusa.
            hands.append(threading.Thread(target=lambda: shop.want("a", title="Hai")))
            hands[0].start()
            hands[0].join(10)

    fake.after = edit
    assert shop.push.run().sent == 2
    assert (fake.products["a"]["title"], shop.states()) == ("Hai", [("sent", "sent")] * 2)


def test_a_push_waits_while_the_pull_writes_a_page(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một")
    fake.requests.clear()
    pushing = threading.Thread(target=shop.push.run)
    with shop.exchange:
        pushing.start()
        pushing.join(0.3)
        assert pushing.is_alive()
        assert fake.requests == []
    pushing.join(10)
    assert fake.products["a"]["title"] == "Một"


def test_products_that_share_a_stock_item_follow(shop: OwnerShop, fake: FakeMedusa) -> None:
    fake.products["b"]["variants"][0]["inventory_items"] = fake.products["a"]["variants"][0]["inventory_items"]
    shop.pull(["a", "b"])
    shop.want("a", VariantWish(id="variant_a_0", stock=2))
    shop.push.run()
    other = shop.catalogue.product("b")
    assert other is not None and other.variants[0].stock == 2
