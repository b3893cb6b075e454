"""The owner's own examples of what shoppers mean: the intent agent learns from them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec

from appliance.errors import Conflict
from appliance.store import owner_text
from appliance.store.owner_entries import OwnerEntries
from appliance.store.sqlite import SqliteStore

MAX_EXAMPLES = 5000
MAX_TEXT = 500

_ALL = "select id, intent, text, created_at from intent_examples order by created_at, id"
_ADD = "insert into intent_examples (id, intent, text, created_at) values (?, ?, ?, ?)"
_DELETE = "delete from intent_examples where id = ?"


class IntentExample(msgspec.Struct, frozen=True, kw_only=True):
    """A message and what it means."""

    id: str
    intent: str
    text: str
    created_at: float


class IntentExampleRepository(OwnerEntries[tuple[IntentExample, ...]]):
    """All examples, the oldest first, kept in memory. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        with store.reading() as db:
            known = tuple(
                IntentExample(id=id_, intent=intent, text=text, created_at=created_at)
                for id_, intent, text, created_at in db.execute(_ALL)
            )
        super().__init__(known)

    def add(self, intent: str, text: str) -> IntentExample:
        """Add an example; one that is there already is returned as it is. Raises ``InvalidInput`` or ``Conflict``."""
        name = owner_text.intent_of("intent", intent)
        said = owner_text.line("text", text, MAX_TEXT)
        with self._lock:
            known = next((one for one in self._all if one.intent == name and one.text == said), None)
            if known is not None:
                return known
            if len(self._all) >= MAX_EXAMPLES:
                raise Conflict(f"There are {MAX_EXAMPLES} examples already.", hint="Delete some that say the same.")
            example = IntentExample(id=owner_text.new_id("ex"), intent=name, text=said, created_at=self._now())
            with self._store.write() as db:
                db.execute(_ADD, [example.id, name, said, example.created_at])
            self._publish((*self._all, example))
        return example

    def delete(self, example_id: str) -> bool:
        """Delete an example and return whether it existed."""
        with self._lock:
            kept = tuple(one for one in self._all if one.id != example_id)
            if len(kept) == len(self._all):
                return False
            with self._store.write() as db:
                db.execute(_DELETE, [example_id])
            self._publish(kept)
        return True
