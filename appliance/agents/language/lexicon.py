"""What the language agent knows of one shop: its categories, its vocabulary and the owner's own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

import msgspec

from appliance.agents.language.matching import data
from appliance.agents.language.slips import Slips, slip_index
from appliance.domain import Category
from appliance.text import clean_line, words

_MAX_VOCABULARY = 20_000
_MAX_MODEL = 6
"""Digits of a number that can pass for a quantity or an amount."""
_MIN_REPAIR = 4
"""Shorter words are never a typing slip of something else."""

Bucket = tuple[str, int]


class ShopLexicon(msgspec.Struct, frozen=True, gc=False):
    """Immutable; built from the catalogue and rebuilt by the caller when that changes."""

    categories: dict[str, str] = {}
    """Folded name, words joined by single spaces, to the category's handle."""
    vocabulary: dict[str, int] = {}
    """Folded word of titles, tags and colours to how often it occurs."""
    buckets: dict[Bucket, tuple[str, ...]] = {}
    """The vocabulary by first letter and length, for the repair of typing slips."""
    own_words: dict[str, str] = {}
    """The owner's abbreviations, lower case, to their meaning."""
    spellings: dict[str, frozenset[str]] = {}
    """One-word category names, folded, to how the shop marks them."""
    longest: int = 0
    """Words in the longest category name."""
    slips: Slips = {}
    """The category names of several words by all their words but one."""
    numbered: frozenset[str] = frozenset()
    """Folded word and number that stand beside each other in a title (``street 2``): the number is part of a name."""

    @staticmethod
    def build(
        titles: Iterable[str], categories: Iterable[Category] = (), own_words: Mapping[str, str] | None = None
    ) -> ShopLexicon:
        """Return the lexicon of a shop; titles may hold any text of the catalogue whose words shoppers use."""
        names = [(category.name, _own_or_ours(category.handle)) for category in categories if category.handle]
        folded = {" ".join(words(name)): handle for name, handle in reversed(names)}
        folded.update({" ".join(words(handle)): handle for _, handle in names if words(handle)})
        folded.pop("", None)
        lines = [words(title) for title in titles]
        counts = Counter(word for line in lines for word in line)
        counts.update(word for name in folded for word in name.split())
        common = {word: count for word, count in counts.most_common(_MAX_VOCABULARY) if not word[:1].isdigit()}
        own = {key.strip().lower(): meaning.strip().lower() for key, meaning in (own_words or {}).items()}
        single: dict[str, set[str]] = {}
        for name, _ in names:
            if len(words(name)) == 1:
                single.setdefault(words(name)[0], set()).add(clean_line(name).lower())
        return ShopLexicon(
            categories=folded,
            vocabulary=common,
            buckets=bucketed(common),
            own_words={key: meaning for key, meaning in own.items() if key and meaning},
            spellings={word: frozenset(spelled) for word, spelled in single.items()},
            longest=max((name.count(" ") + 1 for name in folded), default=0),
            slips=slip_index(folded.items()),
            numbered=frozenset(_numbered(lines)),
        )


def bucketed(vocabulary: Iterable[str]) -> dict[Bucket, tuple[str, ...]]:
    """Return folded words that can repair a slip by first letter and length."""
    found: dict[Bucket, list[str]] = {}
    for word in vocabulary:
        if len(word) >= _MIN_REPAIR and word.isalpha():
            found.setdefault((word[0], len(word)), []).append(word)
    return {key: tuple(sorted(group)) for key, group in found.items()}


def _numbered(lines: Iterable[list[str]]) -> Iterator[str]:
    for line in lines:
        for word, after in pairwise(line):
            if len(after) <= _MAX_MODEL and after.isdigit() and not word[:1].isdigit():
                yield f"{word} {after}"


def _own_or_ours(handle: str) -> str:
    """Return the key of our product group where a shop's handle spells it (``power-bank``), else the handle."""
    key = handle.replace("-", "_")
    return key if key in data("categories")["names"] else handle
