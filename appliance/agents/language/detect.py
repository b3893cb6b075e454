"""Vietnamese or English. Text that is mixed or unmarked counts as Vietnamese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from appliance.agents.language.english import function_words, listed_words
from appliance.agents.language.matching import data
from appliance.agents.language.syllables import is_syllable
from appliance.agents.types import Token
from appliance.messages import Locale

_MARK = 3
_STRONG = 2
_VI_WORDS = frozenset(data("vietnamese")["function"].split())
_SHARED = frozenset(data("vietnamese")["shared"].split())


class Language(NamedTuple):
    """What the words of a message say of its language."""

    locale: Locale
    mixed: bool


def evidence(tokens: Sequence[Token]) -> int:
    """Return how much speaks for Vietnamese (above zero) or English (below zero); 0 when nothing does."""
    vietnamese, english = _weigh(tokens)
    if vietnamese and english:
        # A single loan or English function word does not make a Vietnamese sentence English, nor the reverse.
        return vietnamese - english or 1
    return vietnamese - english


def language(tokens: Sequence[Token]) -> Language:
    """Return the language of a message."""
    vietnamese, english = _weigh(tokens)
    return Language("en" if vietnamese < english else "vi", bool(vietnamese and english))


def _weigh(tokens: Sequence[Token]) -> tuple[int, int]:
    vietnamese = english = 0
    english_known, functions = listed_words(), function_words()
    for token in tokens:
        word = token.marked
        if token.marked == "nghìn" and token.raw in ("k", "K"):
            continue
        if not word.isascii():
            # Marks count as long as the typed word can be Vietnamese; "café" alone does not.
            vietnamese += _MARK if is_syllable(word) else 0
        elif word in _SHARED or not word.isalpha():
            continue
        elif word in _VI_WORDS:
            vietnamese += _STRONG
        elif word in functions:
            english += _STRONG
        elif word in english_known:
            english += 1
        elif is_syllable(word):
            vietnamese += 1
    return vietnamese, english


def looks_english(words: Sequence[str]) -> bool:
    """Tell whether lower-case words, not yet repaired, are an English message: no Telex, no chat spelling in it."""
    functions = function_words()
    english = sum(word in functions and word not in _SHARED for word in words)
    return english > 0 and all(word.isascii() for word in words) and english >= sum(word in _VI_WORDS for word in words)
