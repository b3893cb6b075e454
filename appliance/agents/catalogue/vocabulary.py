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
