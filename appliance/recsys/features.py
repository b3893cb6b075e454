"""What a product is made of, as weighted blocks of tokens: text in two languages, categories, tags, facts, price band.

Each block becomes a unit vector of its own before the blocks are weighted and joined, so the cosine of two products is
a weighted mean of the blocks' cosines: a long description cannot drown a category, and repeating a word in a title
moves nothing but that title's own block.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from appliance.domain import Product
from appliance.text import fold, words

NGRAM_SIZES = (3, 4, 5)
MAX_TITLE_WORDS = 40
MAX_DESCRIPTION_WORDS = 160
MAX_FACT_LENGTH = 40
_MATERIAL_KEYS = frozenset({"material", "chat lieu", "fabric"})
_PRICE_STEP = math.log(1.5)


class Block(NamedTuple):
    """A group of features. ``weight`` is its share in the cosine of two products that have every block."""

    name: str
    weight: float
    idf: bool
    """Whether rare tokens count more. Tags do not: their block is the plain cosine of two sets."""


BLOCKS = (
    Block("title", 0.31, True),
    Block("ngrams", 0.04, True),
    Block("english", 0.09, True),
    Block("description", 0.06, True),
    Block("categories", 0.12, True),
    Block("tags", 0.13, False),
    Block("material", 0.12, False),
    Block("facts", 0.09, True),
    Block("price", 0.04, False),
)


TEXT_BLOCKS = ("title", "ngrams", "english", "description")
"""Blocks of free text, in which invented names stand beside the words for what a product is."""


def leaf_category(product: Product) -> str:
    """Return the folded path of the product's first category, ``''`` without one."""
    path = product.categories[0] if product.categories else ""
    return ">".join(" ".join(words(part)) for part in path.split(">"))


def token_blocks(product: Product) -> list[dict[str, float]]:
    """Return, for each block of ``BLOCKS``, how often each token occurs. Tokens carry their block's prefix."""
    title = words(product.title)[:MAX_TITLE_WORDS]
    ngrams: Counter[str] = Counter()
    for word in title:
        ngrams.update(word_ngrams(word))
    return [
        _counted("w:", title),
        dict(ngrams),
        _counted("e:", words(product.title_en)[:MAX_TITLE_WORDS]),
        _counted("d:", words(product.description)[:MAX_DESCRIPTION_WORDS]),
        dict.fromkeys(_category_tokens(product.categories), 1.0),
        dict.fromkeys((f"t:{name}" for tag in product.tags if (name := fold(tag).strip())), 1.0),
        dict.fromkeys(_material_tokens(product), 1.0),
        dict.fromkeys(_fact_tokens(product), 1.0),
        _price_tokens(product.price, product.currency),
    ]


@lru_cache(maxsize=65_536)
def word_ngrams(word: str) -> tuple[str, ...]:
    """Return the character 3- to 5-grams of a folded word with its borders marked: forgiving of slips and endings."""
    marked = f"^{word}$"
    return tuple(
        f"n:{marked[start : start + size]}" for size in NGRAM_SIZES for start in range(max(0, len(marked) - size + 1))
    )


def token_hash(token: str) -> int:
    """Return a token's name in the stored vocabulary: 64 bits, the same in every process and version."""
    return int.from_bytes(hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def set_cosine(left: Iterable[str], right: Iterable[str]) -> float:
    """Return the cosine similarity of two sets, |A ∩ B| / √(|A|·|B|); 0 when either is empty.

    [backpack, red] against [red, blue] is 0.5 (Jaccard would say 0.33).
    """
    first, second = set(left), set(right)
    if not first or not second:
        return 0.0
    return len(first & second) / math.sqrt(len(first) * len(second))


def _counted(prefix: str, tokens: Iterable[str]) -> dict[str, float]:
    return {f"{prefix}{token}": float(count) for token, count in Counter(tokens).items()}


def _category_tokens(categories: Iterable[str]) -> Iterable[str]:
    for path in categories:
        parts = [name for part in path.split(">") if (name := " ".join(words(part)))]
        for depth in range(1, len(parts) + 1):
            yield "c:" + ">".join(parts[:depth])


def _fact_tokens(product: Product) -> Iterable[str]:
    for key, value in product.attributes.items():
        folded = fold(value).strip()
        # Numbers such as a margin or a weight are not words that two products could share.
        if folded and len(folded) <= MAX_FACT_LENGTH and not folded.replace(".", "").replace("-", "").isdigit():
            yield f"a:{fold(key)}={folded}"
    for variant in product.variants:
        if variant.color:
            yield f"a:color={fold(variant.color).strip()}"
    if product.collection:
        yield f"a:collection={fold(product.collection).strip()}"


def _material_tokens(product: Product) -> Iterable[str]:
    """Yield the words of the material: ``da bò thật`` and ``da tổng hợp`` are both leather."""
    for key, value in product.attributes.items():
        if fold(key) in _MATERIAL_KEYS and len(value) <= MAX_FACT_LENGTH:
            yield from (f"m:{word}" for word in words(value) if word.isalpha())


def _price_tokens(price: int | None, currency: str) -> dict[str, float]:
    if not price or price < 0:
        return {}
    # Bands are half again as wide as the one below; a price between two middles belongs to both in part.
    place = math.log(price) / _PRICE_STEP
    band = math.floor(place)
    part = place - band
    tokens = {f"p:{currency}:{band}": 1.0 - part}
    if part > 0:
        tokens[f"p:{currency}:{band + 1}"] = part
    return tokens
