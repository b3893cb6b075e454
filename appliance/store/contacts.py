"""Phone numbers and e-mail addresses as they are compared: one form each, kept only as a keyed hash."""

from __future__ import annotations

import re
from collections.abc import Callable

from appliance.store.normalise import encodable

Pseudonym = Callable[..., str]
"""``Keys.pseudonym``: a keyed hash of some texts, hexadecimal."""
MAX_CONTACT = 254
_COUNTRY = re.compile(r"^(?:00)?84(?=\d{8,10}$)")
_BARE = re.compile(r"^[35789]\d{8}$")


def phone_key(text: str) -> str:
    """Return a phone number as digits, a Vietnamese one from ``0``; ``''`` when it cannot be one.

    ``+84 912 000 111``, ``84912000111``, ``0084912000111``, ``0912.000.111`` and ``912000111`` are one number.
    """
    digits = "".join(str(int(letter)) for letter in text[:MAX_CONTACT] if letter.isdecimal())
    digits = _COUNTRY.sub("0", digits)
    # "+84 (0) 912 …" names the trunk digit besides the country.
    if digits.startswith("00") and len(digits) in (11, 12):
        digits = digits[1:]
    if _BARE.match(digits):
        digits = "0" + digits
    return digits if 8 <= len(digits) <= 15 else ""


def email_key(text: str) -> str:
    """Return an e-mail address in lower case; ``''`` when it cannot be one."""
    address = encodable(text[: MAX_CONTACT + 1]).strip().casefold()
    name, at, host = address.rpartition("@")
    return address if at and name and host and len(address) <= MAX_CONTACT and not address.split()[1:] else ""


def contact_hash(contact: str, pseudonym: Pseudonym) -> bytes | None:
    """Return the keyed hash of a phone number or an e-mail address; ``None`` when it is neither."""
    email = email_key(contact) if "@" in contact else ""
    if email:
        return bytes.fromhex(pseudonym("email", email))
    phone = phone_key(contact)
    return bytes.fromhex(pseudonym("phone", phone)) if phone else None
