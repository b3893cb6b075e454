"""Reads the files of an evaluation: histories by user and clicks by session, plain or gzipped, into flat arrays."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from appliance.errors import InvalidInput
from appliance.recsys.base import Longs
from appliance.recsys.sequences import Sequences, from_entries, from_lists

_USER = ("user_id", "userid", "user", "visitor_id", "customer_id")
_SESSION = ("sessionid", "session_id", "session", "visitorid")
_ITEM = ("itemid", "item_id", "item", "product_id", "productid", "product", "track_id")
_TIME = ("time", "timestamp", "ts", "occurred_at", "eventdate", "date", "created_at")
_MAX_LINE = 16 << 20
_MILLISECONDS_FROM = 1e11
"""Times above this are Unix milliseconds; in seconds it would be the year 5138."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Histories by user (or session) with the names behind the rows."""

    users: list[str]
    """One name a history, in the order of their first line."""
    items: list[str]
    """The name of each item row."""
    sequences: Sequences

    @property
    def size(self) -> int:
        """The number of items."""
        return len(self.items)


class _Names:
    """Numbers names in the order of their first use."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._rows = {name: row for row, name in enumerate(known)}

    def row(self, name: str) -> int:
        return self._rows.setdefault(name, len(self._rows))

    @property
    def names(self) -> list[str]:
        return list(self._rows)


def read_histories(path: Path, items: Sequence[str] = ()) -> Histories:
    """Read ``user item item …`` lines, or CSV with the columns user_id, product_id and perhaps occurred_at.

    ``items`` are names that are numbered already (those of the training file); new ones come after them. Without times
    the order is that of the file. Raises ``InvalidInput`` with the line number.
    """
    with _lines(path) as lines:
        first = next(lines, "")
        columns = _columns(first, (_USER, _ITEM, _TIME))
        if columns is not None:
            return _from_table(path, first, lines, columns, items)
        return _from_lists(path, first, lines, items, named=True)


def read_sessions(path: Path, items: Sequence[str] = ()) -> Histories:
    """Read a table with session, item and time columns (comma or tab), or a session a line of items in order.

    Raises ``InvalidInput`` with the line number.
    """
    with _lines(path) as lines:
        first = next(lines, "")
        columns = _columns(first, (_SESSION, _ITEM, _TIME))
        if columns is not None:
            return _from_table(path, first, lines, columns, items)
        return _from_lists(path, first, lines, items, named=False)


def rows_of(users: Sequence[str], known: Sequence[str]) -> Longs:
    """Return for each user the row in ``known``, -1 where the training file does not have the user."""
    rows = {name: row for row, name in enumerate(known)}
    return np.fromiter((rows.get(name, -1) for name in users), np.int64, len(users))


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    try:
        with path.open("rb") as probe:
            packed = probe.read(2) == b"\x1f\x8b"
        with path.open("rb") as raw:
            plain = gzip.GzipFile(fileobj=raw) if packed else raw
            with io.TextIOWrapper(plain, encoding="utf-8-sig", newline=None) as text:
                yield iter(text)
    except (OSError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InvalidInput(f"{path} cannot be read: {reason}.", hint="Check the name of the file.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a text file in UTF-8.", hint="Save it as UTF-8 text.") from None


def _separator(line: str) -> str:
    return "\t" if "\t" in line else ","


def _columns(header: str, wanted: tuple[tuple[str, ...], ...]) -> tuple[int, int, int] | None:
    """Return where owner, item and time stand in a header line, -1 for no time; ``None`` when it is no header."""
    names = [name.strip().strip('"').lower() for name in header.strip("\r\n").split(_separator(header))]
    places = [next((names.index(name) for name in choices if name in names), -1) for choices in wanted]
    return None if places[0] < 0 or places[1] < 0 else (places[0], places[1], places[2])


def _from_table(
    path: Path, header: str, lines: Iterator[str], columns: tuple[int, int, int], items: Sequence[str]
) -> Histories:
    owners, products = _Names(), _Names(items)
    owner_rows, item_rows, times = [], [], []
    at_owner, at_item, at_time = columns
    width = max(columns) + 1
    for number, row in enumerate(csv.reader(lines, delimiter=_separator(header)), 2):
        if not row:
            continue
        if len(row) < width or not row[at_owner] or not row[at_item]:
            raise InvalidInput(
                f"{path}, line {number}: {len(row)} columns of {width}, or an empty id.",
                hint="Every line needs the owner, the item and, where the header names it, the time.",
            )
        owner_rows.append(owners.row(row[at_owner]))
        item_rows.append(products.row(row[at_item]))
        times.append(_seconds(row[at_time], path, number) if at_time >= 0 else float(number))
    names, when = owners.names, np.array(times, np.float64)
    if len(when) and np.median(when) > _MILLISECONDS_FROM:
        when /= 1000.0
    sequences = from_entries(np.array(owner_rows, np.int64), np.array(item_rows, np.int64), when, len(names))
    return Histories(names, products.names, sequences)


def _from_lists(path: Path, first: str, lines: Iterator[str], items: Sequence[str], *, named: bool) -> Histories:
    products = _Names(items)
    users: dict[str, list[int]] = {}
    for number, line in enumerate(_chain(first, lines), 1):
        if len(line) > _MAX_LINE:
            raise InvalidInput(f"{path}, line {number} is too long.", hint="Write one user or session a line.")
        words = line.replace(",", " ").split()
        if not words:
            continue
        name, row = (words[0], words[1:]) if named else (str(number), words)
        if named and name in users:
            raise InvalidInput(
                f"{path}, line {number}: {name[:50]!r} has a line already.",
                hint="Write all items of a user on one line.",
            )
        users[name] = [products.row(word) for word in row]
    if not users:
        raise InvalidInput(f"{path} holds no line.", hint="Write `user item item …`, one user a line.")
    return Histories(list(users), products.names, from_lists(users.values()))


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _seconds(text: str, path: Path, number: int) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{path}, line {number}: {text[:50]!r} is no time.", hint="Write Unix seconds or 2026-01-31T10:00:00Z."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
