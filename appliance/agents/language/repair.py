"""Words that were not typed as meant: repeated letters, Telex and VNI leftovers, typing slips.

A word that can be a Vietnamese syllable, that is English, or that the shop uses is never changed.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from appliance.agents.language.abbreviations import abbreviations, known_short
from appliance.agents.language.english import english_words
from appliance.agents.language.lexicon import Bucket, ShopLexicon, bucketed
from appliance.agents.language.matching import data
from appliance.agents.language.normalise import squeeze
from appliance.agents.language.syllables import TONES, canonical, is_syllable, with_tone
from appliance.text import fold

_TELEX_TONE = {"s": TONES[1], "f": TONES[2], "r": TONES[3], "x": TONES[4], "j": TONES[5]}
_DOUBLE = {"a": "â", "e": "ê", "o": "ô"}
_HOOK = {"a": "ă", "o": "ơ", "u": "ư", "â": "ă", "ô": "ơ"}
_VNI_MARK = {"6": _DOUBLE, "7": {"o": "ơ", "u": "ư"}, "8": {"a": "ă"}, "9": {"d": "đ"}}
_VNI = re.compile(r"[a-z]+[1-9][a-z]{0,4}[1-9]?[a-z]{0,3}[1-5]?")
_ENDINGS = (("ck", "ch"), ("g", "ng"), ("h", "nh"), ("k", "ch"))
_BEGINNINGS = (("dz", "d"), ("j", "gi"), ("f", "ph"), ("w", "qu"), ("z", "d"), ("z", "gi"), ("k", "c"), ("c", "k"))
_LONGEST = 24


def repaired(word: str, raw: str, lexicon: ShopLexicon, english: bool = False) -> str:
    """Return what a lower-case word, no abbreviation, was meant to be; itself when nothing is wrong with it."""
    if len(word) > _LONGEST or len(word) < 2:
        return squeeze(word) if len(word) > _LONGEST else word
    if is_syllable(word):
        return word
    folded = fold(word)
    if folded in lexicon.vocabulary:
        return word
    general = squeeze(word) if english and len(set(word)) > 1 else _general(word)
    if general != word:
        return general
    if folded in english_words() or known_short(word):
        return word
    return _slip(folded, raw, lexicon) or word


@lru_cache(maxsize=8192)
def _general(word: str) -> str:
    """Return the repair that needs no shop: repeats, Telex, VNI, chat spelling."""
    if word in english_words() or len(set(word)) == 1:
        return word
    short = squeeze(word)
    if short != word:
        meaning = abbreviations().plain.get(short)
        return meaning if meaning and " " not in meaning else canonical(short) if _known(short) else short
    if word.isascii():
        decoded = telex(word) if word.isalpha() else vni(word)
        if decoded:
            return decoded
    if len(word) > 2 and word[-1] == word[-2] and is_syllable(word[:-1]) and word.isalpha():
        return canonical(word[:-1])
    return chat_spelling(word)


def _known(word: str) -> bool:
    return is_syllable(word) or word in english_words()


def telex(word: str) -> str:
    """Return what Telex keys were meant to give: ``traawngs`` as ``trắng``; ``""`` when that is no syllable."""
    letters: list[str] = []
    tone = ""
    for key in word:
        if key in _TELEX_TONE and any(letter in "aăâeêioôơuưy" for letter in letters):
            if tone:
                return ""
            tone = _TELEX_TONE[key]
        elif key == "d" and letters[:1] == ["d"] and "đ" not in letters:
            letters[0] = "đ"
        elif key in _DOUBLE and key in letters and letters[-1] in "aeoiuycgmnpth":
            letters[letters.index(key)] = _DOUBLE[key]
        elif key == "w":
            _hook(letters)
        else:
            letters.append(key)
    result = "".join(letters)
    if result == word or len(result) < 2:
        return ""
    return with_tone(result, tone)


def _hook(letters: list[str]) -> None:
    """Put a hook or breve on the last vowel that takes one, on both of ``uo``; without such a vowel it is ``ư``."""
    for place in range(len(letters) - 1, -1, -1):
        if letters[place] in _HOOK:
            letters[place] = _HOOK[letters[place]]
            if letters[place] == "ơ" and place and letters[place - 1] == "u":
                letters[place - 1] = "ư"
            return
    letters.append("ư")


def vni(word: str) -> str:
    """Return what VNI keys were meant to give: ``ao1`` as ``áo``; ``""`` when that is no syllable."""
    if len(word) < 3 or not _VNI.fullmatch(word):
        return ""
    letters: list[str] = []
    tone = ""
    for key in word:
        if key in "12345":
            if tone or not any(letter in "aăâeêioôơuưy" for letter in letters):
                return ""
            tone = TONES[int(key)]
        elif key in _VNI_MARK:
            change = _VNI_MARK[key]
            place = next((i for i in range(len(letters) - 1, -1, -1) if letters[i] in change), None)
            if place is None:
                return ""
            letters[place] = change[letters[place]]
            if key == "7" and letters[place] == "ơ" and place and letters[place - 1] == "u":
                letters[place - 1] = "ư"
        else:
            letters.append(key)
    return with_tone("".join(letters), tone)


def chat_spelling(word: str) -> str:
    """Return the syllable behind a phonetic spelling: ``mìh`` as ``mình``, ``jày`` as ``giày``; itself otherwise."""
    for end, meant in _ENDINGS:
        if word.endswith(end) and is_syllable(word[: -len(end)] + meant):
            return canonical(word[: -len(end)] + meant)
    for start, meant in _BEGINNINGS:
        if word.startswith(start) and len(word) > 2 and is_syllable(meant + word[len(start) :]):
            return canonical(meant + word[len(start) :])
    return word


def _slip(folded: str, raw: str, lexicon: ShopLexicon) -> str:
    """Return the known word that is one or two slips away; ``""`` when none is, or two are equally near."""
    if len(folded) < 4 or not folded.isalpha() or (raw.isupper() and len(raw) < 6):
        return ""
    limit = 2 if len(folded) >= 8 else 1
    best: list[tuple[int, int, str]] = []
    for buckets, weight in ((own_buckets(), 0), (lexicon.buckets, 1)):
        candidates = _candidates(folded, limit, buckets)
        for word, distance, _ in process.extract(folded, candidates, scorer=OSA.distance, score_cutoff=limit, limit=3):
            count = lexicon.vocabulary.get(word, 0)
            best.append((int(distance), -(10**6 if weight == 0 else count), word))
    return min(best)[2] if best else ""


def _candidates(folded: str, limit: int, buckets: dict[Bucket, tuple[str, ...]]) -> list[str]:
    found: list[str] = []
    for length in range(len(folded) - limit, len(folded) + limit + 1):
        found.extend(buckets.get((folded[0], length), ()))
        if folded[1] != folded[0]:
            found.extend(word for word in buckets.get((folded[1], length), ()) if word[1] == folded[0])
    return found


@lru_cache(maxsize=1)
def own_buckets() -> dict[Bucket, tuple[str, ...]]:
    """Return the words of our own data that slips are repaired to."""
    return bucketed(data("english")["repair"])
