"""Opt-outs and privacy requests."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import InvalidInput
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.privacy import PrivacyRepository
from appliance.store.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


def test_an_opt_out_holds_for_either_and_survives_a_restart(store: SqliteStore) -> None:
    privacy = PrivacyRepository(store)
    assert not privacy.is_opted_out("", "")
    privacy.opt_out(session_id="s1")
    privacy.opt_out(user_id="u1")
    privacy.opt_out(session_id="s1", user_id="u1")
    for repository in (privacy, PrivacyRepository(store)):
        assert repository.is_opted_out("s1", "")
        assert repository.is_opted_out("s2", "u1")
        assert not repository.is_opted_out("u1", "s1")
        assert not repository.is_opted_out("s2", "")
        assert not repository.is_opted_out("", "")


@pytest.mark.parametrize(
    ("session_id", "user_id"), [("", ""), ("a b", ""), ("", "x\n"), ("x" * 129, ""), ("s", "\ud800"), ("\x00", "")]
)
def test_an_opt_out_must_name_somebody(store: SqliteStore, session_id: str, user_id: str) -> None:
    privacy = PrivacyRepository(store)
    with pytest.raises(InvalidInput):
        privacy.opt_out(session_id, user_id)
    with pytest.raises(InvalidInput):
        privacy.add_request("erase", user_id, session_id, 72)
    assert privacy.requests() == []


def test_requests_are_listed_by_urgency(store: SqliteStore) -> None:
    privacy = PrivacyRepository(store, now=lambda: 1000.0)
    later = privacy.add_request("export", "u1", "", 72)
    sooner = privacy.add_request("erase", "", "s1", 1)
    assert (later.created_at, later.due_at, later.completed_at) == (1000.0, 1000.0 + 72 * 3600, None)
    assert PrivacyRepository(store).requests() == [sooner, later]


def test_an_unknown_request_is_refused(store: SqliteStore) -> None:
    kind: Any = "forget"
    with pytest.raises(InvalidInput):
        PrivacyRepository(store).add_request(kind, "u1", "", 1)


def test_one_more_opt_out_copies_none_of_the_others(store: SqliteStore) -> None:
    rows = [("session", f"s{number}", 0.0) for number in range(50_000)]
    with store.write() as db:
        db.conn.executemany("insert into opt_outs (subject, subject_id, created_at) values (?, ?, ?)", rows)
    privacy = PrivacyRepository(store)
    tracemalloc.start()
    try:
        privacy.opt_out(session_id="late")
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
    assert privacy.is_opted_out("late", "")
    assert privacy.is_opted_out("s49999", "")
