"""How well a phrase names a product: both are read as units, where all words for one product group are one unit."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from appliance.agents.catalogue.categories import LONGEST_NAME, WIDE, groups, keys_of_handles, widened
from appliance.agents.catalogue.vocabulary import folded_words
from appliance.domain import ProductCard
from appliance.text import fold

_WORD = re.compile(r"[^\W\d_]+|\d+", re.UNICODE)
MAX_CHARACTERS, MAX_UNITS = 300, 24
_LIGHT = folded_words("light")
"""Words that name nothing, or not this product: they count little."""
_LIGHT_WEIGHT, _WIDE_WEIGHT, _TAG_WEIGHT = 0.1, 0.4, 0.7
_MARKS_DIFFER = 0.45
_NEAR, _HALF = 0.3, 0.5
"""Shares of a phrase from which a product may be near it: one of the same kind, and any other."""
_DEVICES = folded_words("devices")
_MALE, _FEMALE = frozenset({"nam", "men", "mens", "man"}), frozenset({"nu", "women", "womens", "woman"})
_CHILDREN = frozenset({"kids", "kid", "children", "child", "baby", "be", "tre"})
_OPPOSITE = {"men": _FEMALE, "women": _MALE}
_ACCESSORIES = frozenset({"phone_case", "charger"})
_ACCESSORY_HEADS = folded_words("accessory_heads")


class Unit(NamedTuple):
    """One word, or the words that name a product group."""

    key: str
    """The group; ``''`` for a plain word."""
    words: tuple[str, ...]
    """Folded."""
    marked: tuple[str, ...]
    weight: float


class Name(NamedTuple):
    """A text as units, with quick look-ups."""

    units: tuple[Unit, ...]
    words: frozenset[str]
    keys: frozenset[str]
    spellings: dict[str, frozenset[str]]
    """Folded word to how it is written in the text."""
    accented: bool


class Likeness(NamedTuple):
    """How a phrase and a product agree, each from 0 to 1."""

    phrase: float
    """Share of the phrase that the product answers."""
    title: float
    """Share of the title that the phrase says."""

    @property
    def score(self) -> float:
        """One number to order by: the phrase counts, the title parts equals."""
        return self.phrase + 0.3 * self.title

    @property
    def names(self) -> bool:
        """Whether the phrase names this product, as far as names go."""
        return self.phrase >= 0.74 or (self.phrase >= 0.5 and self.title >= 0.99)


@lru_cache(maxsize=8192)
def read_name(text: str) -> Name:
    """Read a phrase or a title."""
    plain = unicodedata.normalize("NFC", text[:MAX_CHARACTERS]).lower()
    marked = _WORD.findall(plain)[:MAX_UNITS]
    folded = [fold(word) for word in marked]
    accented = any(one != other for one, other in zip(marked, folded, strict=True))
    units: list[Unit] = []
    place = 0
    while place < len(folded):
        length, key = _group_at(folded, marked, place, accented)
        end = place + length
        units.append(Unit(key, tuple(folded[place:end]), tuple(marked[place:end]), _weight(key, folded[place])))
        place = end
    spellings: dict[str, set[str]] = {}
    for word, spelt in zip(folded, marked, strict=True):
        spellings.setdefault(word, set()).add(spelt)
    keys = frozenset(key for unit in units if unit.key for key in widened(unit.key))
    return Name(
        tuple(units),
        frozenset(folded),
        keys,
        {word: frozenset(spelt) for word, spelt in spellings.items()},
        accented,
    )


def likeness(phrase: Name, card: ProductCard) -> Likeness:
    """Compare a phrase with a product's titles, categories and tags. Costs some 20 µs."""
    own = keys_of_handles(card.categories)
    tags = _tag_words(card)
    best = Likeness(0.0, 0.0)
    titles = [read_name(title) for title in dict.fromkeys((card.title, card.title_en)) if title]
    both = frozenset(word for title in titles for word in title.words)
    main = titles[0] if titles else None
    for title in titles:
        # A title without marks beside one with them says nothing against the marks: "Dien" is "Diên", not "điện".
        marks = main if main is not None and main.accented and not title.accented else title
        found = Likeness(_answered(phrase, title, own | title.keys, both, tags, marks), _said(title, phrase))
        best = max(best, found, key=lambda one: one.score)
    return Likeness(best.phrase * 0.5, best.title) if _other_thing(phrase, titles, own) else best


def title_likeness(phrase: Name, title: str) -> Likeness:
    """Compare a phrase with a product that is known by its title only."""
    name = read_name(title)
    return Likeness(_answered(phrase, name, name.keys, name.words, frozenset(), name), _said(name, phrase))


def suits(card: ProductCard, gender: str) -> bool:
    """Tell whether a product is not plainly for others: one that is marked for both, or for none, suits all."""
    against = _OPPOSITE.get(gender)
    if against is None:
        return True
    said = _labels(card)
    ours = frozenset().union(*(words for other, words in _OPPOSITE.items() if other != gender))
    return not said & against or bool(said & ours)


def marked_for(card: ProductCard, gender: str) -> bool:
    """Tell whether the titles, tags or groups of a product say ``men``, ``women`` or ``kids``."""
    own = {"men": _MALE, "women": _FEMALE, "kids": _CHILDREN}.get(gender)
    return own is not None and bool(_labels(card) & own)


def _labels(card: ProductCard) -> frozenset[str]:
    said = {word for text in (*card.tags, *card.categories) for word in read_name(text.replace("-", " ")).words}
    return read_name(card.title).words | read_name(card.title_en).words | said


def _tag_words(card: ProductCard) -> frozenset[str]:
    return frozenset(word for tag in card.tags for word in read_name(tag).words)


def near(phrase: Name, card: ProductCard) -> bool:
    """Tell whether a product is worth showing where there is none of that name: of its kind, not of its adjective.

    A speaker or a bag that is "mini" is nothing near a mini fridge; the head of a name is its first word in Vietnamese
    and its last in English.
    """
    like = likeness(phrase, card).phrase
    if phrase.keys:
        kinds = keys_of_handles(card.categories) | read_name(card.title).keys | read_name(card.title_en).keys
        return bool(kinds & phrase.keys - WIDE) or (like >= _NEAR and bool(kinds & phrase.keys))
    own = read_name(card.title).words | read_name(card.title_en).words | _tag_words(card)
    heavy = [unit for unit in phrase.units if unit.weight > _LIGHT_WEIGHT and not unit.words[0].isdigit()]
    heads = heavy[:1] if phrase.accented else [*heavy[:1], *heavy[-1:]]
    return like >= _HALF and bool(heads) and own >= {word for unit in heads for word in unit.words}


def _answered(
    phrase: Name, title: Name, keys: frozenset[str], others: frozenset[str], tags: frozenset[str], marks: Name
) -> float:
    """Return the share of the phrase that is answered by a title, the product's groups, its other title or its tags."""
    total = sum(unit.weight for unit in phrase.units)
    if not total:
        return 0.0
    answered = 0.0
    for unit in phrase.units:
        if unit.key and unit.key in keys:
            answered += unit.weight
        elif all(word in title.words or word in others for word in unit.words):
            differ = phrase.accented and marks.accented and not _spelt_alike(unit, marks)
            answered += unit.weight * (_MARKS_DIFFER if differ else 1.0)
        elif all(word in tags for word in unit.words):
            answered += unit.weight * _TAG_WEIGHT
    return answered / total


def _spelt_alike(unit: Unit, title: Name) -> bool:
    """Tell whether each word has the marks of the title, or none where the title's has some or the other way."""
    for word, marked in zip(unit.words, unit.marked, strict=True):
        spelt = title.spellings.get(word, frozenset((word,)))
        if marked not in spelt and marked != word and word not in spelt:
            return False
    return True


def _said(title: Name, phrase: Name) -> float:
    total = sum(unit.weight for unit in title.units)
    said = sum(
        unit.weight
        for unit in title.units
        if (unit.key and unit.key in phrase.keys) or all(word in phrase.words for word in unit.words)
    )
    return said / total if total else 0.0


def _other_thing(phrase: Name, titles: list[Name], own: frozenset[str]) -> bool:
    """Tell whether a device is named and this is only something for it (``iphone 15``: a case is no phone)."""
    if not phrase.words & _DEVICES or phrase.keys or phrase.words & _ACCESSORY_HEADS:
        return False
    heads = {title.units[0].words[0] for title in titles if title.units}
    return bool(own & _ACCESSORIES or heads & _ACCESSORY_HEADS)


def _group_at(folded: list[str], marked: list[str], place: int, accented: bool) -> tuple[int, str]:
    known = groups()
    for length in range(min(LONGEST_NAME, len(folded) - place), 0, -1):
        name = tuple(folded[place : place + length])
        key = known.by_words.get(name)
        if key is None:
            continue
        written = " ".join(marked[place : place + length])
        plain = written == " ".join(name)
        if (plain and not (accented and length == 1)) or written in known.marked[name] or (plain and length > 1):
            return length, key
    return 1, ""


def _weight(key: str, first: str) -> float:
    if key:
        return _WIDE_WEIGHT if key in WIDE else 1.0
    return _LIGHT_WEIGHT if first in _LIGHT else 1.0
