"""The English words that the agent leaves alone, and those that tell an English message."""

from __future__ import annotations

from functools import lru_cache

from appliance.agents.language.matching import data


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Return lower-case words that are right as they are typed."""
    read = data("english")
    return frozenset((*read["known"].split(), *read["function"].split(), *read["repair"]))


@lru_cache(maxsize=1)
def function_words() -> frozenset[str]:
    """Return words that only an English message holds."""
    return frozenset(data("english")["function"].split())
