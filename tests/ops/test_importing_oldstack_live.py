"""The old stack's own database as the source: a real PostgreSQL, read and never written."""

from __future__ import annotations

import importlib.util
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from oldstack_server import FIXTURE, PASSWORD, OldStack, missing, old_stack
from oldstack_shop import OldStackShop

from appliance.errors import UnusableFile
from appliance.ops.importing import interactions
from appliance.ops.importing.oldstack import OldStackReport, import_postgres, writer
from appliance.settings import Settings
from appliance.store import postgres
from appliance.store.postgres import PostgresReader

WHY = missing() or ("" if importlib.util.find_spec("psycopg") else "the extra postgres is not installed")
pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.skipif(bool(WHY), reason=WHY)]


@pytest.fixture(scope="module")
def server() -> Iterator[OldStack]:
    with old_stack() as started:
        yield started


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OldStackShop]:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    made = OldStackShop(tmp_path / "data")
    yield made
    made.close()


def _faults(report: OldStackReport) -> list[tuple[str, str]]:
    (table,) = [table for table in report.tables if table.treatment == "loaded"]
    return [(row.column, row.code) for row in table.first_rejected]


def test_the_recorded_files_are_what_this_server_writes(server: OldStack, tmp_path: Path) -> None:
    server.record(tmp_path)
    names = [path.name for path in FIXTURE.iterdir() if path.suffix in (".csv", ".copy")]
    assert len(names) == 6
    for name in names:
        assert (tmp_path / name).read_bytes() == (FIXTURE / name).read_bytes(), name


def test_live_and_recorded_tables_give_the_same_log(server: OldStack, shop: OldStackShop, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    live = shop.take(server.dsn, progress=lambda done, total: seen.append((done, total)))
    files = OldStackShop(tmp_path / "files")
    recorded = files.take(FIXTURE / "rec_user_interactions.csv")
    assert _faults(live) == _faults(recorded)
    for name in ("read", "accepted", "events", "links", "rejected", "parked"):
        assert getattr(live, name) == getattr(recorded, name), name
    assert (shop.events(), shop.folded(), shop.links()) == (files.events(), files.folded(), files.links())
    assert {table.table: table.treatment for table in live.tables} == {
        "rec_user_interactions": "loaded",
        "rec_user_preferences": "learned",
        "rec_product_similarities": "learned",
        "rec_impressions": "shown",
        "rec_recommendations_cache": "cache",
    }
    assert [table.read for table in live.tables] == [17, 2, 1, 1, 1]
    shop.take(server.dsn)
    shop.take(FIXTURE / "dump.sql")
    assert len(shop.events()) == 13
    files.close()


def test_a_row_that_grew_in_the_database_is_followed(server: OldStack, shop: OldStackShop) -> None:
    server.sql("create schema grown; create table grown.rec_user_interactions as table public.rec_user_interactions")
    try:
        shop.take(server.dsn + "?options=-csearch_path%3Dgrown")
        server.sql(
            "update grown.rec_user_interactions set weight = 10, updated_at = '2025-06-01Z' where user_id = 'cus_1'"
            " and interaction_type = 'purchase'"
        )
        shop.take(server.dsn + "?options=-csearch_path%3Dgrown")
        occurrences, weight, created, updated = shop.folded()["cus_1", "", "p2", "purchase"]
        assert (occurrences, weight) == (2, 10.0)
        assert updated > created
    finally:
        server.sql("drop schema grown cascade")


def test_the_reader_can_write_nothing(server: OldStack, shop: OldStackShop) -> None:
    with PostgresReader(server.dsn) as reader, pytest.raises(Exception, match="read-only transaction"):
        reader._connection.execute("delete from rec_user_interactions")
    assert server.sql("select count(*) from rec_user_interactions").strip() == "17"


@pytest.mark.parametrize("place", ["address", "keywords"])
def test_a_password_is_never_told(
    server: OldStack, shop: OldStackShop, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.delenv("PGPASSWORD")
    right = server.dsn.replace("owner@", f"owner:{quote(PASSWORD, safe='')}@")
    if place == "keywords":
        right = f"host=127.0.0.1 port={server.port} user=owner dbname=shop password='{PASSWORD}'"
    report = shop.take(right)
    assert report.source == "shop@127.0.0.1"
    assert PASSWORD not in str(report)
    with pytest.raises(UnusableFile, match="password authentication failed") as wrong:
        shop.take(right.replace("b%C3%AD", "x").replace("'bí", "'x"))
    assert "m%E1%BA%ADt" not in str(wrong.value)
    assert "mật" not in str(wrong.value)
    with pytest.raises(UnusableFile, match="no address") as broken:
        shop.take("postgresql://owner:mật%zz@127.0.0.1/shop")
    assert "mật" not in str(broken.value) + str(broken.value.__context__)


def test_what_is_not_there_is_said(server: OldStack, shop: OldStackShop) -> None:
    with pytest.raises(UnusableFile, match="none of the tables"):
        shop.take(server.dsn.replace("/shop", "/postgres"))
    with pytest.raises(UnusableFile, match="does not exist"):
        shop.take(server.dsn.replace("/shop", "/nirgends"))
    with pytest.raises(UnusableFile, match="refused"):
        shop.take("postgresql://owner@127.0.0.1:1/shop")
    assert shop.journal.lag == 0


def test_a_killed_connection_breaks_off_and_the_next_import_finishes(
    server: OldStack, shop: OldStackShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _many(server, 3000)
    try:
        whole, batches = shop.local.interactions, 0

        def kills(*args: object, **options: object) -> object:
            nonlocal batches
            batches += 1
            if batches == 2:
                server.sql("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
            return whole(*args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(postgres, "_FETCH_ROWS", 1000)
        shop.local.interactions = kills  # type: ignore[method-assign, assignment]
        with pytest.raises(UnusableFile, match="cannot be read"):
            shop.take(server.dsn + "?options=-csearch_path%3Dmany")
        shop.local.interactions = whole  # type: ignore[method-assign]
        assert shop.take(server.dsn + "?options=-csearch_path%3Dmany").accepted == 3000
        assert len(shop.events()) == 3000
        assert shop.log.verify() == (0, 0)
    finally:
        server.sql("drop schema many cascade")


def test_memory_does_not_grow_with_the_table(
    server: OldStack, shop: OldStackShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times the rows cost the same peak; what is remembered of rows is made small so that both fill it."""
    monkeypatch.setattr(interactions, "_REMEMBERED", 4096)
    monkeypatch.setattr(writer, "_REMEMBERED_LINKS", 4096)
    peaks = []
    for rows in (20_000, 80_000):
        _many(server, rows)
        try:
            tracemalloc.start()
            report = import_postgres(
                server.dsn + "?options=-csearch_path%3Dmany", shop.sink, Settings(), data_dir=shop.folder
            )
            assert report.accepted == rows
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
            assert shop.merger.flush()
            server.sql("drop schema many cascade")
    assert peaks[1] < 96 << 20
    assert peaks[1] < peaks[0] * 1.3


def _many(server: OldStack, rows: int) -> None:
    server.sql(
        "create schema many; create table many.rec_user_interactions (like public.rec_user_interactions);"
        "insert into many.rec_user_interactions select n, 'u' || n % 997, 's' || n, 'p' || n % 2 + 1, null, 'view', 1,"
        f" null, now(), now() from generate_series(1, {rows}) n"
    )
