"""The schema of ``journal.db``: acknowledged records that wait for the log."""

from __future__ import annotations

from sqlite_utils import Database

from appliance.store.migrations import Migration

_INITIAL = (
    # One row holds what one group commit took in: a row an event would cost ten times the work. AUTOINCREMENT, because
    # a number that was used again after a purge would lie below the log's watermark.
    """create table event_journal (
        seq integer primary key autoincrement,
        kind text not null check (kind in ('events', 'identify', 'impressions')),
        records integer not null,
        payload text not null
    ) strict""",
    # A row that the log could not take, kept aside so that the rows behind it are not held up.
    "create table set_aside (seq integer primary key, kind text not null, records integer not null,"
    " payload text not null, reason text not null) strict",
    "create table journal_identity (id text not null) strict",
    # The log keeps its watermark per identity: a new journal file starts at 1 and must not look merged already.
    "insert into journal_identity (id) values (lower(hex(randomblob(16))))",
)


def _initial(db: Database) -> None:
    for statement in _INITIAL:
        db.execute(statement)


MIGRATIONS: tuple[Migration[Database], ...] = (Migration(1, "events, identifications, impressions", _initial),)
