"""The corpus of wrong files: each gets a clear sentence with a next step, and leaves the shop exactly as it was."""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from importing_shop import ImportShop

from appliance.domain import Product, Variant
from appliance.errors import UnusableFile
from appliance.ops.importing.faults import FileFault

GOOD = "id,title,price\n" + "".join(f"p{number},Túi số {number},1000\n" for number in range(2000))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ImportShop]:
    made = ImportShop(tmp_path / "data")
    made.catalogue.upsert([Product(id="old", handle="cu", title="Cũ", variants=(Variant(id="v1"),))])
    yield made
    made.close()


def _parquet(path: Path, query: str) -> None:
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def _broken_parquet(path: Path) -> None:
    _parquet(path, "SELECT 'p' || i AS id, repeat('x' || i, 50) AS title FROM range(20000) t(i)")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    for place in range(middle, middle + 3000):
        data[place] ^= 0x5A
    path.write_bytes(data)


def _huge_line(path: Path) -> None:
    block = b"x" * (1 << 20)
    with path.open("wb") as file:
        for _ in range(64):
            file.write(block)


def _huge_json(path: Path) -> None:
    path.write_bytes(b'{"id": "p1", "title": "' + b"x" * (3 << 20) + b'"}')


_Write = Callable[[Path], object]
WRONG: dict[str, tuple[str, _Write]] = {
    "binary": ("binary", lambda path: path.write_bytes(random.Random(1).randbytes(5000))),
    "picture": ("binary", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))),
    "spreadsheet": ("zip", lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100))),
    "empty": ("empty", lambda path: path.write_bytes(b"")),
    "blank": ("empty", lambda path: path.write_bytes(b" \n\n\t\n")),
    "empty gzip": ("empty", lambda path: path.write_bytes(gzip.compress(b""))),
    "header alone": ("no_rows", lambda path: path.write_text("id,title\n")),
    "missing column": ("column_missing", lambda path: path.write_text("id,price\np1,5\n")),
    "column by another name": ("column_near", lambda path: path.write_text("id,titel\np1,Bag\n")),
    "column twice": ("column_twice", lambda path: path.write_text("id,title,title\np1,a,b\n")),
    "half a row": ("no_good_row", lambda path: path.write_text("id,title,price\np1,Tú", encoding="utf-8")),
    "half a json row": ("no_good_row", lambda path: path.write_text('{"id": "p1", "title": "Bag", "pri')),
    "utf-16": ("utf16", lambda path: path.write_text(GOOD, encoding="utf-16")),
    "utf-16 without a mark": ("utf16", lambda path: path.write_text(GOOD, encoding="utf-16-le")),
    "windows encoding": ("not_utf8", lambda path: path.write_bytes("id,title\np1,Caf\xe9\n".encode("latin-1"))),
    "windows header": ("not_utf8", lambda path: path.write_bytes("id,title,t\xean\np1,a,b\n".encode("latin-1"))),
    "encoding changes late": (
        "not_utf8",
        lambda path: path.write_bytes(b"id,title\n" + b"p1,a\n" * 30000 + b"p2,\xe9\xe8\n" * 30000),
    ),
    "damaged gzip": ("gzip", lambda path: path.write_bytes(gzip.compress(os.urandom(100) + GOOD.encode())[:-200])),
    "gzip damaged late": (
        "gzip",
        lambda path: path.write_bytes(gzip.compress((GOOD * 40).replace("\nid,title,price", "").encode())[:-9]),
    ),
    "not a gzip": ("gzip", lambda path: path.write_bytes(b"\x1f\x8b" + b"junk" * 50)),
    "damaged parquet": ("parquet", _broken_parquet),
    "half a parquet": ("parquet", lambda path: path.write_bytes(b"PAR1" + bytes(100))),
    "parquet without the column": ("column_missing", lambda path: _parquet(path, "SELECT 1 AS id, 2 AS price")),
    "parquet without rows": ("empty", lambda path: _parquet(path, "SELECT 'a' AS id, 'b' AS title WHERE false")),
    "json list": ("json_array", lambda path: path.write_text('[{"id": "p1", "title": "Bag"}]')),
    "json object over lines": ("json_object", lambda path: path.write_text('{\n "id": "p1",\n "title": "Bag"\n}\n')),
    "deeply nested json": ("no_good_row", lambda path: path.write_text('{"id":' + "[" * 5000 + "]" * 5000 + "}\n")),
    "one huge line": ("first_line_long", _huge_line),
    "one huge json line": ("no_good_row", _huge_json),
    "no usable row": ("no_good_row", lambda path: path.write_text("id,title\n,Bag\n,Shoe\n")),
    "folder": ("directory", Path.mkdir),
    "missing": ("missing", lambda path: None),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_product_file(shop: ImportShop, tmp_path: Path, name: str) -> None:
    fault, write = WRONG[name]
    path = tmp_path / "products.csv"
    write(path)
    before = shop.state()
    with pytest.raises(UnusableFile) as caught:
        shop.products(path)
    assert isinstance(caught.value, FileFault)
    assert caught.value.fault == fault
    assert "products.csv" in caught.value.message
    assert caught.value.hint
    assert caught.value.localised("vi")[0] != caught.value.message
    assert shop.state() == before


@pytest.mark.parametrize(
    ("text", "fault", "names"),
    [
        ("user_id,interaction_type,occurred_at\nu,view,1\n", "column_missing", "product_id"),
        ("product_id,interaction_type,occurred_at\np,view,1\n", "column_missing", "user_id"),
        ("user_id,product_id,interaction_type\nu,p,view\n", "column_missing", "occurred_at"),
        ("user_id,prodcut_id,occurred_at\nu,p,1\n", "column_near", "prodcut_id"),
        ("u1,p1,view,2024-04-01\nu2,p2,view,2024-04-01\n", "column_missing", "2024-04-01"),
    ],
)
def test_wrong_interaction_file(shop: ImportShop, tmp_path: Path, text: str, fault: str, names: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text)
    before = shop.state()
    with pytest.raises(FileFault) as caught:
        shop.interactions(path)
    assert caught.value.fault == fault
    assert names in caught.value.message
    assert shop.state() == before


def test_a_huge_line_among_good_ones_costs_itself_only(shop: ImportShop, tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    with path.open("wb") as file:
        file.write(b"id,title\np1,One\np2,")
        for _ in range(64):
            file.write(b"x" * (1 << 20))
        file.write(b"\np3,Three\n")
    report = shop.products(path)
    assert (report.accepted, report.rejected) == (2, 1)
    assert [(one.line, one.code) for one in report.first_rejected] == [(3, "line_too_long")]
    assert str((64 << 20) + len("p2,")) in report.first_rejected[0].reason


@pytest.mark.slow
def test_a_gigabyte_without_a_line_end(shop: ImportShop, tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    with path.open("wb") as file:
        file.write(b"id,title\np1,")
        file.truncate(1 << 30)
    before = shop.state()
    with pytest.raises(UnusableFile):
        shop.products(path)
    assert shop.state() == before


def test_one_damaged_line_among_many_is_a_row_and_not_a_file(shop: ImportShop, tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(GOOD.encode() + b"p9999,\xff\xfe,1\n")
    report = shop.products(path)
    assert (report.accepted, report.rejected) == (2000, 1)
    assert report.first_rejected[0].code == "not_utf8"


def test_a_pipe_is_refused(shop: ImportShop, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(FileFault) as caught:
        shop.products(path)
    assert caught.value.fault == "not_a_file"
