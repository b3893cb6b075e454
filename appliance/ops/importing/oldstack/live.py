"""The old stack's own database as a source of rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from appliance.ops.importing.columns import OLD_INTERACTIONS, place, require
from appliance.ops.importing.faults import FileFault, RowFault
from appliance.ops.importing.oldstack.tables import INTERACTIONS, TABLES
from appliance.ops.importing.rows import RAW_SHOWN, BadRow, Row
from appliance.ops.importing.source import Progress
from appliance.store.postgres import (
    MAX_CELL,
    BadAddress,
    MissingDriver,
    PostgresReader,
    PostgresTable,
    UnreadablePostgres,
)

_ADDRESS = re.compile(r"postgres(?:ql)?://|(?:host|hostaddr|port|dbname|user|service)\s*=", re.IGNORECASE)
_TOLD_EVERY = 1000


def is_address(text: str) -> bool:
    """Whether a text is meant as the address of a database and not as a path."""
    return _ADDRESS.match(text) is not None


@contextmanager
def open_database(dsn: str) -> Iterator[tuple[str, list[LiveTable]]]:
    """Hand out the database's name and the stack's tables in it. Raises ``FileFault``, also while rows are read."""
    try:
        with PostgresReader(dsn) as reader:
            tables = [LiveTable(reader, table) for table in reader.tables(list(TABLES))]
            if not tables:
                raise FileFault("old_no_tables", file=reader.label)
            yield reader.label, tables
    except MissingDriver:
        raise FileFault("postgres_driver") from None
    except BadAddress:
        raise FileFault("postgres_address") from None
    except UnreadablePostgres as error:
        raise FileFault("postgres", reason=str(error)) from None


class LiveTable:
    """A table in the database; the line of a row is its place in the reading, from 1."""

    def __init__(self, reader: PostgresReader, table: PostgresTable) -> None:
        self.name = table.name
        self.where = reader.label
        self.names: Sequence[str] = table.columns
        self._reader = reader
        self._table = table
        if table.name == INTERACTIONS:
            require(list(table.columns), place(table.columns, OLD_INTERACTIONS), OLD_INTERACTIONS, reader.label)

    def rows(self, progress: Progress | None = None) -> Iterator[Row | BadRow]:
        """Yield the rows by our column names."""
        places = place(self.names, OLD_INTERACTIONS)
        columns, total = tuple(places), self.count()
        chosen = [self.names[place] for place in places.values()]
        for number, cells in enumerate(self._reader.rows(self._table, chosen), 1):
            yield _row(number, columns, cells)
            if progress is not None and number % _TOLD_EVERY == 0:
                progress(min(number, total), total)

    def count(self) -> int:
        """Return how many rows the table has."""
        return self._reader.count(self._table)


def _row(number: int, columns: Sequence[str], cells: Sequence[str | None]) -> Row | BadRow:
    for column, cell in zip(columns, cells, strict=True):
        if cell is not None and len(cell) >= MAX_CELL:
            fault = RowFault("text_long", column, length=len(cell), limit=MAX_CELL - 1)
            return BadRow(number, fault, "\t".join(cell or "" for cell in cells)[:RAW_SHOWN])
    return Row(number, dict(zip(columns, cells, strict=True)), "")
