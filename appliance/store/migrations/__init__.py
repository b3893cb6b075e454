"""Numbered migrations and the one function that applies them, for SQLite and DuckDB alike.

sqlite-utils has migrations by name; they cannot tell that a store comes from a newer version, which is why these
carry numbers. Every file of this package holds the steps of one store in a tuple named ``MIGRATIONS``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from appliance.errors import NewerStore

_VERSIONS = "create table schema_version (number integer primary key, name text not null, applied_at double precision)"


class Transactional(Protocol):
    """What a connection must offer; both ``sqlite_utils.Database`` and a DuckDB connection do."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:
        """Run one statement; the result has ``fetchall``."""

    def begin(self) -> Any:
        """Open a transaction."""

    def commit(self) -> Any:
        """Make the transaction durable."""

    def rollback(self) -> Any:
        """Undo the transaction."""


Connection = TypeVar("Connection", bound=Transactional)


class Migration(NamedTuple, Generic[Connection]):
    """One step of a store's schema. ``apply`` runs inside a transaction and must not end it."""

    number: int
    """From 1, without gaps."""
    name: str
    apply: Callable[[Connection], object]


def applied_numbers(db: Transactional) -> set[int]:
    """Return the numbers of the migrations that a store has; none for a new one. Reads only."""
    known = db.execute("select count(*) from sqlite_master where type = 'table' and name = 'schema_version'").fetchall()
    if not known[0][0]:
        return set()
    return {int(row[0]) for row in db.execute("select number from schema_version").fetchall()}


def pending_migrations(db: Transactional, migrations: Sequence[Migration[Connection]]) -> list[Migration[Connection]]:
    """Return the steps that a store still lacks, in order, reading only.

    Raises ``NewerStore`` when the store has a step that this version does not know.
    """
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"migrations must be numbered from 1 without gaps, not {numbers}")
    applied = applied_numbers(db)
    newest = max(applied, default=0)
    if newest > len(numbers):
        raise NewerStore(
            f"the store has schema version {newest}; this version of the appliance knows {len(numbers)}",
            hint="install the version that wrote it, or restore a backup made by this one",
        )
    return [migration for migration in migrations if migration.number not in applied]


def apply_migrations(
    db: Connection, migrations: Sequence[Migration[Connection]], now: Callable[[], float] = time.time
) -> list[int]:
    """Bring a store up to date and return the numbers applied.

    Each step and the record of it share one transaction: a failing or killed step leaves the earlier ones in place
    and itself pending. Raises ``NewerStore`` before anything is changed, and whatever a failing step raises.
    """
    pending = pending_migrations(db, migrations)
    for migration in pending:
        db.begin()
        try:
            if migration.number == 1:
                db.execute(_VERSIONS)
            migration.apply(db)
            record = [migration.number, migration.name, now()]
            db.execute("insert into schema_version (number, name, applied_at) values (?, ?, ?)", record)
            db.commit()
        except BaseException:
            db.rollback()
            raise
    return [migration.number for migration in pending]
