"""What can go wrong between the appliance and Medusa, each with a stable code.

The texts name neither a key nor a token, an order or a person: they are shown to callers and written to logs.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Literal

from appliance.errors import ApplianceError, NotFound, Unavailable
from appliance.text import clean_line

Reason = Literal[
    "refused",
    "no_route",
    "dns",
    "tls",
    "timeout",
    "dropped",
    "server_error",
    "rate_limited",
    "garbage",
    "html",
    "redirect",
    "too_large",
    "database_away",
    "unauthorised_perhaps",
    "circuit_open",
    "stopping",
]
"""Why Medusa could not be used. ``unauthorised_perhaps``: it answered 401 or 403, which is not yet proof of a wrong
key; ``circuit_open``: it failed so often that it is left alone for a while; ``stopping``: the caller
is being stopped."""

_PRIVATE = re.compile(
    r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"  # an e-mail
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JWT
    r"|\b(?:sk|pk)_\w+"  # an API key
    r"|\b(?:order|ordli|cus|cuaddr|pay|paycol|ful)_(?=\w*\d)\w+"
    r"|\+?\d[\d ().-]{6,}\d"  # a phone number
)
_LONGEST_TEXT = 300
_KNOWN = frozenset(int(status) for status in HTTPStatus)


def masked(text: str) -> str:
    """Return what Medusa said on one line, bounded, with everything that opens a door or names a person as ``***``."""
    return _PRIVATE.sub("***", clean_line(text[:5000]))[:_LONGEST_TEXT]


class MedusaUnreachable(Unavailable):
    """Medusa cannot be used at the moment; ``reason`` says why, and it is worth trying again."""

    code = "medusa_unreachable"

    def __init__(self, message: str, *, reason: Reason, retry_after: float = 5.0, hint: str = "") -> None:
        super().__init__(message, retry_after=retry_after, hint=hint)
        self.reason: Reason = reason


class MedusaDenied(ApplianceError):
    """Medusa keeps refusing the key or the login, or what they may do; a person has to give others."""

    code = "medusa_denied"
    status = 409


class UnknownKey(NotFound):
    """Medusa does not know the storefront's publishable key."""

    code = "medusa_key"


class NoRegion(NotFound):
    """Medusa has no region whose prices could be shown."""

    code = "medusa_region"


class MedusaRefused(ApplianceError):
    """Medusa refused one request (a 4xx); sending the same again does not help."""

    code = "medusa_refused"
    status = 409

    def __init__(self, message: str, *, status: int, type: str = "") -> None:
        said = masked(message)
        super().__init__(f"Medusa refused a request ({status}): {said or 'without a reason'}")
        # An unknown 4xx counts as 400, as RFC 9110 has it.
        self.status = status if status in _KNOWN else 400
        """The status that Medusa answered."""
        self.type = type
        """Medusa's name of the fault, as ``not_found`` or ``invalid_data``; ``html`` for an unknown route."""
        self.said = said
        """Medusa's own words, without anything that names a person."""


class MedusaChanged(ApplianceError):
    """Medusa's answer is not what it was: a field is missing or has another type; nothing of it was used."""

    code = "medusa_changed"
    status = 409


class MedusaTooOld(ApplianceError):
    """The shop runs Medusa 1.x, or something that is no Medusa; the appliance works with Medusa 2."""

    code = "medusa_too_old"
    status = 409
