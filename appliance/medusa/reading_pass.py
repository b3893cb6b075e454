"""One pass over Medusa: what it reads from, where it writes to, how far it is and what it changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from appliance.medusa.faults import MedusaUnreachable
from appliance.medusa.mirror import Mirror, Written
from appliance.medusa.reading import Reader
from appliance.medusa.turns import Turns

Mode = Literal["full", "changes", "stock", "sweep", "events", "now"]
"""``full``: everything is copied and compared; ``changes``: what Medusa dates; ``stock``: all stock levels; ``sweep``:
prices, categories and ids, which it does not date; ``events``: what it told; ``now``: changes, stock and sweep."""
Progress = Callable[[float, str], None]
"""Told the share done, from 0 to 1, and the stage."""


_MOST_REFUSED = 100


class PassReport(msgspec.Struct, kw_only=True):
    """What a pass did."""

    mode: Mode
    seconds: float = 0.0
    requests: int = 0
    read: dict[str, int] = {}
    """Records read, by kind."""
    changed: dict[str, int] = {}
    deleted: dict[str, int] = {}
    refused: list[str] = []
    """Products and orders that cannot be kept, with the reason; the first hundred."""
    renumbered: int = 0
    """Imported orders whose number is that of an order of Medusa; they are kept with ``-old`` behind it."""
    purchases: int = 0
    """Purchases of which only Medusa knew."""

    def count(self, kind: str, written: Written) -> None:
        """Count what became of records of a kind."""
        numbers = (written.read, written.changed, written.deleted)
        for counts, number in zip((self.read, self.changed, self.deleted), numbers, strict=True):
            if number:
                counts[kind] = counts.get(kind, 0) + number
        self.refused += written.refused[: _MOST_REFUSED - len(self.refused)]


@dataclass
class Pass:
    """The means of one pass."""

    reader: Reader
    mirror: Mirror
    report: PassReport
    exchange: Turns
    """Held while a page is read and written, so that nothing sent meanwhile is overwritten by what was read before."""
    progress: Progress = lambda _share, _stage: None
    stopping: Callable[[], bool] = lambda: False
    _span: tuple[float, float] = field(default=(0.0, 1.0))

    def stage(self, start: float, end: float) -> None:
        """Say which part of the whole the next stage takes."""
        self._span = (start, end)

    def tell(self, share: float, stage: str) -> None:
        """Tell the progress of a stage. Raises ``MedusaUnreachable`` when the pass is to stop."""
        if self.stopping():
            raise MedusaUnreachable("The synchronisation was stopped.", reason="stopping")
        start, end = self._span
        self.progress(start + (end - start) * share, stage)
