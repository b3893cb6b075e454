"""What a restart remembers, and of whom."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from appliance.domain import Interaction, Product, Variant
from appliance.runtime import Runtime
from appliance.settings import load_settings
from appliance.store.merger import Merger


def opened(folder: Path) -> Runtime:
    return Runtime.open(folder, load_settings(folder, environ={}, flags={}))


def products() -> list[Product]:
    return [
        Product(
            id=f"p{number}",
            handle=f"san-pham-{number}",
            title=f"Túi {number}",
            variants=(Variant(id=f"v{number}", price=1000, stock=3),),
        )
        for number in range(5)
    ]


def view(event_id: str, product_id: str, user: str = "", session: str = "s1") -> Interaction:
    now = time.time()
    return Interaction(event_id, user, session, product_id, "", "view", 1.0, now, now)


def seen(runtime: Runtime, user: str = "", session: str = "") -> set[str]:
    recommender = runtime.recommender
    return {recommender._codes.id(entry.code) for entry in recommender._profiles.entries(user, session)}


def test_clicks_that_were_only_in_the_journal_are_known_before_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(tmp_path)
    first.catalogue.upsert(products())
    assert first.journal is not None
    first.journal.start()
    first.journal.append_sync([view("a", "p1"), view("b", "p2", session="s2")])
    first.stop()
    monkeypatch.setattr(Merger, "start", lambda _: None)
    again = opened(tmp_path)
    try:
        again.start()
        assert (seen(again, session="s1"), seen(again, session="s2")) == ({"p1"}, {"p2"})
    finally:
        again.stop()


def test_what_was_replayed_from_the_journal_counts_once_when_the_log_is_read(tmp_path: Path) -> None:
    runtime = opened(tmp_path)
    try:
        runtime.catalogue.upsert(products())
        assert runtime.journal is not None and runtime.merger is not None
        runtime.journal.start()
        runtime.journal.append_sync([view("a", "p1")])
        runtime._memory.replay(runtime.journal)
        assert runtime.merger.flush(20)
        runtime._memory.rebuild_profiles(runtime._stopping)
        [entry] = runtime.recommender._profiles.entries("", "s1")
        assert entry.strength == 1.0
    finally:
        runtime.stop()


def test_who_opted_out_has_no_profile_after_a_restart(tmp_path: Path) -> None:
    runtime = opened(tmp_path)
    try:
        runtime.catalogue.upsert(products())
        assert runtime.journal is not None and runtime.merger is not None and runtime.log is not None
        runtime.journal.start()
        runtime.journal.append_sync([view("a", "p1", user="u1"), view("b", "p2", session="s2")])
        assert runtime.merger.flush(20)
        runtime.journal.append_sync([view("c", "p3", user="u1")])
        runtime.log.replace_preferences([("u1", "Túi", 1.0)])
        runtime.opt_out("", "u1")
        assert runtime.log.preferences("u1") == []
        runtime._memory.replay(runtime.journal)
        runtime._memory.rebuild_profiles(runtime._stopping)
        assert seen(runtime, user="u1", session="s1") == set()
        assert seen(runtime, session="s2") == {"p2"}
    finally:
        runtime.stop()
