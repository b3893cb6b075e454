"""CSV and TSV as a stream: quotes, quoted newlines (bounded), physical line numbers, recovery after a stray quote."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.lines import MAX_LINE_BYTES, Line
from appliance.ops.importing.rows import RAW_SHOWN, BadRow

MAX_RECORD_LINES = 200
"""A quoted field may span this many lines; an open quote that runs further is a stray one."""
BOM = "\ufeff"


class Record(NamedTuple):
    """The fields of one record and the physical line where it starts."""

    line: int
    values: list[str]
    raw: str


class _Unclosed(Exception):
    """The text ends inside a quoted field."""


def decode(line: Line) -> str | BadRow:
    """Return a line's text, or the reason why it has none: too long, or not UTF-8."""
    if line.overlong:
        return BadRow(line.number, RowFault("line_too_long", bytes=line.overlong, limit=MAX_LINE_BYTES))
    try:
        text = line.data.decode("utf-8")
    except UnicodeDecodeError:
        return BadRow(line.number, RowFault("not_utf8"), line.data[:RAW_SHOWN].decode("utf-8", "replace"))
    return text.removeprefix(BOM) if line.number == 1 else text


def split(text: str, delimiter: str) -> list[str]:
    """Return the fields of one record. Raises ``RowFault`` where the quotes are not right."""
    try:
        return _parse(text, delimiter)
    except _Unclosed:
        raise RowFault("quote_open") from None


class DelimitedReader:
    """Records of one table. ``width`` is the number of columns that each must have; 0 accepts any."""

    def __init__(self, lines: Iterable[Line], delimiter: str, width: int = 0) -> None:
        self._lines = iter(lines)
        self._delimiter = delimiter
        self.width = width
        self._again: deque[Line] = deque()

    def __iter__(self) -> Iterator[Record | BadRow]:
        delimiter = self._delimiter
        while (line := self._take()) is not None:
            text = decode(line)
            if isinstance(text, BadRow):
                yield text
            elif '"' in text:
                yield self._quoted(line, text)
            elif text and not text.isspace():
                yield self._record(line.number, text.split(delimiter), text)

    def _take(self) -> Line | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def _record(self, line: int, values: list[str], raw: str) -> Record | BadRow:
        if self.width and len(values) != self.width:
            fault = RowFault("columns_short" if len(values) < self.width else "columns_long")
            fault.values.update(found=len(values), expected=self.width)
            return BadRow(line, fault, raw[:RAW_SHOWN])
        return Record(line, values, raw)

    def _quoted(self, first: Line, text: str) -> Record | BadRow:
        """Parse a record that holds quotes, taking in the lines that its quoted newlines span.

        When that fails only the first line is given up: the others are read again as records of their own.
        """
        joined = [text]
        taken: list[Line] = []
        size = len(text)
        while True:
            try:
                outcome = self._record(first.number, _parse("\n".join(joined), self._delimiter), "\n".join(joined))
            except RowFault as fault:
                outcome = BadRow(first.number, fault, text[:RAW_SHOWN])
            except _Unclosed:
                if self._extend(joined, taken, MAX_LINE_BYTES - size):
                    size = sum(map(len, joined))
                    continue
                outcome = BadRow(first.number, RowFault("quote_open"), text[:RAW_SHOWN])
            if isinstance(outcome, BadRow):
                self._again.extendleft(reversed(taken))
            return outcome

    def _extend(self, joined: list[str], taken: list[Line], room: int) -> bool:
        """Take lines up to the next that can close a quote; ``False`` when the bound or the end comes first."""
        while len(taken) < MAX_RECORD_LINES:
            line = self._take()
            if line is None:
                return False
            taken.append(line)
            text = decode(line)
            if isinstance(text, BadRow):
                return False
            joined.append(text)
            room -= len(text)
            if room < 0:
                return False
            if text.count('"') % 2:
                return True
        return False


def _parse(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise _Unclosed from None
        code = "field_too_long" if "field larger" in str(error) else "quote_misplaced"
        raise RowFault(code) from None
