"""What the shop knows of a product, as the records that answers are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from appliance.agents.catalogue.vocabulary import folded_words
from appliance.agents.types import Money, Outcome, Part, ProductFact, ShownProduct, Source, Value, VariantFact
from appliance.domain import Product, ProductCard, Variant
from appliance.messages import Locale
from appliance.search.facet_values import colour_key, size_key, size_label, sizes_meant
from appliance.search.lexicon import lexicon
from appliance.text import fold, words

FEW = 5
"""Up to so many pieces, how many are left is worth saying."""
INTERNAL = folded_words("internal")
"""Attributes that are the owner's business; never shown."""


MAX_SAID = 300
_SIGNS, _SPACES = re.compile(r"[^\w\s.&'-]"), re.compile(r"\s+")
_AMOUNTS = re.compile(
    r"[$€£₫]?\d[\d.,]*\s?(?:k|tr|trieu|triệu|nghìn|nghin|ngàn|đồng|dong|đ|vnd|usd|[$€£₫])\b", re.IGNORECASE
)


class Item(NamedTuple):
    """A product that is talked about: from the store, or known by its title and price only."""

    product: Product | None
    shown: ShownProduct
    card: ProductCard | None = None

    @property
    def price(self) -> int | None:
        """Lowest price, smallest unit."""
        return self.product.price if self.product else self.shown.price

    def title(self, locale: Locale) -> str:
        """Return the title in the reader's language."""
        return self.card.name(locale) if self.card else self.shown.title

    def currency(self, default: str) -> str:
        """Return the currency of its price; ``default`` for one that the store does not hold."""
        return self.product.currency if self.product else default


def item_of(product: Product, card: ProductCard, locale: Locale) -> Item:
    """Return the item of a stored product."""
    return Item(product, ShownProduct(product.id, card.name(locale), product.price), card)


def fact_of_card(card: ProductCard, locale: Locale, reason: str = "") -> ProductFact:
    """Return the card of a list; nothing is read from disk."""
    return ProductFact(
        product_id=card.id,
        handle=card.handle,
        title=card.name(locale),
        thumbnail=card.thumbnail,
        price=card.price,
        currency=card.currency,
        in_stock=card.in_stock,
        reason=reason,
    )


def facts(cards: Iterable[ProductCard], locale: Locale) -> tuple[ProductFact, ...]:
    """Return cards as facts."""
    return tuple(fact_of_card(card, locale) for card in cards)


def sources(cards: Iterable[ProductCard]) -> tuple[Source, ...]:
    """Return cards as sources."""
    return tuple(Source("product", card.id) for card in cards)


def fact_of(item: Item, locale: Locale, currency: str) -> ProductFact:
    """Return everything that may be told of a product."""
    product, card = item.product, item.card
    if product is None or card is None:
        return ProductFact(
            product_id=item.shown.product_id,
            handle="",
            title=item.shown.title,
            price=item.shown.price,
            currency=currency,
        )
    return msgspec.structs.replace(
        fact_of_card(card, locale),
        price=product.price,
        currency=product.currency,
        in_stock=product.in_stock,
        attributes=public_attributes(product),
        variants=tuple(
            VariantFact(variant.size, variant.color, variant.price, variant.stock) for variant in product.variants
        ),
    )


def about(items: Iterable[Item], outcome: Outcome, locale: Locale, currency: str) -> Outcome:
    """Return an outcome with the products it is about as its cards and sources; a single one is the focus.

    What the outcome lists already goes first: its lines are numbered.
    """
    told = list(items)
    return msgspec.structs.replace(
        outcome,
        products=(*outcome.products, *(fact_of(item, locale, currency) for item in told)),
        sources=tuple(
            Source("product", item.shown.product_id) for item in told if item.product and item.shown.product_id
        )
        + outcome.sources,
        focus=told[0].shown if len(told) == 1 else outcome.focus,
    )


def part(message: str, **values: Value) -> Part:
    """Return a sentence of the message catalogue."""
    return Part(message=message, values=values)


def lines(cards: Iterable[ProductCard], locale: Locale, first: int = 1) -> tuple[Part, ...]:
    """Return a list of products as lines numbered from ``first``, so that "the second one" can be counted off."""
    found: list[Part] = []
    for place, card in enumerate(cards, start=first):
        title = card.name(locale)
        if card.price is None:
            found.append(part("search.line_unpriced", place=place, title=title))
            continue
        message = "search.line" if card.in_stock else "search.line_out"
        found.append(part(message, place=place, title=title, price=Money(card.price, card.currency)))
    return tuple(found)


def money(amount: int, currency: str) -> Money:
    """Return an amount to be written for the reader."""
    return Money(amount, currency)


def public_attributes(product: Product) -> dict[str, str]:
    """Return the attributes that shoppers may read."""
    return {
        key: value
        for key, value in product.attributes.items()
        if "_".join(words(key)) not in INTERNAL and value.strip()
    }


def available(variant: Variant) -> bool:
    """Tell whether a variant can be bought now."""
    return variant.stock is None or variant.stock > 0


def left(variants: Iterable[Variant]) -> int | None:
    """Return how many pieces there are, ``None`` when any is not counted."""
    total = 0
    for variant in variants:
        if variant.stock is None:
            return None
        total += max(0, variant.stock)
    return total


def matching(product: Product, size: str, color: str) -> list[Variant]:
    """Return the variants of a size and colour, each as people say it; ``''`` asks for any."""
    sizes = sizes_meant(_solid(size), {_solid(variant.size) for variant in product.variants}) if size else ()
    wanted = colour_key(color) if color else ""
    return [
        variant
        for variant in product.variants
        if (not size or _solid(variant.size) in sizes) and (not color or colour_key(variant.color) == wanted)
    ]


def _solid(size: str) -> str:
    """Return the key of a size, ``750 ml`` and ``750ml`` alike."""
    return size_key(size).replace(" ", "")


def sizes_of(variants: Iterable[Variant]) -> list[str]:
    """Return the sizes there are, as the shop lists them, each once."""
    return list(dict.fromkeys(size_label(variant.size) for variant in variants if variant.size.strip()))


def colours_of(variants: Iterable[Variant], locale: Locale) -> list[str]:
    """Return the colours there are in the reader's words, each once."""
    return list(dict.fromkeys(colour_label(variant.color, locale) for variant in variants if variant.color.strip()))


def colour_label(name: str, locale: Locale) -> str:
    """Return a colour in the reader's language where it is a plain one, else as the shop writes it."""
    known = lexicon().colours.get(tuple(words(name)))
    if known is None:
        return name.strip()
    if locale == "vi":
        return name.strip().lower() if fold(name) != name.lower() else known.vi
    return known.en


def listed(names: Iterable[str]) -> str:
    """Return names in a row."""
    return ", ".join(names)


def plain_words(text: str) -> str:
    """Return a shopper's words without signs and control characters."""
    return _SPACES.sub(" ", _SIGNS.sub(" ", text[:MAX_SAID])).strip()


def speakable(text: str) -> str:
    """Return a shopper's words as they may be said back: no signs, and no amount that could pass for ours."""
    return plain_words(_AMOUNTS.sub(" ", text[:MAX_SAID]))[:80].strip()
