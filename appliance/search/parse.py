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
