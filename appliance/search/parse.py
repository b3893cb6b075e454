"""Reading a shopper's words: which are products, which are prices or filler, and what is still being typed."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import NamedTuple

from appliance.search.analyzer import MarkedWord, marked_words
from appliance.search.lexicon import lexicon, means
from appliance.text import fold

MAX_CHARACTERS = 400
MAX_WORDS = 24
"""Longer queries are read up to here; nobody names a product with more words."""
_PRICE = re.compile(r"\d+(?:k|tr|trieu|nghin|ngan|vnd|d|dong|usd)\d?")
_SIZE_WORDS, _SIZE_NUMBER_WORDS = frozenset({"size", "sz"}), {"co": "cỡ", "so": "số"}
_SIZE = re.compile(r"\d{1,3}|\d?x{0,5}[sl]|m")
_SOLID_SIZE = re.compile(r"(?:size|sz)(\d{1,3}|\d?x{0,5}[sl]|m)")
_SHOE_SIZES = range(15, 61)
"""Numbers that are a size after a word that may mean something else (``số 38``, but not ``có 3 ngăn``)."""
_SPELT_WORD = re.compile("[^\\W_](?:[^\\W_]|[\u0300-\u036f])*")


class Role(Enum):
    """What a word does for the query."""

    WANTED = "wanted"
    OPTIONAL = "optional"


class QueryWord(NamedTuple):
    """One word to look for. ``parts`` has two entries for a compound that was typed as syllables (``ba lô``)."""

    folded: str
    parts: tuple[MarkedWord, ...]
    typed: str
    """As typed, in lower case."""
    role: Role
    size: str = ""
    """The size that is wished for (``38``, ``xl``), when the word is one."""


class ParsedQuery(NamedTuple):
    """The words in order, each once."""

    words: tuple[QueryWord, ...]
    accented: bool
    """Whether any diacritic was typed: then plain words are meant plain."""
    open: bool
    """Whether the last word may still be growing."""
    vague: bool
    """Whether all words are prices or filler, which are then looked for all the same."""


def parse(text: str) -> ParsedQuery:
    """Read a query of any length and content; a text without words gives none."""
    text = unicodedata.normalize("NFC", text[:MAX_CHARACTERS])
    pairs = marked_words(text)[:MAX_WORDS]
    spelt = [word.lower() for word in _SPELT_WORD.findall(text)]
    typed = spelt if len(spelt) >= len(pairs) else [pair.folded for pair in pairs]
    optional = _optional(pairs)
    vague = all(optional)
    if vague:
        optional = [False] * len(pairs)
    words: dict[str, QueryWord] = {}
    place = 0
    while place < len(pairs):
        size = 2 if tuple(pair.folded for pair in pairs[place : place + 2]) in lexicon().compounds else 1
        parts = tuple(pairs[place : place + size])
        role = Role.OPTIONAL if all(optional[place : place + size]) else Role.WANTED
        if wish := _size(pairs, place):
            words[wish] = QueryWord(wish, (MarkedWord(wish, wish),), typed[place], Role.WANTED, wish)
            place += 1
            continue
        folded = "".join(part.folded for part in parts)
        if folded not in words or words[folded].role is Role.OPTIONAL:
            words[folded] = QueryWord(folded, parts, " ".join(typed[place : place + size]), role)
        place += size
    return ParsedQuery(
        tuple(words.values()),
        any(pair.marked != pair.folded for pair in pairs),
        fold(text)[-1:].isalnum(),
        vague,
    )


def _size(pairs: list[MarkedWord], place: int) -> str:
    """Return the size that the word at a place wishes for: ``38`` in ``size 38`` and in ``sz38``; else ``''``."""
    word = pairs[place].folded
    if solid := _SOLID_SIZE.fullmatch(word):
        return solid[1]
    before = pairs[place - 1] if place else None
    if before is None or not _SIZE.fullmatch(word):
        return ""
    if before.folded in _SIZE_WORDS:
        return word
    spelt = marked_words(_SIZE_NUMBER_WORDS.get(before.folded, ""))
    named = bool(spelt) and before.marked in (before.folded, spelt[0].marked)
    return word if named and word.isdigit() and int(word) in _SHOE_SIZES else ""


def _optional(pairs: list[MarkedWord]) -> list[bool]:
    """Mark prices, the words around them, and filler."""
    known = lexicon()
    price = [means(pair, known.price) for pair in pairs]
    money = [bool(_PRICE.fullmatch(pair.folded)) or means(pair, known.money) for pair in pairs]
    optional = []
    for place, pair in enumerate(pairs):
        beside = (place > 0 and price[place - 1]) or (place + 1 < len(pairs) and money[place + 1])
        amount = pair.folded.isdigit() and (beside or set(pair.folded) == {"0"})
        optional.append(price[place] or money[place] or amount or means(pair, known.filler))
    return optional
