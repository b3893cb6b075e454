"""Lines, records and quotes: what reaches the converters, with which line number, in how much memory."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.ops.importing.delimited import MAX_RECORD_LINES, DelimitedReader, Record
from appliance.ops.importing.lines import Line, read_lines
from appliance.ops.importing.rows import BadRow


class _Endless:
    """A stream of ``size`` equal bytes without a line end, made as it is read; ``tail`` follows."""

    def __init__(self, size: int, tail: bytes = b"") -> None:
        self._left = size
        self._tail = io.BytesIO(tail)
        self._block = b"x" * (1 << 18)

    def read(self, size: int, /) -> bytes:
        if self._left == 0:
            return self._tail.read(size)
        block = self._block[: min(size, self._left)]
        self._left -= len(block)
        return block


def _records(text: str, width: int = 0) -> list[tuple[int, list[str] | str]]:
    lines = read_lines(io.BytesIO(text.encode()))
    return [
        (record.line, record.values if isinstance(record, Record) else record.fault.code)
        for record in DelimitedReader(lines, ",", width)
    ]


@given(st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\n", b" ").replace(b"\r", b" ")), max_size=30))
def test_lines_are_what_was_written(parts: list[bytes]) -> None:
    data = b"".join(part + b"\r\n" for part in parts)
    assert [(line.number, line.data) for line in read_lines(io.BytesIO(data))] == list(enumerate(parts, 1))


def test_a_line_that_is_too_long_is_told_with_its_number_and_length() -> None:
    data = b"a\n" + b"b" * 20 + b"\nc\n" + b"d" * 12
    lines = list(read_lines(io.BytesIO(data), max_bytes=10))
    assert lines == [Line(1, b"a"), Line(2, b"", 20), Line(3, b"c"), Line(4, b"", 12)]


@pytest.mark.parametrize("size", [64 << 20, pytest.param(1 << 30, marks=pytest.mark.slow)])
def test_a_huge_line_costs_no_memory(size: int) -> None:
    tracemalloc.start()
    lines = list(read_lines(_Endless(size, b"\nnext\n")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == [Line(1, b"", size), Line(2, b"next")]
    assert peak < 8 << 20


def test_old_mac_line_ends() -> None:
    assert [line.data for line in read_lines(io.BytesIO(b"a\rb\r"), newline=b"\r")] == [b"a", b"b"]


def test_quotes_quoted_newlines_and_physical_line_numbers() -> None:
    text = 'id,title\n1,"Túi, đỏ"\n2,"hai\ndòng\nba"\n\n3,"nói ""chào"""\n4,đai 5"\n'
    assert _records(text, 2) == [
        (1, ["id", "title"]),
        (2, ["1", "Túi, đỏ"]),
        (3, ["2", "hai\ndòng\nba"]),
        (7, ["3", 'nói "chào"']),
        (8, ["4", 'đai 5"']),
    ]


def test_a_stray_quote_costs_its_own_line_only() -> None:
    lines = ["id,title", '1,"never closed', *[f"{number},ok" for number in range(2, 400)]]
    records = _records("\n".join(lines), 2)
    assert records[1] == (2, "quote_open")
    assert [values for _, values in records[2:]] == [[str(number), "ok"] for number in range(2, 400)]


def test_a_stray_quote_that_another_closes_costs_no_good_row() -> None:
    records = _records('id,title\n1,"open\n2,ok\n3,"fine"\n4,ok\n', 2)
    assert records[1][1] in ("quote_open", "quote_misplaced")
    assert [values for _, values in records[2:]] == [["2", "ok"], ["3", "fine"], ["4", "ok"]]


def test_quoted_text_may_span_a_bounded_number_of_lines() -> None:
    inside = "\n".join(["line"] * MAX_RECORD_LINES)
    assert _records(f'1,"{inside}"\n', 2)[0][0] == 1
    assert _records(f'1,"{inside}\nline\nline"\n2,ok\n', 2)[0][1] == "quote_open"


def test_half_a_row_and_a_row_too_wide() -> None:
    assert [values for _, values in _records("a,b,c\n1,2\n1,2,3,4\n", 3)[1:]] == ["columns_short", "columns_long"]


_CELL = st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from('",\n;'), max_size=12)


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), min_size=1, max_size=15))
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]]) -> None:
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    lines = read_lines(io.BytesIO(file.getvalue().encode()))
    read = list(DelimitedReader(lines, ",", 2))
    assert not [record for record in read if isinstance(record, BadRow)]
    assert [record.values for record in read if isinstance(record, Record)] == [
        [cell.removeprefix("\ufeff") if not place and not number else cell for place, cell in enumerate(row)]
        for number, row in enumerate(rows)
    ]
