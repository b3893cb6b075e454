"""Tables of a foreign PostgreSQL, read as one consistent picture in a transaction that can write nothing.

The driver is an extra (``postgres``) and is loaded when a database is opened. Every value leaves the server as text,
cut to a bound: one cell, a date that Python has no word for, or a JSON document of any size cannot end the reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import NamedTuple

MAX_CELL = 20_000
"""Characters of a value that are read; one of this length may have been longer."""
_FETCH_ROWS = 1000
_CONNECT_SECONDS = 15
_WHERE = re.compile(r"^connection failed: |connection to server at .* failed: |^connection is bad: ")
"""How the driver begins; what is wrong stands behind it."""
_TABLES = """
select n.nspname, c.relname, c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = any(%s) and c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_'
order by pg_catalog.pg_table_is_visible(c.oid) desc, n.nspname"""
_COLUMNS = """
select attname from pg_catalog.pg_attribute where attrelid = %s and attnum > 0 and not attisdropped order by attnum"""


class MissingDriver(Exception):
    """The extra ``postgres`` is not installed."""


class BadAddress(Exception):
    """The text is no address of a database. It is not repeated, because it may hold a password."""


class UnreadablePostgres(Exception):
    """The server cannot be reached, or refuses; the text is its reason, without the password."""


class PostgresTable(NamedTuple):
    """A table as the server names it."""

    schema: str
    name: str
    columns: tuple[str, ...]


class PostgresReader:
    """One connection with one read-only snapshot; memory does not grow with the tables."""

    def __init__(self, dsn: str) -> None:
        """Connect. Raises ``MissingDriver``, ``BadAddress`` or ``UnreadablePostgres``."""
        try:
            import psycopg
            from psycopg import conninfo, sql
        except ImportError:
            raise MissingDriver from None
        self._psycopg, self._sql = psycopg, sql
        try:
            parts = conninfo.conninfo_to_dict(dsn)
        except (psycopg.ProgrammingError, UnicodeError):
            raise BadAddress from None
        self._secret = str(parts.get("password") or "")
        try:
            self._connection = psycopg.connect(
                dsn, **{"connect_timeout": _CONNECT_SECONDS, "client_encoding": "UTF8"} | _chosen(parts)
            )
            self._begin()
            info = self._connection.info
            self.label = f"{info.dbname}@{info.host or 'localhost'}"
            """The database and its server, as they may be shown."""
        except (psycopg.Error, UnicodeError) as error:
            raise self._unreadable(error) from None

    def tables(self, names: Sequence[str]) -> list[PostgresTable]:
        """Return those of the tables that there are: of one name, the first that the search path finds."""
        found: dict[str, PostgresTable] = {}
        with self._connection.cursor() as cursor:
            try:
                for schema, name, oid in cursor.execute(_TABLES, [list(names)]).fetchall():
                    if name not in found:
                        columns = tuple(row[0] for row in cursor.execute(_COLUMNS, [oid]).fetchall())
                        found[name] = PostgresTable(schema, name, columns)
            except self._psycopg.Error as error:
                raise self._unreadable(error) from None
        return [found[name] for name in names if name in found]

    def count(self, table: PostgresTable) -> int:
        """Return how many rows a table has. Raises ``UnreadablePostgres``."""
        query = self._sql.SQL("select count(*) from {}").format(self._sql.Identifier(table.schema, table.name))
        with self._connection.cursor() as cursor:
            try:
                return int(cursor.execute(query).fetchone()[0])
            except self._psycopg.Error as error:
                raise self._unreadable(error) from None

    def rows(self, table: PostgresTable, columns: Sequence[str]) -> Iterator[tuple[str | None, ...]]:
        """Yield the values of some columns, fetched by a cursor of the server. Raises ``UnreadablePostgres``."""
        sql = self._sql
        chosen = sql.SQL(", ").join(
            sql.SQL("left({}::text, {})").format(sql.Identifier(column), sql.Literal(MAX_CELL)) for column in columns
        )
        query = sql.SQL("select {} from {}").format(chosen, sql.Identifier(table.schema, table.name))
        try:
            with self._connection.cursor(name="appliance_import") as cursor:
                cursor.itersize = _FETCH_ROWS
                cursor.execute(query)
                yield from cursor
        except (self._psycopg.Error, UnicodeError) as error:
            raise self._unreadable(error) from None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> PostgresReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> None:
        connection = self._connection
        connection.read_only = True
        connection.isolation_level = self._psycopg.IsolationLevel.REPEATABLE_READ
        for setting in (
            "datestyle = 'ISO, YMD'",
            "timezone = 'UTC'",
            "statement_timeout = 0",
            "extra_float_digits = 1",
        ):
            connection.execute(f"set local {setting}")

    def _unreadable(self, error: Exception) -> UnreadablePostgres:
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        reason = _WHERE.sub("", lines[0].strip())
        return UnreadablePostgres(reason.replace(self._secret, "***") if self._secret else reason)


def _chosen(parts: dict[str, object]) -> dict[str, object]:
    """Return what the address itself says of what else gets a default here."""
    return {name: parts[name] for name in ("connect_timeout",) if name in parts}
