"""Wrong answers to "whose order is it", counted by conversation, order number and client, and kept over restarts."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

import sqlite_utils

from appliance.store.contacts import Pseudonym
from appliance.store.group_writer import GroupWriter
from appliance.store.sqlite import SqliteStore

MAX_SUBJECTS = 20_000
"""Subjects that are remembered; past it those whose last wrong answer is the oldest are forgotten."""

_RECENT = "select subject, attempted_at from verification_attempts where attempted_at > ? order by attempted_at"
_ADD = "insert into verification_attempts (subject, attempted_at) values (?, ?)"
_PURGE = "delete from verification_attempts where attempted_at <= ?"


class Limit(NamedTuple):
    """How many wrong answers a subject may give in how many seconds."""

    wrong: int
    seconds: float


LIMITS = {"conversation": Limit(5, 900.0), "order": Limit(10, 3600.0), "client": Limit(20, 3600.0)}
_LONGEST = max(limit.seconds for limit in LIMITS.values())

Subjects = Iterable[tuple[str, str]]
"""Kind (a key of ``LIMITS``) and identity; one with an empty identity does not count."""


class VerificationAttempts:
    """Recent wrong answers in memory, written behind. What is stored names nobody: subjects are keyed hashes."""

    def __init__(self, store: SqliteStore, writer: GroupWriter, pseudonym: Pseudonym, now: float) -> None:
        self._writer = writer
        self._pseudonym = pseudonym
        self._lock = threading.Lock()
        self._times: OrderedDict[str, list[float]] = OrderedDict()
        self._purged_at = now
        with store.reading() as db:
            for subject, at in db.execute(_RECENT, [now - _LONGEST]):
                self._note(subject, at)

    def blocked(self, subjects: Subjects, now: float) -> float:
        """Return the seconds until all subjects may try again; 0 when they may now."""
        waits = [0.0]
        with self._lock:
            for kind, identity in subjects:
                if not identity:
                    continue
                limit = LIMITS[kind]
                recent = [at for at in self._times.get(self._key(kind, identity), ()) if at > now - limit.seconds]
                if len(recent) >= limit.wrong:
                    waits.append(recent[-limit.wrong] + limit.seconds - now)
        return max(waits)

    def record(self, subjects: Subjects, now: float) -> None:
        """Count a wrong answer for every subject."""
        keys = [self._key(kind, identity) for kind, identity in subjects if identity]
        with self._lock:
            for key in keys:
                self._note(key, now)
            purge = now - self._purged_at > _LONGEST
            if purge:
                self._purged_at = now
                self._forget(now)

        def write(db: sqlite_utils.Database) -> None:
            db.conn.executemany(_ADD, [(key, now) for key in keys])
            if purge:
                db.execute(_PURGE, [now - _LONGEST])

        self._writer.later(write)

    def _key(self, kind: str, identity: str) -> str:
        return self._pseudonym("attempt", kind, identity.casefold())

    def _note(self, key: str, at: float) -> None:
        times = self._times.setdefault(key, [])
        times.append(at)
        del times[: -max(limit.wrong for limit in LIMITS.values())]
        self._times.move_to_end(key)
        while len(self._times) > MAX_SUBJECTS:
            self._times.popitem(last=False)

    def _forget(self, now: float) -> None:
        for key in [key for key, times in self._times.items() if times[-1] <= now - _LONGEST]:
            del self._times[key]
