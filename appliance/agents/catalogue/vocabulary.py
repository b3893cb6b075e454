"""Word lists of the catalogue agent."""

from __future__ import annotations

from functools import lru_cache

from appliance.data_files import read_data


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    return read_data("appliance.agents.catalogue", "words", dict[str, frozenset[str]])


def folded_words(name: str) -> frozenset[str]:
    """Return a list of ``data/words.toml``."""
    return _lists()[name]


@lru_cache(maxsize=1)
def same_words() -> dict[str, tuple[str, ...]]:
    """Return folded words that say the same in the other language (``data/same_words.toml``)."""
    return read_data("appliance.agents.catalogue", "same_words", dict[str, tuple[str, ...]])
