"""A circuit breaker: a Medusa that fails is left alone for a while, longer each time, and then tried by one request."""

from __future__ import annotations

import random
import threading

FAILURES = 5
"""Failures in a row that open it."""
FIRST_PAUSE = 5.0
"""Seconds of the first pause; each further one is twice as long."""
LONGEST_PAUSE = 300.0
"""Seconds that a pause lasts at most when Medusa asks for it."""
LONGEST_OWN_PAUSE = 30.0
"""Seconds that a pause lasts at most when it does not: the shop is to be in step within a minute of its return."""


class Breaker:
    """Closed, it lets requests through; open, none; half-open, one, whose end decides.

    Times are monotonic seconds that the caller passes. Safe to use from any thread.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._lock = threading.Lock()
        self._failures = 0
        self._pauses = 0
        self._open_until: float | None = None
        self._trial_until = 0.0

    def wait(self, now: float, trial_seconds: float) -> float:
        """Return 0 when a request may be sent now, else the seconds until one may.

        When the pause is over, one request may go, and no other until it has ended or ``trial_seconds`` are over.
        """
        with self._lock:
            wait = self._left(now)
            if wait <= 0 and self._open_until is not None:
                self._trial_until = now + trial_seconds
            return wait

    def left(self, now: float) -> float:
        """Return what ``wait`` would, without sending anything."""
        with self._lock:
            return self._left(now)

    @property
    def closed(self) -> bool:
        """Whether requests pass freely."""
        with self._lock:
            return self._open_until is None

    def succeeded(self) -> None:
        """Close it: Medusa answered."""
        with self._lock:
            self._failures = self._pauses = 0
            self._open_until = None
            self._trial_until = 0.0

    def failed(self, now: float) -> None:
        """Count a failure; too many in a row, or one in the trial, begin the next pause."""
        with self._lock:
            self._failures += 1
            if self._open_until is not None or self._failures >= FAILURES:
                pause = min(FIRST_PAUSE * 2.0**self._pauses, LONGEST_OWN_PAUSE)
                # Between three quarters and all of it, so that several boxes do not come back at one moment.
                self._open(now + pause * (0.75 + 0.25 * self._dice.random()))

    def hold(self, now: float, seconds: float) -> None:
        """Open it for the time that Medusa asked for, bounded."""
        with self._lock:
            self._open(now + min(max(seconds, 0.0), LONGEST_PAUSE))

    def abandoned(self) -> None:
        """Let another request be the trial: this one was given up before it told anything."""
        with self._lock:
            self._trial_until = 0.0

    def _left(self, now: float) -> float:
        return 0.0 if self._open_until is None else max(0.0, max(self._open_until, self._trial_until) - now)

    def _open(self, until: float) -> None:
        self._pauses = min(self._pauses + 1, 16)
        self._open_until = max(until, self._open_until or 0.0)
        self._trial_until = 0.0
