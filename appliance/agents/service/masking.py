"""Personal data as far as it may be shown: enough to recognise one's own, too little to learn another's."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-])[\w.+-]*@([\w-])[\w-]*((?:\.[\w-]+)+)")
_PHONE = re.compile(r"(?<![\w+])\+?\d(?:[ .()-]?\d){7,14}(?!\w)")
_SHOWN = 3
_HIDDEN = "•••"


def masked(text: str) -> str:
    """Return a text with e-mail addresses as ``m•••@e•••.com`` and phone numbers as ``•••111``."""
    hidden = _EMAIL.sub(lambda found: f"{found[1]}{_HIDDEN}@{found[2]}{_HIDDEN}{found[3]}", text)
    return _PHONE.sub(lambda found: f"{_HIDDEN}{re.sub(r'[^0-9]', '', found[0])[-_SHOWN:]}", hidden)
