"""Group commit for small writes that nobody waits for: one transaction, and one wait for the disk, for many."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import sqlite_utils
import structlog

from appliance.errors import ApplianceError
from appliance.store.sqlite import SqliteStore, translated_errors

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 0.05
MAX_WAITING = 10_000
_RETRY_SECONDS = 1.0

Write = Callable[[sqlite_utils.Database], object]
T = TypeVar("T")


class GroupWriter:
    """Runs writes in the order in which they were handed in. Safe to use from any thread.

    ``later`` returns at once; its write is on the disk within ``FLUSH_SECONDS`` or at ``flush``, ``now`` or ``close``,
    so that a crash loses at most the last 50 ms. While the disk cannot be written, up to ``MAX_WAITING`` writes wait;
    then the oldest are given up and counted in ``dropped``. The thread starts with the first write.
    """

    def __init__(self, store: SqliteStore, *, interval: float = FLUSH_SECONDS, most: int = MAX_WAITING) -> None:
        self._store = store
        self._interval = interval
        self._most = most
        self._waiting: deque[Write] = deque()
        self._lock = threading.Lock()
        self._writing = threading.RLock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._busy = False
        """Whether a batch is being written: it waits no more and cannot be read yet."""
        self.dropped = 0
        """Writes given up since the start because the disk stayed unusable."""

    @property
    def waiting(self) -> int:
        """Writes that are not on the disk yet."""
        return len(self._waiting)

    def later(self, write: Write) -> None:
        """Hand in a write that may wait. Past the bound the caller writes what waits, and never fails over it.

        On a read-only file system it is let go at once: memory is all there is.
        """
        if self._store.read_only:
            self.dropped += 1
            return
        with self._lock:
            self._waiting.append(write)
            full = len(self._waiting) > self._most
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="group-writer", daemon=True)
                self._thread.start()
        self._wake.set()
        if full or self._closing.is_set():
            self._try_flush()
            self._shed()

    def now(self, write: Callable[[sqlite_utils.Database], T]) -> T:
        """Run a write in the caller after all that waits and return its result once it is durable.

        Raises what ``SqliteStore.write`` raises, and then nothing of it was kept.
        """
        with self._writing:
            self.flush()
            with self._store.write() as db:
                return write(db)

    def flush(self) -> None:
        """Write all that waits, and wait for what another thread writes.

        Raises what ``SqliteStore.write`` raises; the writes then wait on and are tried again.
        """
        with self._writing:
            with self._lock:
                batch = list(self._waiting)
                self._busy = bool(batch)
                self._waiting.clear()
            if not batch and not self._store.read_only:
                return
            try:
                self._write(batch)
            except BaseException:
                with self._lock:
                    self._waiting.extendleft(reversed(batch))
                raise
            finally:
                self._busy = False

    def settle(self) -> None:
        """Write all that waits before a read, and wait for what another thread writes.

        A disk that cannot be written does not keep from reading.
        """
        if self._waiting or self._busy:
            self._try_flush()

    def close(self) -> None:
        """Write what waits and stop. Raises nothing; what the disk does not take is logged."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self.settle()
        if self._waiting:
            log.error("writes_lost", count=len(self._waiting))

    def _write(self, batch: list[Write]) -> None:
        """Run a batch in one transaction; a write that fails by itself is undone alone and logged."""
        with self._store.write() as db:
            for write in batch:
                try:
                    with translated_errors(self._store.path), db.atomic():
                        write(db)
                except ApplianceError:
                    raise
                except Exception:
                    # It can never succeed, as over a constraint; the others of the batch must not wait for it.
                    log.exception("write_refused")

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._closing.wait(self._interval):
                return
            while not self._try_flush():
                self._shed()
                if self._closing.wait(_RETRY_SECONDS):
                    return

    def _try_flush(self) -> bool:
        try:
            self.flush()
        except ApplianceError as error:
            log.warning("writes_wait", count=len(self._waiting), error=error.message)
            return False
        return True

    def _shed(self) -> None:
        with self._lock:
            while len(self._waiting) > self._most:
                self._waiting.popleft()
                self.dropped += 1
