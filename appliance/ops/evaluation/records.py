"""Reads the tables of an evaluation by column name, CSV, TSV or JSON lines, plain or gzipped, and its catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from appliance.domain import Product
from appliance.errors import InvalidInput
from appliance.ops.importing.columns import PRODUCTS, Schema
from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.products import product_from_row
from appliance.ops.importing.readers import open_reader
from appliance.ops.importing.rows import BadRow
from appliance.ops.importing.source import SourceFile
from appliance.ops.importing.values import is_absent, scalar

_CURRENCY = "VND"


class Catalogue(NamedTuple):
    """The products of a file, each id once (the last line of an id counts, as in an import)."""

    products: list[Product]
    skipped: int
    """Lines that an import would refuse too."""


def schema(kind: str, columns: Mapping[str, str]) -> Schema:
    """Return the columns of a table, all required: each name with its other names, parted by spaces."""
    aliases = {alias: name for name, others in columns.items() for alias in (name, *others.split())}
    return Schema(kind, aliases, tuple((name,) for name in columns))


def read_table(path: Path, columns: Schema, *, blank: str = "") -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and the values of each row, as text, stripped; the column ``blank`` may be empty.

    Raises ``InvalidInput``, with the line number, for a row that cannot be read or lacks another value.
    """
    for row in open_reader(SourceFile(path), columns).rows():
        if isinstance(row, BadRow):
            raise _bad(path, row.line, row.fault.text("en"))
        values = {}
        for (name,) in columns.required:
            value = row.fields.get(name)
            if is_absent(value) and name != blank:
                raise _bad(path, row.line, f"{name} is empty")
            try:
                values[name] = "" if is_absent(value) else scalar(value, name).strip()
            except RowFault as fault:
                raise _bad(path, row.line, fault.text("en")) from None
        yield row.line, values


def read_products(path: Path) -> Catalogue:
    """Read a catalogue as an import does: bad lines are counted and left out. Raises ``InvalidInput`` without any."""
    products: dict[str, Product] = {}
    skipped = 0
    for row in open_reader(SourceFile(path), PRODUCTS).rows():
        if isinstance(row, BadRow):
            skipped += 1
            continue
        try:
            product = product_from_row(_priced(row.fields), _CURRENCY)
        except RowFault:
            skipped += 1
            continue
        products[product.id] = product
    if not products:
        raise InvalidInput(f"{path} holds no product.", hint="Write one JSON object a line with at least id and title.")
    return Catalogue(list(products.values()), skipped)


def _priced(fields: dict[str, Any]) -> dict[str, Any]:
    """Drop the price of a product that does not say its currency: it may have decimals that the default has not."""
    return fields if not is_absent(fields.get("currency")) else {**fields, "price": None}


def _bad(path: Path, line: int, reason: str) -> InvalidInput:
    return InvalidInput(f"{path}, line {line}: {reason}.", hint="Mend the line or take it out.")
