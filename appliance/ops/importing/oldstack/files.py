"""Finds the tables in a file or a folder: CSV, the text format of ``COPY``, and plain dumps of ``pg_dump``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from appliance.ops.importing.columns import OLD_INTERACTIONS, place, require
from appliance.ops.importing.delimited import DelimitedReader, Record, split
from appliance.ops.importing.faults import FileFault, RowFault
from appliance.ops.importing.oldstack.copy_text import END, NULL, copied_row
from appliance.ops.importing.oldstack.dump import dumped_tables, is_dump
from appliance.ops.importing.oldstack.tables import INTERACTIONS, OldTable, is_header, table_named, table_with
from appliance.ops.importing.rows import BadRow, Row
from appliance.ops.importing.source import Progress, Sample, SourceFile

_DELIMITERS = ("\t", ",", ";", "|")
_LINE_END = re.compile(r"[\r\n]+")
_CUSTOM = b"PGDMP"
_TOC = "toc.dat"

Share = Callable[[SourceFile], Progress | None]
"""Gives the progress of one file's part of the whole."""


def open_files(path: Path, columns: Sequence[str], share: Share) -> tuple[list[OldTable], list[str]]:
    """Return the tables of a file or folder, each file read through once, and the files that are none of ours.

    ``columns`` names those of an interactions file without a header. Raises ``FileFault``, and then nothing is known
    to be whole.
    """
    if not path.is_dir():
        tables = _tables_of(SourceFile(path), columns, share)
        if not tables:
            raise FileFault("old_unknown", file=path.name)
        return tables, []
    if (path / _TOC).exists():
        raise FileFault("old_custom", file=path.name)
    tables, unknown = [], []
    for file in sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith(".")):
        try:
            found = _tables_of(SourceFile(file), columns, share)
        except FileFault as fault:
            # A file that claims to be one of the tables must be whole; others may be anything.
            if table_named(file.name) or fault.fault.startswith("dump_"):
                raise
            found = []
        tables += found
        unknown += [] if found else [file.name]
    if not tables:
        raise FileFault("old_nothing", file=path.name)
    return tables, unknown


def _tables_of(source: SourceFile, columns: Sequence[str], share: Share) -> list[OldTable]:
    with source.path.open("rb") as file:
        if file.read(len(_CUSTOM)) == _CUSTOM:
            raise FileFault("old_custom", file=source.name)
    sample = source.sample()
    if is_dump(sample):
        return dumped_tables(source, sample, share(source))
    first = next(line for line in _LINE_END.split(sample.text) if line.strip())
    delimiter, names = _first_record(first)
    headed = is_header(names)
    table = (table_with(names) if headed else "") or table_named(source.name)
    if not table:
        return []
    if table == INTERACTIONS:
        if not headed:
            names = list(columns)
        if not names:
            raise FileFault("old_headerless", file=source.name)
        require(names, place(names, OLD_INTERACTIONS), OLD_INTERACTIONS, source.name)
    source.check_text(sample.newline, share(source))
    kind = CopiedFile if delimiter == "\t" else CsvFile
    return [kind(source, sample, table, names, delimiter, headed=headed)]


def _first_record(line: str) -> tuple[str, list[str]]:
    """Return the delimiter whose columns are recognised best, or cuts the line most, and the fields."""
    options: list[tuple[bool, int, str, list[str]]] = []
    for delimiter in _DELIMITERS:
        try:
            names = line.split("\t") if delimiter == "\t" else split(line, delimiter)
        except RowFault:
            continue
        names = [name.strip() for name in names]
        options.append((is_header(names), len(names), delimiter, names))
    best = max(options, key=lambda option: option[:2])
    return best[2], best[3]


class _TableFile:
    """What both forms of a table's file share."""

    def __init__(
        self, source: SourceFile, sample: Sample, name: str, names: Sequence[str], delimiter: str, *, headed: bool
    ) -> None:
        self.name = name
        self.names = names
        self.where = source.name
        self._source = source
        self._newline = sample.newline
        self._delimiter = delimiter
        self._headed = headed
        self._places = tuple(place(names, OLD_INTERACTIONS).items())


class CsvFile(_TableFile):
    """CSV, as ``\\copy … csv header`` writes it; an empty cell and ``\\N`` are no value."""

    def rows(self, progress: Progress | None = None) -> Iterator[Row | BadRow]:
        """Yield the rows by our column names."""
        places = self._places
        for record in self._records(progress, len(self.names)):
            if isinstance(record, BadRow):
                yield record
                continue
            cells = record.values
            fields = {name: None if cells[index] == NULL else cells[index] for name, index in places}
            yield Row(record.line, fields, record.raw)

    def count(self) -> int:
        """Return how many rows the file has."""
        return sum(1 for _ in self._records(None, 0))

    def _records(self, progress: Progress | None, width: int) -> Iterator[Record | BadRow]:
        with self._source.lines(self._newline, progress) as lines:
            headed = self._headed
            for record in DelimitedReader(lines, self._delimiter, width):
                if headed:
                    headed = False
                else:
                    yield record


class CopiedFile(_TableFile):
    """The text format of ``COPY … TO``."""

    def rows(self, progress: Progress | None = None) -> Iterator[Row | BadRow]:
        """Yield the rows by our column names."""
        headed = self._headed
        with self._source.lines(self._newline, progress) as lines:
            for line in lines:
                if headed:
                    headed = False
                elif line.overlong or line.data.strip(b" ") not in (b"", END.encode()):
                    yield copied_row(line, self._places, len(self.names))

    def count(self) -> int:
        """Return how many rows the file has."""
        return sum(1 for _ in self.rows())
