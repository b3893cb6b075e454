"""The DuckDB connection: locked down, one writer, refused files, and back after a fatal error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from appliance.errors import NewerStore, StoreDamaged, StoreError
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.settings import Analytics as AnalyticsSettings
from appliance.store.analytics import FILE_NAME, Analytics

OpenStore = Callable[[], Analytics]


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[OpenStore]:
    made: list[Analytics] = []

    def make() -> Analytics:
        made.append(Analytics(tmp_path, AnalyticsSettings(), Metrics(), IssueBoard()))
        return made[-1]

    yield make
    for store in made:
        store.close()


TABLES = {
    "interaction_events": "event_id user_id session_id product_id product_handle interaction_type weight metadata "
    "occurred_at received_at recommendation_id",
    "rec_user_interactions": "user_id session_id product_id interaction_type occurrences weight created_at updated_at "
    "product_handle metadata",
    "rec_user_preferences": "user_id category score",
    "rec_product_similarities": "product_id_1 product_id_2 similarity_score content collaborative",
    "rec_impressions": "recommendation_id user_id session_id placement product_ids strategy shown_at",
}


@pytest.mark.parametrize(("table", "columns"), TABLES.items())
def test_the_tables_are_those_of_the_design(open_store: OpenStore, table: str, columns: str) -> None:
    found = open_store().q("test", f"describe {table}")
    kinds = {row[0]: row[1] for row in found}
    assert set(columns.split()) <= set(kinds)
    assert all(row[2] == "NO" for row in found), "a column may be null"
    assert {kinds[name] for name in kinds if name.endswith("_at")} <= {"TIMESTAMP"}


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/passwd')",
        "copy (select 1) to '{folder}/../out.csv'",
        "attach '{folder}/other.duckdb' as other",
        "set enable_external_access = true",
        "set memory_limit = '100GB'",
        "install httpfs",
        "load httpfs",
    ],
)
def test_statements_cannot_leave_the_file(open_store: OpenStore, tmp_path: Path, statement: str) -> None:
    store = open_store()
    with pytest.raises((duckdb.Error, StoreError)):
        store.q("test", statement.format(folder=tmp_path))
    store.ensure_open()
    assert not (tmp_path / "other.duckdb").exists()
    assert not (tmp_path.parent / "out.csv").exists()


def test_the_backup_folder_may_be_written(open_store: OpenStore) -> None:
    store = open_store()
    store.backups.mkdir()
    with store.write("test") as cursor:
        cursor.execute("insert into category_totals values ('túi', 1, 1.0)")
    store.q("test", f"attach '{store.backups / 'b.duckdb'}' as b")
    assert store.healthy


def test_a_failing_transaction_leaves_nothing(open_store: OpenStore) -> None:
    store = open_store()
    with pytest.raises(RuntimeError), store.write("test") as cursor:
        cursor.execute("insert into category_totals values ('túi', 1, 1.0)")
        raise RuntimeError("the caller's")
    assert store.q("test", "select count(*) from category_totals") == [(0,)]
    assert store.healthy


def test_reading_goes_on_while_somebody_writes(open_store: OpenStore) -> None:
    store = open_store()
    seen: list[int] = []

    def read() -> None:
        seen.append(store.q("test", "select count(*) from category_totals")[0][0])

    with store.write("test") as cursor:
        cursor.execute("insert into category_totals values ('túi', 1, 1.0)")
        reader = threading.Thread(target=read)
        reader.start()
        reader.join(10)
    read()
    assert seen == [0, 1]


def test_what_was_committed_is_there_after_opening_again(open_store: OpenStore) -> None:
    store = open_store()
    with store.write("test") as cursor:
        cursor.execute("insert into category_totals values ('túi', 1, 1.0)")
    store.checkpoint()
    store.close()
    store.close()
    with pytest.raises(StoreError):
        store.q("test", "select 1")
    assert not store.ensure_open()
    assert open_store().q("test", "select category from category_totals") == [("túi",)]


def test_the_file_is_the_owners_alone(open_store: OpenStore) -> None:
    assert open_store().path.stat().st_mode & 0o077 == 0


def test_a_damaged_file_is_refused(open_store: OpenStore, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreDamaged):
        open_store()


def test_a_file_of_a_newer_version_is_refused_and_unchanged(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store()
    with store.write("test") as cursor:
        cursor.execute("insert into schema_version (number, name) values (99, 'later')")
    store.close()
    content = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(NewerStore):
        open_store()
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_folder_that_cannot_be_written_is_an_error_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError):
        Analytics(tmp_path / "file", AnalyticsSettings(), Metrics())


def test_it_is_opened_again_with_a_growing_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, issues = [0.0], IssueBoard()
    store = Analytics(tmp_path, AnalyticsSettings(), Metrics(), issues, monotonic=lambda: clock[0])
    with pytest.raises(StoreError), store.write("test"):
        raise duckdb.FatalException("no space left on device")
    with pytest.raises(StoreError):
        store.q("test", "select 1")
    assert [issue.code for issue in issues.open()] == ["analytics_off"]
    assert not store.ensure_open(), "too early"
    attempts: list[float] = []

    def refuse() -> None:
        attempts.append(clock[0])
        raise StoreError("still full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_open", refuse)
        for _ in range(200):
            clock[0] += 0.1
            assert not store.ensure_open()
    gaps = [round(later - earlier, 1) for earlier, later in pairwise(attempts)]
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 2
    clock[0] += 60
    assert store.ensure_open()
    assert issues.open() == []
    assert store.q("test", "select 1") == [(1,)]
    store.close()


def test_it_waits_for_readers_before_it_opens_again(tmp_path: Path) -> None:
    clock = [0.0]
    store = Analytics(tmp_path, AnalyticsSettings(), Metrics(), monotonic=lambda: clock[0])
    reading, leave, opened = threading.Event(), threading.Event(), threading.Event()

    def read() -> None:
        with store.reading("test") as cursor:
            cursor.execute("select 1").fetchall()
            reading.set()
            leave.wait(10)

    reader = threading.Thread(target=read)
    reader.start()
    assert reading.wait(10)
    with pytest.raises(StoreError), store.write("test"):
        raise duckdb.FatalException("no space left on device")
    clock[0] += 60
    opener = threading.Thread(target=lambda: store.ensure_open() and opened.set())
    opener.start()
    leave.set()
    opener.join(10)
    reader.join(10)
    assert opened.is_set()
    assert store.q("test", "select 1") == [(1,)]
    store.close()
