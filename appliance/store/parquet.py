"""Parquet files as a stream of rows, read by a DuckDB in memory that may open that one file and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

_FETCH_ROWS = 1000
_MEMORY = "256MB"


class UnreadableParquet(Exception):
    """The file is not Parquet, or a part of it is damaged; the text is the engine's reason."""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _expression(name: str, kind: str) -> str:
    """Times leave as Unix seconds (a time-zone-aware value would need pytz), bytes as nothing."""
    column = _quoted(name)
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return f"epoch({column})"
    if kind == "BLOB":
        return f"try_cast({column} AS VARCHAR)"
    return column


class ParquetFile:
    """One Parquet file, opened for reading. Memory does not grow with its length."""

    def __init__(self, path: Path) -> None:
        """Open a file; raises ``UnreadableParquet``."""
        self._path = str(path.resolve())
        options: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY,
            "threads": "1",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        self._connection = duckdb.connect(":memory:", config=options)
        try:
            literal = self._path.replace("'", "''")
            self._connection.execute(f"SET allowed_paths=['{literal}']")
            self._connection.execute("SET enable_external_access=false")
            self._connection.execute("SET lock_configuration=true")
            described = self._query("DESCRIBE SELECT * FROM read_parquet(?)").fetchall()
        except BaseException:
            self._connection.close()
            raise
        self._kinds = {str(row[0]): str(row[1]) for row in described}

    @property
    def columns(self) -> list[str]:
        """The column names in order."""
        return list(self._kinds)

    def verify(self) -> int:
        """Read every page of the file once and return the number of rows; raises ``UnreadableParquet``."""
        row = self._query("SELECT count(*), bit_xor(hash(*COLUMNS(*))) FROM read_parquet(?)").fetchone()
        return int(row[0]) if row else 0

    def rows(self, columns: list[str]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows in file order with the values of ``columns``; raises ``UnreadableParquet``."""
        chosen = ", ".join(_expression(name, self._kinds[name]) for name in columns)
        cursor = self._query(f"SELECT {chosen} FROM read_parquet(?)")  # noqa: S608 (quoted names of the file itself)
        while batch := self._fetch(cursor):
            yield from batch

    def close(self) -> None:
        """Close the reader."""
        self._connection.close()

    def __enter__(self) -> ParquetFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _query(self, sql: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(sql, [self._path])
        except duckdb.Error as error:
            raise UnreadableParquet(str(error).partition("\n")[0]) from None

    @staticmethod
    def _fetch(cursor: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
        try:
            return cursor.fetchmany(_FETCH_ROWS)
        except duckdb.Error as error:
            raise UnreadableParquet(str(error).partition("\n")[0]) from None
