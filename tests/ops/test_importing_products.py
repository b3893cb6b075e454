"""Products from files: every layout, what is filled in, what is rejected, and that a re-import is an update."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import duckdb
import msgspec
import pytest
from importing_shop import ImportShop

from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.products import product_from_row

ROW = {
    "id": "prod_1",
    "handle": "tui-da",
    "title": "Túi da",
    "description": "Da thật.",
    "categories": ["Túi > Túi xách", "Nữ"],
    "tags": ["da", "công sở"],
    "price": 450000,
    "currency": "VND",
    "attributes": {"material": "da bò", "handmade": True},
    "variants": [
        {"sku": "T-S", "size": "S", "color": "đỏ", "price": 450000, "stock": 3},
        {"sku": "T-M", "size": "M", "color": "đỏ", "stock": 0},
    ],
}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ImportShop]:
    made = ImportShop(tmp_path / "data")
    yield made
    made.close()


def _jsonl(path: Path, *rows: object) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


def test_a_full_row_arrives_whole(shop: ImportShop, tmp_path: Path) -> None:
    report = shop.products(_jsonl(tmp_path / "p.jsonl", ROW))
    assert (report.read, report.accepted, report.inserted, report.rejected) == (1, 1, 1, 0)
    product = shop.catalogue.product("prod_1")
    assert product is not None
    assert (product.title, product.handle, product.price, product.currency) == ("Túi da", "tui-da", 450_000, "VND")
    assert [(one.id, one.size, one.price, one.stock) for one in product.variants] == [
        ("prod_1:1", "S", 450_000, 3),
        ("prod_1:2", "M", 450_000, 0),
    ]
    assert product.attributes == {"material": "da bò", "handmade": "true"}
    assert product.tags == ("da", "công sở")


def test_importing_again_is_an_update(shop: ImportShop, tmp_path: Path) -> None:
    file = _jsonl(tmp_path / "p.jsonl", ROW, ROW | {"id": "prod_2", "handle": "tui-2"})
    shop.products(file)
    revision = shop.catalogue.revision
    again = shop.products(file)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 2)
    assert shop.catalogue.revision == revision
    _jsonl(file, ROW | {"title": "Túi da mới"})
    changed = shop.products(file)
    assert (changed.inserted, changed.updated, changed.unchanged) == (0, 1, 0)
    assert shop.catalogue.cards()["prod_1"].title == "Túi da mới"


def test_csv_with_excel_habits(shop: ImportShop, tmp_path: Path) -> None:
    file = tmp_path / "san-pham.csv"
    text = "Ma San Pham;Tên;Giá;Danh mục;Tồn kho;Hình ảnh\r\n1;Balo da;450.000 đ;Balo|Nam;5;/anh/1.jpg\r\n"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    report = shop.products(file)
    assert (report.layout, report.accepted, report.rejected) == ("delimited", 1, 0)
    card = shop.catalogue.cards()["1"]
    assert (card.title, card.price, card.in_stock, card.handle) == ("Balo da", 450_000, True, "balo-da-1")


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "csv.gz", "parquet", "txt"])
def test_the_content_tells_the_layout_not_the_name(shop: ImportShop, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"products.{ending}"
    plain = {"id": "p1", "title": "Dép", "categories": "Dép|Nam", "price": 99000}
    if ending == "parquet":
        query = "COPY (SELECT 'p1' id, 'Dép' title, ['Dép', 'Nam'] categories, 99000 price) TO '{}' (FORMAT parquet)"
        duckdb.connect().execute(query.format(file))
    elif ending == "csv.gz":
        file.write_bytes(gzip.compress(b"id,title,categories,price\np1,D\xc3\xa9p,D\xc3\xa9p|Nam,99000\n"))
    else:
        data = msgspec.json.encode(plain)
        file.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    assert shop.products(file).accepted == 1
    assert shop.catalogue.cards()["p1"].price == 99_000


def test_good_rows_are_kept_and_bad_ones_told_by_line(shop: ImportShop, tmp_path: Path) -> None:
    file = tmp_path / "mixed.csv"
    file.write_text(
        "id,title,price,thumbnail\n"
        "p1,Một,1000,\n"
        "p 2,Hai,1000,\n"
        "p3,,1000,\n"
        "p4,Bốn,nhiều,\n"
        "p5,Năm,1000,javascript:alert(1)\n"
        "id,title,price,thumbnail\n"
        "p6,=HYPERLINK(1),1000,https://x.vn/a.jpg\n"
        "p7,Bảy,10",
        encoding="utf-8",
    )
    report = shop.products(file)
    assert (report.read, report.accepted, report.rejected) == (8, 2, 6)
    assert sorted(shop.catalogue.cards()) == ["p1", "p6"]
    found = [(one.line, one.column, one.code) for one in report.first_rejected]
    assert found == [
        (3, "id", "bad_id"),
        (4, "title", "empty_value"),
        (5, "price", "bad_amount"),
        (6, "thumbnail", "bad_thumbnail"),
        (7, "", "header_again"),
        (9, "", "columns_short"),
    ]
    lines = Path(report.rejects_file).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "line,column,code,reason,row"
    assert lines[1].startswith("3,id,bad_id,")
    assert len(lines) == 7
    assert Path(report.rejects_file).stat().st_mode & 0o777 == 0o600


def test_reject_file_of_json_lines(shop: ImportShop, tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_bytes(msgspec.json.encode(ROW) + b'\n[1]\n{"id": "half", "tit')
    report = shop.products(file)
    rejected = [msgspec.json.decode(line) for line in Path(report.rejects_file).read_bytes().splitlines()]
    assert [(row["line"], row["code"]) for row in rejected] == [(2, "not_object"), (3, "not_json")]
    assert rejected[1]["row"] == '{"id": "half", "tit'


def test_the_later_of_two_rows_with_one_id_wins(shop: ImportShop, tmp_path: Path) -> None:
    report = shop.products(_jsonl(tmp_path / "p.jsonl", ROW, ROW | {"title": "Sau"}, ROW | {"title": "Sau"}))
    assert (report.accepted, report.inserted, report.updated, report.unchanged) == (3, 1, 1, 1)
    assert shop.catalogue.cards()["prod_1"].title == "Sau"


def test_a_clash_of_handles_rejects_the_clashing_row_only(shop: ImportShop, tmp_path: Path) -> None:
    rows = [ROW, ROW | {"id": "prod_2"}, ROW | {"id": "prod_3", "handle": "khac"}]
    report = shop.products(_jsonl(tmp_path / "p.jsonl", *rows))
    assert (report.accepted, report.rejected) == (2, 1)
    assert sorted(shop.catalogue.cards()) == ["prod_1", "prod_3"]
    assert [(one.line, one.code) for one in report.first_rejected] == [(2, "conflict")]


def test_what_is_missing_is_filled_in() -> None:
    product = product_from_row({"id": "A_1", "title": "Giày Thể Thao"}, "USD")
    assert (product.currency, product.handle, product.price) == ("USD", "giay-the-thao-a-1", None)
    assert product_from_row({"id": "9", "title": "Item 9"}, "USD").handle == "item-9"
    assert product.in_stock
    assert not product_from_row({"id": "a", "title": "b", "in_stock": "hết"}, "VND").in_stock


@pytest.mark.parametrize("address", ["//evil.example/x", "/\\evil.example", "data:text/html,x", "images/a.jpg"])
def test_pictures_come_from_the_web_or_the_shop(address: str) -> None:
    with pytest.raises(RowFault):
        product_from_row({"id": "a", "title": "b", "thumbnail": address}, "VND")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("variants", "[{", "bad_json"),
        ("variants", [{"id": "x"}, {"id": "x"}], "variant_twice"),
        ("variants", [1], "bad_variants"),
        ("attributes", [1], "bad_attributes"),
        ("status", "sold", "bad_status"),
        ("currency", "đồng", "bad_currency"),
        ("title", {"vi": "x"}, "not_text"),
        ("title", "x" * 501, "text_long"),
        ("stock", "1.5", "not_whole"),
    ],
)
def test_reasons(field: str, value: object, code: str) -> None:
    with pytest.raises(RowFault) as caught:
        product_from_row({"id": "a", "title": "b", field: value}, "VND")
    assert caught.value.code == code
    assert caught.value.text("vi") != caught.value.text("en")
