"""The parent's side of a build: starts the child, follows its lines, and ends it when it must not go on."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import structlog

import appliance
from appliance.errors import Unavailable
from appliance.ops.build import BuildLine

TIMEOUT_SECONDS = 2 * 3600.0
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 2.0
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

log = structlog.get_logger(__name__)


class BuildFailed(Unavailable):
    """The models could not be built; those in use are untouched."""

    code = "build_failed"


class BuildCancelled(Unavailable):
    """The build was stopped before its end; the models in use are untouched."""

    code = "build_cancelled"


def build_command(snapshot: Path, out: Path, kinds: Sequence[str]) -> list[str]:
    """Return the command line of the child. ``-P``: no file of the current folder may pose as a module."""
    module = [sys.executable, "-P", "-m", "appliance.ops.build", "--end-with-parent"]
    return [*module, "--kinds", ",".join(kinds), str(snapshot), str(out)]


def run_build(
    command: Sequence[str],
    errors: Path,
    on_line: Callable[[BuildLine], None],
    *,
    cancelled: Callable[[], bool] = lambda: False,
    timeout: float = TIMEOUT_SECONDS,
) -> None:
    """Run the child to its end and pass on each line. ``errors`` is a file for what it says on standard error.

    Raises ``BuildFailed`` with the child's own words, its last words, or the signal that ended it; ``BuildCancelled``.
    The child is gone when this returns, however it returns.
    """
    with errors.open("wb") as standard_error:
        child = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=standard_error,
            env=_environment(),
            # Ctrl-C in a terminal reaches the whole group; only the parent decides what becomes of the child.
            start_new_session=True,
        )
    failure = ""

    def follow(line: BuildLine) -> None:
        nonlocal failure
        failure = line.error or failure
        on_line(line)

    try:
        _follow(child, follow, cancelled, time.monotonic() + timeout)
    finally:
        _end(child)
    if child.returncode != 0:
        raise BuildFailed(
            f"The build failed: {failure or _last_words(errors) or _exit_reason(child.returncode)}",
            hint="The models in use stay as they are. Remove the cause and train again.",
        )


def _follow(
    child: subprocess.Popen[bytes], on_line: Callable[[BuildLine], None], cancelled: Callable[[], bool], deadline: float
) -> None:
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    assert child.stdout is not None
    threading.Thread(target=_read, args=(child.stdout, lines), name="build-output", daemon=True).start()
    while True:
        if cancelled():
            raise BuildCancelled("The build was stopped.", hint="Train again.")
        if time.monotonic() > deadline:
            raise BuildFailed("The build took too long and was ended.", hint="Train at a quieter time.")
        try:
            line = lines.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if not line:
            return
        try:
            on_line(msgspec.json.decode(line, type=BuildLine))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            log.debug("build_output_ignored", line=line[:200].decode("utf-8", "replace").rstrip())


def _read(stream: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(b"")


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _environment() -> Mapping[str, Any]:
    # A core stays free for shoppers, whatever the numeric libraries would like to use.
    threads = str(max(1, (os.cpu_count() or 1) - 1))
    root = str(Path(appliance.__file__).parent.parent)
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    return {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, threads), "PYTHONPATH": path}


def _last_words(errors: Path) -> str:
    lines = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _exit_reason(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name if -status in signal.valid_signals() else str(-status)
    return f"ended by {name}" + (" (perhaps for want of memory)" if name == "SIGKILL" else "")
