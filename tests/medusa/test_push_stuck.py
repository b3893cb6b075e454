"""An edit that never gets through: the others go on, the owner is told, and may give it up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from owner_shop import OwnerShop, shop_of_two
from small_medusa import FakeMedusa

from appliance.errors import Conflict

FAILURES = 5
Answer = Callable[[], httpx.Response]


@pytest.fixture
def fake() -> FakeMedusa:
    return FakeMedusa()


@pytest.fixture
def shop(tmp_path: Path, fake: FakeMedusa) -> Iterator[OwnerShop]:
    opened = shop_of_two(tmp_path, fake)
    yield opened
    opened.close()


def _poison(fake: FakeMedusa, answer: Answer) -> None:
    """Have Medusa fail at every change of product a, and at nothing else."""
    fake.before = lambda method, path: answer() if (method, path) == ("POST", "/admin/products/a") else None


def _codes(shop: OwnerShop) -> list[str]:
    return [issue.code for issue in shop.issues.open()]


def _shown(shop: OwnerShop, product_id: str) -> str:
    product = shop.catalogue.product(product_id)
    assert product is not None
    return product.title


@pytest.mark.parametrize(
    ("answer", "stopped", "says"),
    [
        (lambda: httpx.Response(500), "server_error", "Medusa failed (500)."),
        (lambda: httpx.Response(200, json={"product": 1}), "medusa_changed", "not as expected"),
    ],
)
def test_an_edit_at_which_medusa_fails_is_set_aside_and_the_others_go_on(
    shop: OwnerShop, fake: FakeMedusa, answer: Answer, stopped: str, says: str
) -> None:
    shop.want("a", title="Độc")
    shop.want("b", title="Lành")
    _poison(fake, answer)
    for _ in range(FAILURES):
        report = shop.push.run(at_once=True)
        assert (report.stopped, report.refused, report.waiting) == (stopped, 0, 2)
    report = shop.push.run(at_once=True)
    assert (report.stopped, report.refused, report.sent, report.waiting) == ("", 1, 1, 0)
    (edit,) = shop.edits.undecided()
    assert (edit.state, says in edit.last_error, f"{FAILURES} times" in edit.last_error) == ("refused", True, True)
    assert (_codes(shop), _shown(shop, "a"), fake.products["b"]["title"]) == (
        ["medusa_edits_refused"],
        "Sản phẩm a",
        "Lành",
    )
    # The owner has it sent once more: it is really tried.
    shop.edits.resolve(edit.id, "here")
    assert shop.push.run(at_once=True).stopped == stopped
    fake.before = lambda _method, _path: None
    assert shop.push.run(at_once=True).sent == 1
    assert (fake.products["a"]["title"], shop.issues.open()) == ("Độc", [])


def test_a_medusa_that_fails_at_reading_too_takes_no_edit_away(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một")
    fake.before = lambda _method, _path: httpx.Response(500)
    for _ in range(2 * FAILURES):
        shop.clock.at += 400
        assert shop.push.run(at_once=True).waiting == 1
    assert shop.states() == [("waiting", "")]


def test_an_edit_that_arrived_although_medusa_failed_is_sent(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một")
    _poison(fake, lambda: httpx.Response(500))
    for _ in range(FAILURES):
        shop.push.run(at_once=True)
    fake.products["a"]["title"] = "Một"
    assert shop.push.run(at_once=True).already == 1


def test_an_edit_that_waits_for_over_a_day_is_told_only_when_medusa_answers(shop: OwnerShop, fake: FakeMedusa) -> None:
    def away(_method: str, _path: str) -> httpx.Response:
        raise httpx.ConnectError("refused")

    def slow(method: str, _path: str) -> httpx.Response | None:
        if method == "POST":
            raise httpx.ReadTimeout("slow")
        return None

    shop.want("a", title="Một")
    shop.clock.at += 90_000
    fake.before = away
    shop.push.run(at_once=True)
    assert _codes(shop) == []
    shop.clock.at += 400
    fake.before = slow
    shop.push.run(at_once=True)
    (edit,) = shop.outbox.list()
    (issue,) = shop.issues.open()
    assert (issue.code, issue.detail) == ("medusa_edits_stuck", f"{edit.id}: Medusa did not answer in time.")
    # Away again, it stays told; it is over when the owner gives the edit up.
    fake.before = away
    shop.push.run(at_once=True)
    assert _codes(shop) == ["medusa_edits_stuck"]
    shop.edits.resolve(edit.id, "medusa")
    assert (_codes(shop), _shown(shop, "a"), shop.states()) == ([], "Sản phẩm a", [("dropped", "medusa")])


def test_giving_up_an_edit_that_waits_leaves_the_later_one_without_a_conflict(
    shop: OwnerShop, fake: FakeMedusa
) -> None:
    shop.want("a", title="Một")
    shop.want("a", title="Hai")
    first = shop.outbox.list()[-1]
    with pytest.raises(Conflict):
        shop.edits.resolve(first.id, "here")
    shop.edits.resolve(first.id, "medusa")
    assert _shown(shop, "a") == "Hai"
    report = shop.push.run()
    assert (report.sent, report.conflicts, fake.products["a"]["title"]) == (1, 0, "Hai")


def test_an_edit_that_is_being_sent_is_not_given_up(shop: OwnerShop, fake: FakeMedusa) -> None:
    shop.want("a", title="Một")
    (edit,) = shop.outbox.list()
    raised: list[Exception] = []
    hands: list[threading.Thread] = []

    def give_up() -> None:
        try:
            shop.edits.resolve(edit.id, "medusa")
        except Conflict as conflict:
            raised.append(conflict)

    def meanwhile(method: str, _path: str) -> None:
        if method == "POST":
            hands.append(threading.Thread(target=give_up))
            hands[0].start()
            hands[0].join(0.3)
            assert hands[0].is_alive()

    fake.after = meanwhile
    assert shop.push.run().sent == 1
    hands[0].join(10)
    assert (len(raised), shop.states()) == (1, [("sent", "sent")])
