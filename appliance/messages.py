"""The one message catalogue: everything a shopper or owner reads, in Vietnamese and English.

A language is the file ``locale/<language>.toml`` and the files of the folder ``locale/<language>/`` beside it. A list
of texts holds wordings of one message; they are numbered: ``chat.greeting.0``, ``chat.greeting.1``.
"""

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
    folder = resources.files("appliance").joinpath("locale")
    files = [folder.joinpath(f"{locale}.toml"), *folder.joinpath(locale).iterdir()]
    flat: dict[str, str] = {}
    for file in files:
        if file.name.endswith(".toml"):
            _flatten("", tomllib.loads(file.read_text(encoding="utf-8")), flat)
    return flat


def translate(message_id: str, locale: Locale = DEFAULT_LOCALE, /, **values: object) -> str:
    """Return a message with its values filled in. An unknown id is a defect and raises ``KeyError``."""
    return catalogue(locale)[message_id].format(**values)


def wordings(message_id: str, locale: Locale = DEFAULT_LOCALE) -> tuple[str, ...]:
    """Return every wording of a message, unfilled. An unknown id is a defect and raises ``KeyError``."""
    return _wordings(message_id, locale)


@lru_cache(maxsize=4096)
def _wordings(message_id: str, locale: Locale) -> tuple[str, ...]:
    messages = catalogue(locale)
    if message_id in messages:
        return (messages[message_id],)
    found: list[str] = []
    while f"{message_id}.{len(found)}" in messages:
        found.append(messages[f"{message_id}.{len(found)}"])
    if not found:
        raise KeyError(message_id)
    return tuple(found)


def _flatten(prefix: str, tree: dict[str, object], flat: dict[str, str]) -> None:
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            _flatten(f"{path}.", value, flat)
        elif isinstance(value, list):
            flat.update({f"{path}.{number}": str(text) for number, text in enumerate(value)})
        else:
            flat[path] = str(value)
