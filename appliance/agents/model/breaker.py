"""A circuit breaker: a model that fails is left alone for a while instead of being waited for turn after turn."""

from __future__ import annotations

import threading

from appliance.settings import Assistant


class CircuitBreaker:
    """Closed, it lets calls through; after so many failures in a row it opens, and later lets one call try again.

    Times are any monotonic seconds that the caller passes. Safe to use from any thread.
    """

    def __init__(self, settings: Assistant) -> None:
        self._limit = settings.model_failures
        self._pause = settings.model_pause_seconds
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    def allows(self, now: float) -> bool:
        """Tell whether a call may be made; when the pause is over, exactly one may, until it has succeeded."""
        with self._lock:
            if self._failures < self._limit:
                return True
            if now < self._open_until:
                return False
            self._open_until = now + self._pause
            return True

    def succeeded(self) -> None:
        """Close the breaker."""
        with self._lock:
            self._failures = 0

    def failed(self, now: float) -> None:
        """Count a failure and open the breaker when there were too many."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._limit:
                self._open_until = now + self._pause
