"""The parent's side of a build, with real child processes that behave badly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from appliance.ops.build import BuildLine
from appliance.ops.builder import BuildCancelled, BuildFailed, build_command, run_build


def child(code: str) -> list[str]:
    return [sys.executable, "-c", f"import os, sys, time\n{code}"]


def lines_of(tmp_path: Path, code: str) -> list[BuildLine]:
    lines: list[BuildLine] = []
    run_build(child(code), tmp_path / "errors", lines.append)
    return lines


def test_lines_arrive_and_foreign_output_is_ignored(tmp_path: Path) -> None:
    code = """print('{"progress": 0.5, "message": "search"}')
print('a library says hello')
print('{"built": "search", "info": {"terms": 3}}', flush=True)"""
    assert lines_of(tmp_path, code) == [
        BuildLine(progress=0.5, message="search"),
        BuildLine(built="search", info={"terms": 3}),
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('print(\'{"error": "The snapshot is empty."}\'); sys.exit(1)', "The snapshot is empty."),
        ("raise MemoryError('no room for the matrix')", "no room for the matrix"),
        ("os.kill(os.getpid(), 9)", "SIGKILL (perhaps for want of memory)"),
        ("os.kill(os.getpid(), 11)", "SIGSEGV"),
        ("os._exit(7)", "exit status 7"),
    ],
)
def test_a_child_that_ends_badly_is_quoted(tmp_path: Path, code: str, words: str) -> None:
    with pytest.raises(BuildFailed) as caught:
        lines_of(tmp_path, code)
    assert words in caught.value.message
    assert "stay as they are" in caught.value.hint


def test_a_noisy_child_does_not_block(tmp_path: Path) -> None:
    assert not lines_of(tmp_path, "sys.stderr.write('x' * 1_000_000); sys.stdout.write('y' * 1_000_000 + chr(10))")


def test_a_child_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="too long"):
        run_build(child("time.sleep(600)"), tmp_path / "errors", lambda _: None, timeout=0.1)
    assert not _children()


def test_cancelling_ends_the_child(tmp_path: Path) -> None:
    started = threading.Event()
    code = "print('{\"progress\": 0.1}', flush=True); time.sleep(600)"
    with pytest.raises(BuildCancelled):
        run_build(child(code), tmp_path / "errors", lambda _: started.set(), cancelled=started.is_set)
    assert not _children()


def test_an_error_of_the_listener_ends_the_child(tmp_path: Path) -> None:
    def refuse(_: BuildLine) -> None:
        raise OSError("the row could not be written")

    with pytest.raises(OSError, match="row"):
        run_build(child("print('{\"progress\": 0.1}', flush=True); time.sleep(600)"), tmp_path / "errors", refuse)
    assert not _children()


@pytest.mark.skipif(os.name != "posix", reason="needs kill")
def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "snapshot.json")  # opening it blocks: the child waits inside the build
    (tmp_path / "products.jsonl").touch()
    command = build_command(tmp_path, tmp_path / "out", ["search"])
    code = f"""import subprocess
builder = subprocess.Popen({command!r}, stdin=subprocess.PIPE)
print(builder.pid, flush=True)
builder.wait()"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        builder = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
    assert psutil.wait_procs([builder], timeout=30)[1] == []


def test_the_builder_runs_at_low_priority_and_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "snapshot.json")
    command = build_command(tmp_path, tmp_path / "out", ["search"])
    niceness: list[int] = []

    def look(_: BuildLine) -> None:
        (process,) = _children()
        niceness.append(process.nice())

    with pytest.raises(BuildCancelled):
        run_build(command, tmp_path / "errors", look, cancelled=lambda: bool(niceness))
    assert niceness[0] >= 10


def _children() -> list[psutil.Process]:
    return psutil.Process().children()
