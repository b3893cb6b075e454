"""The demo shop's word lists, read once from the package's data files into typed records."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from appliance.data_files import read_data


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the records: a misspelt key in a data file is an error."""


class Colour(_Record, frozen=True):
    """A colour's English name and how it is drawn."""

    en: str
    hex: str


class Style(_Record, frozen=True):
    """A style and the colours that go with it."""

    en: str
    colours: tuple[str, ...]


class Occasion(_Record, frozen=True):
    """When a product is used, in English."""

    en: str


class Brand(_Record, frozen=True):
    """An invented brand: its styles, its price tier from 0 (affordable) to 2 (premium) and whom it makes for."""

    styles: tuple[str, ...]
    tier: int
    gender: str = ""


class Material(_Record, frozen=True):
    """What a product is made of; ``factor`` multiplies the price, ``lines`` are Vietnamese sentences about it."""

    vi: str
    en: str
    factor: float
    lines: tuple[str, ...]


class Form(msgspec.Struct, frozen=True, array_like=True):
    """A noun that a title begins with; empty ``materials`` or ``details`` mean those of the kind."""

    vi: str
    en: str
    gender: str
    styles: tuple[str, ...]
    materials: tuple[str, ...] = ()
    details: tuple[tuple[str, str], ...] = ()


class Kind(_Record, frozen=True, kw_only=True):
    """A kind of product: a leaf of the category tree with everything its products are made from."""

    category: str
    category_en: str
    share: int
    price: tuple[int, int]
    """Lowest and highest usual price in thousand đồng."""
    sizes: str
    silhouette: str
    materials: tuple[str, ...]
    occasions: tuple[str, ...]
    forms: tuple[Form, ...]
    details: tuple[tuple[str, str], ...]
    openings: tuple[str, ...]
    features: tuple[tuple[str, str], ...]
    complements: dict[str, float]
    queries: tuple[str, ...]
    tags: tuple[str, ...]
    plain: bool = False
    """Comes in no colours."""


class Words(_Record, frozen=True, kw_only=True):
    """The words that all kinds share."""

    models: tuple[str, ...]
    colours: dict[str, Colour]
    styles: dict[str, Style]
    occasions: dict[str, Occasion]
    collections: dict[str, str]
    brands: dict[str, Brand]
    materials: dict[str, Material]


class Kinds(_Record, frozen=True, kw_only=True):
    """All kinds by key, in menu order, and the size scales that they name."""

    sizes: dict[str, tuple[str, ...]]
    kinds: dict[str, Kind]


class Persona(_Record, frozen=True, kw_only=True):
    """A group of visitors with a taste; see the head of ``data/shoppers.toml`` for the meaning of the weights."""

    name: str
    share: float
    gender: str
    price: float
    kinds: dict[str, float]
    styles: tuple[str, ...]


class Shoppers(_Record, frozen=True):
    """All personas."""

    persona: tuple[Persona, ...]


@lru_cache(maxsize=1)
def words() -> Words:
    """Return the shared words."""
    return read_data("appliance.ops.demo", "words", Words)


@lru_cache(maxsize=1)
def kinds() -> Kinds:
    """Return the kinds of product."""
    return read_data("appliance.ops.demo", "kinds", Kinds)


@lru_cache(maxsize=1)
def personas() -> tuple[Persona, ...]:
    """Return the groups of visitors."""
    return read_data("appliance.ops.demo", "shoppers", Shoppers).persona


@lru_cache(maxsize=1)
def kind_of_category() -> dict[str, str]:
    """Return the kind's key for each leaf category path."""
    return {kind.category: key for key, kind in kinds().kinds.items()}
