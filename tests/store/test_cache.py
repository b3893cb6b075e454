"""The cache: JSON only, disposable, and never an error of the caller's."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from diskcache.core import MODE_PICKLE

from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.settings import Cache as CacheSettings
from appliance.store.cache import Cache
from appliance.store.cache_front import Front


class Clock:
    """The two clocks that the cache reads."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000.0
        self.monotonic = 100.0


class Shelf:
    """Caches over one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "cache"
        self.clock = Clock()
        self.issues = IssueBoard()
        self.metrics = Metrics()
        self.cache = self.make()

    def make(self) -> Cache:
        return Cache(
            self.folder,
            CacheSettings(size_mb=16),
            self.metrics,
            self.issues,
            now=lambda: self.clock.wall,
            monotonic=lambda: self.clock.monotonic,
        )

    def reopen(self) -> None:
        self.cache.close()
        self.cache = self.make()

    def sql(self, statement: str, *params: object) -> None:
        with sqlite3.connect(self.folder / "cache.db") as connection:
            connection.execute(statement, params)
        connection.close()

    def codes(self) -> list[str]:
        return [issue.code for issue in self.issues.open()]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.cache.close()


VALUES = [{"a": [1, "đ"]}, [1.5, None, True], "x", 7, "z" * 100_000]


@pytest.mark.parametrize("value", VALUES)
def test_what_is_set_is_got_also_after_a_restart(shelf: Shelf, value: Any) -> None:
    shelf.cache.set("k", value, 60)
    assert shelf.cache.get("k") == value
    shelf.reopen()
    assert shelf.cache.get("k") == value
    assert shelf.cache.get("other") is None


def test_it_forgets_after_its_time_whatever_the_wall_clock_does(shelf: Shelf) -> None:
    shelf.cache.set("k", 1, 60)
    shelf.clock.wall += 5 * 365 * 86_400
    assert shelf.cache.get("k") == 1
    shelf.clock.monotonic += 61
    assert shelf.cache.get("k") is None


@pytest.mark.parametrize("jump", [61.0, -1.0, -5 * 365 * 86_400.0])
def test_an_entry_on_disk_is_not_trusted_outside_its_time(shelf: Shelf, jump: float) -> None:
    shelf.cache.set("k", 1, 60)
    shelf.clock.wall += jump
    shelf.reopen()
    assert shelf.cache.get("k") is None


def test_one_visitors_entries_are_dropped_together(shelf: Shelf) -> None:
    for number in range(3):
        shelf.cache.set(f"a{number}", number, 60, tag="a")
    shelf.cache.set("b", 9, 60, tag="b")
    assert shelf.cache.fresh("a") == 3
    shelf.cache.evict_tag("a")
    assert [shelf.cache.get(f"a{number}") for number in range(3)] == [None] * 3
    assert shelf.cache.fresh("a") == 0
    assert shelf.cache.get("b") == 9
    shelf.reopen()
    assert [shelf.cache.get(f"a{number}") for number in range(3)] == [None] * 3
    assert shelf.cache.get("b") == 9


def test_nothing_dropped_comes_back_from_the_disk(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.cache.set("k", 1, 60, tag="a")
    assert shelf.cache.flush()
    held: list[Callable[[], None]] = []
    with monkeypatch.context() as patch:
        patch.setattr(shelf.cache, "_later", lambda step, **_: held.append(step))
        shelf.cache.evict_tag("a")
        assert shelf.cache.get("k") is None
        shelf.cache.clear()
        assert shelf.cache.get("k") is None
    for step in held:
        step()
    assert shelf.cache.get("k") is None


def test_clear_drops_everything(shelf: Shelf) -> None:
    shelf.cache.set("k", 1, 60)
    shelf.cache.clear()
    assert shelf.cache.get("k") is None
    shelf.reopen()
    assert shelf.cache.get("k") is None


def test_a_planted_pickle_does_not_run(shelf: Shelf, tmp_path: Path) -> None:
    planted = tmp_path / "ran"

    class Planted:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {planted}",)

    shelf.cache.set("victim", {"a": 1}, 60)
    shelf.cache.close()
    poison = pickle.dumps(Planted())
    shelf.sql("update Cache set value = ?, mode = ?, filename = null where key = 'victim'", poison, MODE_PICKLE)
    shelf.cache = shelf.make()
    assert shelf.cache.get("victim") is None
    assert shelf.cache.flush()
    assert not planted.exists()
    assert shelf.codes() == ["cache_lost"]
    shelf.cache.set("victim", 2, 60)
    assert shelf.cache.flush()
    assert shelf.codes() == []
    assert shelf.cache.get("victim") == 2


def test_a_removed_folder_is_a_miss_and_made_again(shelf: Shelf) -> None:
    shelf.cache.set("k", 1, 60)
    assert shelf.cache.flush()
    shutil.rmtree(shelf.folder)
    assert shelf.cache.get("other") is None
    assert shelf.cache.get("k") == 1, "what is in memory is still right"
    assert shelf.codes() == ["cache_lost"]
    shelf.cache.set("new", 2, 60)
    assert shelf.cache.flush()
    assert (shelf.folder / "cache.db").exists()
    assert shelf.codes() == []
    shelf.reopen()
    assert (shelf.cache.get("new"), shelf.cache.get("k")) == (2, None)


@pytest.mark.parametrize("damage", [b"garbage" * 1000, b""])
def test_a_damaged_file_is_an_empty_cache(shelf: Shelf, damage: bytes) -> None:
    shelf.cache.set("k", 1, 60)
    shelf.cache.close()
    for file in shelf.folder.glob("cache.db*"):
        file.unlink()
    (shelf.folder / "cache.db").write_bytes(damage)
    shelf.cache = shelf.make()
    assert shelf.cache.get("k") is None
    shelf.cache.set("k", 2, 60)
    assert shelf.cache.flush()
    shelf.reopen()
    assert shelf.cache.get("k") == 2


def test_a_file_damaged_while_running_is_survived(shelf: Shelf) -> None:
    for number in range(50):
        shelf.cache.set(f"k{number}", "x" * 1000, 60)
    assert shelf.cache.flush()
    for file in shelf.folder.glob("cache.db*"):
        file.write_bytes(b"garbage" * 1000)
    for number in range(60):
        shelf.cache.get(f"unknown{number}")
        shelf.cache.set(f"new{number}", number, 60)
    assert shelf.cache.flush()
    shelf.cache.set("last", 1, 60)
    assert shelf.cache.flush()
    shelf.reopen()
    assert shelf.cache.get("last") == 1


def test_a_folder_that_cannot_be_made_leaves_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    issues = IssueBoard()
    cache = Cache(tmp_path / "file" / "cache", CacheSettings(), Metrics(), issues)
    cache.set("k", 1, 60)
    assert cache.get("k") == 1
    assert cache.flush()
    assert [issue.code for issue in issues.open()] == ["cache_lost"]
    cache.close()


def test_the_folder_is_the_owners_alone(shelf: Shelf) -> None:
    assert shelf.folder.stat().st_mode & 0o077 == 0


def test_the_memory_is_bounded_and_drops_the_oldest() -> None:
    front = Front(lambda: 0.0, max_entries=3)
    for number in range(5):
        front.set(str(number), number, 60, "t")
    assert [front.get(str(number)) for number in range(5)] == [None, None, 2, 3, 4]
    assert front.fresh("t") == 3
