"""diskcache's file format without pickle: its own disk classes execute a planted one (CVE-2025-69872)."""

from __future__ import annotations

from typing import Any

import diskcache
import msgspec
from diskcache.core import MODE_PICKLE, UNKNOWN

_KEYS = (str, bytes, int, float)


class SafeDisk(diskcache.Disk):  # type: ignore[misc]
    """Values are JSON, keys are plain; ``ValueError`` for whatever is not."""

    def put(self, key: Any) -> Any:
        """Return the database form of a key."""
        if type(key) not in _KEYS:
            raise TypeError(f"a cache key must be plain, not {type(key).__name__}")
        return super().put(key)

    def get(self, key: Any, raw: Any) -> Any:
        """Return a key from its database form."""
        if not raw:
            raise ValueError("the cache holds a pickled key")
        return super().get(key, raw)

    def store(self, value: Any, read: Any, key: Any = UNKNOWN) -> Any:
        """Return the database form of a value."""
        return super().store(value if read else msgspec.json.encode(value), read, key=key)

    def fetch(self, mode: Any, filename: Any, value: Any, read: Any) -> Any:
        """Return a value from its database form."""
        if mode == MODE_PICKLE:
            raise ValueError("the cache holds a pickled value")
        data = super().fetch(mode, filename, value, read)
        return data if read else msgspec.json.decode(data)
