"""What a product counts as in each facet: the key that filters compare and the label that people read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from appliance.domain import Product
from appliance.search.analyzer import category_levels
from appliance.search.lexicon import lexicon
from appliance.text import fold, slug

FACETS = ("categories", "colors", "sizes")
"""The facets kept as columns, in file order."""
LEVEL = "/"
"""Between the levels of a category key, which are slugs and cannot contain it."""
_COLOUR_SEPARATORS = str.maketrans({"/": ",", "&": ",", "+": ",", ";": ",", "|": ","})

_RANGE = re.compile(r"(\d+)\s*[-–]\s*(\d+)")
_LETTER_SIZE = re.compile(r"(?:\d?x*[sl]|m)(?:\s*[-/]\s*(?:\d?x*[sl]|m))*")


def category_values(product: Product) -> list[tuple[str, str]]:
    """Return (key, path) of each category of a product and of every category above it."""
    found: dict[str, str] = {}
    for path in product.categories:
        levels = category_levels(path)
        keys = [level_key(name) for name in levels]
        for depth in range(1, len(levels) + 1):
            found.setdefault(LEVEL.join(keys[:depth]), " > ".join(levels[:depth]))
    return list(found.items())


def level_key(name: str) -> str:
    """Return what one level of a category path contributes to its key."""
    return slug(name) or fold(name)


def colour_values(product: Product) -> list[tuple[str, str]]:
    """Return (key, label) of each colour; a known colour has one key in every language."""
    found: dict[str, str] = {}
    for text in dict.fromkeys([*(variant.color for variant in product.variants), product.attributes.get("color", "")]):
        for name in text.translate(_COLOUR_SEPARATORS).split(",") if text else ():
            if key := colour_key(name):
                known = lexicon().colour(name)
                found[key] = known.vi if known else name.strip()
    return list(found.items())


def size_values(product: Product) -> list[tuple[str, str]]:
    """Return (key, label) of each size."""
    sizes = dict.fromkeys([*(variant.size for variant in product.variants), product.attributes.get("size", "")])
    return [(size_key(size), size_label(size)) for size in sizes if size_key(size)]


def size_label(name: str) -> str:
    """Return a size as shown: letters as on a label (``xl`` is ``XL``), everything else as the shop writes it."""
    plain = name.strip()
    return plain.upper() if _LETTER_SIZE.fullmatch(plain.lower()) else plain


def sizes_meant(wish: str, keys: Iterable[str]) -> frozenset[str]:
    """Return the size keys that a wished size means: itself, and the ranges that hold it (``36-39`` holds 38)."""
    found = set()
    for key in keys:
        span = _RANGE.fullmatch(key)
        held = span is not None and wish.isdigit() and int(span[1]) <= int(wish) <= int(span[2])
        if key == wish or held:
            found.add(key)
    return frozenset(found)


def colour_key(name: str) -> str:
    """Return the key by which a colour is filtered: shared by all names of a known colour, else the folded name."""
    known = lexicon().colour(name)
    return known.key if known else slug(name)


def size_key(name: str) -> str:
    """Return the key by which a size is filtered."""
    return fold(name).strip()
