"""The tables of the five-service stack: what becomes of each, and how one is recognised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

from appliance.ops.importing.columns import OLD_INTERACTIONS, normalise, place
from appliance.ops.importing.rows import BadRow, Row
from appliance.ops.importing.source import Progress

Treatment = Literal["loaded", "learned", "shown", "cache", "unknown"]
"""``loaded``: taken over. ``learned``: training makes it anew. ``shown``: impressions of the old shelves. ``cache``:
answers that are worth nothing. ``unknown``: not one of the stack's tables."""

INTERACTIONS = "rec_user_interactions"
TABLES: Mapping[str, Treatment] = {
    INTERACTIONS: "loaded",
    "rec_user_preferences": "learned",
    "rec_product_similarities": "learned",
    "rec_impressions": "shown",
    "rec_recommendations_cache": "cache",
}
_BY_COLUMNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("rec_product_similarities", frozenset({"product_id_1", "product_id_2"})),
    ("rec_recommendations_cache", frozenset({"recommendations", "expires_at"})),
    ("rec_recommendations_cache", frozenset({"cache_key"})),
    ("rec_impressions", frozenset({"recommendation_id", "shown_at"})),
    ("rec_user_preferences", frozenset({"user_id", "category", "score"})),
    (INTERACTIONS, frozenset({"product_id", "interaction_type"})),
)


class OldTable(Protocol):
    """One table, or a part of one, wherever it lies."""

    name: str
    """The stack's name of it, or ``''``."""
    where: str
    """The file or the database, as it may be shown."""
    names: Sequence[str]
    """Its columns."""

    def rows(self, progress: Progress | None = None) -> Iterator[Row | BadRow]:
        """Yield its rows by our column names; ``None`` stands for NULL."""
        ...

    def count(self) -> int:
        """Return how many rows it has."""
        ...


def treatment(table: str) -> Treatment:
    """Return what becomes of a table."""
    return TABLES.get(table, "unknown")


def table_named(text: str) -> str:
    """Return the table that a file's name speaks of; ``''`` for none."""
    folded = normalise(text)
    return next((table for table in TABLES if table in folded), "")


def table_with(columns: Iterable[str]) -> str:
    """Return the table that has such columns; ``''`` for none."""
    found = {normalise(column) for column in columns}
    return next((table for table, needed in _BY_COLUMNS if needed <= found), "")


def is_header(columns: Sequence[str]) -> bool:
    """Whether a line names columns: a row of values has no two names of ours."""
    return bool(table_with(columns)) or len(place(columns, OLD_INTERACTIONS)) > 1
