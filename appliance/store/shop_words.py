"""The shop's own abbreviations and words, and what they stand for: the language agent reads them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from appliance.errors import Conflict
from appliance.store import owner_text
from appliance.store.owner_entries import OwnerEntries
from appliance.store.sqlite import SqliteStore

MAX_WORDS = 2000
MAX_WORD = 40
MAX_MEANING = 200

_ALL = "select word, meaning from shop_words order by word"
_PUT = """
insert into shop_words (word, meaning, updated_at) values (?, ?, ?)
on conflict (word) do update set meaning = excluded.meaning, updated_at = excluded.updated_at
"""
_DELETE = "delete from shop_words where word = ?"


class ShopWordRepository(OwnerEntries[Mapping[str, str]]):
    """All words, in lower case, with their meanings, kept in memory and read-only. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        with store.reading() as db:
            known = dict(db.execute(_ALL).fetchall())
        super().__init__(MappingProxyType(known))

    def put(self, word: str, meaning: str) -> tuple[str, str]:
        """Set what a word stands for and return both as kept. Raises ``InvalidInput`` or ``Conflict``."""
        name = word_key(word)
        said = owner_text.line("meaning", meaning, MAX_MEANING)
        with self._lock:
            if name not in self._all and len(self._all) >= MAX_WORDS:
                raise Conflict(f"There are {MAX_WORDS} words already.", hint="Delete some that nobody uses.")
            with self._store.write() as db:
                db.execute(_PUT, [name, said, self._now()])
            self._sort({**self._all, name: said})
        return name, said

    def delete(self, word: str) -> bool:
        """Delete a word and return whether it existed."""
        name = word.strip().casefold()
        with self._lock:
            if name not in self._all:
                return False
            with self._store.write() as db:
                db.execute(_DELETE, [name])
            self._sort({key: meaning for key, meaning in self._all.items() if key != name})
        return True

    def _sort(self, words: dict[str, str]) -> None:
        self._publish(MappingProxyType(dict(sorted(words.items()))))


def word_key(word: str) -> str:
    """Return a word as it is kept: one line in lower case. Raises ``InvalidInput`` when it cannot be one."""
    return owner_text.line("word", word, MAX_WORD).casefold()
