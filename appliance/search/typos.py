"""What a misspelt word was probably meant to be."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from appliance.search.lexicon import lexicon
from appliance.search.state import IndexState

MAX_CANDIDATES = 3
_SHORTEST, _LONG, _LONGEST = 4, 8, 24
"""Letters from which one slip, and two slips, are forgiven; longer words are left alone."""
_KEEPS_LENGTH = 4
"""Letters up to which a slip is no letter too few or too many: that would be another word."""
_TELEX_MARK = re.compile(r"aa|ee|oo|dd|(?<=[aou])w|^w")
_TELEX_TONE = re.compile(r"(?<=[aeiouyw])[sfrxj](?=[aeiouy]|[cmnpt]|$)")
_DOUBLED = re.compile(r"(.)\1+")


class Candidate(NamedTuple):
    """A word of the index, or of the dictionary, that a typed word may stand for."""

    word: str
    slips: int
    sure: bool = False
    """Whether only the keyboard went wrong: doubled or swapped letters and Telex, where little else can be meant."""


def candidates(state: IndexState, word: str) -> list[Candidate]:
    """Return the likeliest meanings of an unknown folded word, the best first; empty when nothing is near.

    Letters of the Telex keyboard (``giayf``, ``dda``) and doubled letters are tried first, then words at an optimal
    string alignment distance of one (from four letters) or two (from eight). The first letter is
    taken to be right, and so is the length of a short word.
    """
    if not word.isalpha() or len(word) > _LONGEST:
        return []
    plain = [form for form in _plain_forms(word) if _usable(state, form)]
    if plain:
        return [Candidate(form, 1, True) for form in plain[:1]]
    if len(word) < _SHORTEST:
        swapped = [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(1, len(word) - 1)]
        return [Candidate(form, 1, True) for form in swapped if _usable(state, form)][:1]
    near = _near(state, word, 2 if len(word) >= _LONG else 1)
    return sorted(near, key=lambda found: _badness(state, word, found))[:MAX_CANDIDATES]


def _plain_forms(word: str) -> list[str]:
    undoubled = _DOUBLED.sub(r"\1", word)
    telex = _TELEX_TONE.sub("", _TELEX_MARK.sub(lambda mark: mark[0][0] if len(mark[0]) == 2 else "", word))
    if word.startswith("w"):
        telex = "u" + telex
    return [form for form in dict.fromkeys((undoubled, telex)) if form != word and len(form) > 1]


def _near(state: IndexState, word: str, slips: int) -> list[Candidate]:
    best: dict[str, int] = {}
    pools = [part.segment.words_by_length for part in state.parts] + [_dictionary()]
    for pool in pools:
        change = 0 if len(word) <= _KEEPS_LENGTH else slips
        for length in range(len(word) - change, len(word) + change + 1):
            found = process.extract(word, pool.get(length, ()), scorer=OSA.distance, score_cutoff=slips, limit=None)
            best.update((near, int(distance)) for near, distance, _ in found)
    usable = [
        Candidate(near, distance, sorted(near) == sorted(word))
        for near, distance in best.items()
        if distance and near[0] == word[0] and _usable(state, near)
    ]
    closest = min((found.slips for found in usable), default=0)
    return [found for found in usable if found.slips == closest]


def _badness(state: IndexState, word: str, found: Candidate) -> tuple[bool, int, str]:
    """Order candidates: swapped letters before others, then the more frequent."""
    count, _ = state.frequency(found.word)
    return not found.sure, -count, found.word


def _usable(state: IndexState, word: str) -> bool:
    return state.frequency(word)[1] or state.frequency(f"+{word}")[1] or _dictionary_reaches(state, word)


def _dictionary_reaches(state: IndexState, word: str) -> bool:
    meanings = lexicon().synonyms.get((word,), ())
    return any(
        state.frequency(meaning.meaning[0] if len(meaning.meaning) == 1 else f"+{''.join(meaning.meaning)}")[1]
        for meaning in meanings
    )


@lru_cache(maxsize=1)
def _dictionary() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for phrase in lexicon().synonyms:
        if len(phrase) == 1:
            found.setdefault(len(phrase[0]), []).append(phrase[0])
    return found
