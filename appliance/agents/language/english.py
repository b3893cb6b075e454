"""The English words that the agent leaves alone, and those that tell an English message."""

from __future__ import annotations

from functools import lru_cache

from appliance.agents.language.matching import data, spelling


@lru_cache(maxsize=1)
def listed_words() -> frozenset[str]:
    """Return the English words of the data file."""
    read = data("english")
    listed = (*read["known"].split(), *read["common"].split(), *read["function"].split(), *read["repair"])
    return frozenset(listed)


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Return lower-case words that are right as they are typed: English ones and those of our own names."""
    names = [*data("categories")["names"].values(), *data("colours")["names"].values()]
    for group in data("values").values():
        names.extend(phrases for phrases in group.values() if isinstance(phrases, list))
    ours = {word for phrases in names for phrase in phrases for word in spelling(phrase) if word.isascii()}
    return listed_words() | ours


@lru_cache(maxsize=1)
def function_words() -> frozenset[str]:
    """Return words that only an English message holds."""
    return frozenset(data("english")["function"].split())
