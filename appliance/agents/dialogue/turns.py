"""The order of turns: those of a session one after the other, and not too many in all."""

from __future__ import annotations

import threading

from appliance.errors import Busy

MAX_IN_FLIGHT = 200
"""Turns that are answered or wait for a thread; what comes on top is told to try again."""
MAX_OF_SESSION = 4
"""Messages of one session that are answered or wait for each other."""


class Place:
    """The place of a session in the order of turns."""

    __slots__ = ("count", "lock", "session_id")

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.lock = threading.Lock()
        self.count = 0


class TurnOrder:
    """One lock a session for as long as it has a turn: memory is that of the turns in flight."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}
        self._in_flight = 0

    def enter(self, session_id: str) -> Place:
        """Return the session's place. Raises ``Busy`` when too much waits, in all or for this session."""
        with self._lock:
            place = self._places.get(session_id)
            full = self._in_flight >= MAX_IN_FLIGHT
            if full or (place is not None and place.count >= MAX_OF_SESSION):
                raise Busy("The assistant has too much to answer at the moment.", hint="Send the message again.")
            if place is None:
                place = self._places[session_id] = Place(session_id)
            place.count += 1
            self._in_flight += 1
            return place

    def leave(self, place: Place) -> None:
        """Give a place back."""
        with self._lock:
            self._in_flight -= 1
            place.count -= 1
            if not place.count:
                del self._places[place.session_id]
