"""What shoppers asked to be done with their orders, for a person to carry out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec
import sqlite_utils

from appliance.errors import InvalidInput
from appliance.store import owner_text
from appliance.store.normalise import MAX_ID
from appliance.store.sqlite import SqliteStore

RequestKind = Literal["cancel", "change", "address", "return"]
RequestStatus = Literal["open", "done", "rejected"]
MAX_DETAILS = 20
MAX_DETAIL = 1000
MAX_NOTE = 1000

_FIELDS = "id, display_id, kind, details, chat_session_id, status, note, created_at, updated_at"
_OPEN = f"select {_FIELDS} from order_requests where display_id = ? and kind = ? and status = 'open'"  # noqa: S608
_BY_ID = f"select {_FIELDS} from order_requests where id = ?"  # noqa: S608
_OF_ORDER = f"select {_FIELDS} from order_requests where display_id = ? order by created_at desc, id"  # noqa: S608
_PAGE = f"""
select {_FIELDS} from order_requests where ?1 = '' or status = ?1 order by created_at desc, id limit ?2 offset ?3
"""  # noqa: S608
_COUNT = "select count(*) from order_requests where ?1 = '' or status = ?1"
_ADD = f"insert into order_requests ({_FIELDS}) values (?, ?, ?, ?, ?, 'open', '', ?, ?)"  # noqa: S608
_DETAILS = "update order_requests set details = ?, updated_at = ? where id = ?"
_PURGE = "delete from order_requests where status <> 'open' and updated_at < ?"
_RESOLVE = "update order_requests set status = ?, note = ?, updated_at = ? where id = ? and status = 'open'"


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One wish about one order."""

    id: str
    display_id: str
    kind: RequestKind
    details: dict[str, str] = {}
    """As the shopper said it: ``address``, ``items``, ``reason`` and the like."""
    conversation_id: str = ""
    status: RequestStatus = "open"
    note: str = ""
    """The owner's own, when it was resolved."""
    created_at: float = 0.0
    updated_at: float = 0.0


class OrderRequestRepository:
    """Requests on disk; written through. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def create(
        self, display_id: str, kind: RequestKind, details: Mapping[str, str], conversation_id: str
    ) -> tuple[OrderRequest, bool]:
        """Return the open request of an order and kind, made now if there was none, and whether it was.

        Asked again, the request stays one; details said anew take the place of the old. Raises ``InvalidInput``.
        """
        number = owner_text.line("display_id", display_id.strip().lstrip("#"), MAX_ID)
        said = _details(details)
        encoded = msgspec.json.encode(said).decode()
        now = self._now()
        with self._store.write() as db:
            known = db.execute(_OPEN, [number, kind]).fetchone()
            if known is not None:
                found = _request(known)
                if said and said != found.details:
                    merged = {**found.details, **said}
                    db.execute(_DETAILS, [msgspec.json.encode(merged).decode(), now, found.id])
                    found = msgspec.structs.replace(found, details=merged, updated_at=now)
                return found, False
            request_id = owner_text.new_id("oreq")
            db.execute(_ADD, [request_id, number, kind, encoded, conversation_id, now, now])
            return self._read(db, request_id), True

    def open_of(self, display_id: str) -> tuple[OrderRequest, ...]:
        """Return the open requests of an order, the newest first."""
        with self._store.reading() as db:
            found = db.execute(_OF_ORDER, [display_id.strip().lstrip("#")]).fetchall()
        return tuple(request for request in map(_request, found) if request.status == "open")

    def get(self, request_id: str) -> OrderRequest | None:
        """Return a request."""
        with self._store.reading() as db:
            row = db.execute(_BY_ID, [request_id]).fetchone()
        return None if row is None else _request(row)

    def list(
        self, status: RequestStatus | None = None, *, limit: int = 50, offset: int = 0
    ) -> tuple[Sequence[OrderRequest], int]:
        """Return a page of requests, the newest first, and how many there are in all."""
        with self._store.reading() as db:
            total = int(db.execute(_COUNT, [status or ""]).fetchone()[0])
            return [_request(row) for row in db.execute(_PAGE, [status or "", limit, offset])], total

    def resolve(
        self, request_id: str, status: Literal["done", "rejected"], note: str = ""
    ) -> tuple[OrderRequest | None, bool]:
        """Close a request; return it as it is then, or ``None`` without one, and whether it was open till now."""
        said = owner_text.block("note", note, MAX_NOTE, empty=True)
        with self._store.write() as db:
            if db.execute(_BY_ID, [request_id]).fetchone() is None:
                return None, False
            changed = db.execute(_RESOLVE, [status, said, self._now(), request_id]).rowcount > 0
            return self._read(db, request_id), changed

    def purge(self, before: float) -> int:
        """Delete requests that were resolved before a time and return how many went."""
        with self._store.write() as db:
            return int(db.execute(_PURGE, [before]).rowcount)

    @staticmethod
    def _read(db: sqlite_utils.Database, request_id: str) -> OrderRequest:
        return _request(db.execute(_BY_ID, [request_id]).fetchone())


def _details(given: Mapping[str, str]) -> dict[str, str]:
    if len(given) > MAX_DETAILS:
        raise InvalidInput("too many details", fields=(("details", f"use at most {MAX_DETAILS}"),))
    return {
        owner_text.line("details", name, 60): owner_text.block("details", text, MAX_DETAIL, empty=True)
        for name, text in given.items()
    }


def _request(row: Sequence[object]) -> OrderRequest:
    fields = ("id", "display_id", "kind", "details", "conversation_id", "status", "note", "created_at", "updated_at")
    values = dict(zip(fields, row, strict=True))
    values["details"] = msgspec.json.decode(str(values["details"]))
    return msgspec.convert(values, OrderRequest)
