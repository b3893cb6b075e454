"""The cache's memory: a bounded dictionary with a time to live on the monotonic clock and an index by tag."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

MAX_ENTRIES = 20_000


class Front:
    """Safe to use from any thread. The oldest entries go first when there are too many."""

    def __init__(self, monotonic: Callable[[], float], max_entries: int = MAX_ENTRIES) -> None:
        self._monotonic = monotonic
        self._max = max_entries
        self._lock = threading.Lock()
        # A plain dict finds its oldest key ever more slowly once many before it were removed.
        self._entries: OrderedDict[str, tuple[float, Any, str | None]] = OrderedDict()
        self._tags: dict[str, set[str]] = {}
        self.epoch = 0
        """Grows whenever entries are dropped on purpose."""

    def get(self, key: str) -> Any | None:
        """Return a valid value or ``None``."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._monotonic() < entry[0]:
            return entry[1]
        with self._lock:
            if self._entries.get(key) is entry:
                self._drop(key)
        return None

    def set(self, key: str, value: Any, expire: float, tag: str | None) -> None:
        """Keep a value for so many seconds."""
        with self._lock:
            self._put(key, value, expire, tag)

    def adopt(self, key: str, value: Any, expire: float, tag: str | None, epoch: int) -> None:
        """Keep a value read from the disk, unless something was dropped on purpose since ``epoch``."""
        with self._lock:
            if epoch == self.epoch and key not in self._entries:
                self._put(key, value, expire, tag)

    def fresh(self, tag: str) -> int:
        """Return how many entries of a tag are valid."""
        now = self._monotonic()
        with self._lock:
            return sum(self._entries[key][0] > now for key in self._tags.get(tag, ()))

    def evict_tag(self, tag: str) -> None:
        """Drop the entries of a tag."""
        with self._lock:
            self.epoch += 1
            for key in self._tags.pop(tag, ()):
                self._entries.pop(key, None)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self.epoch += 1
            self._entries.clear()
            self._tags.clear()

    def _put(self, key: str, value: Any, expire: float, tag: str | None) -> None:
        if key in self._entries:
            self._drop(key)
        elif len(self._entries) >= self._max:
            self._drop(next(iter(self._entries)))
        self._entries[key] = (self._monotonic() + expire, value, tag)
        if tag is not None:
            self._tags.setdefault(tag, set()).add(key)

    def _drop(self, key: str) -> None:
        _, _, tag = self._entries.pop(key)
        if tag is None:
            return
        keys = self._tags[tag]
        keys.discard(key)
        if not keys:
            del self._tags[tag]
