"""The one message catalogue: everything a shopper or owner reads, in Vietnamese and English."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources
from typing import Literal

Locale = Literal["vi", "en"]
LOCALES: tuple[Locale, ...] = ("vi", "en")
DEFAULT_LOCALE: Locale = "vi"


def pick_locale(tag: str | None, default: Locale = DEFAULT_LOCALE) -> Locale:
    """Return the catalogue's language for a tag such as ``en-GB`` or an Accept-Language header."""
    for part in (tag or "").split(","):
        language = part.split(";")[0].strip().lower()[:2]
        if language in LOCALES:
            return "vi" if language == "vi" else "en"
    return default


@lru_cache(maxsize=4)
def catalogue(locale: Locale) -> dict[str, str]:
    """Return all messages of a language, keyed by dotted id."""
    text = resources.files("appliance").joinpath("locale", f"{locale}.toml").read_text(encoding="utf-8")
    flat: dict[str, str] = {}
    _flatten("", tomllib.loads(text), flat)
    return flat


def translate(message_id: str, locale: Locale = DEFAULT_LOCALE, /, **values: object) -> str:
    """Return a message with its values filled in. An unknown id is a defect and raises ``KeyError``."""
    return catalogue(locale)[message_id].format(**values)


def _flatten(prefix: str, tree: dict[str, object], flat: dict[str, str]) -> None:
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            _flatten(f"{path}.", value, flat)
        else:
            flat[path] = str(value)
