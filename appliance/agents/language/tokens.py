"""From a clean text to tokens: abbreviations, key leftovers and typing slips read as what they stand for."""

from __future__ import annotations

from appliance.agents.language.abbreviations import Around, abbreviations
from appliance.agents.language.detect import looks_english
from appliance.agents.language.lexicon import ShopLexicon
from appliance.agents.language.repair import repaired
from appliance.agents.language.syllables import canonical
from appliance.agents.language.words import Piece, cut
from appliance.agents.types import Token
from appliance.text import fold

Repairs = tuple[tuple[str, str], ...]


def tokenise(text: str, lexicon: ShopLexicon) -> tuple[tuple[Token, ...], Repairs]:
    """Return the tokens of a clean text and what was read differently from how it was typed."""
    pieces = cut(text)
    lowered = [canonical(piece.text.lower()) for piece in pieces]
    folded = [fold(word) for word in lowered]
    around = Around(lowered, folded, [piece.text for piece in pieces], text, pieces, frozenset(folded))
    english = looks_english(lowered)
    tokens: list[Token] = []
    repairs: list[tuple[str, str]] = []
    for place, piece in enumerate(pieces):
        words = _read(piece, place, around, lexicon, english)
        if words != [lowered[place]] and piece.kind == "word":
            repairs.append((piece.text, " ".join(words)))
        tokens.extend(Token(piece.text, word, fold(word), piece.start, piece.end) for word in words)
    return tuple(tokens), tuple(repairs)


def _read(piece: Piece, place: int, around: Around, lexicon: ShopLexicon, english: bool) -> list[str]:
    word = around.lowered[place]
    if piece.kind != "word":
        return [word]
    meaning = lexicon.own_words.get(word) or abbreviations().meaning(place, around)
    if meaning:
        return [canonical(part) for part in meaning.split()]
    return [repaired(word, piece.text, lexicon, english)]
