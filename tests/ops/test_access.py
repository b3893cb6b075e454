"""Claim code, tokens and customer tokens: the right proof opens, everything else is refused with the way out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest

from appliance.errors import Conflict, RateLimited, Unauthorised
from appliance.ops.access import Access
from appliance.ops.keys import Keys, load_keys
from appliance.settings import Settings
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore
from appliance.store.state import StateRepository
from appliance.store.tokens import TokenRepository

NOW = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return load_keys(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield store
    store.close()


@pytest.fixture
def access(store: SqliteStore, keys: Keys, clock: Clock) -> Access:
    return Access(TokenRepository(store, clock), StateRepository(store), keys, Settings(), clock)


def signed(keys: Keys, **changes: Any) -> str:
    claims = {"sub": "cus_1", "exp": NOW + 600} | changes
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, str(keys.customer_token_secret), "HS256")


def test_an_unclaimed_box_shows_the_same_code_after_a_restart(access: Access, store: SqliteStore, keys: Keys) -> None:
    code = access.claim_code()
    assert code is not None
    assert len(code.replace("-", "")) == 12
    restarted = Access(TokenRepository(store), StateRepository(store), keys, Settings())
    assert restarted.claim_code() == code


def test_the_code_gives_one_admin_token_once(access: Access, store: SqliteStore, keys: Keys) -> None:
    code = access.claim_code()
    assert code is not None
    token = access.claim(code.lower().replace("-", " "))
    found = access.verify_admin(token.secret)
    assert found is not None
    assert found.id == token.id
    assert access.claim_code() is None
    with pytest.raises(Conflict):
        access.claim(code)
    restarted = Access(TokenRepository(store), StateRepository(store), keys, Settings())
    assert restarted.claim_code() is None


@pytest.mark.parametrize("code", ["", "wrong", "đây là mã", "\x00", "\ud800", "A" * 5000])
def test_a_wrong_code_is_refused(access: Access, code: str) -> None:
    with pytest.raises(Unauthorised):
        access.claim(code)
    assert access.claim_code() is not None


def test_guessing_is_limited_and_the_limit_ends(access: Access, clock: Clock) -> None:
    code = access.claim_code()
    assert code is not None
    for _ in range(10):
        with pytest.raises(Unauthorised):
            access.claim("0000-0000-0000")
    with pytest.raises(RateLimited) as limited:
        access.claim(code)
    assert 0 < limited.value.retry_after <= 600
    clock.now += limited.value.retry_after + 1
    assert access.claim(code).kind == "admin"


def test_a_clock_that_jumps_back_does_not_lock_the_owner_out(access: Access, clock: Clock) -> None:
    code = access.claim_code()
    assert code is not None
    for _ in range(10):
        with pytest.raises(Unauthorised):
            access.claim("0000-0000-0000")
    clock.now -= 5 * 365 * 86400
    assert access.claim(code).kind == "admin"


def test_each_key_opens_only_what_it_is_for(store: SqliteStore, keys: Keys) -> None:
    tokens = TokenRepository(store)
    access = Access(tokens, StateRepository(store), keys, Settings())
    secret, public = tokens.create("secret", "s").secret, tokens.create("publishable", "p").secret
    assert access.verify_secret(secret)
    assert access.verify_publishable(public)
    assert not access.verify_admin(secret)
    assert not access.verify_secret(public)
    assert not access.verify_publishable("")
    assert not access.verify_admin("adm_é\udcff")


def test_a_signed_customer_is_known(access: Access, keys: Keys) -> None:
    assert access.verify_customer_token(signed(keys)) == "cus_1"
    assert access.verify_customer_token(signed(keys, nbf=NOW + 10, aud="shop", iat=NOW + 5)) == "cus_1"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": NOW - 1},
        {"exp": NOW + 7200},
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"nbf": NOW + 3000, "exp": NOW + 3100},
        {"sub": None},
        {"sub": ""},
        {"sub": "a b"},
        {"sub": "x" * 129},
        {"sub": "ok\n"},
    ],
)
def test_an_unfit_customer_token_is_refused(access: Access, keys: Keys, changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthorised):
        access.verify_customer_token(signed(keys, **changes))


def test_a_forged_customer_token_is_refused(access: Access, keys: Keys) -> None:
    good = signed(keys)
    head, body, signature = good.split(".")
    nested = jwt.utils.base64url_encode(b"[" * 3000).decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forged = [
            jwt.encode({"sub": "cus_1", "exp": NOW + 60}, "another secret that is long enough for HMAC", "HS256"),
            jwt.encode({"sub": "cus_1", "exp": NOW + 60}, None, "none"),
            jwt.encode({"sub": "cus_1", "exp": NOW + 60}, str(keys.customer_token_secret), "HS512"),
        ]
    forged += ["", "a.b.c", "é.é.é", f"{head}.{body}.", f"{head}.{body}.{signature}x", f"{nested}.{body}.{signature}"]
    forged += ["x" * 100_000, f"{good}\x00"]
    for token in forged:
        with pytest.raises(Unauthorised):
            access.verify_customer_token(token)


def test_the_longest_life_is_a_setting(store: SqliteStore, keys: Keys, clock: Clock) -> None:
    settings = msgspec.convert({"security": {"customer_token_max_seconds": 60}}, Settings)
    access = Access(TokenRepository(store), StateRepository(store), keys, settings, clock)
    with pytest.raises(Unauthorised):
        access.verify_customer_token(signed(keys))
    assert access.verify_customer_token(signed(keys, exp=NOW + 50)) == "cus_1"
