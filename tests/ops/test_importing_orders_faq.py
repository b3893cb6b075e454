"""Import of orders and FAQ entries: beside no process and through one, from every kind of file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from appliance.errors import Unavailable, UnusableFile
from appliance.ops.importing import ImportReport, import_faq, import_orders
from appliance.ops.importing.http_sink import HttpSink
from appliance.ops.importing.sinks import ImportSink, LocalSink
from appliance.ops.importing.wire import FaqBody, OrdersBody, apply_faq, apply_orders
from appliance.ops.keys import load_keys
from appliance.settings import Assistant, Settings
from appliance.store.catalogue import Catalogue
from appliance.store.chat_stores import ChatStores
from appliance.store.faq import FaqEntry
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

NOW = 1_760_000_000.0
FIXTURE = Path(__file__).resolve().parent.parent / "agents" / "fixture"
Importer = Callable[..., ImportReport]


class Box:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.chat = ChatStores(self.store, Assistant(), load_keys(folder).pseudonym, lambda: NOW)
        self.local = LocalSink(Catalogue(self.store), None, orders=self.chat.orders, faq=self.chat.faq)
        self.sink: ImportSink = self.local

    def through_a_process(self) -> None:
        """Post from now on to something that answers as the admin routes do."""

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/v1/admin/import/orders":
                orders = msgspec.json.decode(request.content, type=OrdersBody)
                return _reply(apply_orders(orders, self.local, Settings(), "en"))
            assert request.url.path == "/v1/admin/import/faq"
            return _reply(apply_faq(msgspec.json.decode(request.content, type=FaqBody), self.local, Settings(), "en"))

        self.sink = HttpSink(httpx.Client(base_url="http://box", transport=httpx.MockTransport(answer)))

    def run(self, importer: Importer, path: Path) -> ImportReport:
        return importer(path, self.sink, Settings(), data_dir=self.folder, now=lambda: NOW)

    def close(self) -> None:
        self.chat.close()
        self.store.close()


def _reply(body: object) -> httpx.Response:
    return httpx.Response(200, content=msgspec.json.encode(body))


@pytest.fixture(params=["local", "process"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path / "box")
    if request.param == "process":
        made.through_a_process()
    yield made
    made.close()


def test_the_fixture_shop_is_taken_whole(box: Box) -> None:
    orders, faq = box.run(import_orders, FIXTURE / "orders.jsonl"), box.run(import_faq, FIXTURE / "faq.jsonl")
    assert (orders.kind, orders.read, orders.inserted, orders.rejected) == ("orders", 6, 6, 0)
    assert (faq.kind, faq.read, faq.inserted, faq.rejected) == ("faq", 11, 11, 0)
    found = box.chat.orders.verify("1024", "0912000111")
    assert found is not None
    assert (found.status, found.items[0].title, found.total, found.placed_at) == ("shipped", "Balo City", 450_000, NOW)
    fee = next(entry for entry in box.chat.faq.entries() if entry.intent == "shipping_fee")
    assert "30.000đ" in fee.answers["vi"]
    assert box.run(import_orders, FIXTURE / "orders.jsonl").unchanged == 6
    assert box.run(import_faq, FIXTURE / "faq.jsonl").unchanged == 11


def test_neither_names_nor_addresses_are_kept(box: Box) -> None:
    box.run(import_orders, FIXTURE / "orders.jsonl")
    content = b"".join(path.read_bytes() for path in box.folder.glob("catalogue.db*"))
    for secret in ("Nguyễn Văn Minh", "Hàng Bài", "0912000111", "minh@example.com"):
        assert secret.encode() not in content, secret


def test_bad_rows_are_told_by_line_and_name_nobody(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "Mã đơn,Trạng thái,SĐT,Email,items,currency,Ngày đặt,tracking\n"
        '#2001,Đang giao,0912000111,,"[{""title"":""Áo"",""quantity"":2,""price"":""150.000""}]",VND,2026-01-05,G9\n'
        "2002,Đã giao,gọi em,hoa@example.com,,VND,,\n"
        "2003,Đang ở kho Nhật,0912000112,,[1],VND,,\n"
        ",Đã giao,0912000113,,,VND,,\n"
        "2004,Đang ở kho Nhật,912000114,hoa@example.com,,usd,,\n"
        '2005,,0912000115,,"[{""title"":""Áo"",""quantity"":0}]",VND,,\n'
        "#2001,Đã hủy,0912 000 111,,,VND,,\n",
        encoding="utf-8",
    )
    report = box.run(import_orders, path)
    assert (report.read, report.accepted, report.rejected) == (7, 3, 4)
    assert [(row.line, row.column) for row in report.first_rejected] == [
        (3, "phone"), (4, "items"), (5, "display_id"), (7, "items.quantity"),
    ]  # fmt: skip
    first, odd = box.chat.orders.read("2001"), box.chat.orders.read("2004")
    assert first is not None
    assert odd is not None
    assert (first.status, first.items, first.metadata) == ("canceled", (), {})
    assert (odd.status, odd.currency) == ("Đang ở kho Nhật", "USD")
    assert box.chat.orders.verify("2004", "0912000114") == odd
    rejects = Path(report.rejects_file).read_text(encoding="utf-8")
    assert "hoa@example.com" not in rejects
    assert "0912" not in rejects


def test_an_faq_may_hold_questions_in_both_languages(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "faq.csv"
    path.write_text(
        "question,answer,questions_en,en,intent,enabled\n"
        '"Có gói quà không, phí bao nhiêu?|gói quà",Có ạ,Do you gift wrap?,Yes,,\n'
        "Trống,,,,,\n"
        ",Chỉ có câu trả lời,,,,\n"
        ",12 tháng,,,warranty,false\n"
        ",x,,,Not An Intent,\n",
        encoding="utf-8",
    )
    report = box.run(import_faq, path)
    assert (report.accepted, [(row.line, row.column) for row in report.first_rejected]) == (
        2,
        [(3, "answer"), (4, "question"), (6, "intent")],
    )
    gift, warranty = box.chat.faq.entries()
    assert gift.questions == {"vi": ("Có gói quà không, phí bao nhiêu?", "gói quà"), "en": ("Do you gift wrap?",)}
    assert gift.answers == {"vi": "Có ạ", "en": "Yes"}
    assert (warranty.intent, warranty.enabled) == ("warranty", False)


def test_parquet_is_read_too(box: Box, tmp_path: Path) -> None:
    items = [[{"title": "Áo", "quantity": 1, "total": 99000}], []]
    table = pa.table({"order_id": ["o1", "o2"], "display_id": [31, 32], "phone": [912000111, None], "items": items})
    pq.write_table(table, tmp_path / "orders.parquet")
    assert box.run(import_orders, tmp_path / "orders.parquet").inserted == 2
    found = box.chat.orders.verify("31", "0912000111")
    assert found is not None
    assert (found.id, found.total) == ("o1", 99_000)


def test_clashes_inside_the_store_are_told_by_line(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_text('{"id":"a","display_id":"1"}\n{"id":"b","display_id":"1"}\n', encoding="utf-8")
    report = box.run(import_orders, path)
    assert (report.inserted, [(row.line, row.column) for row in report.first_rejected]) == (1, [(2, "display_id")])
    path.write_text(
        '{"id":"f1","intent":"warranty","vi":"a"}\n{"id":"f2","intent":"warranty","vi":"b"}\n', encoding="utf-8"
    )
    report = box.run(import_faq, path)
    assert (report.inserted, [(row.line, row.column) for row in report.first_rejected]) == (1, [(2, "intent")])


def test_a_file_without_the_columns_changes_nothing(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    for importer in (import_orders, import_faq):
        with pytest.raises(UnusableFile):
            box.run(importer, path)
    assert len(box.chat.orders) == len(box.chat.faq.entries()) == 0


def test_a_sink_without_these_stores_says_so(box: Box) -> None:
    sink = LocalSink(Catalogue(box.store), None)
    with pytest.raises(Unavailable):
        sink.orders([])
    with pytest.raises(Unavailable):
        sink.faq([FaqEntry(id="")])
