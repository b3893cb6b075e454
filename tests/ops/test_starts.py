"""Three crashes in a row lead to safe mode; being killed from outside does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from appliance.ops.starts import StartGuard


def _die_while_starting(data: Path) -> bool:
    return StartGuard(data).begin()


def test_three_starts_that_never_got_ready_lead_to_safe_mode(tmp_path: Path) -> None:
    assert [_die_while_starting(tmp_path) for _ in range(4)] == [False, False, False, True]


def test_a_process_killed_after_it_was_ready_did_not_crash(tmp_path: Path) -> None:
    for _ in range(5):
        guard = StartGuard(tmp_path)
        assert not guard.begin()
        guard.ready()


def test_an_orderly_stop_forgets_earlier_crashes(tmp_path: Path) -> None:
    _die_while_starting(tmp_path)
    _die_while_starting(tmp_path)
    guard = StartGuard(tmp_path)
    guard.begin()
    guard.stopped()
    assert [_die_while_starting(tmp_path) for _ in range(4)] == [False, False, False, True]


def test_unhandled_errors_count_as_crashes(tmp_path: Path) -> None:
    for _ in range(3):
        guard = StartGuard(tmp_path)
        guard.begin()
        guard.ready()
        guard.failed()
    assert StartGuard(tmp_path).begin()


def test_a_fatal_signal_leaves_a_trace_that_counts(tmp_path: Path) -> None:
    code = (
        "import faulthandler, sys; from pathlib import Path; from appliance.ops.starts import StartGuard;"
        "guard = StartGuard(Path(sys.argv[1])); guard.begin(); guard.ready(); faulthandler._sigsegv()"
    )
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=False)
        assert done.returncode < 0
    assert StartGuard(tmp_path).begin()


def test_a_damaged_record_is_a_fresh_start(tmp_path: Path) -> None:
    (tmp_path / "starts.json").write_bytes(b"\x00garbage")
    assert not StartGuard(tmp_path).begin()
