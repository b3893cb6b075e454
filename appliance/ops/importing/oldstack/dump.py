"""Plain dumps of ``pg_dump``: a script whose ``COPY … FROM stdin`` blocks hold the rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.ops.importing.columns import OLD_INTERACTIONS, place, require
from appliance.ops.importing.faults import FileFault
from appliance.ops.importing.oldstack.copy_text import END, copied_row
from appliance.ops.importing.oldstack.tables import INTERACTIONS, TABLES, OldTable
from appliance.ops.importing.rows import BadRow, Row
from appliance.ops.importing.source import Progress, Sample, SourceFile

_NAME = r'(?:"(?:[^"]|"")+"|[^\s".(]+)'
_COPY = re.compile(rf"COPY (?:{_NAME}\.)?({_NAME}) ?(?:\((.*)\) )?FROM stdin\b", re.IGNORECASE)
_INSERT = re.compile(rf"INSERT INTO (?:{_NAME}\.)?({_NAME})[ (]", re.IGNORECASE)
_COLUMN = re.compile(_NAME)
_MARKS = ("-- PostgreSQL database dump", "\nCOPY ", "SET client_encoding = ")
_END = END.encode()
_ASIDE = (b"COPY ", b"copy ", b"INSERT ", b"insert ")


def is_dump(sample: Sample) -> bool:
    """Whether a text is a script of ``pg_dump``."""
    return any(mark in sample.text for mark in _MARKS) or bool(_COPY.match(sample.text))


def dumped_tables(source: SourceFile, sample: Sample, progress: Progress | None) -> list[OldTable]:
    """Read a dump through and return the stack's tables in it.

    Raises ``FileFault`` for one that is cut short, in another encoding, or written as INSERT commands.
    """
    source.check_text(sample.newline, progress)
    tables: list[OldTable] = []
    inside: DumpedTable | None = None
    with source.lines(sample.newline) as lines:
        for line in lines:
            if inside is not None:
                if line.data == _END:
                    inside = None
                else:
                    inside.size += 1
            elif line.data.startswith(_ASIDE):
                inside = _begun(source, sample, line.number, line.data.decode("utf-8", "replace"))
                if inside is not None and inside.name:
                    tables.append(inside)
    if inside is not None:
        raise FileFault("dump_cut", file=source.name, table=inside.name or "?")
    return tables


def _begun(source: SourceFile, sample: Sample, line: int, text: str) -> DumpedTable | None:
    """Return the table whose rows begin behind a line; its name is ``''`` when it is none of the stack's."""
    inserted = _INSERT.match(text)
    if inserted is not None and _plain(inserted[1]) == INTERACTIONS:
        raise FileFault("dump_inserts", file=source.name)
    found = _COPY.match(text)
    if found is None:
        return None
    name = _plain(found[1])
    columns = [_plain(column) for column in _COLUMN.findall((found[2] or "").replace(",", " "))]
    if name == INTERACTIONS:
        require(columns, place(columns, OLD_INTERACTIONS), OLD_INTERACTIONS, source.name)
    return DumpedTable(source, sample, name if name in TABLES else "", columns, line)


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


class DumpedTable:
    """One block of rows in a dump; lines are those of the dump."""

    def __init__(self, source: SourceFile, sample: Sample, name: str, names: Sequence[str], line: int) -> None:
        """``line`` is where the block's command stands."""
        self.name = name
        self.names = names
        self.where = source.name
        self.size = 0
        self._source = source
        self._newline = sample.newline
        self._begin = line
        self._places = tuple(place(names, OLD_INTERACTIONS).items())

    def rows(self, progress: Progress | None = None) -> Iterator[Row | BadRow]:
        """Yield the rows by our column names."""
        end = self._begin + self.size
        with self._source.lines(self._newline, progress) as lines:
            for line in lines:
                if line.number > end:
                    return
                if line.number > self._begin:
                    yield copied_row(line, self._places, len(self.names))

    def count(self) -> int:
        """Return how many rows the block has."""
        return self.size
