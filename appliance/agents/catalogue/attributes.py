"""Which of a product's attributes, or which sentence of its description, answers a question."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from appliance.agents.catalogue.facts import public_attributes
from appliance.data_files import read_data
from appliance.domain import Product
from appliance.messages import Locale
from appliance.text import words

MAX_DESCRIPTION = 4000
MAX_QUOTE = 240
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]?")
_VIETNAMESE = re.compile("[àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ]", re.IGNORECASE)
_BOUND = r"(?<![^\W\d_]){}(?![^\W\d_])"


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: tuple[str, ...]
    cues: tuple[str, ...]
    asked: tuple[str, ...] = ()


class _Attributes(msgspec.Struct, frozen=True):
    keys: dict[str, frozenset[tuple[str, ...]]]
    cues: dict[str, re.Pattern[str]]
    names: dict[tuple[str, ...], str]
    """Folded words of a key to the attribute it is."""
    asked: dict[str, tuple[str, ...]]
    """Folded phrases of a question that ask for an attribute."""


@lru_cache(maxsize=1)
def read_vocabulary() -> _Attributes:
    """Return the attributes that are known, read once."""
    entries = read_data("appliance.agents.catalogue", "attributes", dict[str, _Entry])
    return _Attributes(
        {name: frozenset(_key(key) for key in (name, *entry.keys)) for name, entry in entries.items()},
        {
            name: re.compile("|".join(_BOUND.format(re.escape(cue)) for cue in entry.cues), re.IGNORECASE)
            for name, entry in entries.items()
        },
        {_key(key): name for name, entry in reversed(entries.items()) for key in (name, *entry.keys)},
        {name: entry.asked for name, entry in entries.items() if entry.asked},
    )


def _key(name: str) -> tuple[str, ...]:
    return tuple(words(name.replace("_", " ")))


def attribute_name(asked: str) -> str:
    """Return the attribute that a slot or the shop's own key means, the text itself when it is none of ours."""
    return read_vocabulary().names.get(_key(asked), asked)


def value_of(product: Product, attribute: str) -> str:
    """Return what the shop wrote down for an attribute, ``''`` when nothing."""
    wanted = read_vocabulary().keys.get(attribute, frozenset({_key(attribute)}))
    return next((value for key, value in public_attributes(product).items() if _key(key) in wanted), "")


def quoted(product: Product, attribute: str, locale: Locale) -> str:
    """Return the sentence of the description that speaks of an attribute, in the reader's language if there is one."""
    cue = read_vocabulary().cues.get(attribute)
    if cue is None:
        asked = words(attribute)
        if not asked or len(" ".join(asked)) < 3:
            return ""
        cue = re.compile(_BOUND.format(re.escape(attribute.strip())), re.IGNORECASE)
    found = [sentence for sentence in sentences(product) if cue.search(sentence)]
    found.sort(key=lambda sentence: bool(_VIETNAMESE.search(sentence)) != (locale == "vi"))
    return found[0] if found else ""


def sentences(product: Product) -> list[str]:
    """Return the sentences of a description that are short enough to quote."""
    listed = [one.strip() for one in _SENTENCE.findall(product.description[:MAX_DESCRIPTION])]
    return [one for one in listed if 3 <= len(one) <= MAX_QUOTE]


def summary(product: Product, locale: Locale) -> str:
    """Return the first sentence of a description in the reader's language, ``''`` when there is none."""
    title = words(product.title)
    for sentence in sentences(product):
        if words(sentence) != title and bool(_VIETNAMESE.search(sentence)) == (locale == "vi"):
            return sentence
    return ""


def label_key(attribute: str) -> str:
    """Return the message id of an attribute's label below ``chat.info.label``, ``''`` for a key of the shop's own."""
    return attribute if attribute in read_vocabulary().keys else ""
