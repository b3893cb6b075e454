"""Word lists of the catalogue agent."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    text = resources.files("appliance.agents.catalogue").joinpath("data", "words.toml").read_text("utf-8")
    return {name: frozenset(map(str, entries)) for name, entries in tomllib.loads(text).items()}


def folded_words(name: str) -> frozenset[str]:
    """Return a list of ``data/words.toml``."""
    return _lists()[name]


@lru_cache(maxsize=1)
def same_words() -> dict[str, tuple[str, ...]]:
    """Return folded words that say the same in the other language (``data/same_words.toml``)."""
    text = resources.files("appliance.agents.catalogue").joinpath("data", "same_words.toml").read_text("utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for english, others in tomllib.loads(text).items():
        found[english] = tuple(others)
    return found
