"""What a shopper does not want: a colour, a material or any other word, and which products have it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec

from appliance.agents.catalogue.categories import keys_of_handles
from appliance.agents.catalogue.facts import colour_label, matching, speakable
from appliance.agents.catalogue.names import read_name
from appliance.data_files import read_data
from appliance.domain import Product, ProductCard
from appliance.messages import Locale
from appliance.search.facet_values import colour_key
from appliance.search.lexicon import lexicon
from appliance.text import fold, words

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_MAX_WORDS, _MAX_TEXT = 4, 500


class _Material(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vi: tuple[str, ...]
    en: tuple[str, ...]
    kinds: tuple[str, ...] = ()


class Unwanted(NamedTuple):
    """One thing that is not wanted."""

    said: str
    """The shopper's word."""
    color: str = ""
    """Key of the colour, ``''`` when it is none."""
    material: str = ""
    """Key of ``data/materials.toml``, ``''`` when it is none."""
    kind: str = ""
    """Key of the product group, ``''`` when it is none."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Product groups that are made of it altogether."""
        known = read_materials().get(self.material)
        return known.kinds if known else ()

    def label(self, locale: Locale) -> str:
        """Return it in the reader's language."""
        if self.color:
            return speakable(colour_label(self.said, locale))
        known = read_materials().get(self.material)
        return (known.vi if locale == "vi" else known.en)[0] if known else speakable(self.said)

    def in_card(self, card: ProductCard, kinds: Iterable[str] = ()) -> bool:
        """Tell whether the titles, tags or groups (``kinds``, by name) of a product name it; no disk is read."""
        if self.color:
            return False
        known = read_materials().get(self.material)
        own = keys_of_handles(card.categories)
        if (known and own & set(known.kinds)) or (self.kind and self.kind in own | read_name(card.title).keys):
            return True
        return self._in(card.title, card.title_en, *card.tags, *kinds)

    def in_product(self, product: Product) -> bool:
        """Tell whether its attributes name it, or it comes in no other colour."""
        if self.color:
            return bool(product.variants) and len(matching(product, "", self.said)) == len(product.variants)
        return self._in(*product.attributes.values())

    def _in(self, *texts: str) -> bool:
        names, exact = _names(self), bool(self.material)
        return any(_says(text, name, exact=exact) for text in map(_read, texts) for name in names)


def unwanted(said: str) -> Unwanted:
    """Read a word that a shopper does not want; diacritics count where they are typed."""
    plain = unicodedata.normalize("NFC", said).lower().strip().removeprefix("màu ").removeprefix("mau ")
    if lexicon().colours.get(tuple(words(plain))) is not None and plain not in ("da", "dạ"):
        return Unwanted(plain, color=colour_key(plain))
    materials = read_materials()
    for spelt in (plain, fold(plain)):
        for key, known in materials.items():
            if spelt in (known.vi + known.en if spelt == plain else tuple(map(fold, known.vi))):
                return Unwanted(plain, material=key)
    kind = next((unit.key for unit in read_name(plain).units if unit.key), "")
    return Unwanted(plain, kind=kind)


def of_kind(said: str) -> tuple[str, Unwanted] | None:
    """Split "leather shoes" into the group that is meant and the material that is not wanted of it."""
    units = read_name(said).units
    kind = next((unit.key for unit in units if unit.key), "")
    rest = " ".join(word for unit in units if not unit.key for word in unit.marked)
    return (kind, thing) if kind and rest and (thing := unwanted(rest)).material else None


@lru_cache(maxsize=1)
def read_materials() -> dict[str, _Material]:
    """Return the materials that are known, read once."""
    return read_data("appliance.agents.catalogue", "materials", dict[str, _Material])


class _Name(NamedTuple):
    """A name between spaces, as spelt and folded."""

    marked: str
    folded: str


@lru_cache(maxsize=256)
def _names(thing: Unwanted) -> tuple[_Name, ...]:
    known = read_materials().get(thing.material)
    spelt = dict.fromkeys((*known.vi, *known.en)) if known else {thing.said: None}
    names = [_WORD.findall(one)[:_MAX_WORDS] for one in spelt]
    return tuple(_Name(f" {' '.join(name)} ", f" {' '.join(map(fold, name))} ") for name in names if name)


@lru_cache(maxsize=8192)
def _read(text: str) -> _Name:
    marked = _WORD.findall(unicodedata.normalize("NFC", text[:_MAX_TEXT]).lower())
    return _Name(f" {' '.join(marked)} ", f" {' '.join(map(fold, marked))} ")


def _says(text: _Name, name: _Name, *, exact: bool) -> bool:
    """Tell whether a text holds a name. ``exact``: a name without marks has none, so "da" is not "dạ"."""
    spelt = text.marked != text.folded and (exact or name.marked != name.folded)
    return name.marked in text.marked if spelt else name.folded in text.folded
