"""Changes that the owner made here and that Medusa is to learn: in order, each once, with what they were based on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from sqlite_utils import Database

from appliance.store.products import json_ids
from appliance.store.sqlite import SqliteStore

EditField = Literal["title", "description", "status", "tags", "categories", "price", "stock", "metadata"]
EditState = Literal["waiting", "sent", "conflict", "refused", "dropped"]

_COLUMNS = (
    "number, id, field, product_id, variant_id, part, base, value, theirs, state, outcome, attempts, next_attempt_at,"
    " last_error, created_at, settled_at"
)
_ADD = """
insert into outbox (id, field, product_id, variant_id, part, base, value, state, created_at)
values (:id, :field, :product_id, :variant_id, :part, :base, :value, 'waiting', :now)
"""
_BY_ID = f"select {_COLUMNS} from outbox where id = ?"  # noqa: S608
_NEXT = f"select {_COLUMNS} from outbox where state = 'waiting' order by number limit 1"  # noqa: S608
_OPEN_OF = f"""
select {_COLUMNS} from outbox where state in ('waiting', 'conflict', 'refused')
    and product_id in (select value from json_each(?)) order by number
"""  # noqa: S608
_LIST = f"select {_COLUMNS} from outbox order by number desc limit ?"  # noqa: S608
_LIST_BY_STATE = f"select {_COLUMNS} from outbox where state = ? order by number desc limit ?"  # noqa: S608
_UNDECIDED = f"""
select {_COLUMNS} from outbox where state in ('conflict', 'refused') order by number desc limit ?
"""  # noqa: S608
_COUNTS = "select state, count(*) from outbox group by state"
_TRY_LATER = """
update outbox set attempts = attempts + 1, next_attempt_at = ?, last_error = ? where id = ? and state = 'waiting'
"""
_BEGIN = "update outbox set attempts = attempts + 1 where id = ? and state = 'waiting'"
_SETTLE = """
update outbox set state = :state, outcome = :outcome, theirs = coalesce(:theirs, theirs), last_error = :error,
    settled_at = case when :state in ('sent', 'dropped') then :now end
where id = :id and state in ('waiting', 'conflict', 'refused')
"""
_REOPEN = """
update outbox set state = 'waiting', base = :base, outcome = :outcome, last_error = '', next_attempt_at = 0
where id = :id and state in ('conflict', 'refused')
"""
_REBASE = "update outbox set base = ? where id = ? and state = 'waiting'"
_LOST = "select count(*) from outbox where state = 'dropped' and outcome in ('gone', 'rule') and settled_at >= ?"
_PRUNE = "delete from outbox where state in ('sent', 'dropped') and settled_at < ?"


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one field. Values are plain JSON in Medusa's own units and ids."""

    number: int = 0
    """The order in which edits were made and are sent."""
    id: str
    field: EditField
    product_id: str
    variant_id: str = ""
    """For ``price`` and ``stock``."""
    part: str = ""
    """Which of several: the currency of a price, the location of stock, the key of metadata."""
    base: Any = None
    """What Medusa had when the owner changed it, as far as was known here."""
    value: Any = None
    """What the owner wants."""
    theirs: Any = None
    """In a conflict: what Medusa has instead of ``base``."""
    state: EditState = "waiting"
    outcome: str = ""
    """How it was settled: ``sent``; ``already``: Medusa had the value; ``medusa``, ``here``: whose the owner kept;
    ``rule``: Medusa's was kept by the rule of the field; ``gone``: there is nothing left to change; ``superseded``: by
    a later edit of the same thing."""
    attempts: int = 0
    next_attempt_at: float = 0.0
    last_error: str = ""
    created_at: float = 0.0
    settled_at: float | None = None


class OutboxRepository:
    """Edits on disk. Safe to use from any thread; one sender at a time is the caller's duty."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def next(self) -> Edit | None:
        """Return the oldest edit that waits, whether or not its time has come: order is kept."""
        return self._one(_NEXT, [])

    def get(self, edit_id: str) -> Edit | None:
        """Return one edit."""
        return self._one(_BY_ID, [edit_id])

    def open_of(self, product_ids: Sequence[str]) -> list[Edit]:
        """Return the edits of products that are not settled, the oldest first."""
        with self._store.reading() as db:
            return read_open(db, product_ids)

    def undecided(self, limit: int) -> list[Edit]:
        """Return the edits that wait for the owner: in conflict, or refused by Medusa; the newest first."""
        with self._store.reading() as db:
            return [_edit(row) for row in db.execute(_UNDECIDED, [limit]).fetchall()]

    def list(self, state: EditState | None = None, limit: int = 100) -> list[Edit]:
        """Return edits, the newest first."""
        with self._store.reading() as db:
            cursor = db.execute(_LIST, [limit]) if state is None else db.execute(_LIST_BY_STATE, [state, limit])
            return [_edit(row) for row in cursor.fetchall()]

    def counts(self) -> dict[str, int]:
        """Return how many edits are in each state."""
        with self._store.reading() as db:
            return {str(state): int(count) for state, count in db.execute(_COUNTS)}

    def begin(self, edit_id: str) -> None:
        """Note durably that an edit is about to be sent: from here on it may have arrived."""
        with self._store.write() as db:
            db.execute(_BEGIN, [edit_id])

    def try_later(self, edit_id: str, error: str, wait: float) -> None:
        """Note a try that did not reach Medusa."""
        with self._store.write() as db:
            db.execute(_TRY_LATER, [self._now() + wait, error, edit_id])

    def settle(self, edit_id: str, state: EditState, outcome: str, *, theirs: Any = None, error: str = "") -> bool:
        """Record what became of an edit; false when it was settled before."""
        with self._store.write() as db:
            return settle_edit(db, edit_id, state, outcome, self._now(), theirs=theirs, error=error)

    def lost(self, since: float) -> int:
        """Return how many edits were dropped since a time without the owner's doing: gone from Medusa, or by a rule."""
        with self._store.reading() as db:
            return int(db.execute(_LOST, [since]).fetchone()[0])

    def prune(self, before: float) -> int:
        """Delete what was settled before a time."""
        with self._store.write() as db:
            return int(db.execute(_PRUNE, [before]).rowcount)

    def _one(self, sql: str, parameters: Sequence[object]) -> Edit | None:
        with self._store.reading() as db:
            row = db.execute(sql, list(parameters)).fetchone()
        return _edit(row) if row else None


def add_edits(db: Database, edits: Sequence[Edit], now: float) -> None:
    """Queue edits inside the caller's transaction."""
    for edit in edits:
        values = {
            "id": edit.id,
            "field": edit.field,
            "product_id": edit.product_id,
            "variant_id": edit.variant_id,
            "part": edit.part,
            "base": _json(edit.base),
            "value": _json(edit.value),
            "now": now,
        }
        db.execute(_ADD, values)


def read_open(db: Database, product_ids: Sequence[str]) -> list[Edit]:
    """Return the edits of products that are not settled, the oldest first, as this transaction sees them."""
    return [_edit(row) for row in db.execute(_OPEN_OF, [json_ids(product_ids)]).fetchall()]


def reopen_edit(db: Database, edit_id: str, base: Any, outcome: str) -> bool:
    """Send a conflicting or refused edit after all, based on what Medusa has now, inside the caller's transaction."""
    return bool(db.execute(_REOPEN, {"id": edit_id, "base": _json(base), "outcome": outcome}).rowcount)


def rebase_edit(db: Database, edit_id: str, base: Any) -> None:
    """Say anew what a waiting edit is based on: the edit before it will not arrive."""
    db.execute(_REBASE, [_json(base), edit_id])


def settle_edit(
    db: Database, edit_id: str, state: EditState, outcome: str, now: float, *, theirs: Any = None, error: str = ""
) -> bool:
    """Record what became of an edit inside the caller's transaction; false when it was settled before."""
    values = {
        "id": edit_id,
        "state": state,
        "outcome": outcome,
        "theirs": None if theirs is None else _json(theirs),
        "error": error,
        "now": now,
    }
    return bool(db.execute(_SETTLE, values).rowcount)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _edit(row: Sequence[Any]) -> Edit:
    values = dict(zip(Edit.__struct_fields__, row, strict=True))
    for name in ("base", "value", "theirs"):
        values[name] = None if values[name] is None else msgspec.json.decode(values[name])
    return Edit(**values)
