"""How the appliance proves itself to Medusa, and when a refusal of that proof may be believed."""

from __future__ import annotations

import base64
import binascii
import threading

import msgspec

from appliance.errors import InvalidSetting
from appliance.settings import Medusa

LOGIN_PATH = "/auth/user/emailpass"
_RENEW_AT = 0.8
"""Share of a token's life after which a new one is got."""
_OCCASIONS = 3
_SPAN_SECONDS = 180.0
OCCASION_SECONDS = 60.0
"""Refusals closer together count as one."""
DENIED_SECONDS = 300.0
"""How often a key that was refused for good is tried again, in seconds."""


class Credentials:
    """The secret key, or an admin's login with the token that it gave; and the publishable key. Thread-safe.

    Times are monotonic seconds of the caller, so that a clock that is wrong on either side does not matter.
    """

    def __init__(self, settings: Medusa) -> None:
        self._lock = threading.Lock()
        self._login = {"email": settings.admin_email, "password": str(settings.admin_password)}
        key = settings.secret_key.strip()
        self.has_key = bool(key)
        """Whether a secret key is used; else an admin's login is."""
        if not key and not (settings.admin_email and settings.admin_password):
            raise InvalidSetting(
                "Medusa has no key: medusa.secret_key is empty, and so is the login.",
                hint="Set medusa.secret_key, or medusa.admin_email and medusa.admin_password.",
            )
        self._proof = "Basic " + base64.b64encode(f"{key}:".encode()).decode() if key else ""
        self._renew_at = float("inf")
        publishable = settings.publishable_key.strip()
        if not (publishable.isascii() and publishable.isprintable()):
            raise InvalidSetting("medusa.publishable_key holds characters that no key has.")
        self.store_headers = {"x-publishable-api-key": publishable} if publishable else {}
        """Headers of every call to ``/store``."""

    @property
    def login(self) -> bytes:
        """The body of the call that logs in."""
        return msgspec.json.encode(self._login)

    def proof(self, now: float) -> str:
        """Return the ``Authorization`` header, or ``''`` when a login is needed first."""
        with self._lock:
            return self._proof if now < self._renew_at else ""

    def accept(self, token: str, now: float) -> None:
        """Use the token that a login gave, until most of its life is over."""
        with self._lock:
            self._proof = f"Bearer {token}"
            self._renew_at = now + _life(token) * _RENEW_AT

    def forget(self, proof: str) -> bool:
        """Drop a refused token, unless another thread has got a new one; tell whether a login may help."""
        with self._lock:
            if self.has_key:
                return False
            if self._proof == proof:
                self._proof = ""
                self._renew_at = float("-inf")
            return True


class Denials:
    """Counts refusals until they prove that the key is wrong.

    While Medusa's database is away a good key is answered 401 too. A refusal therefore counts only while another login
    is refused properly, and proves the key wrong when it was seen on several occasions over some minutes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first = 0.0
        self._last = 0.0
        self._count = 0

    def is_due(self, now: float) -> bool:
        """Tell whether a refusal now is another occasion."""
        with self._lock:
            return self._count == 0 or now - self._last >= OCCASION_SECONDS

    def note(self, now: float) -> None:
        """Count one occasion."""
        with self._lock:
            if self._count == 0:
                self._first = now
            self._last = now
            self._count += 1

    @property
    def proven(self) -> bool:
        """Whether the key is wrong beyond doubt."""
        with self._lock:
            return self._count >= _OCCASIONS and self._last - self._first >= _SPAN_SECONDS

    def clear(self) -> None:
        """Forget all: the key was taken."""
        with self._lock:
            self._count = 0


class _Claims(msgspec.Struct):
    iat: float
    exp: float


def _life(token: str) -> float:
    """Return the seconds that a JWT lives by its own claims; endless when it does not tell: then a 401 renews it."""
    try:
        payload = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
    except (IndexError, binascii.Error, ValueError, msgspec.MsgspecError):
        return float("inf")
    return max(claims.exp - claims.iat, 0.0)
