"""The lock and the process file of a data directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import AlreadyRunning, StoreError
from appliance.ops.process import PROCESS_NAME, ProcessLock, RunningProcess, read_running, write_process_file

_HOLD = """
import sys
from pathlib import Path
from appliance.ops.process import ProcessLock, RunningProcess, write_process_file
import os
folder = Path(sys.argv[1])
ProcessLock(folder).acquire()
write_process_file(folder, RunningProcess(os.getpid(), "http://127.0.0.1:1", "adm_x"))
print("held", flush=True)
sys.stdin.read()
"""


def _holder(folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_second_owner_is_told_who_has_the_directory(tmp_path: Path) -> None:
    holder = _holder(tmp_path)
    try:
        with pytest.raises(AlreadyRunning, match=str(holder.pid)):
            ProcessLock(tmp_path, sleep=lambda _: None).acquire()
        assert read_running(tmp_path) == RunningProcess(holder.pid, "http://127.0.0.1:1", "adm_x")
    finally:
        holder.kill()
        holder.communicate()


def test_a_killed_process_leaves_nothing_that_counts(tmp_path: Path) -> None:
    holder = _holder(tmp_path)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert (tmp_path / PROCESS_NAME).exists()
    assert read_running(tmp_path) is None
    with ProcessLock(tmp_path):
        pass


def test_release_removes_the_process_file_and_lets_the_next_in(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path)
    lock.acquire()
    write_process_file(tmp_path, RunningProcess(os.getpid(), "http://127.0.0.1:1", "adm_x"))
    assert (tmp_path / PROCESS_NAME).stat().st_mode & 0o777 == 0o600
    lock.release()
    lock.release()
    assert not (tmp_path / PROCESS_NAME).exists()
    with ProcessLock(tmp_path):
        assert read_running(tmp_path) is None


def test_a_damaged_process_file_means_no_process(tmp_path: Path) -> None:
    with ProcessLock(tmp_path):
        (tmp_path / PROCESS_NAME).write_bytes(b"{half")
        assert read_running(tmp_path) is None


def test_a_directory_that_cannot_be_used_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used") as caught:
        ProcessLock(tmp_path / "absent").acquire()
    assert "--data" in caught.value.hint


def test_a_process_file_left_by_a_crash_does_not_speak_for_the_next_owner(tmp_path: Path) -> None:
    write_process_file(tmp_path, RunningProcess(1, "http://127.0.0.1:1", "adm_old"))
    with ProcessLock(tmp_path):
        assert read_running(tmp_path) is None
