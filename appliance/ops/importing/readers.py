"""Finds the layout of a file and yields its rows: tables, JSON lines, a line a visitor, Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, Protocol

import msgspec

from appliance.domain import ID_PATTERN
from appliance.ops.importing.columns import Schema, normalise, place, require
from appliance.ops.importing.delimited import DelimitedReader, Record, decode, split
from appliance.ops.importing.faults import FileFault, RowFault
from appliance.ops.importing.lines import Line
from appliance.ops.importing.rows import RAW_SHOWN, BadRow, Row
from appliance.ops.importing.source import Format, Progress, Sample, SourceFile
from appliance.store.parquet import ParquetFile, UnreadableParquet

FormatName = Literal["auto", "csv", "tsv", "jsonl", "lines", "parquet"]
SEQUENCE_STEP_SECONDS = 60.0

_DELIMITERS = (",", "\t", ";", "|")
_BY_NAME = {"csv": (",", ";", "|"), "tsv": ("\t",)}
_ID = re.compile(ID_PATTERN)
_SAMPLED_LINES = 100


class Reader(Protocol):
    """A file whose layout is known."""

    @property
    def layout(self) -> Format:
        """What the file was found to be."""
        ...

    def check(self, progress: Progress | None = None) -> None:
        """Read the file once; raises ``FileFault`` when it is damaged as a whole."""
        ...

    def rows(self, progress: Progress | None = None) -> Iterator[Row | BadRow]:
        """Yield the rows in file order."""
        ...


def open_reader(source: SourceFile, schema: Schema, form: FormatName = "auto", *, now: float = 0.0) -> Reader:
    """Return the reader for a file. Raises ``FileFault`` when no layout fits or a required column is missing.

    ``now`` (Unix seconds) is where the made-up times of a line-a-visitor file end.
    """
    if source.parquet or form == "parquet":
        return ParquetReader(source, schema)
    sample = source.sample()
    start = sample.text.lstrip()[:1]
    if form == "jsonl" or (form == "auto" and start == "{"):
        if sample.text.lstrip().splitlines()[0].strip() == "{":
            raise FileFault("json_object", file=source.name)
        return JsonReader(source, schema, sample)
    if form == "auto" and start == "[":
        raise FileFault("json_array", file=source.name)
    if schema.kind == "interactions" and (form == "lines" or (form == "auto" and _is_sequences(sample, schema))):
        return SequenceReader(source, sample, now)
    return TableReader(source, schema, sample, _BY_NAME.get(form, _DELIMITERS))


class TableReader:
    """CSV, TSV and their like: a header line, then one record a row."""

    layout: Format = "delimited"

    def __init__(self, source: SourceFile, schema: Schema, sample: Sample, delimiters: tuple[str, ...]) -> None:
        self._source = source
        self._newline = sample.newline
        header = next(line for line in re.split(r"[\r\n]+", sample.text) if line.strip())
        if "\ufffd" in header:
            raise FileFault("not_utf8", file=source.name, line=1)
        self._delimiter, self.names = _header(header, schema, delimiters)
        self._places = place(self.names, schema)
        require(self.names, self._places, schema, source.name)

    def check(self, progress: Progress | None = None) -> None:
        self._source.check_text(self._newline, progress)

    def rows(self, progress: Progress | None = None) -> Iterator[Row | BadRow]:
        places = tuple(self._places.items())
        with self._source.lines(self._newline, progress) as lines:
            records = DelimitedReader(lines, self._delimiter, len(self.names))
            header = None
            for record in records:
                if not isinstance(record, Record):
                    yield record
                elif header is None:
                    header = record.values
                elif record.values == header:
                    yield BadRow(record.line, RowFault("header_again"), record.raw)
                else:
                    values = record.values
                    yield Row(record.line, {name: values[index] for name, index in places}, record.raw)


class JsonReader:
    """JSON lines: one object a line."""

    layout: Format = "jsonl"

    def __init__(self, source: SourceFile, schema: Schema, sample: Sample) -> None:
        self._source = source
        self._schema = schema
        self._newline = sample.newline

    def check(self, progress: Progress | None = None) -> None:
        self._source.check_text(self._newline, progress)

    def rows(self, progress: Progress | None = None) -> Iterator[Row | BadRow]:
        decoder = msgspec.json.Decoder()
        with self._source.lines(self._newline, progress) as lines:
            for line in lines:
                text = decode(line)
                if isinstance(text, BadRow):
                    yield text
                elif text and not text.isspace():
                    yield self._row(line, text, decoder)

    def _row(self, line: Line, text: str, decoder: msgspec.json.Decoder[Any]) -> Row | BadRow:
        try:
            value = decoder.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            return BadRow(line.number, RowFault("not_json", reason=str(error)), text[:RAW_SHOWN])
        if not isinstance(value, dict):
            return BadRow(line.number, RowFault("not_object"), text[:RAW_SHOWN])
        return Row(line.number, canonical_fields(value, self._schema), text)


class SequenceReader:
    """A line a visitor, ``user item item …``, oldest first; every pair is a row.

    The file has no times: the last item of each line gets the time of the import, each before it a minute less, so that
    the order is kept and the history counts as recent.
    """

    layout: Format = "sequences"

    def __init__(self, source: SourceFile, sample: Sample, now: float) -> None:
        self._source = source
        self._newline = sample.newline
        self._now = now

    def check(self, progress: Progress | None = None) -> None:
        self._source.check_text(self._newline, progress)

    def rows(self, progress: Progress | None = None) -> Iterator[Row | BadRow]:
        with self._source.lines(self._newline, progress) as lines:
            for line in lines:
                text = decode(line)
                if isinstance(text, BadRow):
                    yield text
                    continue
                user, *items = text.split() or ("",)
                if user and not items:
                    yield BadRow(line.number, RowFault("no_items"), text[:RAW_SHOWN])
                for age, item in zip(range(len(items) - 1, -1, -1), items, strict=True):
                    at = self._now - age * SEQUENCE_STEP_SECONDS
                    yield Row(line.number, {"user_id": user, "product_id": item, "occurred_at": at}, f"{user} {item}")


class ParquetReader:
    """A Parquet file; the line of a row is its place in the file, from 1."""

    layout: Format = "parquet"

    def __init__(self, source: SourceFile, schema: Schema) -> None:
        self._source = source
        parquet, self._total = source.open_parquet()
        with parquet:
            self.names = parquet.columns
        self._places = place(self.names, schema)
        require(self.names, self._places, schema, source.name)

    def check(self, progress: Progress | None = None) -> None:
        """Nothing is left to check: opening read every page."""

    def rows(self, progress: Progress | None = None) -> Iterator[Row | BadRow]:
        columns = tuple(self._places)
        with ParquetFile(self._source.path) as parquet:
            try:
                stream = enumerate(parquet.rows([self.names[self._places[name]] for name in columns]), 1)
                for number, values in stream:
                    fields = dict(zip(columns, values, strict=True))
                    yield Row(number, fields, "")
                    if progress is not None and number % 1000 == 0:
                        progress(number, self._total)
            except UnreadableParquet as error:
                raise FileFault("parquet", file=self._source.name, reason=str(error)) from None


def canonical_fields(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Return a JSON object's values by canonical column name; unknown keys are left out, exact names win."""
    fields: dict[str, Any] = {}
    for key, content in value.items():
        name = key if schema.aliases.get(key) == key else schema.aliases.get(normalise(key))
        if name is not None and (name == key or name not in fields):
            fields[name] = content
    return fields


def _header(line: str, schema: Schema, delimiters: tuple[str, ...]) -> tuple[str, list[str]]:
    """Return the delimiter whose columns are recognised best, and the column names."""
    options: list[tuple[int, int, str, list[str]]] = []
    for delimiter in delimiters:
        try:
            names = [name.strip() for name in split(line, delimiter)]
        except RowFault:
            continue
        options.append((len(place(names, schema)), len(names), delimiter, names))
    if not options:
        return delimiters[0], [line.strip()]
    best = max(options, key=lambda option: option[:2])
    return best[2], best[3]


def _is_sequences(sample: Sample, schema: Schema) -> bool:
    """Whether a text is a line a visitor: nothing but ids, most with a digit, and no header that we know."""
    lines = [line for line in re.split(r"[\r\n]+", sample.text)[:_SAMPLED_LINES] if line.strip()]
    first = lines[0]
    if any(delimiter in first for delimiter in _DELIMITERS) or place(first.split(), schema):
        return False
    tokens = [token for line in lines[:-1] or lines for token in line.split()]
    digits = sum(any(letter.isdigit() for letter in token) for token in tokens)
    several = any(len(line.split()) > 1 for line in lines)
    return several and digits * 2 >= len(tokens) and all(_ID.match(token) for token in tokens)
