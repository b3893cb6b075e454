"""PostgreSQL's text format, as ``COPY`` and ``pg_dump`` write it: a line a row, tabs, ``\\N`` for NULL."""

from __future__ import annotations

import re
from collections.abc import Sequence

from appliance.ops.importing.delimited import decode
from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.lines import Line
from appliance.ops.importing.rows import RAW_SHOWN, BadRow, Row

END = "\\."
NULL = "\\N"
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def copied_row(line: Line, names: Sequence[tuple[str, int]], width: int) -> Row | BadRow:
    """Return the row of a line; ``names`` are our columns with their places among the ``width`` fields."""
    text = decode(line)
    if isinstance(text, BadRow):
        return text
    cells = text.split("\t")
    if len(cells) != width:
        fault = RowFault("columns_short" if len(cells) < width else "columns_long")
        fault.values.update(found=len(cells), expected=width)
        return BadRow(line.number, fault, text[:RAW_SHOWN])
    return Row(line.number, {name: plain(cells[place]) for name, place in names}, text)


def plain(cell: str) -> str | None:
    """Return a field's value."""
    if "\\" not in cell:
        return cell
    return None if cell == NULL else _ESCAPE.sub(_unescaped, cell)


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _LETTERS.get(code, code)
