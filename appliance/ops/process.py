"""Which process owns a data directory: a lock that the system drops with the process, and where that process answers.

``appliance.lock`` is held (flock) by whoever has the stores open. ``process.json`` says where the serving process
answers and carries its local token; without the lock behind it the file is left over from a crash and means nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import msgspec

from appliance.errors import AlreadyRunning, StoreError

LOCK_NAME = "appliance.lock"
PROCESS_NAME = "process.json"
_TRIES = 10
_PAUSE_SECONDS = 0.05


class RunningProcess(msgspec.Struct, frozen=True):
    """The serving process of a data directory."""

    pid: int
    url: str
    """Where it answers on this machine, without a slash at the end."""
    token: str
    """Its admin token, good as long as it runs."""


class ProcessLock:
    """The right to open the stores of a data directory; a context manager."""

    def __init__(self, data_dir: Path, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._data_dir = data_dir
        self._path = data_dir / LOCK_NAME
        self._sleep = sleep
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises ``AlreadyRunning`` naming the owner, ``StoreError`` where no lock can be made."""
        try:
            descriptor = self._open()
        except OSError as error:
            raise StoreError(
                f"The data directory {self._data_dir} cannot be used: {error.strerror}.",
                hint="Check its permissions, or name another one with --data.",
            ) from None
        for attempt in range(_TRIES):
            if _try_lock(descriptor):
                break
            # A command that only looks whether the lock is held may hold it for an instant.
            if attempt + 1 == _TRIES:
                os.close(descriptor)
                raise self._taken()
            self._sleep(_PAUSE_SECONDS)
        self._descriptor = descriptor
        # The number is for people; a full or read-only disk must not keep the shop closed for want of it.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, str(os.getpid()).encode())
        self._forget_process()

    def release(self) -> None:
        """Give the lock back and remove ``process.json``; releasing twice does nothing."""
        if self._descriptor is None:
            return
        self._forget_process()
        os.close(self._descriptor)
        self._descriptor = None

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
        # What is there can still be served. Where the lock was never made, the folder itself can be locked.
        return os.open(self._path if self._path.exists() else self._data_dir, os.O_RDONLY)

    def _forget_process(self) -> None:
        # On a read-only disk it stays; without the lock behind it, it means nothing.
        with contextlib.suppress(OSError):
            (self._data_dir / PROCESS_NAME).unlink(missing_ok=True)

    def __enter__(self) -> ProcessLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _taken(self) -> AlreadyRunning:
        owner = ""
        with contextlib.suppress(OSError):
            owner = self._path.read_text(encoding="ascii", errors="replace").strip()[:20]
        return AlreadyRunning(
            f"Process {owner or 'unknown'} is using the data directory {self._data_dir}.",
            hint="Wait until it is done, stop it, or name another directory with --data.",
        )


def write_process_file(data_dir: Path, running: RunningProcess) -> None:
    """Say where the process answers; only its own user may read the file, which is replaced atomically."""
    beside = data_dir / f"{PROCESS_NAME}.new"
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(running))
    beside.replace(data_dir / PROCESS_NAME)


def read_running(data_dir: Path) -> RunningProcess | None:
    """Return the process that serves a data directory; ``None`` when there is none, or only what a crash left."""
    try:
        running = msgspec.json.decode((data_dir / PROCESS_NAME).read_bytes(), type=RunningProcess)
    except (OSError, msgspec.DecodeError):
        return None
    return running if _is_held(data_dir / LOCK_NAME) else None


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Lock one byte far behind the text; the system drops it when the descriptor closes."""
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Lock the file without waiting; the system drops the lock when the descriptor closes."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
