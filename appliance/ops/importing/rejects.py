"""The file of rejected rows, so that a person can correct them and import them again."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import msgspec

from appliance.messages import Locale
from appliance.ops.importing.rows import RAW_SHOWN, BadRow
from appliance.text import clean

FOLDER = "import-rejects"
MAX_WRITTEN = 100_000
"""Rejected rows kept in the file; more are counted only."""
_FIRST = 10
_UNSAFE = re.compile(r"[^\w.-]+")
_FORMULA = ("=", "+", "-", "@", "\t")


class Rejection(msgspec.Struct, frozen=True):
    """One rejected row as a report shows it."""

    line: int
    column: str
    code: str
    reason: str


class Rejects:
    """Collects the rejected rows of one import; the file appears with the first of them."""

    def __init__(self, data_dir: Path, name: str, *, as_csv: bool, locale: Locale, now: float) -> None:
        stem = _UNSAFE.sub("_", name)[:80]
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S%f")[:-3] + "Z"
        self._path = data_dir / FOLDER / f"{stem}-{stamp}.{'csv' if as_csv else 'jsonl'}"
        self._as_csv = as_csv
        self._locale: Locale = locale
        self._file: TextIO | None = None
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self.first: list[Rejection] = []

    @property
    def path(self) -> str:
        """Where the rejected rows are; ``''`` when there are none."""
        return str(self._path) if self._file is not None else ""

    def add(self, row: BadRow) -> None:
        """Note a rejected row."""
        self.count += 1
        rejection = Rejection(row.line, row.fault.column, row.fault.code, row.fault.text(self._locale))
        self.reasons[row.fault.code] += 1
        if len(self.first) < _FIRST:
            self.first.append(rejection)
        if self.count <= MAX_WRITTEN:
            self._write(rejection, row.raw[:RAW_SHOWN])

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def discard(self) -> None:
        """Remove the file: an import that failed as a whole leaves nothing behind."""
        self.close()
        self._path.unlink(missing_ok=True)
        self._file = None

    def _write(self, rejection: Rejection, raw: str) -> None:
        file = self._file or self._create()
        if not self._as_csv:
            row = msgspec.structs.asdict(rejection) | {"row": raw}
            file.write(msgspec.json.encode(row).decode() + "\n")
            return
        # A spreadsheet must not run what a bad row contains.
        safe = [f"'{text}" if text.startswith(_FORMULA) else text for text in (rejection.reason, clean(raw))]
        csv.writer(file).writerow([rejection.line, rejection.column, rejection.code, *safe])

    def _create(self) -> TextIO:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        self._file = self._path.open("w", encoding="utf-8", newline="" if self._as_csv else "\n")
        if self._as_csv:
            csv.writer(self._file).writerow(["line", "column", "code", "reason", "row"])
        return self._file
