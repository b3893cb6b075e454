"""One SQLite file: one writer behind a lock, one read connection a thread, and one place that names what went wrong."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlite_utils
import structlog

from appliance.errors import ApplianceError, Busy, DiskFull, StoreDamaged, StoreError
from appliance.store.migrations import Migration, apply_migrations, pending_migrations

log = structlog.get_logger(__name__)

Transaction = sqlite_utils.Database
"""A transaction that is open: what rooms without SQL hand from one function of the store to another."""

BUSY_TIMEOUT_MS = 5000
WAL_SIZE_LIMIT = 16 << 20
"""Bytes to which the write-ahead log is cut back after a checkpoint."""
WRITER_CACHE_KIB = 16 * 1024
_NO_ROOM = 1 << 20
"""Below this many free bytes an I/O error is taken for a full disk."""


class SqliteStore:
    """One database file with its schema brought up to date.

    Writes go through ``write``, one at a time; reads through ``reading`` (or ``read``) on a connection of the calling
    thread. On a read-only file system the store opens for reading alone and every write raises ``StoreError``.

    Raises ``NewerStore`` (nothing is changed), ``StoreDamaged``, ``DiskFull`` or ``StoreError`` when it cannot open.
    """

    def __init__(
        self,
        path: Path,
        migrations: Sequence[Migration[sqlite_utils.Database]],
        *,
        quick_check: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self.read_only = is_read_only(path)
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: weakref.WeakSet[_Reader] = weakref.WeakSet()
        self._closed = False
        with translated_errors(path):
            self._refuse_newer(migrations)
            self._writer = self._open_reader() if self.read_only else _open_writer(path)
            try:
                if quick_check:
                    _quick_check(self._writer, path)
                if not self.read_only:
                    apply_migrations(self._writer, migrations, now)
            except BaseException:
                self._writer.close()
                raise

    @contextmanager
    def write(self) -> Iterator[sqlite_utils.Database]:
        """Run a transaction: committed and durable at the end of the block, rolled back when it raises.

        Other threads wait; a nested call of the same thread becomes a savepoint. Raises ``DiskFull``,
        ``StoreDamaged`` or ``StoreError`` when SQLite cannot write; the store stays usable once the cause is gone.
        """
        with self._lock, translated_errors(self.path):
            self._require_open()
            if self.read_only:
                raise StoreError(f"{self.path.name} is on a read-only file system", hint="remount it for writing")
            database = self._writer
            if database.conn.in_transaction:
                with database.atomic():
                    yield database
                return
            database.conn.execute("begin immediate")
            try:
                yield database
                database.commit()
            except BaseException:
                database.rollback()
                raise

    def read(self) -> sqlite_utils.Database:
        """Return this thread's read-only connection; each statement sees the newest commit."""
        self._require_open()
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            with translated_errors(self.path):
                reader = self._local.reader = _Reader(self._open_reader())
            self._readers.add(reader)
        return reader.database

    @contextmanager
    def reading(self) -> Iterator[sqlite_utils.Database]:
        """Run statements that all see one snapshot; keep it short, an open snapshot holds the log's space."""
        database = self.read()
        with translated_errors(self.path), database.atomic():
            yield database

    def close(self) -> None:
        """Close every connection and fold the write-ahead log into the file; calling it again does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for reader in list(self._readers):
                reader.close()
            try:
                if not self.read_only:
                    self._writer.execute("pragma wal_checkpoint(truncate)").fetchall()
            except sqlite3.Error as error:
                log.warning("checkpoint_failed", store=self.path.name, error=str(error))
            finally:
                self._writer.close()

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self.path.name} is closed")

    def _refuse_newer(self, migrations: Sequence[Migration[sqlite_utils.Database]]) -> None:
        """Look at the version through a read-only connection, so that a refused file keeps every byte."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return
        try:
            database = self._open_reader()
        except sqlite3.OperationalError:
            if self.read_only or not self.path.with_name(f"{self.path.name}-journal").exists():
                raise
            # Killed while the file was made: only a writer can roll that back, and it looks at the version too.
            return
        try:
            pending = pending_migrations(database, migrations)
        finally:
            database.close()
        if pending and self.read_only:
            raise StoreError(f"{self.path.name} needs an upgrade but is read-only", hint="remount it for writing")

    def _open_reader(self) -> sqlite_utils.Database:
        try:
            return _open_read_only(self.path, "mode=ro")
        except sqlite3.OperationalError:
            if not self.read_only:
                raise
            # Without write access SQLite cannot make the shared memory of a write-ahead log; the main file alone is
            # the state of the last checkpoint.
            return _open_read_only(self.path, "immutable=1")


class _Reader:
    """A read connection that closes when its thread ends or the store does, whichever comes first."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self.database = database
        self.close = weakref.finalize(self, database.close)


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about disk, file and integrity into ours; others are bugs and pass unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        known = _translated(error, path)
        if known is None:
            raise
        raise known from error


def _translated(error: sqlite3.Error, path: Path) -> ApplianceError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    name = path.name
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_room(path)):
        return DiskFull(f"no room left to write {name}", hint="free some disk space; nothing of the request was kept")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(f"{name} is damaged: {error}", hint="restore the newest verified backup")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(f"{name} is locked by another program", retry_after=1.0, hint="close what else has it open")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM):
        return StoreError(f"{name} cannot be used: {error}", hint="check the disk and the folder's permissions")
    return None


def is_read_only(path: Path) -> bool:
    """Tell whether a file that is there can be read only, or nothing be written beside it.

    The file is opened for that: a file system that turned read-only over an error still says that writing is allowed.
    """
    if not path.exists():
        return False
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return True
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError as error:
        return error.errno == errno.EROFS
    return False


def _no_room(path: Path) -> bool:
    try:
        state = os.statvfs(path.parent)
    except OSError:
        return False
    return state.f_bavail * state.f_frsize < _NO_ROOM


def _open_writer(path: Path) -> sqlite_utils.Database:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"{path.name} cannot be opened: {error}", hint="check the folder's permissions") from error
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database = sqlite_utils.Database(connection)
    try:
        connection.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")
        mode = connection.execute("pragma journal_mode = wal").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{path.name} cannot keep a write-ahead log here", hint="use a local disk, not a share")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma secure_delete = on")
        connection.execute(f"pragma journal_size_limit = {WAL_SIZE_LIMIT}")
        connection.execute(f"pragma cache_size = -{WRITER_CACHE_KIB}")
    except BaseException:
        database.close()
        raise
    return database


def _open_read_only(path: Path, mode: str) -> sqlite_utils.Database:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    database = sqlite_utils.Database(connection)
    try:
        connection.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("pragma query_only = on")
        connection.execute("select count(*) from sqlite_master").fetchone()
    except BaseException:
        database.close()
        raise
    return database


def _quick_check(database: sqlite_utils.Database, path: Path) -> None:
    verdict = database.execute("pragma quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StoreDamaged(f"{path.name} is damaged: {verdict}", hint="restore the newest verified backup")
