"""Secrets of callers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import InvalidInput
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore
from appliance.store.tokens import TokenRepository


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


@pytest.fixture
def tokens(store: SqliteStore) -> TokenRepository:
    return TokenRepository(store, now=lambda: 100.0)


@pytest.mark.parametrize(("kind", "prefix"), [("admin", "adm_"), ("secret", "sk_"), ("publishable", "pk_")])
def test_a_token_proves_its_kind(tokens: TokenRepository, kind: Any, prefix: str) -> None:
    made = tokens.create(kind, " Máy tính\n quầy ")
    assert made.secret.startswith(prefix)
    assert len(made.secret) >= len(prefix) + 43
    token = tokens.verify(made.secret)
    assert token is not None
    assert (token.id, token.kind, token.name, token.created_at) == (made.id, kind, "Máy tính quầy", 100.0)


def test_the_secret_is_nowhere_but_in_the_answer(tokens: TokenRepository, store: SqliteStore) -> None:
    made = tokens.create("admin", "box")
    assert made.secret not in repr(made)
    store.close()
    body = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert made.secret.encode() not in body
    assert made.secret.removeprefix("adm_").encode() not in body


def test_tokens_survive_a_restart_until_revoked(tokens: TokenRepository, store: SqliteStore) -> None:
    kept, gone = tokens.create("secret", "a"), tokens.create("secret", "b")
    assert tokens.revoke(gone.id)
    assert not tokens.revoke(gone.id)
    assert not tokens.revoke("tok_unknown")
    for repository in (tokens, TokenRepository(store)):
        assert repository.verify(gone.secret) is None
        assert repository.verify(kept.secret) is not None
        assert [token.id for token in repository.list()] == [kept.id]


@pytest.mark.parametrize("secret", [None, "", "adm_", "x", "adm_é", "\ud800", "\x00", "đường" * 100, "a" * 100_000])
def test_malformed_secrets_are_nobody(tokens: TokenRepository, secret: str | None) -> None:
    tokens.create("admin", "box")
    assert tokens.verify(secret) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(), max_size=80), st.integers(min_value=0, max_value=46))
def test_nothing_but_the_secret_verifies(tokens: TokenRepository, text: str, cut: int) -> None:
    made = tokens.create("admin", "box")
    assert tokens.verify(text) is None
    assert tokens.verify(made.secret[:cut]) is None
    assert tokens.verify(made.secret + text[:1]) is None or not text
    assert tokens.verify(made.secret.swapcase()) is None
    tokens.revoke(made.id)


def test_bad_kinds_and_names_are_refused(tokens: TokenRepository) -> None:
    kind: Any = "root"
    with pytest.raises(InvalidInput):
        tokens.create(kind, "x")
    with pytest.raises(InvalidInput):
        tokens.create("admin", "x" * 121)
    assert tokens.list() == []
