"""Bounds and cleaning that the owner's and shoppers' texts share."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from appliance.errors import InvalidInput
from appliance.store.normalise import clean_text, encodable
from appliance.text import clean_line

INTENT_PATTERN = r"^[a-z][a-z_]{1,39}$"
LOCALES = ("vi", "en")

_INTENT = re.compile(INTENT_PATTERN)


def new_id(prefix: str) -> str:
    """Return an id with 64 random bits."""
    return f"{prefix}_{secrets.token_hex(8)}"


def line(field: str, text: str, longest: int, *, empty: bool = False) -> str:
    """Return a text of one line, cleaned. Raises ``InvalidInput`` when it is blank or too long."""
    cleaned = clean_line(encodable(text[: longest * 4]))
    return _bounded(field, cleaned, longest, empty)


def block(field: str, text: str, longest: int, *, empty: bool = False) -> str:
    """Return a text of several lines, cleaned. Raises ``InvalidInput`` when it is blank or too long."""
    return _bounded(field, clean_text(text[: longest * 4]), longest, empty)


def intent_of(field: str, text: str, *, empty: bool = False) -> str:
    """Return the name of an intent. Raises ``InvalidInput`` when it cannot be one."""
    if not (empty and not text) and _INTENT.fullmatch(text) is None:
        raise InvalidInput(f"{field} is no intent", fields=((field, "must be the name of an intent, as shipping_fee"),))
    return text


def locale_of(field: str, tag: str) -> str:
    """Return a language that texts are kept in. Raises ``InvalidInput``."""
    if tag not in LOCALES:
        raise InvalidInput(f"{field} has an unknown language", fields=((field, f"use one of {', '.join(LOCALES)}"),))
    return tag


def lines(field: str, texts: Iterable[str], longest: int, most: int) -> tuple[str, ...]:
    """Return texts of one line without blanks and repeats, in order. Raises ``InvalidInput``."""
    kept = dict.fromkeys(line(field, text, longest, empty=True) for text in texts)
    kept.pop("", None)
    if len(kept) > most:
        raise InvalidInput(f"too many {field}", fields=((field, f"use at most {most}"),))
    return tuple(kept)


def _bounded(field: str, text: str, longest: int, empty: bool) -> str:
    if len(text) > longest or not (text or empty):
        wanted = f"must have {0 if empty else 1} to {longest} characters"
        raise InvalidInput(f"{field} {wanted}", fields=((field, wanted),))
    return text
