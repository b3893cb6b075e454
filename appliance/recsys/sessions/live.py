"""The sessions of right now: a bounded ring of what visitors click, searchable from the click on."""

from __future__ import annotations

import threading

import numpy as np

from appliance.recsys.base import Doubles, Ints, Longs
from appliance.recsys.sessions.archive import MAX_LENGTH, MAX_POSTINGS

CAPACITY = 20_000
"""Live sessions kept; the one that began first makes room."""


class LiveSessions:
    """Takes clicks and finds sessions by item. Serials grow with every new session and are never used again.

    Memory is about 300 bytes a session of the capacity, whatever the traffic. All methods may be called from any
    thread.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self._lock = threading.Lock()
        self._serial_of: dict[str, int] = {}
        self._keys: list[str | None] = [None] * capacity
        self._items: Ints = np.full((capacity, MAX_LENGTH), -1, np.int32)
        self._lengths: Ints = np.zeros(capacity, np.int32)
        self._distinct: Ints = np.zeros(capacity, np.int32)
        self._times: Doubles = np.zeros(capacity)
        self._postings: dict[int, _Posting] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._serial_of)

    def add(self, session_key: str, item: int, at: float) -> None:
        """Note a click at a Unix time; a session longer than its width forgets its oldest click."""
        with self._lock:
            serial = self._serial_of.get(session_key)
            if serial is None:
                serial = self._begin(session_key)
            slot = serial % self.capacity
            row, length = self._items[slot], int(self._lengths[slot])
            known = bool((row[:length] == item).any())
            if length == MAX_LENGTH:
                oldest = int(row[0])
                row[:-1] = row[1:]
                length -= 1
                if oldest != item and not (row[:length] == oldest).any():
                    self._distinct[slot] -= 1
                    self._postings[oldest].remove(serial)
                    self._forget(oldest)
            row[length] = item
            self._lengths[slot] = length + 1
            self._times[slot] = at
            if not known:
                self._distinct[slot] += 1
                self._postings.setdefault(item, _Posting()).add(serial)

    def serial(self, session_key: str) -> int:
        """Return the serial of a session, -1 when it is not known."""
        return self._serial_of.get(session_key, -1)

    def find(self, item: int, count: int) -> Longs:
        """Return the serials of at most ``count`` of the latest sessions that came to an item, the latest first."""
        with self._lock:
            posting = self._postings.get(item)
            if posting is None:
                return np.empty(0, np.int64)
            return posting.newest(min(count, MAX_POSTINGS), self._next - self.capacity)

    def sizes(self, serials: Longs) -> tuple[Longs, Doubles]:
        """Return how many different items each session has, int64[n], and when its newest click was, float64[n]."""
        slots = serials % self.capacity
        with self._lock:
            return np.maximum(self._distinct[slots], 1).astype(np.int64), self._times[slots]

    def rows(self, serials: Longs) -> tuple[Ints, Longs]:
        """Return items int32[n, 50] and lengths int64[n] of sessions; one that has made room has length 0."""
        with self._lock:
            slots = serials % self.capacity
            lengths = np.where(serials >= self._next - self.capacity, self._lengths[slots], 0).astype(np.int64)
            return self._items[slots], lengths

    def _begin(self, session_key: str) -> int:
        serial, self._next = self._next, self._next + 1
        slot = serial % self.capacity
        dropped = self._keys[slot]
        if dropped is not None:
            del self._serial_of[dropped]
            for item in set(self._items[slot, : self._lengths[slot]].tolist()):
                self._forget(item)
        self._keys[slot] = session_key
        self._lengths[slot] = self._distinct[slot] = 0
        self._serial_of[session_key] = serial
        return serial

    def _forget(self, item: int) -> None:
        posting = self._postings[item]
        posting.alive -= 1
        if posting.alive <= 0:
            del self._postings[item]
        elif posting.used > 2 * posting.alive + 64:
            posting.compact(self._next - self.capacity)


class _Posting:
    """Serials of the sessions with one item in a growing array. Those of dropped sessions wait for a compaction."""

    __slots__ = ("alive", "serials", "used")

    def __init__(self) -> None:
        self.serials: Longs = np.empty(4, np.int64)
        self.used = 0
        self.alive = 0

    def add(self, serial: int) -> None:
        if self.used == len(self.serials):
            self.serials = np.concatenate([self.serials, np.empty(self.used, np.int64)])
        self.serials[self.used] = serial
        self.used += 1
        self.alive += 1

    def newest(self, count: int, oldest: int) -> Longs:
        serials = self.serials[max(0, self.used - count) : self.used][::-1]
        return serials[serials >= oldest]

    def remove(self, serial: int) -> None:
        kept = self.serials[: self.used]
        kept = kept[kept != serial]
        self.serials[: len(kept)] = kept
        self.used = len(kept)

    def compact(self, oldest: int) -> None:
        kept = self.serials[: self.used]
        kept = kept[kept >= oldest]
        self.serials = np.concatenate([kept, np.empty(4, np.int64)])
        self.used = len(kept)
