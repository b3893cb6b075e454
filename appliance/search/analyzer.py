"""From text to index terms, the same way for products and for queries.

Three kinds of term share one vocabulary and cannot clash, because words never contain their markers:
``balo`` is a folded word, ``+balo`` two adjacent words written as one, ``=đương̀`` a word with its diacritics. The
bare ``=`` stands in products whose title was written without diacritics, where none can be expected.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from appliance.domain import Product
from appliance.text import fold, words

JOINED = "+"
MARKED = "="
_LONGEST_JOINED = 14
_REMEMBERED_WORDS = 200_000
_PRIVATE_ATTRIBUTES = frozenset({"margin"})
"""Facts for the owner's rules, not for shoppers."""

_TONES = dict.fromkeys([0x0300, 0x0301, 0x0303, 0x0309, 0x0323])
_TONE = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
_MARKED_WORD = re.compile("[^\\W_](?:[^\\W_]|[\u0300-\u036f])*")


class MarkedWord(NamedTuple):
    """A word in its folded form and in one canonical form that keeps the diacritics."""

    folded: str
    marked: str
    """The tone mark stands last, so that ``hoà`` and ``hòa`` are equal; without diacritics it equals ``folded``."""


class FieldTerms(NamedTuple):
    """The terms of one field of one product; ``length`` counts its words, each once per occurrence."""

    terms: list[str]
    length: int


def marked_words(text: str) -> list[MarkedWord]:
    """Return the words of a text in order, with and without diacritics."""
    if text.isascii():
        return [MarkedWord(word, word) for word in words(text)]
    return [
        MarkedWord(folded, word.translate(_TONES) + "".join(_TONE.findall(word)))
        for word in _MARKED_WORD.findall(unicodedata.normalize("NFD", text).casefold())
        if (folded := fold(word))
    ]


def has_marks(text: str) -> bool:
    """Tell whether any word of a text carries a diacritic."""
    return any(pair.marked != pair.folded for pair in marked_words(text))


def joined(tokens: Sequence[str]) -> list[str]:
    """Return the joined terms of adjacent words: ``ba lô da`` gives ``+balo`` and ``+loda``."""
    return [
        f"{JOINED}{first}{second}"
        for first, second in pairwise(tokens)
        if len(first) + len(second) <= _LONGEST_JOINED and first.isalpha() and second.isalpha()
    ]


def category_levels(category: str) -> list[str]:
    """Split a category path (``Túi > Túi xách``) into the names of its levels, the root first."""
    return [name for part in category.split(">") if (name := part.strip())]


class Analyzer:
    """Turns products into terms field by field; remembers repeated short values such as colours and tags."""

    def __init__(self, compounds: Iterable[tuple[str, str]]) -> None:
        self._compounds = frozenset(compounds)
        self._heads = frozenset(first for first, _ in self._compounds)
        self._seen: dict[str, tuple[list[str], int]] = {}
        self._spelt: dict[str, tuple[str, str]] = {}

    def fields(self, product: Product) -> tuple[FieldTerms, FieldTerms, FieldTerms, FieldTerms, FieldTerms]:
        """Return title, English title, labels, attributes and description, in the order of the field weights."""
        labels = [name for path in product.categories for name in category_levels(path)]
        return (
            self._title(product.title, unmarked=not has_marks(product.title)),
            self._english_title(product),
            self._values([*labels, *product.tags, product.collection]),
            self._values(_attribute_values(product)),
            self._description(product.description),
        )

    def _title(self, text: str, *, unmarked: bool = False) -> FieldTerms:
        pairs = marked_words(text)
        return FieldTerms(_all_terms(pairs) + ([MARKED] if unmarked and pairs else []), len(pairs))

    def _english_title(self, product: Product) -> FieldTerms:
        """Return the English title; a name that only lost its diacritics there (``Da Lat``) is no word ``da``."""
        field = self._title(product.title_en)
        stripped = {MARKED + pair.folded for pair in marked_words(product.title) if pair.marked != pair.folded}
        if stripped.isdisjoint(field.terms):
            return field
        return FieldTerms([term for term in field.terms if term not in stripped], field.length)

    def _values(self, values: Iterable[str]) -> FieldTerms:
        terms: dict[str, None] = {}
        length = 0
        for value in dict.fromkeys(values):
            known = self._seen.get(value)
            if known is None:
                pairs = marked_words(value)
                known = (_all_terms(pairs), len(pairs))
                if len(value) <= 40 and len(self._seen) < 50_000:
                    self._seen[value] = known
            terms.update(dict.fromkeys(known[0]))
            length += known[1]
        return FieldTerms(list(terms), length)

    def _description(self, text: str) -> FieldTerms:
        tokens, marks = self._spellings(text)
        if self._heads.isdisjoint(tokens):
            return FieldTerms(tokens + marks, len(tokens))
        compounds = [JOINED + pair[0] + pair[1] for pair in pairwise(tokens) if pair in self._compounds]
        return FieldTerms(tokens + marks + compounds, len(tokens))

    def _spellings(self, text: str) -> tuple[list[str], list[str]]:
        """Return the folded words of a long text and its terms with diacritics; words seen before cost little."""
        if text.isascii():
            tokens = words(text)
            return tokens, [MARKED + token for token in tokens if token.isalpha()]
        tokens, marks = [], []
        for word in _MARKED_WORD.findall(unicodedata.normalize("NFD", text)):
            known = self._spelt.get(word)
            if known is None:
                pair = next(iter(marked_words(word)), MarkedWord("", ""))
                known = (pair.folded, MARKED + pair.marked if pair.folded.isalpha() else "")
                if len(self._spelt) < _REMEMBERED_WORDS:
                    self._spelt[word] = known
            if known[0]:
                tokens.append(known[0])
            if known[1]:
                marks.append(known[1])
        return tokens, marks


def _all_terms(pairs: list[MarkedWord]) -> list[str]:
    folded = [pair.folded for pair in pairs]
    return folded + joined(folded) + [MARKED + pair.marked for pair in pairs if pair.folded.isalpha()]


def _attribute_values(product: Product) -> Iterator[str]:
    for name, value in product.attributes.items():
        if name not in _PRIVATE_ATTRIBUTES:
            yield value
    for variant in product.variants:
        yield variant.color
        yield variant.size
        yield variant.sku
        yield variant.title
