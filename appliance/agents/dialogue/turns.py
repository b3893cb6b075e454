"""The order of turns: those of a session in the order in which they came, and not too many in all."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NoReturn, TypeVar

from appliance.errors import Busy, Unavailable

WORKERS = 8
MAX_IN_FLIGHT = 200
"""Turns that are answered or wait for a thread; what comes on top is told to try again."""
MAX_OF_SESSION = 4
"""Messages of one session that are answered or wait for each other."""

T = TypeVar("T")


class TurnOrder(Generic[T]):
    """Runs turns in a few threads of its own. Safe to use from any thread.

    Only the first turn of a session takes a thread, so that a session which waits for a slow answer holds up nobody
    else. Memory is that of the turns in flight.
    """

    def __init__(self) -> None:
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="chat")
        self._lock = threading.Lock()
        self._lines: dict[str, deque[tuple[Future[T], Callable[[], T]]]] = {}
        self._in_flight = 0
        self._closing = False

    def submit(self, session_id: str, run: Callable[[], T]) -> Future[T]:
        """Have a turn run after the session's earlier ones; one that is cancelled before it began is left out.

        Raises ``Busy`` when too much waits, in all or for this session, and ``Unavailable`` while the process stops.
        """
        turn: Future[T] = Future()
        with self._lock:
            if self._closing:
                raise _stopping()
            line = self._lines.get(session_id)
            if self._in_flight >= MAX_IN_FLIGHT or (line is not None and len(line) >= MAX_OF_SESSION):
                raise Busy("The assistant has too much to answer at the moment.", hint="Send the message again.")
            self._in_flight += 1
            if line is not None:
                line.append((turn, run))
                return turn
            self._lines[session_id] = deque([(turn, run)])
            # Under the lock, because ``close`` must not come between.
            self._workers.submit(self._run_first, session_id)
        return turn

    def close(self) -> None:
        """Let the running turns end; those that have not begun are refused."""
        with self._lock:
            self._closing = True
        self._workers.shutdown(wait=True)

    def _run_first(self, session_id: str) -> None:
        """Run the first turn of a session, and have the next one wait for a thread behind other sessions."""
        while True:
            turn, run = self._lines[session_id][0]
            _settle(turn, _refuse if self._closing else run)
            with self._lock:
                self._in_flight -= 1
                line = self._lines[session_id]
                line.popleft()
                if not line:
                    del self._lines[session_id]
                    return
                if not self._closing:
                    self._workers.submit(self._run_first, session_id)
                    return


def _settle(turn: Future[T], run: Callable[[], T]) -> None:
    if not turn.set_running_or_notify_cancel():
        return
    try:
        turn.set_result(run())
    except BaseException as error:  # noqa: BLE001
        # Whoever waits for the turn gets it.
        turn.set_exception(error)


def _refuse() -> NoReturn:
    raise _stopping()


def _stopping() -> Unavailable:
    return Unavailable("The appliance is stopping.", retry_after=5, hint="Send the message again.")
