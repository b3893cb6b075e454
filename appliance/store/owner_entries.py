"""What the owner's small lists share: all entries stay in memory and are replaced as a whole."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class OwnerEntries(Generic[T]):
    """Readers take no lock and never touch the disk; who changes something publishes all entries anew."""

    def __init__(self, entries: T) -> None:
        self._all = entries
        self._revision = 1

    @property
    def revision(self) -> int:
        """Grows with every change."""
        return self._revision

    def entries(self) -> T:
        """Return all entries; the same object until something changes."""
        return self._all

    def _publish(self, entries: T) -> None:
        # In this order: whoever sees the new revision finds the new entries.
        self._all = entries
        self._revision += 1
