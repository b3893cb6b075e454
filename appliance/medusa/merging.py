"""One product of the mirror from the two answers that tell of it, with its lists in a fixed order.

Medusa promises no order of variants, prices, tags and the like. Sorted here, equal states give equal records, and a
comparison finds changes only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from appliance.medusa.records import (
    Image,
    InventoryLink,
    OptionValue,
    Price,
    Product,
    ProductCore,
    ProductRelations,
    Reference,
    TagValue,
    Variant,
)


class PriceRow(Price, frozen=True, kw_only=True):
    """A price whose circumstances must come: without them one of a region would look like one for all."""

    rules: dict[str, Any]


class VariantPrices(msgspec.Struct, frozen=True, kw_only=True):
    """A variant with nothing but its prices."""

    id: str
    prices: tuple[PriceRow, ...]


class ProductPrices(msgspec.Struct, frozen=True, kw_only=True):
    """A product with nothing but its variants' prices."""

    id: str
    variants: tuple[VariantPrices, ...]


class VariantRow(Variant, frozen=True, kw_only=True):
    """A variant whose lists must come: a half answer would look like a variant that lost its prices."""

    options: tuple[OptionValue, ...]
    prices: tuple[PriceRow, ...]
    inventory_items: tuple[InventoryLink, ...]


class CoreRow(ProductCore, frozen=True, kw_only=True):
    """A product's own fields with its variants' lists."""

    variants: tuple[VariantRow, ...]


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """What a product belongs to and shows, as ``records.Product`` keeps it."""

    categories: tuple[str, ...]
    tags: tuple[str, ...]
    images: tuple[str, ...]
    sales_channels: tuple[str, ...]


def merged(core: CoreRow, relations: ProductRelations) -> Product:
    """Return the product that both halves describe."""
    own = {name: value for name, value in msgspec.structs.asdict(core).items() if name not in _NOT_KEPT}
    return Product(
        **own,
        metadata=core.metadata or {},
        variants=tuple(_variant(row) for row in sorted(core.variants, key=_place)),
        **msgspec.structs.asdict(membership(relations)),
    )


def membership(relations: ProductRelations) -> Membership:
    """Return what a product belongs to, in a fixed order."""
    return Membership(
        categories=ids_of(relations.categories),
        tags=values_of(relations.tags),
        images=urls_of(relations.images),
        sales_channels=ids_of(relations.sales_channels),
    )


def membership_of(product: Product) -> Membership:
    """Return what a mirrored product belongs to, to be compared with Medusa's."""
    return Membership(
        categories=product.categories,
        tags=product.tags,
        images=product.images,
        sales_channels=product.sales_channels,
    )


def ids_of(rows: Iterable[Reference]) -> tuple[str, ...]:
    """Return the ids of named records, sorted."""
    return tuple(sorted(row.id for row in rows))


def values_of(rows: Iterable[TagValue]) -> tuple[str, ...]:
    """Return tags, sorted."""
    return tuple(sorted(row.value for row in rows))


def urls_of(rows: Iterable[Image]) -> tuple[str, ...]:
    """Return pictures in the order in which they are shown."""
    return tuple(row.url for row in sorted(rows, key=lambda row: (row.rank or 0, row.url)))


def sorted_prices(prices: Iterable[Price]) -> tuple[Price, ...]:
    """Return prices by currency, quantity and id."""
    plain = (msgspec.convert(row, Price, from_attributes=True) for row in prices)
    return tuple(sorted(plain, key=lambda row: (row.currency_code, row.min_quantity or 0, row.id)))


def price_fingerprint(variants: Iterable[Variant | VariantPrices]) -> str:
    """Return a short text that differs whenever any price of these variants does, their ids included."""
    prices = sorted((variant.id, sorted_prices(variant.prices)) for variant in variants)
    return hashlib.blake2b(msgspec.json.encode(prices, order="deterministic"), digest_size=12).hexdigest()


_NOT_KEPT = frozenset({"metadata", "variants", "deleted_at"})


def _variant(row: VariantRow) -> Variant:
    own = msgspec.structs.asdict(row)
    own["options"] = tuple(
        sorted(row.options, key=lambda value: (value.option.title if value.option else "", value.value))
    )
    own["prices"] = sorted_prices(row.prices)
    own["inventory_items"] = tuple(sorted(row.inventory_items, key=lambda link: link.inventory_item_id))
    return Variant(**own)


def _place(row: Variant) -> tuple[int, str, str]:
    return row.variant_rank or 0, row.title or "", row.id
