"""Orders, and who may hear of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.ops.keys import load_keys
from appliance.store.contacts import email_key, phone_key
from appliance.store.group_writer import GroupWriter
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.orders import OrderItem, OrderRecord, OrderRepository
from appliance.store.sqlite import SqliteStore

NOW = 1_760_000_000.0
ORDER = OrderRecord(
    display_id="#1024",
    status="shipped",
    phone="+84 912.000.111",
    email=" Minh@Example.com",
    customer_id="cus_1",
    items=(OrderItem(title="Balo City", quantity=1, total=450_000, product_id="p1"),),
    metadata={"tracking": "GHN123"},
)


class Box:
    def __init__(self, folder: Path) -> None:
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.writer = GroupWriter(self.store)
        self.orders = OrderRepository(self.store, self.writer, load_keys(folder).pseudonym, lambda: NOW)

    def close(self) -> None:
        self.writer.close()
        self.store.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    opened = Box(tmp_path)
    yield opened
    opened.close()


def test_an_order_is_told_to_who_knows_number_and_contact(box: Box) -> None:
    assert box.orders.upsert_many([ORDER]).inserted == 1
    found = box.orders.verify("1024", "0912000111")
    assert found is not None
    assert (found.display_id, found.status, found.total, found.placed_at) == ("1024", "shipped", 450_000, NOW)
    assert found.metadata == {"tracking": "GHN123"}
    for contact in ("0912 000 111", "84912000111", "0084912000111", "912000111", "MINH@example.COM "):
        assert box.orders.verify(" #1024", contact) == found, contact
    for number, contact in (
        ("1024", "0912000112"), ("1025", "0912000111"), ("1024", ""), ("", ""), ("1024", "minh"), ("1024", "x" * 9999),
        ("1024' or 1=1 --", "0912000111"), ("1024", "0912000111 0912000112"),
    ):  # fmt: skip
        assert box.orders.verify(number, contact) is None, (number, contact)
    assert box.orders.read("1024") == found
    assert box.orders.of_customer("cus_1") == (found,)
    assert box.orders.of_customer("") == box.orders.of_customer("cus_2") == ()


def test_neither_phone_nor_e_mail_is_on_the_disk(box: Box, tmp_path: Path) -> None:
    box.orders.upsert_many([ORDER])
    for number in range(7):
        box.orders.try_verify("1024", f"098765432{number}", conversation_id="conv_secret", now=NOW, client="9.9.9.9")
    box.writer.flush()
    box.store.close()
    content = b"".join(path.read_bytes() for path in tmp_path.glob("catalogue.db*"))
    for secret in (b"912000111", b"912.000.111", b"inh@example", b"Minh", b"9.9.9.9", b"conv_secret"):
        assert secret not in content, secret


def test_an_order_without_contacts_is_told_to_nobody(box: Box) -> None:
    box.orders.upsert_many([msgspec.structs.replace(ORDER, phone="", email="")])
    for contact in ("", "0912000111", "minh@example.com", "\x00" * 16):
        assert box.orders.verify("1024", contact) is None


def test_an_order_sent_again_is_updated_or_left_as_it_is(box: Box) -> None:
    box.orders.upsert_many([ORDER])
    assert box.orders.upsert_many([ORDER]).unchanged == 1
    delivered = msgspec.structs.replace(ORDER, status="đang ở bưu cục", phone="0999888777", items=())
    assert box.orders.upsert_many([delivered]).updated == 1
    assert box.orders.verify("1024", "0912000111") is None
    found = box.orders.verify("1024", "0999888777")
    assert found is not None
    assert (found.status, found.items) == ("đang ở bưu cục", ())
    assert len(box.orders) == 1


def test_bad_orders_are_named_and_the_others_kept(box: Box) -> None:
    change = msgspec.structs.replace
    saved = box.orders.upsert_many(
        [
            ORDER,
            change(ORDER, id="other"),
            change(ORDER, display_id=" # "),
            change(ORDER, display_id="7", phone="số của tôi"),
            change(ORDER, display_id="8", currency="đ"),
            change(ORDER, display_id="9", items=(OrderItem(title="x", quantity=0),)),
            change(ORDER, display_id="a-10", phone=""),
        ]
    )
    assert saved.inserted == 2
    assert [(index, field) for index, field, _ in saved.refused] == [
        (1, "display_id"), (2, "display_id"), (3, "phone"), (4, "currency"), (5, "items"),
    ]  # fmt: skip
    assert box.orders.verify("A-10", "minh@example.com") is not None


def test_wrong_answers_are_limited_and_remembered(box: Box, tmp_path: Path) -> None:
    box.orders.upsert_many([ORDER])

    def tried(contact: str, conversation: str, now: float, number: str = "1024") -> tuple[bool, float]:
        outcome = box.orders.try_verify(number, contact, conversation_id=conversation, now=now)
        return outcome.order is not None, outcome.wait_seconds

    for second in range(5):
        assert tried("0900000000", "c1", NOW + second) == (False, 0.0)
    assert tried("0912000111", "c1", NOW + 10) == (False, 890.0)
    assert tried("0912000111", "c1", NOW + 10, number="9999") == (False, 890.0)
    assert tried("0912000111", "c2", NOW + 10) == (True, 0.0)
    for second in range(5):
        assert tried("0900000000", f"x{second}", NOW + 20) == (False, 0.0)
    assert tried("0912000111", "c2", NOW + 30) == (False, 3570.0)
    box.close()
    again = Box(tmp_path)
    assert again.orders.try_verify("1024", "0912000111", conversation_id="c2", now=NOW + 31).wait_seconds > 0
    assert again.orders.try_verify("1024", "0912000111", conversation_id="c1", now=NOW + 3700).order is not None
    again.close()


def test_guesses_at_once_do_not_slip_through(box: Box) -> None:
    box.orders.upsert_many([ORDER])
    refused: list[float] = []

    def guess(number: int) -> None:
        contact = f"09000000{number:02d}"
        refused.append(box.orders.try_verify("1024", contact, conversation_id="c1", now=NOW).wait_seconds)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wait > 0 for wait in refused) == [False] * 5 + [True] * 15


def test_old_attempts_leave_the_disk(box: Box) -> None:
    for hour in range(4):
        box.orders.attempts.record((("order", "1"), ("client", "")), NOW + hour * 3601.0)
    box.writer.flush()
    assert box.store.read().execute("select count(*) from verification_attempts").fetchone()[0] == 1


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("+84 (0) 912 000 111", "0912000111"), ("0912-000-111", "0912000111"), ("+1 415 555 0101", "14155550101"),
        ("024 3825 1234", "02438251234"), ("84 24 3825 1234", "02438251234"), ("12345", ""), ("", ""), ("số", ""),
        ("٠٩١٢٠٠٠١١١", "0912000111"), ("9" * 300, ""),
    ],
)  # fmt: skip
def test_phone_numbers_have_one_form(text: str, key: str) -> None:
    assert phone_key(text) == key


def test_e_mail_addresses_have_one_form() -> None:
    assert email_key(" A.B@Example.COM ") == "a.b@example.com"
    for text in ("a@", "@b", "a b@c.d", "ab", "x" * 300 + "@a.b"):
        assert email_key(text) == "", text


def test_an_imported_order_gives_its_number_to_medusas_and_stays(box: Box) -> None:
    change = msgspec.structs.replace
    box.orders.upsert_many([ORDER, change(ORDER, display_id="1024-old", customer_id="cus_2")])
    medusas = change(ORDER, id="order_1", customer_id="", phone="0999888777")
    saved = box.orders.upsert_many([medusas], mirrored=True)
    assert (saved.inserted, saved.renumbered, saved.refused) == (1, 1, ())
    assert box.orders.upsert_many([medusas], mirrored=True).renumbered == 0
    assert len(box.orders) == 3
    numbers = {number: box.orders.read(number) for number in ("1024", "1024-old", "1024-old1")}
    assert {number: order.id for number, order in numbers.items() if order} == {
        "1024": "order_1", "1024-old": "1024-old", "1024-old1": "1024",
    }  # fmt: skip
    kept = box.orders.verify("1024-OLD1", "0912000111")
    assert kept is not None and (kept.items, kept.customer_id) == (ORDER.items, "cus_1")
    assert box.orders.verify("1024", "0912000111") is None


def test_of_two_orders_of_medusa_none_takes_the_others_number(box: Box) -> None:
    first, second = (msgspec.structs.replace(ORDER, id=id_) for id_ in ("order_1", "order_2"))
    for saved in (
        box.orders.upsert_many([first, second], mirrored=True),
        box.orders.upsert_many([second], mirrored=True),
        box.orders.upsert_many([ORDER]),
    ):
        assert [(field, "order_" in reason) for _, field, reason in saved.refused] == [("display_id", False)]
        assert saved.renumbered == 0
    found = box.orders.read("1024")
    assert found is not None and found.id == "order_1"
