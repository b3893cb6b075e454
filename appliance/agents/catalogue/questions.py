"""What a question asks of a product in words of its own, and where the product's facts or description hold them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from appliance.agents.catalogue.attributes import read_vocabulary, sentences
from appliance.agents.catalogue.facts import Item, public_attributes
from appliance.agents.catalogue.vocabulary import folded_words, same_words
from appliance.agents.types import SkillInput
from appliance.domain import Product
from appliance.text import fold, words

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_MAX_TOKENS, _MAX_ASKED = 40, 8
_MOST = 0.6
"""Share of the words asked for that an answer must hold, where there are several."""
_EMPTY = (folded_words("talk") | folded_words("light") | folded_words("asking")) - same_words().keys()
_OVERVIEW = folded_words("overview")
_VALUES = frozenset({"size", "color", "ref", "refs", "quantity", "gender", "product"})


class Asked(NamedTuple):
    """The words of a question that say what is asked, as typed and folded."""

    words: tuple[tuple[str, str], ...]
    overview: bool
    """Whether the product as a whole is asked about."""


class Held(NamedTuple):
    """Where the words were found: an attribute, or a sentence of the description."""

    attribute: str
    text: str


def asked_attribute(given: SkillInput) -> str:
    """Return the attribute that the wording asks for (``nặng không``: the weight), ``''`` for none."""
    said = f" {given.utterance.folded[:300]} "
    for name, phrases in read_vocabulary().asked.items():
        if any(f" {phrase} " in said for phrase in phrases):
            return name
    return ""


def asked_of(given: SkillInput, item: Item, named: str = "") -> Asked:
    """Return what a message asks of a product; words of its title and of ``named``, which named it, ask nothing."""
    titles = [item.shown.title, named]
    if item.card is not None:
        titles += [item.card.title, item.card.title_en]
    skipped = set(given.utterance.polite)
    for mention in given.utterance.mentions:
        if mention.slot in _VALUES:
            skipped.update(range(mention.start, mention.end))
    names = {word for title in titles for word in words(title)}
    content: list[tuple[str, str]] = []
    overview = False
    for place, token in enumerate(given.utterance.tokens[:_MAX_TOKENS]):
        overview = overview or token.folded in _OVERVIEW
        known = token.folded in _EMPTY or token.folded in names or token.folded in _OVERVIEW
        if place not in skipped and not known and len(token.folded) > 1 and token.folded.isalpha():
            content.append((token.marked, token.folded))
    return Asked(tuple(dict.fromkeys(content))[:_MAX_ASKED], overview)


def words_of(phrase: str) -> Asked:
    """Return the words of a phrase that may be no product but what is asked of one."""
    plain = unicodedata.normalize("NFC", phrase).lower()
    return Asked(tuple((word, fold(word)) for word in _WORD.findall(plain))[:_MAX_ASKED], overview=False)


def held(product: Product, asked: Asked) -> Held | None:
    """Return the attribute or else the sentence that holds most of the words asked for, ``None`` when none does."""
    if not asked.words:
        return None
    facts = [(Held(key, value), f"{key} {value}") for key, value in public_attributes(product).items()]
    told = [(Held("", sentence), sentence) for sentence in sentences(product)]
    for found in (facts, told):
        scored = [(_share(asked.words, text), -place) for place, (_, text) in enumerate(found)]
        share, place = max(scored, default=(0.0, 0))
        if share >= (_MOST if len(asked.words) > 1 else 1.0):
            return found[-place][0]
    return None


def _share(asked: Iterable[tuple[str, str]], text: str) -> float:
    marked, folded, accented = _read(text)
    sought = list(asked)
    hits = 0
    for typed, plain in sought:
        same = plain in folded and (typed == plain or typed in marked or not accented)
        hits += same or any(set(words(other)) <= folded for other in same_words().get(plain, ()))
    return hits / len(sought)


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[frozenset[str], frozenset[str], bool]:
    marked = frozenset(_WORD.findall(unicodedata.normalize("NFC", text[:1000]).lower().replace("_", " ")))
    folded = frozenset(map(fold, marked))
    return marked, folded, marked != folded
