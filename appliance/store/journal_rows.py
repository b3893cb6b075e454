"""The rows of ``journal.db``: how groups of records are written, read back and forgotten."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from operator import attrgetter

import msgspec
from sqlite_utils import Database

from appliance.store.journal_ticket import Group, Ticket
from appliance.store.sqlite import SqliteStore, translated_errors

ROW_RECORDS = 1000
"""Most records of one row, so that a merge can end where it likes."""
_SHRINK_BYTES = 8 << 20
"""An empty journal larger than this is rewritten."""
_SET_ASIDE = """
insert into set_aside (seq, kind, records, payload, reason) values (?, ?, ?, ?, ?)
on conflict (seq) do update set records = records + excluded.records,
    payload = payload || char(10) || excluded.payload, reason = excluded.reason"""
"""What was set aside of a row before stays, one JSON array a line."""
_INSERT = "insert into event_journal (kind, records, payload) values (?, ?, ?)"


class Identification(msgspec.Struct, frozen=True, array_like=True):
    """A session was found to be a user's."""

    session_id: str
    user_id: str
    at: float
    past: bool = False
    """Whether this is history: a link that the session has already, whatever it says, is left as it is."""


class JournalRow(msgspec.Struct, frozen=True):
    """One row: records of one kind in order of arrival."""

    seq: int
    kind: str
    records: int
    payload: str
    """A JSON array of the records, each an array of its fields."""

    def parts(self) -> list[msgspec.Raw]:
        """Return the records as they are written; none when the payload is no JSON array of so many."""
        try:
            found = msgspec.json.decode(self.payload, type=list[msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []
        return found if len(found) == self.records else []

    def holding(self, parts: Sequence[msgspec.Raw]) -> JournalRow:
        """Return the row with these records only."""
        payload = str(b"[" + b",".join(parts) + b"]", "utf-8")
        return JournalRow(self.seq, self.kind, len(parts), payload)


class JournalRows:
    """Reads and writes the rows; ``write`` is for the journal's own thread."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._encode = msgspec.json.Encoder().encode

    def identity(self) -> str:
        """Return the identity given to this file when it was made."""
        return str(self._store.read().execute("select id from journal_identity").fetchone()[0])

    def records(self) -> int:
        """Return how many records the rows hold."""
        return int(self._store.read().execute("select coalesce(sum(records), 0) from event_journal").fetchone()[0])

    def write(self, group: Group) -> int:
        """Write a group and forget merged rows in one transaction, durable on return; return the records forgotten.

        Raises ``ApplianceError``.
        """
        rows = [(kind, len(records), str(self._encode(records), "utf-8")) for kind, records in _runs(group.tickets)]
        with self._store.write() as db:
            forgotten = _forget(db, group.purge_to) if group.purge_to else 0
            for row in rows:
                db.conn.execute(_INSERT, row)
        return forgotten

    def read(self, after: int, limit: int) -> list[JournalRow]:
        """Return rows behind ``after`` until they hold ``limit`` records."""
        query = "select seq, kind, records, payload from event_journal where seq > ? order by seq"
        rows: list[JournalRow] = []
        count = 0
        with translated_errors(self._store.path):
            cursor = self._store.read().conn.execute(query, [after])
            try:
                while count < limit:
                    found = cursor.fetchmany(64)
                    for seq, kind, records, payload in found:
                        if rows and count + records > limit:
                            return rows
                        rows.append(JournalRow(seq, kind, records, payload))
                        count += records
                    if not found:
                        break
            finally:
                # A half-read statement would hold its snapshot and keep the write-ahead log from starting over.
                cursor.close()
        return rows

    def latest(self, after: int, limit: int) -> list[JournalRow]:
        """Return the newest rows behind ``after``, in order, that hold ``limit`` records together at most."""
        query = "select seq, records from event_journal where seq > ? order by seq desc"
        begin, count = None, 0
        # The loop ends early; a half-read statement would hold its snapshot, so it is closed.
        with (
            translated_errors(self._store.path),
            closing(self._store.read().conn.execute(query, [after])) as cursor,
        ):
            for seq, records in cursor:
                count += records
                if count > limit:
                    break
                begin = seq - 1
        return [] if begin is None else self.read(begin, limit)

    def set_aside_records(self, row: JournalRow, good: JournalRow, bad: JournalRow, reason: str) -> None:
        """Keep some records of a row where no merge looks for them, and the others in the row."""
        with self._store.write() as db:
            db.conn.execute(_SET_ASIDE, [row.seq, row.kind, bad.records, bad.payload, reason])
            db.conn.execute(
                "update event_journal set records = ?, payload = ? where seq = ?", [good.records, good.payload, row.seq]
            )

    def align(self, merged_to: int) -> tuple[bool, int]:
        """Forget rows up to a position and number new rows behind it.

        Returns whether the file had come that far, and the records forgotten; a file that had not keeps its rows and
        gets a new identity.
        """
        with self._store.write() as db:
            found = db.conn.execute("select seq from sqlite_sequence where name = 'event_journal'").fetchone()
            if found is None:
                db.conn.execute("insert into sqlite_sequence (name, seq) values ('event_journal', ?)", [merged_to])
            elif found[0] < merged_to:
                db.conn.execute("update sqlite_sequence set seq = ? where name = 'event_journal'", [merged_to])
            if merged_to and (found is None or found[0] < merged_to):
                db.conn.execute("update journal_identity set id = lower(hex(randomblob(16)))")
                return False, 0
            return True, _forget(db, merged_to)

    def set_aside(self, row: JournalRow, reason: str) -> None:
        """Keep a row where no merge looks for it."""
        with self._store.write() as db:
            db.conn.execute(_SET_ASIDE, [row.seq, row.kind, row.records, row.payload, reason])
            db.conn.execute("delete from event_journal where seq = ?", [row.seq])

    def tidy(self) -> None:
        """Give the room of an empty journal back to the disk."""
        if self._store.path.stat().st_size < _SHRINK_BYTES or self.records():
            return
        # Everything is merged and purged, so there is next to nothing to rewrite.
        with translated_errors(self._store.path), closing(sqlite3.connect(self._store.path, timeout=5.0)) as db:
            db.isolation_level = None
            db.execute("vacuum")

    def close(self) -> None:
        """Close the file."""
        self._store.close()


def _forget(db: Database, merged_to: int) -> int:
    found = db.conn.execute("delete from event_journal where seq <= ? returning records", [merged_to]).fetchall()
    return sum(records for (records,) in found)


def _runs(tickets: Sequence[Ticket]) -> Iterator[tuple[str, list[object]]]:
    """Yield the records of neighbouring tickets of one kind together, in order, in pieces of ``ROW_RECORDS``."""
    for kind, group in itertools.groupby(tickets, key=attrgetter("kind")):
        records = [record for ticket in group for record in ticket.records]
        for begin in range(0, len(records), ROW_RECORDS):
            yield kind, records[begin : begin + ROW_RECORDS]
