"""When a pass that was missed is tried again: soon after an outage, ever later where only the pass itself fails."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_SECONDS = 5.0
_LONGEST_AWAY = 40.0
"""While Medusa is away: with the pause of the breaker, the shop is in step within a minute of its return."""
_LONGEST_ANSWERING = 900.0
"""While it answers and the pass fails all the same: what it is asked for is too much for it."""


class MissedPass:
    """Remembers that a pass was missed. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._misses = 0
        self._due_at: float | None = None

    @property
    def is_due(self) -> bool:
        """Whether one was missed and may be tried again now."""
        return self._due_at is not None and self._clock() >= self._due_at

    def note(self, *, answering: bool) -> None:
        """Note that a pass did not come to its end; ``answering``: Medusa can be used otherwise."""
        longest = _LONGEST_ANSWERING if answering else _LONGEST_AWAY
        self._due_at = self._clock() + min(_FIRST_SECONDS * 2.0 ** min(self._misses, 10), longest)
        self._misses += 1

    def made_up(self) -> None:
        """Note that a pass read everything that the missed ones would have."""
        self._misses, self._due_at = 0, None
