"""The journal: acknowledged means durable, and nothing that waits is forgotten."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from ingest_bench import interaction

from appliance.domain import Impression, Interaction
from appliance.errors import Busy, DiskFull, NewerStore, StoreDamaged, StoreError
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.settings import Ingest as IngestSettings
from appliance.store.journal import Journal
from appliance.store.journal_rows import ROW_RECORDS, JournalRow


@contextmanager
def opened(folder: Path, *, start: bool = True, **limits: int) -> Iterator[Journal]:
    journal = Journal(folder / "journal.db", IngestSettings(**limits), Metrics(), issues=IssueBoard())
    if start:
        journal.start()
    try:
        yield journal
    finally:
        journal.close()


def ids(rows: list[JournalRow]) -> list[str]:
    return [event.event_id for row in rows for event in msgspec.json.decode(row.payload, type=list[Interaction])]


def test_many_callers_share_a_commit_and_each_is_told(tmp_path: Path) -> None:
    commits: list[int] = []

    async def main(journal: Journal) -> None:
        journal.on_commit(lambda: commits.append(1))
        await asyncio.gather(*[journal.append([interaction(f"e{number}")]) for number in range(500)])

    with opened(tmp_path) as journal:
        asyncio.run(main(journal))
        assert ids(journal.read(0, 10_000)) == [f"e{number}" for number in range(500)]
        assert journal.lag == 500
        assert journal.pending == 0
    assert len(commits) < 500


def test_what_was_acknowledged_is_there_after_opening_again(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append_sync([interaction("a"), interaction("b", metadata='{"x":"đ\\u0000"}')])
        identity = journal.identity
    with opened(tmp_path) as journal:
        assert journal.lag == 2
        assert journal.identity == identity
        assert ids(journal.read(0, 10)) == ["a", "b"]


def test_kinds_keep_their_order_and_rows_their_size(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        journal.note(Impression("r1", "", "s1", "home", "trending", ("p1", "p2"), 1.0))
        await asyncio.gather(
            journal.append([interaction("a")]),
            journal.identify("s1", "u1"),
            journal.append([interaction(f"b{number}") for number in range(ROW_RECORDS + 1)]),
        )

    with opened(tmp_path) as journal:
        asyncio.run(main(journal))
        rows = journal.read(0, 10_000)
    assert [(row.kind, row.records) for row in rows] == [
        ("events", 1),
        ("identify", 1),
        ("events", ROW_RECORDS),
        ("events", 1),
        ("impressions", 1),
    ]


def test_impressions_share_a_row(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for number in range(20):
            journal.note(Impression(f"r{number}", "", "s1", "home", "trending", ("p1",), 1.0))
        assert journal.pending == 20
    with opened(tmp_path) as journal:
        assert [(row.kind, row.records) for row in journal.read(0, 100)] == [("impressions", 20)]
        assert journal.lag == 20


def test_reading_stops_at_the_limit_but_gives_at_least_a_row(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for number in range(4):
            journal.append_sync([interaction(f"{number}a"), interaction(f"{number}b")])
        assert ids(journal.read(0, 5)) == ["0a", "0b", "1a", "1b"]
        assert ids(journal.read(0, 1)) == ["0a", "0b"]
        assert journal.read(journal.read(0, 100)[-1].seq, 5) == []


def test_the_newest_rows_come_in_order_and_within_the_limit(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        assert journal.latest(0, 10) == []
        for name in "abcd":
            journal.append_sync([interaction(name), interaction(name * 2)])
        assert ids(journal.latest(0, 5)) == ["c", "cc", "d", "dd"]
        assert ids(journal.latest(3, 100)) == ["d", "dd"]
        assert journal.latest(4, 100) == journal.latest(0, 1) == []


def test_purged_numbers_are_never_used_again(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append_sync([interaction("a")])
        first = journal.read(0, 1)[0].seq
        journal.purge(first)
        journal.append_sync([interaction("b")])
        assert journal.lag == 1
    with opened(tmp_path) as journal:
        journal.append_sync([interaction("c")])
        assert [row.seq for row in journal.read(0, 10)] == [first + 1, first + 2]


def test_align_forgets_what_the_log_holds(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for name in "abc":
            journal.append_sync([interaction(name)])
        assert journal.align(2)
        assert ids(journal.read(0, 10)) == ["c"]
        assert journal.lag == 1


def test_a_journal_behind_the_log_gets_a_new_identity_and_keeps_its_rows(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append_sync([interaction("a")])
        identity = journal.identity
        assert not journal.align(40)
        assert journal.identity != identity
        journal.append_sync([interaction("b")])
        assert [row.seq for row in journal.read(0, 10)] == [1, 41]


def test_too_much_waiting_is_busy(tmp_path: Path) -> None:
    with opened(tmp_path, start=False, max_pending=3) as journal:
        journal.note(Impression("r1", "", "s1", "home", "trending", (), 1.0))
        with pytest.raises(Busy) as caught:
            asyncio.run(journal.append([interaction("a")] * 3))
        assert caught.value.retry_after > 0
        journal.note(Impression("r2", "", "s1", "home", "trending", (), 1.0))
        journal.note(Impression("r3", "", "s1", "home", "trending", (), 1.0))
        journal.note(Impression("r4", "", "s1", "home", "trending", (), 1.0))
        assert journal.impressions_dropped == 1


def test_too_much_unmerged_is_busy_until_it_is_purged(tmp_path: Path) -> None:
    with opened(tmp_path, max_unmerged=2) as journal:
        journal.append_sync([interaction("a"), interaction("b")])
        with pytest.raises(Busy):
            journal.append_sync([interaction("c")])
        journal.align(1)
        journal.append_sync([interaction("c")])


def test_what_waits_at_the_end_is_written(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as journal:
        journal.note(Impression("r1", "", "s1", "home", "trending", (), 1.0))
    with opened(tmp_path) as journal:
        assert [row.kind for row in journal.read(0, 10)] == ["impressions"]


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        pass
    with pytest.raises(StoreError):
        asyncio.run(journal.append([interaction("a")]))
    journal.note(Impression("r1", "", "s1", "home", "trending", (), 1.0))


def test_a_full_disk_refuses_and_recovers_by_itself(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append_sync([interaction("kept")])
        issues = journal._issues
        assert issues is not None
        writer = journal._rows._store._writer.conn
        pages = writer.execute("pragma page_count").fetchone()[0]
        writer.execute(f"pragma max_page_count = {pages}")
        big = [interaction(f"e{number}", metadata='{"x":"' + "y" * 3000 + '"}') for number in range(200)]
        with pytest.raises(DiskFull):
            asyncio.run(journal.append(big))
        with pytest.raises(DiskFull):
            journal.append_sync(big)
        assert [issue.code for issue in issues.open()] == ["disk_full"]
        assert journal.pending == 0
        writer.execute("pragma max_page_count = 1000000")
        journal.append_sync(big)
        assert issues.open() == []
        assert ids(journal.read(0, 1000)) == ["kept", *(event.event_id for event in big)]


def test_a_cancelled_caller_harms_nobody(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        waiting = asyncio.ensure_future(journal.append([interaction("gone")]))
        await asyncio.sleep(0)
        waiting.cancel()
        journal.start()
        await journal.append([interaction("here")])

    with opened(tmp_path, start=False) as journal:
        asyncio.run(main(journal))
        assert ids(journal.read(0, 10)) == ["gone", "here"]


def test_an_empty_journal_gives_its_room_back(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        batch = [interaction(f"e{number}", metadata='{"x":"' + "y" * 3000 + '"}') for number in range(4000)]
        journal.append_sync(batch)
        path = tmp_path / "journal.db"
        journal.align(journal.read(0, 10_000)[-1].seq)
        journal._rows._store.read().conn.execute("select 1")
        sqlite3.connect(path).execute("pragma wal_checkpoint(truncate)").fetchall()
        assert path.stat().st_size > 8 << 20
        journal._tidy()
        sqlite3.connect(path).execute("pragma wal_checkpoint(truncate)").fetchall()
        assert path.stat().st_size < 1 << 20
        journal.append_sync([interaction("next")])
        assert journal.read(0, 1)[0].seq > 4


def test_a_damaged_or_newer_file_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute("insert into schema_version (number, name) values (99, 'later')")
    connection.commit()
    connection.close()
    with pytest.raises(NewerStore):
        opened(tmp_path).__enter__()
    (tmp_path / "journal.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDamaged):
        opened(tmp_path).__enter__()
