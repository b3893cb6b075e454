"""Tells listeners of every change of a job, as it happens."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from appliance.store.jobs import Job

Listener = Callable[[Job | None], None]
"""Told a job as it is now, on the thread that changed it; ``None``: there will be no more. It must return at once.

What two threads tell may come in either order: where that matters, the job's row has the truth.
"""

log = structlog.get_logger(__name__)


class JobFeed:
    """The listeners of one queue. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have a listener told of changes from now on, and return what ends that."""
        with self._lock:
            if not self._closed:
                self._listeners.append(listener)
        if self._closed:
            listener(None)
        return lambda: self._forget(listener)

    def tell(self, job: Job) -> None:
        """Tell every listener of a change; one that fails is told no more, as its fault must not fail the job."""
        for listener in list(self._listeners):
            try:
                listener(job)
            except Exception as error:
                log.warning("job_listener_failed", exc_info=error)
                self._forget(listener)

    def close(self) -> None:
        """Tell every listener that there will be no more; calling it again does nothing."""
        with self._lock:
            self._closed = True
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(None)

    def _forget(self, listener: Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)
