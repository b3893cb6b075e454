"""What the readers hand to the converters: rows with the line where they began, or the reason why there is none."""

from __future__ import annotations

from typing import Any, NamedTuple

from appliance.ops.importing.faults import RowFault

RAW_SHOWN = 4096
"""Characters of a bad row that are kept for the rejects file."""


class Row(NamedTuple):
    """One row as it was read: canonical column → value (text from CSV, JSON values from the others)."""

    line: int
    """Physical line (or Parquet row) where it starts, counted from 1."""
    fields: dict[str, Any]
    raw: str
    """The row's own text, for the rejects file."""


class BadRow(NamedTuple):
    """A row that could not be read or used."""

    line: int
    fault: RowFault
    raw: str = ""
