"""The connection to DuckDB: opened with a locked configuration, one cursor an operation, one writer at a time.

After a fatal error (full disk, I/O) DuckDB refuses everything until it is closed and opened again; ``ensure_open``
does that with a growing pause, and readers get ``StoreError`` meanwhile. The configuration is one that 1.5.6 knows too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import structlog

from appliance import settings
from appliance.errors import ApplianceError, NewerStore, StoreDamaged, StoreError
from appliance.issues import IssueBoard, Severity
from appliance.metrics import Metrics
from appliance.store.migrations import apply_migrations, pending_migrations
from appliance.store.migrations.analytics import MIGRATIONS
from appliance.store.sqlite import is_read_only
from appliance.store.torn_wal import cut_torn_end

log = structlog.get_logger(__name__)

FILE_NAME = "analytics.duckdb"
BACKUP_FOLDER = "backups"
ISSUE = "analytics"
ISSUE_TORN = "analytics:torn"
_SLOW_SECONDS = 1.0
_PORTION = 4096
_DRAIN_SECONDS = 5.0
_MAX_PAUSE = 4.0
_BROKEN = (duckdb.FatalException, duckdb.InternalException, duckdb.IOException)


class Analytics:
    """One DuckDB file with its schema brought up to date. Safe to use from any thread.

    On a read-only file system it opens for reading alone and every write raises ``StoreError``.

    Raises ``NewerStore`` (nothing is changed), ``StoreDamaged`` or ``StoreError`` when the file cannot be opened.
    """

    def __init__(
        self,
        data_dir: Path,
        options: settings.Analytics,
        metrics: Metrics,
        issues: IssueBoard | None = None,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = data_dir / FILE_NAME
        self.backups = data_dir / BACKUP_FOLDER
        """The one folder beside its own that DuckDB may touch."""
        self.read_only = is_read_only(self.path)
        self._options = options
        self._metrics = metrics
        self._issues = issues
        self._now = now
        self._monotonic = monotonic
        self._gate = threading.RLock()
        self._usage = threading.Condition()
        self._in_use = 0
        self._closed = False
        self._retry_at = 0.0
        self._pause = 0.5
        self._broken: Any = None
        self._connection: Any = self._open()

    @property
    def healthy(self) -> bool:
        """Whether the file is open and usable."""
        return self._connection is not None

    def q(self, name: str, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a named query and return all rows. Raises ``StoreError`` while the file cannot be used."""
        with self._timed(name), self._cursor() as cursor:
            return fetched(cursor.execute(sql, list(params)))

    def columns(self, name: str, sql: str, params: Sequence[object] = ()) -> dict[str, np.ndarray[Any, Any]]:
        """Run a named query and return its columns as arrays, in the order of the rows. Raises as ``q`` does."""
        with self._timed(name), self._cursor() as cursor:
            arrays: dict[str, np.ndarray[Any, Any]] = cursor.execute(sql, list(params)).fetchnumpy()
            return arrays

    @contextmanager
    def reading(self, name: str) -> Iterator[Any]:
        """Give a cursor whose statements see one snapshot and may make temporary tables. Raises as ``q`` does."""
        with self._timed(name), self._cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
            finally:
                _quietly(cursor.rollback)

    @contextmanager
    def write(self, name: str) -> Iterator[Any]:
        """Give the one writing cursor: committed and durable at the end of the block, rolled back when it raises.

        A commit that raises may be durable all the same; whoever repeats it must look first (the merger's watermark).
        """
        if self.read_only:
            raise StoreError(f"{FILE_NAME} is on a read-only file system", hint="remount it for writing")
        with self._gate, self._timed(name), self._cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
                cursor.commit()
            except BaseException:
                _quietly(cursor.rollback)
                raise

    def checkpoint(self) -> None:
        """Fold DuckDB's write-ahead log into the file. Raises as ``q`` does."""
        with self._gate:
            self.q("checkpoint", "checkpoint")

    def ensure_open(self) -> bool:
        """Open the file again after a fatal error, with a growing pause between attempts; tell whether it is usable."""
        if self._connection is not None:
            return True
        with self._gate:
            if self._closed or self._monotonic() < self._retry_at:
                return False
            try:
                if not self._let_go():
                    return False
                self._connection = self._open()
            except ApplianceError as error:
                self._retry_at = self._monotonic() + self._pause
                self._pause = min(_MAX_PAUSE, self._pause * 2)
                self._report(error.message)
                return False
        self._pause = 0.5
        log.info("analytics_reopened")
        if self._issues is not None:
            self._issues.cure(ISSUE)
        return True

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it; calling it again does nothing."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            with self._usage:
                if self._connection is not None:
                    self._broken, self._connection = self._connection, None
            if not self._let_go():
                log.warning("analytics_still_in_use")

    def _open(self) -> Any:
        try:
            connection = self._connect_whole()
        except (duckdb.Error, OSError) as error:
            raise _open_error(error) from error
        try:
            if not self.read_only:
                apply_migrations(connection, MIGRATIONS, self._now)
                self.path.chmod(0o600)
            elif pending_migrations(connection, MIGRATIONS):
                raise NewerStore(f"{FILE_NAME} needs an upgrade but is read-only", hint="remount it for writing")
            _lock_down(connection, self.backups)
        except NewerStore:
            connection.close()
            raise
        except (duckdb.Error, OSError) as error:
            connection.close()
            raise _open_error(error) from error
        return connection

    def _connect_whole(self) -> Any:
        """Connect; where a power cut tore the end of the write-ahead log, cut that end off first and say so."""
        try:
            return self._connect()
        except duckdb.Error as error:
            aside = None if self.read_only else cut_torn_end(self.path, str(error), self._now())
            if aside is None:
                raise
        connection = self._connect()
        if self._issues is not None:
            self._issues.report(ISSUE_TORN, "analytics_torn", Severity.WARNING, "analytics", f"kept as {aside.name}")
        return connection

    def _connect(self) -> Any:
        return duckdb.connect(
            str(self.path),
            read_only=self.read_only,
            config={
                "storage_compatibility_version": "v1.5.0",
                "memory_limit": f"{self._options.memory_mb}MB",
                "threads": str(self._options.threads),
                "temp_directory": str(self.path.with_name(FILE_NAME + ".tmp")),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        with self._usage:
            connection = self._connection
            if connection is None:
                raise StoreError(
                    "The interaction log cannot be used at the moment.", hint="It is opened again by itself."
                )
            self._in_use += 1
        try:
            with connection.cursor() as cursor:
                yield cursor
        except _BROKEN as error:
            self._break(error)
            raise StoreError(f"{FILE_NAME} cannot be used: {error}") from error
        finally:
            with self._usage:
                self._in_use -= 1
                self._usage.notify_all()

    def _break(self, error: Exception) -> None:
        with self._usage:
            if self._connection is None:
                return
            self._broken, self._connection = self._connection, None
        self._retry_at = self._monotonic() + self._pause
        self._report(str(error))

    def _let_go(self) -> bool:
        """Close what was broken, once nobody uses it: DuckDB hands out the same instance while a cursor is alive."""
        with self._usage:
            if not self._usage.wait_for(lambda: self._in_use == 0, _DRAIN_SECONDS):
                return False
            broken, self._broken = self._broken, None
        if broken is not None:
            _quietly(broken.close)
        return True

    def _report(self, detail: str) -> None:
        log.error("analytics_broken", error=detail)
        if self._issues is not None:
            self._issues.report(ISSUE, "analytics_off", Severity.ERROR, "analytics", detail[:500])

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - began
            self._metrics.query_seconds.labels(query=name).observe(seconds)
            if seconds > _SLOW_SECONDS:
                log.warning("slow_query", query=name, seconds=round(seconds, 3))


def fetched(result: Any) -> list[tuple[Any, ...]]:
    """Return all rows of a result. Rows are made in portions: DuckDB holds the interpreter while it makes them."""
    rows: list[tuple[Any, ...]] = []
    while portion := result.fetchmany(_PORTION):
        rows += portion
    return rows


def _lock_down(connection: Any, backups: Path) -> None:
    """Keep statements from reaching files or extensions, whatever text gets into them."""
    folder = str(backups).replace("'", "''")
    connection.execute(f"set allowed_directories=['{folder}']")
    connection.execute("set enable_external_access=false")
    connection.execute("set lock_configuration=true")


def _open_error(error: Exception) -> ApplianceError:
    text = str(error)
    if "Could not set lock" in text and isinstance(error, duckdb.IOException):
        return StoreError(f"{FILE_NAME} is open in another program: {text}", hint="Close the other program.")
    if "version number" in text:
        return NewerStore(f"{FILE_NAME} was written by a newer DuckDB: {text}", hint="Install the newer appliance.")
    if isinstance(error, OSError) or "Permission denied" in text or "No space left" in text:
        return StoreError(f"{FILE_NAME} cannot be opened: {text}", hint="Check the disk and the folder's permissions.")
    return StoreDamaged(f"{FILE_NAME} is damaged: {text}", hint="Restore the newest verified backup.")


def _quietly(step: Callable[[], object]) -> None:
    try:
        step()
    except duckdb.Error as error:
        # The transaction or connection is gone already; the error that broke it is on its way up.
        log.debug("duckdb_cleanup_failed", error=str(error))
