"""Lists of Medusa: one page, some rows by id, or a whole list in pages without a gap.

Medusa knows no cursor, only an offset. A row that is deleted meanwhile shifts the rest towards the front, so that the
next page would begin too late and a row between be missed. Pages are therefore asked for in the order of ids and each
begins a few rows before the end of the last one: where its first row is a known one, none was missed; otherwise it is
asked for again from further in front. A row that is created meanwhile has a later id and comes on a later page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec

from appliance.medusa.client import MedusaClient, Params
from appliance.medusa.faults import MedusaChanged

OVERLAP = 5
BATCH = 150
"""Ids in one call: they are in the address, and more would make it longer than servers take."""


class HasId(Protocol):
    """A row with an id."""

    @property
    def id(self) -> str:
        """Medusa's id."""


T = TypeVar("T", bound=HasId)


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Rows of a list."""

    rows: tuple[T, ...]
    count: int
    """Rows of the whole list."""


class Listing(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A list of Medusa, and what is asked of its rows."""

    path: str
    key: str
    """Under which the rows come."""
    fields: str
    row: type[T]
    filters: Params = {}


def page(client: MedusaClient, listing: Listing[T], *, limit: int, offset: int = 0) -> Page[T]:
    """Return one page in the order of ids. Raises the faults of ``appliance.medusa.faults``."""
    params = {**listing.filters, "fields": listing.fields, "limit": limit, "offset": offset, "order": "id"}
    return cast("Page[T]", client.get(listing.path, params, _page_of(listing.key, listing.row)))


def by_ids(client: MedusaClient, listing: Listing[T], ids: Sequence[str]) -> tuple[T, ...]:
    """Return the rows with these ids, in the order of ids; what is gone is left out.

    Ask for ``BATCH`` at most. Raises ``MedusaChanged`` when other rows come: Medusa leaves
    out a filter that it does not know without a word.
    """
    if not ids:
        return ()
    params = {**listing.filters, "fields": listing.fields, "limit": len(ids), "order": "id", "id[]": tuple(ids)}
    rows = cast("Page[T]", client.get(listing.path, params, _page_of(listing.key, listing.row))).rows
    if not {row.id for row in rows} <= set(ids):
        raise MedusaChanged(f"Medusa answered with other rows than those asked for by id ({listing.path}).")
    return rows


def pages(client: MedusaClient, listing: Listing[T], size: int) -> Iterator[tuple[T, ...]]:
    """Yield a whole list in pages of at most ``size`` (> ``OVERLAP``) rows, each row once, without a gap."""
    seen: set[str] = set()
    end, overlap = 0, OVERLAP
    while True:
        start = max(0, end - overlap)
        rows = page(client, listing, limit=size, offset=start).rows
        if start > 0 and not (rows and rows[0].id in seen):
            # Rows in front of this page were deleted: begin further in front.
            end, overlap = start, overlap * 4
            continue
        fresh = tuple(row for row in rows if row.id not in seen)
        seen.update(row.id for row in fresh)
        if fresh:
            yield fresh
        if len(rows) < size:
            return
        end, overlap = start + len(rows), OVERLAP


def whole(client: MedusaClient, listing: Listing[T], size: int = 10_000) -> list[T]:
    """Return all rows of a list, in one call unless there are more than ``size``."""
    return [row for rows in pages(client, listing, size) for row in rows]


def without_repeats(ids: Collection[str]) -> list[str]:
    """Return ids in their order, each once."""
    return list(dict.fromkeys(ids))


def batches(ids: Sequence[str], size: int = BATCH) -> Iterator[Sequence[str]]:
    """Yield ids a batch at a time."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


@lru_cache(maxsize=64)
def _page_of(key: str, row: type[Any]) -> type[Any]:
    """Return the type of a page whose rows come under ``key``."""
    rows: Any = tuple.__class_getitem__((row, ...))
    return msgspec.defstruct("Page", [("rows", rows), ("count", int)], rename={"rows": key}, frozen=True)
