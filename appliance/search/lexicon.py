"""The small bilingual dictionary of the search: synonyms, colours, compounds and words that name no product."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

import msgspec

from appliance.data_files import read_data
from appliance.search.analyzer import MarkedWord, marked_words
from appliance.text import words

Phrase = tuple[str, ...]
"""Folded words in order."""
Spellings = Mapping[str, frozenset[str]]
"""Folded word to the spellings, diacritics included, that are meant."""
T = TypeVar("T")


class Colour(msgspec.Struct, frozen=True):
    """A colour with one key for all its names."""

    key: str
    vi: str
    en: str


class Synonym(msgspec.Struct, frozen=True):
    """A meaning of the phrase it is filed under, for when that was typed as ``marked`` or without diacritics."""

    marked: Phrase
    meaning: Phrase
    meaning_marked: Phrase


class Lexicon(msgspec.Struct, frozen=True):
    """Everything read from the data files, keyed by folded words."""

    compounds: frozenset[tuple[str, str]]
    """Loan words of two syllables that are written solid as well."""
    solid: frozenset[str]
    """The compounds written solid; ``balo`` and ``balô`` are both right."""
    synonyms: dict[Phrase, tuple[Synonym, ...]]
    colours: dict[Phrase, Colour]
    colour_spellings: dict[Phrase, tuple[tuple[Phrase, Colour], ...]]
    """Colour names by their folded words, with the spellings that mean them."""
    price: dict[str, frozenset[str]]
    money: dict[str, frozenset[str]]
    filler: dict[str, frozenset[str]]

    def colour(self, name: str) -> Colour | None:
        """Return the colour that a name means: the whole name, else its longest known beginning, else its last word."""
        phrase = tuple(words(name))
        for end in range(len(phrase), 0, -1):
            if found := self.colours.get(phrase[:end]):
                return found
        return self.colours.get(phrase[-1:])

    def meant_colour(self, typed: Sequence[MarkedWord]) -> Colour | None:
        """Return the colour that typed words name; typed diacritics must agree (``bé`` is not the colour ``be``)."""
        names = self.colour_spellings.get(tuple(word.folded for word in typed), ())
        return next((colour for marked, colour in names if agrees(typed, marked)), None)

    def plain(self, word: str) -> bool:
        """Tell whether a folded word is a dictionary word that is written without diacritics (``da``, ``nam``)."""
        return any(meaning.marked == (word,) for meaning in self.synonyms.get((word,), ()))


class _SynonymFile(msgspec.Struct, forbid_unknown_fields=True):
    compounds: list[str]
    groups: list[list[str]]


class _ColourEntry(msgspec.Struct, forbid_unknown_fields=True):
    vi: list[str]
    en: list[str]


class _StopFile(msgspec.Struct, forbid_unknown_fields=True):
    price: list[str]
    money: list[str]
    filler: list[str]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Return the dictionary, read once."""
    synonyms = read_data("appliance.search", "synonyms", _SynonymFile)
    colours = read_data("appliance.search", "colours", dict[str, _ColourEntry])
    stop = read_data("appliance.search", "stopwords", _StopFile)
    compounds = frozenset((pair[0], pair[1]) for pair in map(words, synonyms.compounds))
    return Lexicon(
        compounds=compounds,
        solid=frozenset(map("".join, compounds)),
        synonyms=_synonyms([*synonyms.groups, *(entry.vi + entry.en for entry in colours.values())]),
        colours={
            tuple(words(name)): Colour(key, entry.vi[0], entry.en[0])
            for key, entry in colours.items()
            for name in (*entry.en, *entry.vi)
        },
        colour_spellings=_colour_spellings(colours),
        price=_spellings(stop.price),
        money=_spellings(stop.money),
        filler=_spellings(stop.filler),
    )


def means(word: MarkedWord, spellings: Spellings) -> bool:
    """Tell whether a typed word is one of these words; typed diacritics must agree, missing ones are forgiven."""
    known = spellings.get(word.folded)
    return known is not None and (word.marked == word.folded or word.marked in known)


def agrees(typed: Iterable[MarkedWord], marked: Phrase) -> bool:
    """Tell whether typed words can be this spelling: word by word equal, or typed without diacritics."""
    return all(word.marked in (word.folded, mark) for word, mark in zip(typed, marked, strict=True))


def _synonyms(groups: list[list[str]]) -> dict[Phrase, tuple[Synonym, ...]]:
    found: dict[Phrase, list[Synonym]] = {}
    for group in groups:
        names = [_phrases(name) for name in group]
        for folded, marked in names:
            others = (Synonym(marked, *other) for other in names if other[0] != folded)
            found.setdefault(folded, []).extend(others)
    return {phrase: tuple(dict.fromkeys(meanings)) for phrase, meanings in found.items()}


def _colour_spellings(colours: Mapping[str, _ColourEntry]) -> dict[Phrase, tuple[tuple[Phrase, Colour], ...]]:
    found: dict[Phrase, tuple[tuple[Phrase, Colour], ...]] = {}
    for key, entry in colours.items():
        names = [*entry.vi, *entry.en]
        for name in names:
            # The end of a longer name ("bò" of "nâu bò") says a colour only beside a product that has that colour.
            if not any(other.endswith(f" {name}") for other in names if name in entry.vi):
                folded, marked = _phrases(name)
                found[folded] = (*found.get(folded, ()), (marked, Colour(key, entry.vi[0], entry.en[0])))
    return found


def _phrases(name: str) -> tuple[Phrase, Phrase]:
    pairs = marked_words(name)
    return tuple(pair.folded for pair in pairs), tuple(pair.marked for pair in pairs)


def _spellings(names: list[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for word in (word for name in names for word in marked_words(name)):
        found.setdefault(word.folded, set()).add(word.marked)
    return {folded: frozenset(marked) for folded, marked in found.items()}
