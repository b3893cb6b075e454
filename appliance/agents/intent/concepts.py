"""What words mean to a shop: phrases of both languages by concept, from ``data/concepts.toml``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from appliance.data_files import read_data

Words = tuple[str, ...]


class Lexicon(NamedTuple):
    """Phrases of one or more words, in the form in which the classifier counts words."""

    concepts: dict[Words, Words]
    """The concepts of a phrase, in the order of the file."""
    longest: dict[str, int]
    """The number of words of the longest phrase that a word begins."""

    def found(self, words: Sequence[str]) -> list[Words]:
        """Return the concepts of a message in the order said; the longest phrase at a place counts."""
        found, place = [], 0
        while place < len(words):
            for size in range(self.longest.get(words[place], 0), 0, -1):
                concepts = self.concepts.get(tuple(words[place : place + size]))
                if concepts:
                    found.append(concepts)
                    place += size
                    break
            else:
                place += 1
        return found


@lru_cache(maxsize=1)
def lexicon(form: Callable[[str], Sequence[str]]) -> Lexicon:
    """Read the shipped phrases; ``form`` turns a text into the words that are counted."""
    concepts: dict[Words, Words] = {}
    longest: dict[str, int] = {}
    for name, phrases in read_data("appliance.agents.intent", "concepts", dict[str, list[str]]).items():
        for phrase in phrases:
            words = tuple(form(phrase))
            known = concepts.get(words, ())
            concepts[words] = known if name in known else (*known, name)
            longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return Lexicon(concepts, longest)
