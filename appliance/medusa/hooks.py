"""Events that Medusa sends: proved by their signature, fresh, taken once, and kept until they were followed."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from appliance.domain import ID_PATTERN
from appliance.errors import InvalidInput, Unauthorised
from appliance.medusa.follow import SUBJECTS, subject_of
from appliance.settings import Secret
from appliance.store.medusa_events import MedusaEventRepository

WINDOW_SECONDS = 300.0
"""How far ``sent_at`` may be from now, either way, on Medusa's clock."""
MOST_WAITING = 10_000
"""Events that wait at most, for example while Medusa refuses the key."""
_SIGNATURE_SUFFIX = "-signature"
_SCHEME = "sha256="
_MOST_IDS = 1000
_ID = re.compile(ID_PATTERN)
_NAMES = ("id", "order_id", "product_id", "variant_id")


class EventIn(msgspec.Struct, frozen=True):
    """The body of an event."""

    event: str
    data: Any
    sent_at: datetime


class EventIntake:
    """The door for events. Safe to use from any thread."""

    def __init__(self, events: MedusaEventRepository, secret: Secret, clock: Callable[[], float]) -> None:
        """``clock`` is Medusa's (Unix seconds), so that a box whose own clock is wrong still takes events."""
        self._events = events
        self._secret = secret.encode()
        self._clock = clock
        self.on_crowd: Callable[[], None] = lambda: None
        """Called when so many events wait that no more are kept: everything is to be looked at instead."""

    def take(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Keep an event, durably, and return whether it is of any interest here.

        Raises ``Unauthorised`` for a wrong or missing signature, one that is too old, and one that was taken before;
        ``InvalidInput`` for a signed body that is no event.
        """
        self._require_signature(body, headers)
        event = _decoded(body)
        if event.sent_at.tzinfo is None or abs(self._clock() - event.sent_at.timestamp()) > WINDOW_SECONDS:
            raise Unauthorised(
                "The event is too old or from the future.", hint="Send it when it happens; check both clocks."
            )
        interesting = subject_of(event.event) in SUBJECTS
        digest = hashlib.sha256(body).digest()
        ids = _ids(event.data) if interesting else ()
        if interesting and self._events.crowd() >= MOST_WAITING:
            # They cannot be followed for long; one look at everything will do for all of them.
            interesting, ids = False, ()
            self.on_crowd()
        if not self._events.add(digest, event.event[:200], ids, remember=2 * WINDOW_SECONDS, followed=not interesting):
            raise Unauthorised("The event was taken before.", hint="Sign every event with its own sent_at.")
        return interesting

    def _require_signature(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Look for ``sha256=<hex HMAC-SHA256 of the body>`` in any header whose name ends in ``-signature``."""
        right = _SCHEME + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        given = [value for name, value in headers.items() if name.lower().endswith(_SIGNATURE_SUFFIX)]
        # Not any(): every signature is compared, each in constant time.
        matches = [hmac.compare_digest(value.strip().encode(), right.encode()) for value in given]
        if not self._secret or True not in matches:
            raise Unauthorised(
                "The event is not signed, or with another secret.",
                hint="Sign the raw body with medusa.webhook_secret: X-Appliance-Signature: sha256=<hex HMAC-SHA256>.",
            )


def _decoded(body: bytes) -> EventIn:
    try:
        return msgspec.json.decode(body, type=EventIn)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(
            f"The event cannot be read: {error}.", hint='Send {"event": "…", "data": {"id": "…"}, "sent_at": "…"}.'
        ) from None


def _ids(data: Any) -> tuple[str, ...]:
    """Return the ids that an event names; Medusa sends one, a list of them, or a list of records."""
    found: list[Any] = []
    for record in data if isinstance(data, list) else [data]:
        if not isinstance(record, dict):
            continue
        for name in _NAMES:
            value = record.get(name)
            found += value if isinstance(value, list) else [value]
    named = [value for value in found[:_MOST_IDS] if isinstance(value, str) and _is_id(value)]
    return tuple(dict.fromkeys(named))


def _is_id(value: str) -> bool:
    return len(value) <= 128 and _ID.match(value) is not None
