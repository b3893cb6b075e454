"""The n-grams of a message: the one definition that training and run time share.

Words are folded, so marked, unmarked and decomposed Vietnamese give the same features but for one family; digits
lose their value and keep their number. Five families stand side by side, each normalised by itself later on:

    words   stems, and ordered pairs of them, ends of the message included, up to five places apart
    chars   2 to 5 letters inside a word and its borders, which survive slips of the keyboard
    spans   3 to 5 letters across word borders
    marks   words with their diacritics, where they have any: đổi is not đội
    meaning concepts of the shop that the words stand for, and ordered pairs of them, ends of the message included:
            what was learned of "hoàn tiền" holds for "money back"

Where the language agent found values (``Mention``), pairs and triples with the slot's name in the value's place are
added to the words: ``duoi <price_max>`` is one feature for every amount.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.agents.intent.concepts import lexicon
from appliance.agents.types import Utterance
from appliance.text import fold

Keys = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]

FAMILIES = ("w", "c", "x", "m", "k")
FOLDED = 3
"""Families of words and letters that do not depend on diacritics; they come first."""
LONGEST = 400
"""Letters of a message that count; what follows has been said before or is no request."""
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile("['’`´]")
_DIGIT = re.compile(r"\d")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_ENDINGS = ("ings", "ing", "edly", "ed", "ies", "es", "s", "ly")
_SHORTEST_STEM = 3
_REACH = 5
_CONCEPT_REACH = 4


class Family(NamedTuple):
    """The n-grams of one family in one message."""

    keys: Keys
    """CRC-32 of each n-gram with its family's letter, uint32[n]."""
    weights: Floats
    """1 + ln(count), float32[n]."""


Features = tuple[Family, ...]
"""One entry for each of ``FAMILIES``."""


def features(source: str | Utterance) -> Features:
    """Return the hashed n-grams of a text, or of an utterance: its repaired words without mere politeness."""
    if isinstance(source, str):
        text = unicodedata.normalize("NFC", source[:LONGEST])
        words, slotted = plain_words(text), []
        marked = [] if text.isascii() else _WORD.findall(text.lower())
    else:
        tokens = source.core or source.tokens
        words, slotted = plain_words(" ".join(token.folded for token in tokens)), _slotted(source)
        marked = [token.marked for token in tokens]
    edged = ["^", *map(stem, words), "$"] if words else []
    return (
        _family("w", [*edged[1:-1], *_pairs(edged), *slotted]),
        _family("c", [gram for word in words for gram in _letters(f" {word} ", 2, 5)]),
        _family("x", _letters(f" {' '.join(words)} ", 3, 5) if words else []),
        _family("m", [word for word in marked if not word.isascii()]),
        _family("k", _meaning(edged[1:-1])),
    )


def stems(text: str) -> list[str]:
    """Return the words of a plain text as they are counted."""
    return [stem(word) for word in plain_words(text)]


def plain_words(text: str) -> list[str]:
    """Return the folded words of a plain text: apostrophes closed, digits as 0, a letter at most twice in a row."""
    folded = _DIGIT.sub("0", _STRETCHED.sub(r"\1\1", _APOSTROPHE.sub("", fold(text[:LONGEST]))))
    return _WORD.findall(folded)


def stem(word: str) -> str:
    """Take the common endings off an English word of five letters or more; Vietnamese syllables have none of them."""
    if len(word) < 5:
        return word[:-1] if len(word) == 4 and word[-1] == "s" and word[-2] != "s" else word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word[: -len(ending)] + ("y" if ending == "ies" else "")
            if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word[:-1] if len(word) > 4 and word[-1] == "e" else word


def _slotted(utterance: Utterance) -> list[str]:
    """Return the pairs and triples that hold a slot's name in place of its value."""
    names: dict[int, str] = {}
    inside: set[int] = set()
    for mention in utterance.mentions:
        if mention.certain and mention.start not in inside:
            names[mention.start] = f"<{mention.slot}>"
            inside.update(range(mention.start, mention.end))
    if not names:
        return []
    skipped = set(utterance.polite) - inside
    line = ["^"]
    for place, token in enumerate(utterance.tokens):
        if place in names:
            line.append(names[place])
        elif place not in inside and place not in skipped:
            line.append(stem(token.folded))
    line.append("$")
    return [gram for size in (1, 2, 3) for gram in _joined(line, size) if "<" in gram]


def _pairs(words: Sequence[str]) -> list[str]:
    """Return two words a feature; further than two places apart the distance no longer matters."""
    return [
        f"{first} {min(away, 3)} {second}"
        for place, first in enumerate(words)
        for away, second in enumerate(words[place + 1 : place + 1 + _REACH], 1)
    ]


def _meaning(words: Sequence[str]) -> list[str]:
    """Return the concepts of a message and pairs of those that stand near each other."""
    found = lexicon(stems).found(words)
    line = [("^",), *found, ("$",)]
    grams = [concept for concepts in found for concept in concepts]
    for place, earlier in enumerate(line):
        for later in line[place + 1 : place + 1 + _CONCEPT_REACH]:
            grams += [f"{first} {second}" for first in earlier for second in later]
    return grams


def _joined(words: Sequence[str], size: int) -> list[str]:
    return [" ".join(words[place : place + size]) for place in range(len(words) - size + 1)]


def _letters(padded: str, shortest: int, longest: int) -> list[str]:
    return [
        padded[place : place + size] for size in range(shortest, longest + 1) for place in range(len(padded) - size + 1)
    ]


def _family(letter: str, grams: Iterable[str]) -> Family:
    counts = Counter(grams)
    crc = zlib.crc32(letter.encode())
    keys = np.fromiter((zlib.crc32(gram.encode(), crc) for gram in counts), np.uint32, len(counts))
    return Family(
        keys, np.float32(1.0) + np.log(np.fromiter(counts.values(), np.float32, len(counts)), dtype=np.float32)
    )
