"""The cache: JSON values with a time to live, in memory in front and on disk behind.

It is disposable: a damaged or missing folder is a miss, then an empty cache and an issue, never an error of the
caller's. Reads come from memory or one small SQLite read; every write to the disk is done by a thread of its own.
"""

from __future__ import annotations

import queue
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diskcache
import msgspec
import structlog

from appliance import settings
from appliance.issues import IssueBoard, Severity
from appliance.metrics import Metrics
from appliance.store.cache_front import Front
from appliance.store.safe_disk import SafeDisk

log = structlog.get_logger(__name__)

ISSUE = "cache"
_QUEUE = 5000
_RETRY_SECONDS = 30.0
_DAMAGE = (sqlite3.Error, diskcache.Timeout, OSError, ValueError, msgspec.DecodeError, TypeError, KeyError)

Step = Callable[[], None]


class Cache:
    """Safe to use from any thread. Values must be what JSON can hold; what comes back is what JSON makes of them."""

    def __init__(
        self,
        folder: Path,
        options: settings.Cache,
        metrics: Metrics,
        issues: IssueBoard,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._size = options.size_mb << 20
        self._issues = issues
        self._now = now
        self._monotonic = monotonic
        self._hits = metrics.cache_requests.labels(result="hit")
        self._misses = metrics.cache_requests.labels(result="miss")
        self._front = Front(monotonic)
        self._disk: diskcache.Cache | None = None
        self._inode = 0
        self._retry_at = 0.0
        self._damaged = False
        self._dropping: Counter[str] = Counter()
        """Tags that the disk has yet to drop."""
        self._emptying = 0
        self._lock = threading.Lock()
        self._steps: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
        self._closed = False
        self._open()
        self._thread = threading.Thread(target=self._run, name="cache", daemon=True)
        self._thread.start()

    def get(self, key: str) -> Any | None:
        """Return the value of a key, or ``None`` when there is none that is still valid."""
        value = self._front.get(key)
        if value is None:
            value = self._from_disk(key)
        (self._misses if value is None else self._hits).inc()
        return value

    def set(self, key: str, value: Any, expire: float, tag: str | None = None) -> None:
        """Keep a value for ``expire`` seconds. The disk gets it soon after, or not at all when it cannot keep up."""
        encoded = msgspec.json.encode(value)
        self._front.set(key, msgspec.json.decode(encoded), expire, tag)
        entry = [self._now(), expire, tag, msgspec.Raw(encoded)]
        self._later(lambda: self._write(key, entry, expire, tag), droppable=True)

    def fresh(self, tag: str) -> int:
        """Return how many entries of a tag are valid in memory: whether a visitor's cache still holds."""
        return self._front.fresh(tag)

    def evict_tag(self, tag: str) -> None:
        """Drop every entry of a tag; none is given out from now on."""
        self._front.evict_tag(tag)
        with self._lock:
            self._dropping[tag] += 1
        self._later(lambda: self._evict(tag))

    def clear(self) -> None:
        """Drop everything; nothing of it is given out from now on."""
        self._front.clear()
        with self._lock:
            self._emptying += 1
        self._later(self._clear)

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until the disk has what was handed over; tell whether that was reached in time."""
        done = threading.Event()
        self._later(done.set)
        return done.wait(timeout)

    def close(self) -> None:
        """Write what waits and close the files; calling it again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._steps.put(None)
        self._thread.join(10.0)
        disk, self._disk = self._disk, None
        if disk is not None:
            disk.close()

    def _from_disk(self, key: str) -> Any | None:
        disk, epoch = self._disk, self._front.epoch
        if disk is None or self._emptying:
            return None
        try:
            if not self._present():
                raise OSError("the cache folder is gone")
            entry = disk.get(key)
            if entry is None:
                return None
            written, lifetime, tag, value = entry
            age = self._now() - written
            # A clock that was set back makes an entry look as if it came from the future.
            if not 0 <= age < lifetime or tag in self._dropping:
                return None
        except _DAMAGE as error:
            self._lose(error)
            return None
        self._front.adopt(key, value, lifetime - age, tag, epoch)
        return value

    def _later(self, step: Step, *, droppable: bool = False) -> None:
        if self._closed:
            return
        if droppable and self._steps.qsize() > _QUEUE:
            log.debug("cache_write_dropped")
            return
        self._steps.put(step)

    def _run(self) -> None:
        while (step := self._steps.get()) is not None:
            try:
                if self._disk is None or not self._present():
                    self._reopen()
                step()
            except _DAMAGE as error:
                self._lose(error)

    def _write(self, key: str, entry: list[Any], expire: float, tag: str | None) -> None:
        if self._disk is not None:
            self._disk.set(key, entry, expire=expire, tag=tag)
            if self._damaged:
                self._damaged = False
                self._issues.cure(ISSUE)
                log.info("cache_recovered")

    def _evict(self, tag: str) -> None:
        try:
            if self._disk is not None:
                self._disk.evict(tag)
        finally:
            with self._lock:
                self._dropping[tag] -= 1
                if not self._dropping[tag]:
                    del self._dropping[tag]

    def _clear(self) -> None:
        try:
            if self._disk is not None:
                self._disk.clear()
        finally:
            with self._lock:
                self._emptying -= 1

    def _present(self) -> bool:
        """Tell whether the file that is open is still the one in the folder."""
        try:
            return (self._folder / "cache.db").stat().st_ino == self._inode
        except OSError:
            return False

    def _lose(self, error: Exception) -> None:
        """Stop using the disk; the thread opens an empty one."""
        if self._disk is None:
            return
        self._disk = None
        self._report(error)
        self._later(_nothing, droppable=True)

    def _report(self, error: Exception) -> None:
        self._damaged = True
        log.warning("cache_lost", error=str(error))
        self._issues.report(ISSUE, "cache_lost", Severity.WARNING, "cache", str(error)[:300])

    def _reopen(self) -> None:
        if self._disk is not None:
            self._disk = None
            self._report(OSError("the cache folder is gone"))
        if self._monotonic() < self._retry_at:
            return
        self._retry_at = self._monotonic() + _RETRY_SECONDS
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._open():
            self._retry_at = 0.0

    def _open(self) -> bool:
        """Open the folder, or an empty one in its place; tell whether either could be done."""
        for attempt in (1, 2):
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._folder.chmod(0o700)
                disk = diskcache.Cache(
                    str(self._folder),
                    disk=SafeDisk,
                    size_limit=self._size,
                    eviction_policy="least-recently-stored",
                    tag_index=True,
                    sqlite_mmap_size=0,
                    timeout=2,
                )
                disk.get("probe")
                self._inode = (self._folder / "cache.db").stat().st_ino
            except _DAMAGE as error:
                self._report(error)
                if attempt == 1:
                    shutil.rmtree(self._folder, ignore_errors=True)
            else:
                self._disk = disk
                return True
        return False


def _nothing() -> None:
    """Wake the thread, which looks after the disk before each step."""
