"""The old stack's tables from files that a real PostgreSQL wrote: what becomes of each row, once."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from oldstack_server import FIXTURE
from oldstack_shop import NOW, OldStackShop

from appliance.errors import UnusableFile
from appliance.ops.importing.oldstack import import_postgres
from appliance.ops.importing.sinks import LocalSink
from appliance.ops.importing.wire import LinksBody, apply_links
from appliance.settings import Settings
from appliance.store.journal_rows import Identification

COLUMNS = [
    *("id", "user_id", "session_id", "product_id", "product_handle", "interaction_type", "weight", "metadata"),
    *("created_at", "updated_at"),
]
HEADER = "user_id,session_id,product_id,interaction_type,weight,created_at,updated_at\n"
BAD = {
    7: ("interaction_type", "bad_type"),
    8: ("user_id", "no_visitor"),
    9: ("user_id", "bad_id"),
    10: ("weight", "bad_amount"),
    11: ("weight", "bad_amount"),
    12: ("created_at", "bad_time"),
    13: ("", "not_object"),
    14: ("created_at", "empty_value"),
}
"""What is wrong with the rows of the recorded table, by the row's own id."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[OldStackShop]:
    made = OldStackShop(tmp_path / "data")
    yield made
    made.close()


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _file(folder: Path, text: str, name: str = "rec_user_interactions.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def _sources(folder: Path) -> list[tuple[Path, dict[str, object], int]]:
    """Return each form of the recorded table, and the line at which the row with id 7 stands."""
    copied = {"columns": COLUMNS}
    packed = folder / "rec_user_interactions.csv.gz"
    packed.write_bytes(gzip.compress((FIXTURE / "rec_user_interactions.csv").read_bytes()))
    dump = (FIXTURE / "dump.sql").read_text("utf-8").split("\n")
    line = next(number for number, text in enumerate(dump, 1) if text.startswith("7\tcus_2\t"))
    return [
        (FIXTURE / "rec_user_interactions.csv", {}, 11),
        (packed, {}, 11),
        (FIXTURE / "rec_user_interactions.copy", copied, 7),
        (FIXTURE / "dump.sql", {}, line),
    ]


def test_a_row_becomes_events_that_fold_back_to_it(shop: OldStackShop) -> None:
    report = shop.take(FIXTURE / "rec_user_interactions.csv")
    assert (report.read, report.accepted, report.rejected) == (17, 9, 8)
    assert (report.events, report.parked) == (3 + 1 + 1 + 1 + 2 + 1 + 1 + 2 + 1, 2)
    folded = shop.folded()
    # Three views and, under GA4's name, a fourth; the guest's two are the customer's since the session is known.
    assert folded["cus_1", "s1", "p1", "view"] == (
        6,
        6.0,
        _at("2025-02-28T02:00:00"),
        _at("2025-03-05T00:00:00"),
    )
    assert folded["cus_1", "", "p2", "purchase"] == (1, 5.0, _at("2025-03-01T17:00:00"), _at("2025-03-01T17:00:00"))
    assert folded["cus_1", "s1", "p1", "remove_from_cart"][:2] == (2, -2.0)
    times = {row[8] for row in shop.events() if row[1:3] == ("cus_1", "s1") and row[5] == "view"}
    assert times == {_at("2025-03-01T03:00:00"), _at("2025-03-04T01:30:00.5"), _at("2025-03-05T00:00:00")}
    assert ("s1", "cus_1") in shop.links()


def test_hostile_text_arrives_whole_and_harmless(shop: OldStackShop) -> None:
    shop.take(FIXTURE / "rec_user_interactions.csv")
    (click,) = [row for row in shop.events() if row[5] == "click"]
    assert click[4] == "tui"
    metadata = str(click[7])
    assert "\x1b" not in metadata
    assert msgspec.json.decode(metadata) == {
        "a": "x\0\x1b[31m",
        "b": 'O\u0302\u0301 "Ố"',
        "c": "tab\t, \\N",
    }


def test_every_form_of_the_table_gives_the_same_log(tmp_path: Path) -> None:
    logs = []
    for number, (path, options, line) in enumerate(_sources(tmp_path)):
        shop = OldStackShop(tmp_path / f"data-{number}")
        report = shop.take(path, **options)
        (table,) = [table for table in report.tables if table.treatment == "loaded"]
        first = line - 7
        told = {row.line - first: (row.column, row.code) for row in table.first_rejected}
        assert told == BAD, path.name
        assert len(Path(table.rejects_file).read_text("utf-8").splitlines()) == len(BAD)
        logs.append((shop.events(), shop.folded(), sorted(shop.links())))
        shop.close()
    assert all(log == logs[0] for log in logs)
    assert len(logs[0][0]) == 13


def test_all_forms_together_count_once(shop: OldStackShop, tmp_path: Path) -> None:
    for path, options, _ in _sources(tmp_path):
        shop.take(path, **options)
        shop.take(path, **options)
        assert (len(shop.events()), len(shop.links())) == (13, 3)
    assert shop.log.verify() == (0, 0)


def test_a_folder_is_told_table_by_table(shop: OldStackShop, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    shutil.copytree(FIXTURE, folder, ignore=shutil.ignore_patterns("*.sql", "*.copy"))
    (folder / "notes.txt").write_text("for the technician\n", encoding="utf-8")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\0\0")
    seen: list[tuple[int, int]] = []
    report = shop.take(folder, progress=lambda done, total: seen.append((done, total)))
    assert {(table.table or table.where): (table.treatment, table.read) for table in report.tables} == {
        "rec_user_interactions": ("loaded", 17),
        "rec_user_preferences": ("learned", 2),
        "rec_product_similarities": ("learned", 1),
        "rec_impressions": ("shown", 1),
        "rec_recommendations_cache": ("cache", 1),
        "notes.txt": ("unknown", 0),
        "photo.jpg": ("unknown", 0),
    }
    assert all(bool(table.why) == (table.treatment != "loaded") for table in report.tables)
    shares = [done / total for done, total in seen]
    assert shares[-1] == 1.0
    assert all(0 <= share <= 1 for share in shares)
    assert shop.log.preferences("cus_1") == []


def test_a_row_that_has_grown_adds_what_is_new(shop: OldStackShop, tmp_path: Path) -> None:
    day = "2025-03-01 00:00:00+00"
    shop.take(_file(tmp_path, f"{HEADER}u1,s1,p1,add_to_cart,6,{day},2025-03-02 00:00:00+00\nu2,s2,p1,view,1,{day},\n"))
    key = ("u1", "s1", "p1", "add_to_cart")
    assert shop.folded()[key] == (2, 6.0, _at("2025-03-01T00:00:00"), _at("2025-03-02T00:00:00"))
    report = shop.take(
        _file(tmp_path, f"{HEADER}u1,s1,p1,add_to_cart,12,{day},2025-03-09 00:00:00+00\nu2,s2,p1,view,1,{day},\n")
    )
    assert report.events == 5
    assert shop.folded()[key] == (4, 12.0, _at("2025-03-01T00:00:00"), _at("2025-03-09T00:00:00"))
    assert shop.folded()["u2", "s2", "p1", "view"][:2] == (1, 1.0)


def test_counts_of_the_table_itself_come_before_its_weights(shop: OldStackShop, tmp_path: Path) -> None:
    text = "user_id,session_id,product_id,interaction_type,weight,occurrences,created_at,note\n"
    text += "u1,s1,p1,view,0.5,4,2025-03-01,x\nu1,s1,p1,purchase,,2,2025-03-01,x\nu1,s1,p2,view,4000,,2025-03-01,x\n"
    shop.take(_file(tmp_path, text))
    folded = {key[2:]: (row[0], round(row[1], 6)) for key, row in shop.folded().items()}
    assert folded == {("p1", "view"): (4, 0.5), ("p1", "purchase"): (2, 10.0), ("p2", "view"): (50, 4000.0)}


def test_a_guest_has_a_row_for_each_action(shop: OldStackShop, tmp_path: Path) -> None:
    """PostgreSQL lets rows with a NULL stand beside each other: their own id or time tells them apart."""
    guest = "\\N\ts1\tp1\tview\t1\t2025-03-01 00:00:0{}\t\\N\n"
    text = HEADER.replace(",", "\t") + "".join(guest.format(second) for second in (0, 0, 1))
    for _ in range(2):
        shop.take(_file(tmp_path, text, "rec_user_interactions.tsv"))
        assert shop.folded()["", "s1", "p1", "view"][:2] == (3, 3.0)
    assert shop.links() == []


def test_times_without_a_zone_are_utc_or_as_told(shop: OldStackShop, tmp_path: Path) -> None:
    rows = "u1,s1,p1,view,1,2025-03-01 07:00:00.25,\nu2,s2,p1,view,1,2025-03-01 07:00:00+07,\n"
    file = _file(tmp_path, HEADER + rows)
    shop.take(file)
    other = OldStackShop(tmp_path / "other")
    other.take(file, zone=ZoneInfo("Asia/Ho_Chi_Minh"))
    noon, midnight = _at("2025-03-01T07:00:00.25"), _at("2025-03-01T00:00:00.25")
    assert {row[1]: row[8] for row in shop.events()} == {"u1": noon, "u2": midnight - 0.25}
    assert {row[1]: row[8] for row in other.events()} == {"u1": midnight, "u2": midnight - 0.25}
    assert [row[0] for row in shop.events()] == [row[0] for row in other.events()]
    other.close()


def test_a_history_undoes_no_sign_in(shop: OldStackShop, tmp_path: Path) -> None:
    shop.journal.link_sync([Identification("s1", "cus_new", NOW)])
    shop.take(FIXTURE / "rec_user_interactions.csv")
    assert [link for link in shop.links() if link[0] == "s1"] == [("s1", "cus_new")]
    two = "u1,s7,p1,view,1,2025-03-01,\nu2,s7,p1,view,1,2025-03-02,\n"
    for _ in range(2):
        shop.take(_file(tmp_path, HEADER + two))
    assert [link for link in shop.links() if link[0] == "s7"] == [("s7", "u1")]


def test_products_nobody_knows_wait_or_are_made(shop: OldStackShop, tmp_path: Path) -> None:
    shop.take(FIXTURE / "rec_user_interactions.csv")
    assert shop.log.parked() == 2
    assert not any(key[2] == "p9" for key in shop.folded())
    report = shop.take(FIXTURE / "rec_user_interactions.csv", create_products=True)
    assert (report.created_products, report.parked) == (1, 0)
    shop.merger.round()
    assert shop.folded()["cus_2", "s2", "p9", "add_to_cart"][:2] == (2, 6.0)


def test_both_ways_in_give_the_same_report_and_log(shop: OldStackShop, tmp_path: Path) -> None:
    other = OldStackShop(tmp_path / "process")
    other.through_a_process()
    reports = [one.take(FIXTURE / "dump.sql", create_products=True) for one in (shop, other)]
    for report in reports:
        for table in report.tables:
            table.rejects_file = ""
    assert reports[0] == reports[1]
    assert (shop.events(), shop.folded(), shop.links()) == (other.events(), other.folded(), other.links())
    other.close()


def test_an_import_that_broke_off_is_finished_by_the_next(shop: OldStackShop, tmp_path: Path) -> None:
    day = "2025-03-01 00:00:00+00"
    file = _file(tmp_path, HEADER + "".join(f"u{n},s{n},p1,view,2,{day},{day}\n" for n in range(900)))
    whole = shop.local.interactions
    batches = 0

    def breaks(*args: object, **options: object) -> object:
        nonlocal batches
        batches += 1
        if batches == 2:
            raise OSError("pulled the plug")
        return whole(*args, **options)  # type: ignore[arg-type]

    shop.local.interactions = breaks  # type: ignore[method-assign, assignment]
    with pytest.raises(OSError, match="plug"):
        shop.take(file)
    shop.local.interactions = whole  # type: ignore[method-assign]
    assert shop.take(file).events == 1800
    assert (len(shop.events()), len(shop.links())) == (1800, 900)
    assert {row[:2] for row in shop.folded().values()} == {(2, 2.0)}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("rec_user_interactions.csv", "u1,s1,p1,view,1,2025-03-01,\n", "does not name its columns"),
        ("rec_user_interactions.csv", "user_id,product_id,interaction_type\n", "no column created_at"),
        ("anything.csv", "name,price\nx,1\n", "none of the tables"),
        ("dump.sql", "PGDMP\x01\x0e", "PostgreSQL's own format"),
        ("dump.sql", "-- PostgreSQL database dump\nINSERT INTO public.rec_user_interactions VALUES (1);\n", "INSERT"),
        (
            "dump.sql",
            "COPY public.rec_user_interactions (user_id, product_id, interaction_type, created_at) FROM stdin;\nu\tp",
            "cut short",
        ),
        ("rec_user_interactions.csv", HEADER + ",,p1,view,1,2025-03-01,\n", "not a single usable row"),
        ("rec_user_interactions.csv", HEADER.replace("weight", "user_id") + "u,s,p,view,v,2025-03-01,\n", "twice"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_written(
    shop: OldStackShop, tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(UnusableFile, match=said) as raised:
        shop.take(_file(tmp_path, text, name))
    assert raised.value.hint
    assert shop.journal.lag == 0


def test_a_folder_without_tables_and_a_half_one_are_refused(shop: OldStackShop, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "readme.txt").write_text("nothing here", encoding="utf-8")
    with pytest.raises(UnusableFile, match="none of the tables"):
        shop.take(folder)
    shutil.copy(FIXTURE / "rec_user_interactions.csv", folder)
    (folder / "rec_user_preferences.csv").write_bytes(b"\0\1\2")
    with pytest.raises(UnusableFile, match="binary"):
        shop.take(folder)
    assert shop.journal.lag == 0


def test_an_empty_table_is_no_fault(shop: OldStackShop, tmp_path: Path) -> None:
    report = shop.take(_file(tmp_path, HEADER))
    assert (report.read, report.accepted) == (0, 0)


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch, shop: OldStackShop) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(UnusableFile, match="driver") as raised:
        import_postgres("postgresql://owner:geheim@h/db", shop.sink, Settings(), data_dir=shop.folder)
    assert "shop-appliance[postgres]" in raised.value.hint
    assert "geheim" not in str(raised.value) + raised.value.hint


def test_the_table_in_two_files_of_a_folder_counts_once(shop: OldStackShop, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    rows = ["u1,s1,p1,view,1,2025-03-01,\n", *(",s2,p1,view,1,2025-03-01,\n" for _ in range(3))]
    (folder / "rec_user_interactions_1.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    (folder / "rec_user_interactions_2.csv").write_text(
        HEADER + "".join(rows) + "u2,s3,p2,view,1,2025-03-01,\n", encoding="utf-8"
    )
    report = shop.take(folder)
    assert (report.read, report.accepted) == (9, 9)
    assert {key[1]: row[0] for key, row in shop.folded().items()} == {"s1": 1, "s2": 3, "s3": 1}


def test_links_are_judged_row_by_row_and_spare_who_opted_out(shop: OldStackShop) -> None:
    spared = LocalSink(shop.catalogue, shop.journal, opted_out=lambda session, user: user == "cus_2")
    rows = [
        {"session_id": "s1", "user_id": "cus_1", "at": NOW},
        {"session_id": "s2", "user_id": "cus_2", "at": NOW},
        {"session_id": "", "user_id": "cus_3", "at": NOW},
        {"session_id": "s4", "user_id": "me@x.vn", "at": NOW},
        {"session_id": "s5", "user_id": "cus_5", "at": "soon"},
    ]
    body = LinksBody([msgspec.Raw(msgspec.json.encode(row)) for row in rows])
    reply = apply_links(body, spared, Settings(), "en")
    assert (reply.accepted, reply.inserted, reply.unchanged) == (2, 1, 1)
    assert [(row.index, row.column, row.code) for row in reply.rejected] == [
        (2, "session_id", "empty_value"),
        (3, "user_id", "bad_id"),
        (4, "at", "bad_time"),
    ]
    assert shop.merger.flush()
    assert shop.links() == [("s1", "cus_1")]
