"""Who may do what: the claim code of a new box, tokens and keys, and the customer tokens of signed-in shoppers."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import jwt

from appliance.domain import ID_PATTERN
from appliance.errors import Conflict, RateLimited, Unauthorised
from appliance.ops.keys import Keys
from appliance.settings import Settings
from appliance.store.state import StateRepository
from appliance.store.tokens import NewToken, Token, TokenRepository

CLAIMED_AT = "claimed_at"
"""The state key that says since when the box is claimed (Unix seconds)."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_CODE_LETTERS = 12
_WRONG_CODES = 10
_WRONG_WINDOW = 600.0
_CLOCK_SKEW = 30.0
_LONGEST_CUSTOMER_TOKEN = 4096
_USER_ID = re.compile(ID_PATTERN)

HOW_TO_SIGN = (
    "Send X-Customer-Token: a JWT signed with HS256 and the appliance's customer token secret by the storefront's "
    "server, with sub (the customer id) and exp; or let the storefront's server call with a secret key."
)


class Access:
    """Checks every proof of identity. Safe to use from any thread."""

    def __init__(
        self,
        tokens: TokenRepository,
        state: StateRepository,
        secrets: Keys,
        settings: Settings,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = tokens
        self._state = state
        self._keys = secrets
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._wrong: deque[float] = deque(maxlen=_WRONG_CODES)
        self._claimed = False

    @property
    def keys(self) -> Keys:
        """The box's own secrets."""
        return self._keys

    def claim_code(self) -> str | None:
        """Return the code that an unclaimed box shows on its own screen; ``None`` once it is claimed.

        Twelve letters of Crockford's base 32 (60 bits), the same after a restart.
        """
        self._claimed = self._claimed or self._state.get(CLAIMED_AT) is not None
        if self._claimed:
            return None
        digest = hmac.digest(self._keys.claim_key.encode(), b"claim code", hashlib.sha256)
        number = int.from_bytes(digest, "big")
        letters = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_CODE_LETTERS))
        return "-".join(letters[start : start + 4] for start in range(0, _CODE_LETTERS, 4))

    def claim(self, code: str) -> NewToken:
        """Trade the claim code for the first admin token, once.

        Raises ``Conflict`` when the box is claimed, ``Unauthorised`` for a wrong code, ``RateLimited`` after too many.
        """
        with self._lock:
            expected = self.claim_code()
            if expected is None:
                raise Conflict(
                    "This appliance is claimed already.",
                    hint="`appliance token create` on the box gives another token.",
                )
            self._limit_guesses()
            if not hmac.compare_digest(_plain(code), _plain(expected)):
                self._wrong.append(self._now())
                raise Unauthorised(
                    "The claim code is wrong.",
                    hint="The code is on the appliance's own screen, in the process's output.",
                )
            token = self._tokens.create("admin", "claim")
            self._state.put(CLAIMED_AT, repr(self._now()))
            return token

    def verify_admin(self, secret: str) -> Token | None:
        """Return the admin token that a secret stands for, or ``None``."""
        return self._verify(secret, "admin")

    def verify_secret(self, secret: str) -> Token | None:
        """Return the secret key (server to server) that a secret stands for, or ``None``."""
        return self._verify(secret, "secret")

    def verify_publishable(self, secret: str) -> Token | None:
        """Return the publishable key (browsers) that a secret stands for, or ``None``."""
        return self._verify(secret, "publishable")

    def verify_customer_token(self, token: str) -> str:
        """Return the customer id that a JWT (HS256) of the storefront's server proves.

        ``exp`` must be there, in the future, and at most ``security.customer_token_max_seconds`` ahead. Raises
        ``Unauthorised`` with the way to do it right.
        """
        claims = self._claims(token)
        now = self._now()
        longest = self._settings.security.customer_token_max_seconds
        expires, begins, user_id = _time(claims.get("exp")), _time(claims.get("nbf", 0)), claims.get("sub")
        if expires is None or begins is None:
            raise Unauthorised("The customer token has no usable exp.", hint=HOW_TO_SIGN)
        if expires <= now:
            raise Unauthorised("The customer token has expired.", hint="Let the storefront's server sign a new one.")
        if expires > now + longest + _CLOCK_SKEW:
            raise Unauthorised(
                f"The customer token lives too long: exp may be at most {longest} s ahead.", hint=HOW_TO_SIGN
            )
        if begins > now + _CLOCK_SKEW:
            raise Unauthorised("The customer token is not valid yet.", hint="Compare the clocks of the two machines.")
        if not isinstance(user_id, str) or len(user_id) > 128 or not _USER_ID.match(user_id):
            raise Unauthorised("The customer token names no customer in sub.", hint=HOW_TO_SIGN)
        return user_id

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _LONGEST_CUSTOMER_TOKEN:
            raise Unauthorised("The customer token is too long.", hint=HOW_TO_SIGN)
        # The times are checked by us, against the injected clock.
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                str(self._keys.customer_token_secret),
                algorithms=["HS256"],
                options={
                    "require": ["exp", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": False,
                    "verify_sub": False,
                },
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Unauthorised("The customer token is not valid.", hint=HOW_TO_SIGN) from None
        return claims

    def _verify(self, secret: str, kind: str) -> Token | None:
        token = self._tokens.verify(secret)
        return token if token is not None and token.kind == kind else None

    def _limit_guesses(self) -> None:
        now = self._now()
        # A clock that jumped back must not lock the owner out for longer than the window.
        while self._wrong and not now - _WRONG_WINDOW < self._wrong[0] <= now:
            self._wrong.popleft()
        if len(self._wrong) >= _WRONG_CODES:
            raise RateLimited(
                "Too many wrong claim codes.",
                retry_after=self._wrong[0] + _WRONG_WINDOW - now,
                hint="`appliance token create` on the box gives an admin token without a code.",
            )


def _plain(code: str) -> bytes:
    """Return a code as it is compared: letters that look alike are one letter, case and hyphens do not matter."""
    return code.strip().upper().translate(_LOOKALIKES).encode("utf-8", "surrogatepass")


def _time(value: object) -> float | None:
    """Return a claim's Unix seconds; ``None`` for what is no time, NaN included."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e12 else None  # type: ignore[arg-type]
