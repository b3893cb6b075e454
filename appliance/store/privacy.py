"""Who must not be profiled, and who asked for export or erasure by when."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from appliance.domain import ID_PATTERN, Interaction
from appliance.errors import InvalidInput
from appliance.store.sqlite import SqliteStore

MAX_ID = 128
_ID = re.compile(ID_PATTERN)

_OPT_OUTS = "select subject, subject_id from opt_outs"
_INSERT_OPT_OUT = """
insert into opt_outs (subject, subject_id, created_at) values (?, ?, ?) on conflict (subject, subject_id) do nothing
"""
_INSERT_REQUEST = """
insert into privacy_requests (id, kind, user_id, session_id, created_at, due_at) values (?, ?, ?, ?, ?, ?)
"""
_REQUESTS = """
select id, kind, user_id, session_id, created_at, due_at, completed_at from privacy_requests order by due_at, id
"""

PrivacyRequestKind = Literal["export", "erase"]


class PrivacyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A shopper's request. Absent ids are ``''``; times are Unix seconds."""

    id: str
    kind: PrivacyRequestKind
    user_id: str
    session_id: str
    created_at: float
    due_at: float
    completed_at: float | None = None


class PrivacyRepository:
    """Opt-outs, kept in memory because every event asks, and requests. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        with store.reading() as db:
            # Changed under the lock only; a single look-up needs none.
            self._opted_out: set[tuple[str, str]] = {
                (subject, subject_id) for subject, subject_id in db.execute(_OPT_OUTS)
            }

    def opt_out(self, session_id: str = "", user_id: str = "") -> None:
        """Stop profiling a session, a user or both; doing it again changes nothing. Raises ``InvalidInput``."""
        subjects = _subjects(session_id, user_id)
        with self._lock:
            fresh = [subject for subject in subjects if subject not in self._opted_out]
            if not fresh:
                return
            now = self._now()
            with self._store.write() as db:
                db.conn.executemany(_INSERT_OPT_OUT, [(subject, subject_id, now) for subject, subject_id in fresh])
            self._opted_out.update(fresh)

    def is_opted_out(self, session_id: str, user_id: str) -> bool:
        """Tell whether either of the two may not be profiled; absent ids are ``''``."""
        opted_out = self._opted_out
        return bool(opted_out) and (("user", user_id) in opted_out or ("session", session_id) in opted_out)

    def opted_out(self) -> frozenset[tuple[str, str]]:
        """Return everybody who may not be profiled as (``user`` or ``session``, id)."""
        with self._lock:
            return frozenset(self._opted_out)

    def veiled(self, interactions: Sequence[Interaction]) -> list[Interaction]:
        """Return the events with those of who opted out belonging to nobody."""
        return [
            msgspec.structs.replace(event, user_id="", session_id="")
            if self.is_opted_out(event.session_id, event.user_id)
            else event
            for event in interactions
        ]

    def add_request(self, kind: PrivacyRequestKind, user_id: str, session_id: str, due_hours: float) -> PrivacyRequest:
        """Note a request that is due in so many hours. Raises ``InvalidInput`` when it names nobody."""
        _subjects(session_id, user_id)
        if kind not in ("export", "erase"):
            raise InvalidInput(f"unknown request {kind!r}", fields=(("kind", "use export or erase"),))
        now = self._now()
        request = PrivacyRequest(
            id=f"prv_{secrets.token_hex(8)}",
            kind=kind,
            user_id=user_id,
            session_id=session_id,
            created_at=now,
            due_at=now + due_hours * 3600,
        )
        with self._store.write() as db:
            db.execute(_INSERT_REQUEST, [request.id, kind, user_id, session_id, request.created_at, request.due_at])
        return request

    def requests(self) -> list[PrivacyRequest]:
        """Return all requests, the most urgent first."""
        with self._store.reading() as db:
            rows = db.execute(_REQUESTS).fetchall()
        return [
            PrivacyRequest(
                id=id_,
                kind=kind,
                user_id=user_id,
                session_id=session_id,
                created_at=created_at,
                due_at=due_at,
                completed_at=completed_at,
            )
            for id_, kind, user_id, session_id, created_at, due_at, completed_at in rows
        ]


def _subjects(session_id: str, user_id: str) -> list[tuple[str, str]]:
    named = [("user", user_id), ("session", session_id)]
    for subject, subject_id in named:
        if subject_id and not (len(subject_id) <= MAX_ID and _ID.match(subject_id)):
            raise InvalidInput(
                f"bad {subject} id", fields=((f"{subject}_id", f"up to {MAX_ID} of A-Z a-z 0-9 _ . : -"),)
            )
    present = [(subject, subject_id) for subject, subject_id in named if subject_id]
    if not present:
        raise InvalidInput("name a session or a user", fields=(("session_id", "is missing"),))
    return present
