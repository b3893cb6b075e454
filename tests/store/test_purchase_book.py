"""The book of counted orders: what every pass asks for is found by an index, however many orders there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.ops.keys import load_keys
from appliance.store import mirror, purchases
from appliance.store.group_writer import GroupWriter
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.mirror import MirrorRepository, put_records
from appliance.store.orders import OrderItem, OrderRecord, OrderRepository
from appliance.store.purchases import Counted, PurchaseRepository
from appliance.store.sqlite import SqliteStore

NOW = 1_760_000_000.0


class Book:
    def __init__(self, folder: Path) -> None:
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.writer = GroupWriter(self.store)
        self.orders = OrderRepository(self.store, self.writer, load_keys(folder).pseudonym, lambda: NOW)
        self.purchases = PurchaseRepository(self.store)

    def place(self, number: int, status: str = "pending", *, mirrored: bool = True) -> None:
        items = (OrderItem(title="x", product_id="p1"),)
        order = OrderRecord(id=f"order_{number}", display_id=str(number), status=status, placed_at=NOW, items=items)
        assert self.orders.upsert_many([order], mirrored=mirrored).refused == ()


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    opened = Book(tmp_path)
    yield opened
    opened.writer.close()
    opened.store.close()


@pytest.mark.parametrize(
    ("sql", "given", "index"),
    [
        (purchases._UNCOUNTED, [NOW, 500], "orders_to_count"),
        (purchases._UNDONE, [500], "orders_to_take_back"),
        (purchases._TAKEN, ["[]"], "order_purchases_by_event"),
        (mirror._UNPAID, [NOW, 300], "medusa_unpaid_orders"),
    ],
)
def test_no_pass_walks_all_orders(book: Book, sql: str, given: list[object], index: str) -> None:
    with book.store.reading() as db:
        plan = [row[3] for row in db.execute(f"explain query plan {sql}", given)]
    assert any(index in step for step in plan), plan
    assert not any(step.startswith("SCAN") and index not in step and "json_each" not in step for step in plan), plan
    assert not any("TEMP B-TREE" in step for step in plan), plan


def test_an_order_is_due_until_it_counted_and_stands_until_it_is_taken_back(book: Book) -> None:
    book.place(1)
    book.place(2, mirrored=False)
    book.place(3, "canceled")
    assert [order.id for order in book.purchases.uncounted(NOW)] == ["order_1"]
    book.purchases.count([Counted("order_1", "p1", "e1", tracked=True, placed_at=NOW)], ["order_1"], NOW)
    book.place(1, "shipped")
    assert book.purchases.uncounted(NOW) == book.purchases.undone() == []
    assert book.purchases.taken(["e1", "e2"]) == {"e1"}
    book.place(1, "returned")
    assert [order.id for order in book.purchases.undone()] == ["order_1"]
    book.purchases.refunded(["order_1"])
    book.place(1, "refunded")
    assert book.purchases.uncounted(NOW) == book.purchases.undone() == []


def test_an_imported_order_that_medusa_knows_too_is_counted(book: Book) -> None:
    book.place(1, mirrored=False)
    assert book.purchases.uncounted(NOW) == []
    book.place(1)
    assert [order.id for order in book.purchases.uncounted(NOW)] == ["order_1"]
    book.place(1, "shipped", mirrored=False)
    assert [order.id for order in book.purchases.uncounted(NOW)] == ["order_1"]


def test_only_the_newest_unpaid_orders_are_asked_for_again(book: Book) -> None:
    marks = {f"order_{number}": b'{"created_at":%d,"unpaid":true}' % number for number in range(1, 6)}
    with book.store.write() as db:
        put_records(db, "order", marks | {"order_9": b'{"created_at":9}'})
        put_records(db, "product", {"order_8": b'{"created_at":8,"unpaid":true}'})
    assert MirrorRepository(book.store).unpaid_orders(2.0, 3) == ["order_5", "order_4", "order_3"]
