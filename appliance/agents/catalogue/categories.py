"""Category keys of the chat, the names people use for them, and the shop's own category that a key means."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec

from appliance.data_files import read_data
from appliance.store.catalogue import Catalogue
from appliance.text import words

LONGEST_NAME = 4
"""Words of the longest name that is looked for in a text."""
WIDE = frozenset({"top", "bottom"})
"""Keys that are only above others: their word says little of what is meant."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    same: tuple[str, ...]
    shop: tuple[str, ...]
    above: str = ""


class Group(NamedTuple):
    """One category key."""

    key: str
    names: tuple[str, ...]
    """Names under which a shop may keep it, the likeliest first."""
    above: tuple[str, ...]
    """Wider groups whose word is said for it as well (``shoes`` for sneakers)."""


class Groups(NamedTuple):
    """All keys, and the folded words that name each."""

    by_key: dict[str, Group]
    by_words: dict[tuple[str, ...], str]
    marked: dict[tuple[str, ...], frozenset[str]]
    """Folded words of a name to its spellings in lower case: ``(den)`` is a lamp when it is not written ``đen``."""


@lru_cache(maxsize=1)
def groups() -> Groups:
    """Return the vocabulary, read once."""
    entries = read_data("appliance.agents.catalogue", "categories", dict[str, _Entry])
    by_words: dict[tuple[str, ...], str] = {}
    marked: dict[tuple[str, ...], set[str]] = {}
    for key, entry in entries.items():
        for name in (*entry.same, key):
            by_words.setdefault(tuple(words(name)), key)
            marked.setdefault(tuple(words(name)), set()).add(name)
    return Groups(
        {
            key: Group(key, (key, *entry.same, *entry.shop), (entry.above,) if entry.above else ())
            for key, entry in entries.items()
        },
        by_words,
        {name: frozenset(spellings) for name, spellings in marked.items()},
    )


def shop_category(catalogue: Catalogue, key: str) -> str:
    """Return the handle of the shop's category that a key (or the shop's own name) means, ``''`` if it has none."""
    group = groups().by_key.get(key)
    for name in group.names if group else (key,):
        if name and (found := catalogue.category(name)) is not None:
            return found.handle
    return ""


def keys_of_handles(handles: tuple[str, ...]) -> frozenset[str]:
    """Return the keys that a product's category handles mean, wider groups included."""
    return frozenset(key for handle in handles for key in _keys_of(handle))


@lru_cache(maxsize=4096)
def _keys_of(handle: str) -> frozenset[str]:
    known = groups()
    parts = words(handle.replace("_", " "))
    key = handle if handle in known.by_key else known.by_words.get(tuple(parts), "")
    if not key:
        # "giay-sneaker", "balo-laptop", "vi-nam": the beginning names the group.
        for end in range(min(LONGEST_NAME, len(parts)), 0, -1):
            key = known.by_words.get(tuple(parts[:end]), "")
            if key:
                break
    return widened(key) if key else frozenset()


def widened(key: str) -> frozenset[str]:
    """Return a key with the wider groups above it."""
    group = groups().by_key.get(key)
    return frozenset((key, *group.above)) if group else frozenset((key,))


@lru_cache(maxsize=128)
def below(key: str) -> tuple[str, ...]:
    """Return the keys of the groups that belong to a wider one."""
    return tuple(group.key for group in groups().by_key.values() if key in group.above)
