"""Secrets of callers: shown once, stored as SHA-256, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from appliance.errors import InvalidInput
from appliance.store.normalise import encodable
from appliance.store.sqlite import SqliteStore
from appliance.text import clean_line

TokenKind = Literal["admin", "secret", "publishable"]
PREFIXES: dict[TokenKind, str] = {"admin": "adm_", "secret": "sk_", "publishable": "pk_"}
SECRET_BYTES = 32
MAX_NAME = 120

_ALL = "select id, kind, name, created_at, secret_hash from tokens where revoked_at is null order by created_at, id"
_INSERT = "insert into tokens (id, kind, name, secret_hash, created_at) values (?, ?, ?, ?, ?)"
_REVOKE = "update tokens set revoked_at = ? where id = ? and revoked_at is null returning id"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token that is in force, without its secret."""

    id: str
    kind: TokenKind
    name: str
    created_at: float


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token at the only moment at which its secret can be read."""

    id: str
    kind: TokenKind
    name: str
    created_at: float
    secret: str

    def __repr__(self) -> str:
        return f"NewToken(id={self.id!r}, kind={self.kind!r}, name={self.name!r}, secret='***')"


class TokenRepository:
    """The tokens in force, kept in memory beside their hashes. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        with store.reading() as db:
            rows = db.execute(_ALL).fetchall()
        self._live = {bytes(digest): _token(id_, kind, name, created) for id_, kind, name, created, digest in rows}

    def create(self, kind: TokenKind, name: str) -> NewToken:
        """Make a token with a secret of 256 random bits. Raises ``InvalidInput`` for an unknown kind or a long name."""
        if kind not in PREFIXES:
            raise InvalidInput(f"unknown kind of token {kind!r}", hint=f"use one of {', '.join(PREFIXES)}")
        label = clean_line(encodable(name))
        if len(label) > MAX_NAME:
            raise InvalidInput("the token's name is too long", fields=(("name", f"use at most {MAX_NAME} characters"),))
        secret = PREFIXES[kind] + secrets.token_urlsafe(SECRET_BYTES)
        token = Token(id=f"tok_{secrets.token_hex(8)}", kind=kind, name=label, created_at=self._now())
        digest = _digest(secret)
        with self._lock:
            with self._store.write() as db:
                db.execute(_INSERT, [token.id, kind, label, digest, token.created_at])
            self._live = {**self._live, digest: token}
        return NewToken(id=token.id, kind=kind, name=label, created_at=token.created_at, secret=secret)

    def verify(self, secret: str | None) -> Token | None:
        """Return the token that a secret belongs to; ``None`` for a wrong, missing or malformed one.

        Every stored hash is compared in constant time, so that the time taken says nothing about any of them.
        """
        digest = _digest(secret or "")
        found = None
        for stored, token in self._live.items():
            if hmac.compare_digest(stored, digest):
                found = token
        return found

    def revoke(self, token_id: str) -> bool:
        """End a token at once and return whether it was in force."""
        with self._lock:
            with self._store.write() as db:
                revoked = db.execute(_REVOKE, [self._now(), token_id]).fetchall()
            self._live = {digest: token for digest, token in self._live.items() if token.id != token_id}
        return bool(revoked)

    def list(self) -> list[Token]:
        """Return the tokens in force, the oldest first."""
        return list(self._live.values())


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _token(id_: str, kind: TokenKind, name: str, created_at: float) -> Token:
    return Token(id=id_, kind=kind, name=name, created_at=created_at)
