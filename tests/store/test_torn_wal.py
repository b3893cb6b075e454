"""A write-ahead log torn by a power cut: opened up to the tear, the rest kept aside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import StoreDamaged
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.settings import Analytics as AnalyticsSettings
from appliance.store.analytics import FILE_NAME, Analytics
from appliance.store.torn_wal import cut_torn_end

COMMITS = 40
INSERT = "insert into session_links (session_id, user_id, linked_at, seq) values (?, 'u', '2025-01-01', ?)"
WRITE = f"""
import os, sys
from pathlib import Path
from appliance.metrics import Metrics
from appliance.settings import Analytics as Options
from appliance.store.analytics import Analytics
store = Analytics(Path(sys.argv[1]), Options(), Metrics())
for number in range({COMMITS}):
    with store.write("test") as cursor:
        cursor.execute({INSERT!r}, [f"s{{number}}", number])
os._exit(0)
"""


def _killed_log(folder: Path) -> Path:
    subprocess.run([sys.executable, "-c", WRITE, str(folder)], check=True)
    return folder / f"{FILE_NAME}.wal"


def _open(folder: Path, issues: IssueBoard | None = None) -> Analytics:
    return Analytics(folder, AnalyticsSettings(), Metrics(), issues or IssueBoard())


def _links(store: Analytics) -> list[int]:
    return [row[0] for row in store.q("test", "select seq from session_links order by seq")]


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_commits_before_the_tear_are_there_and_the_log_is_kept_aside(tmp_path: Path, share: float) -> None:
    wal = _killed_log(tmp_path)
    whole = wal.read_bytes()
    at = int(len(whole) * share)
    torn = whole[:at] + bytes(min(200, len(whole) - at)) + whole[at + 200 :]
    wal.write_bytes(torn)
    issues = IssueBoard()
    store = _open(tmp_path, issues)
    found = _links(store)
    assert found == list(range(len(found)))
    assert len(found) >= COMMITS * (share - 0.4)
    (aside,) = tmp_path.glob("*.torn-*")
    assert aside.read_bytes() == torn
    assert aside.stat().st_mode & 0o777 == 0o600
    assert [issue.code for issue in issues.open()] == ["analytics_torn"]
    with store.write("test") as cursor:
        cursor.execute(INSERT, ["new", 1000])
    store.close()
    again = _open(tmp_path)
    assert _links(again) == [*found, 1000]
    again.close()


def test_a_log_that_ends_early_is_no_reason_to_cut(tmp_path: Path) -> None:
    wal = _killed_log(tmp_path)
    os.truncate(wal, wal.stat().st_size - 7)
    store = _open(tmp_path)
    assert _links(store) == list(range(COMMITS - 1))
    assert not list(tmp_path.glob("*.torn-*"))
    store.close()


def test_other_damage_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreDamaged):
        _open(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == b"garbage" * 1000
    assert cut_torn_end(tmp_path / FILE_NAME, "not a valid DuckDB database file", 0.0) is None
