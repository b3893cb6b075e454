"""Names of several words with one word mistyped: ``sạc dự phồng``, ``tai nge``, ``power bnak``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from rapidfuzz.distance import OSA

from appliance.agents.language.english import english_words
from appliance.agents.language.matching import Line, data, spelling
from appliance.agents.language.syllables import is_syllable
from appliance.text import fold

_GAP = "*"
_SHORTEST = 3
"""Shorter words are too like others."""
_LONGEST = 4
_SURE = 3
"""From this many words on, the other words tell the name even when the mistyped one is a word of its own."""

Slips = dict[str, tuple[tuple[str, str], ...]]
"""Folded name with one word left out, to that word and the name's key."""


def slip_index(names: Iterable[tuple[str, str]]) -> Slips:
    """Return the index of folded names of two to four words with their keys."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, key in names:
        words = name.split()
        if not 2 <= len(words) <= _LONGEST:
            continue
        for place, word in enumerate(words):
            if len(word) >= _SHORTEST:
                found.setdefault(_without(words, place), []).append((word, key))
    return {pattern: tuple(dict.fromkeys(entries)) for pattern, entries in found.items()}


@lru_cache(maxsize=1)
def _ours() -> tuple[Slips, frozenset[str]]:
    names = [
        (" ".join(map(fold, spelling(phrase))), key)
        for key, phrases in data("categories")["names"].items()
        for phrase in phrases
    ]
    return slip_index(names), frozenset(word for name, _ in names for word in name.split())


def slipped(line: Line, place: int, shop: Mapping[str, tuple[tuple[str, str], ...]]) -> tuple[int, str]:
    """Return the end and the key of the longest name with one slip that starts at a place; ``(0, "")`` for none."""
    ours, known = _ours()
    if not shop and line.folded[place] not in known and line.word(place + 1) not in known:
        return 0, ""
    for length in range(min(_LONGEST, line.size - place), 1, -1):
        if not all(line.joined(place + step) for step in range(1, length)):
            continue
        words = line.folded[place : place + length]
        for at in range(length):
            entries = ours.get(pattern := _without(words, at), ()) or shop.get(pattern, ())
            key = next((key for word, key in entries if _is_slip(line, place + at, word, length)), "")
            if key:
                return place + length, key
    return 0, ""


def _is_slip(line: Line, place: int, meant: str, length: int) -> bool:
    typed = line.folded[place]
    if len(typed) < _SHORTEST or not typed.isalpha():
        return False
    if typed == meant:
        return length >= _SURE  # the marks are wrong: "phồng"
    if length < _SURE and (is_syllable(line.marked[place]) or typed in english_words()):
        return False  # "áo khác" is no jacket
    return OSA.distance(typed, meant, score_cutoff=1) <= 1


def _without(words: list[str], place: int) -> str:
    return " ".join([*words[:place], _GAP, *words[place + 1 :]])
