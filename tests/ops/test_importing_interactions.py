"""Interactions from files: layouts, times, parking, and ids that make a second import count nothing twice."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import duckdb
import msgspec
import pytest
from importing_shop import NOW, ImportShop

from appliance.domain import InteractionType, Product, Variant
from appliance.ops.importing import interactions

HEADER = "user_id,product_id,interaction_type,occurred_at\n"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ImportShop]:
    made = ImportShop(tmp_path / "data")
    made.catalogue.upsert([Product(id="p1", handle="tui", title="Túi", variants=(Variant(id="v1"),))])
    yield made
    made.close()


def _file(folder: Path, text: str, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_types_weights_handles_and_parking(shop: ImportShop, tmp_path: Path) -> None:
    text = (
        "user_id,session_id,product_id,product_handle,event,time,qty,metadata\n"
        "u1,s1,p1,,purchase,2024-04-01T00:00:00Z,2,\n"
        ",s2,,tui,view_item,1711929600,,\n"
        'u2,,p9,,Add To Cart,1711929600000,,"{""src"": ""mail""}"\n'
        "u3,,p1,,,2024-04-01,,\n"
    )
    report = shop.interactions(_file(tmp_path, text))
    assert (report.accepted, report.parked, report.rejected) == (4, 1, 0)
    first, second, third, fourth = shop.journalled()
    assert (first.interaction_type, first.weight, first.product_handle) == ("purchase", 10.0, "tui")
    assert (second.product_id, second.session_id, second.user_id) == ("p1", "s2", "")
    assert (third.product_id, third.interaction_type, third.metadata) == ("p9", "add_to_cart", '{"src":"mail"}')
    assert fourth.interaction_type == "view"
    assert {row.occurred_at for row in shop.journalled()} == {1711929600.0}


def test_importing_again_counts_nothing_twice(shop: ImportShop, tmp_path: Path) -> None:
    row = "u1,p1,view,1711929600\n"
    once = _file(tmp_path, HEADER + row * 3 + "u2,p1,view,1711929600\n")
    shop.interactions(once)
    first = [event.event_id for event in shop.journalled()]
    assert len(set(first)) == 4
    renamed = _file(tmp_path, "item_id\ttimestamp\tuser\n" + "p1\t2024-04-01T00:00:00Z\tu1\n" * 3, "other.tsv")
    shop.interactions(renamed)
    assert [event.event_id for event in shop.journalled(4)] == first[:3]


def test_given_event_ids_are_kept(shop: ImportShop, tmp_path: Path) -> None:
    rows = [{"type": "view", "session_id": "s", "product_id": "p1", "event_id": "e-1", "occurred_at": 1711929600}]
    shop.interactions(_file(tmp_path, "".join(msgspec.json.encode(row).decode() + "\n" for row in rows)))
    assert [event.event_id for event in shop.journalled()] == ["e-1"]


def test_a_line_a_user_keeps_its_order(shop: ImportShop, tmp_path: Path) -> None:
    file = _file(tmp_path, "1 10 11 10\n2 12\n3\n", "sequences.txt")
    report = shop.interactions(file, default_type=InteractionType.PURCHASE)
    assert (report.layout, report.read, report.accepted, report.rejected) == ("sequences", 5, 4, 1)
    rows = shop.journalled()
    assert [(row.user_id, row.product_id) for row in rows] == [
        ("1", "10"),
        ("1", "11"),
        ("1", "10"),
        ("2", "12"),
    ]
    times = [row.occurred_at for row in rows[:3]]
    assert times == sorted(set(times))
    assert times[-1] == NOW
    assert {row.interaction_type for row in rows} == {"purchase"}
    first = [row.event_id for row in rows]
    shop.interactions(file, default_type=InteractionType.PURCHASE)
    assert [row.event_id for row in shop.journalled(4)] == first


def test_prose_is_not_a_line_a_user(shop: ImportShop, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no column"):
        shop.interactions(_file(tmp_path, "dear all this is the log you wanted\nkind regards\n", "letter.txt"))


def test_sessions_with_unix_times(shop: ImportShop, tmp_path: Path) -> None:
    report = shop.interactions(_file(tmp_path, "SessionId\tItemId\tTime\n3\t214716935\t1396437466.94\n", "s.tsv"))
    assert report.accepted == 1
    assert (shop.journalled()[0].session_id, shop.journalled()[0].occurred_at) == ("3", 1396437466.94)


def test_parquet_with_timestamps_and_numbers(shop: ImportShop, tmp_path: Path) -> None:
    file = tmp_path / "log.parquet"
    duckdb.connect().execute(
        "COPY (SELECT i AS user_id, i * 1.0 AS item_id, 'view' AS type, TIMESTAMP '2024-04-01' AS ts "
        f"FROM range(2500) t(i)) TO '{file}' (FORMAT parquet)"
    )
    report = shop.interactions(file)
    assert (report.layout, report.accepted) == ("parquet", 2500)
    assert (shop.journalled()[7].product_id, shop.journalled()[7].occurred_at) == ("7", 1711929600.0)


def test_products_can_be_made_from_a_log_alone(shop: ImportShop, tmp_path: Path) -> None:
    file = _file(tmp_path, HEADER + "u1,P_9,view,1711929600\nu1,p-9,view,1711929600\nu1,p1,view,1711929600\n")
    report = shop.interactions(file, create_products=True)
    assert (report.created_products, report.parked, report.accepted) == (2, 0, 3)
    card = shop.catalogue.cards()["P_9"]
    assert (card.title, card.in_stock, card.published) == ("P_9", True, True)
    assert shop.interactions(file, create_products=True).created_products == 0


def test_reasons_by_line(shop: ImportShop, tmp_path: Path) -> None:
    text = HEADER + (
        "u1,p1,viwe,1711929600\n,p1,view,1711929600\nu1,,view,1711929600\nu1,p1,view,\n"
        "u1,p1,view,soon\nu1,p1,view,17119\nme@x.vn,p1,view,1711929600\nu1,p1,search,1711929600\nu1,p1,vi"
    )
    report = shop.interactions(_file(tmp_path, text))
    assert report.accepted == 1
    assert [(one.line, one.column, one.code) for one in report.first_rejected] == [
        (2, "interaction_type", "bad_type"),
        (3, "user_id", "no_visitor"),
        (4, "product_id", "empty_value"),
        (5, "occurred_at", "empty_value"),
        (6, "occurred_at", "bad_time"),
        (7, "occurred_at", "time_range"),
        (8, "user_id", "bad_id"),
        (10, "", "columns_short"),
    ]
    assert "view" in report.first_rejected[0].reason


def test_a_time_ahead_of_the_clock_becomes_the_time_of_the_import(shop: ImportShop, tmp_path: Path) -> None:
    shop.interactions(_file(tmp_path, HEADER + "u1,p1,view,2035-01-01\n"))
    assert shop.journalled()[0].occurred_at == NOW


def test_memory_does_not_grow_with_the_file(shop: ImportShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the rows cost the same peak; the memory of equal rows is made small so that both fill it."""
    monkeypatch.setattr(interactions, "_REMEMBERED", 4096)
    peaks = []
    for rows in (15_000, 60_000):
        draw = random.Random(rows)
        lines = [f"u{draw.randrange(5000)},p{draw.randrange(3000)},view,{1711929600 + row}\n" for row in range(rows)]
        file = _file(tmp_path, HEADER + "".join(lines))
        del lines
        tracemalloc.start()
        assert shop.interactions(file).accepted == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 16 << 20
    assert peaks[1] < peaks[0] * 1.2
