"""From the domain's records to what is on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from appliance.domain import Product, ProductCard, Variant, to_main
from appliance.server.schemas import Amount, ProductOut, VariantOut

_PRIVATE_ATTRIBUTES = frozenset({"margin", "cost", "supplier"})
"""Facts that are the owner's business and not the shopper's."""


def money(minor: int | None, currency: str) -> Amount | None:
    """Return an amount in main units."""
    return None if minor is None else to_main(minor, currency)


def moment(seconds: float) -> str:
    """Return Unix seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def card_fields(card: ProductCard) -> dict[str, object]:
    """Return the fields that every list item has."""
    return {
        "product_id": card.id,
        "handle": card.handle,
        "title": card.title,
        "title_en": card.title_en,
        "thumbnail": card.thumbnail,
        "price": money(card.price, card.currency),
        "currency": card.currency,
        "in_stock": card.in_stock,
    }


def public_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes that a shopper may see."""
    return {name: value for name, value in attributes.items() if name.lower() not in _PRIVATE_ATTRIBUTES}


def product_fields(product: Product) -> dict[str, Any]:
    """Return the fields that shoppers and the owner both see; attributes and variants differ."""
    return {
        "id": product.id,
        "handle": product.handle,
        "title": product.title,
        "title_en": product.title_en,
        "description": product.description,
        "categories": list(product.categories),
        "tags": list(product.tags),
        "collection": product.collection,
        "price": money(product.price, product.currency),
        "currency": product.currency,
        "in_stock": product.in_stock,
        "thumbnail": product.thumbnail,
        "created_at": moment(product.created_at),
    }


def variant_fields(variant: Variant, currency: str) -> dict[str, Any]:
    """Return the fields of a variant that shoppers and the owner both see; its stock differs."""
    return {
        "id": variant.id,
        "title": variant.title,
        "sku": variant.sku,
        "size": variant.size,
        "color": variant.color,
        "price": money(variant.price, currency),
    }


def product_out(product: Product) -> ProductOut:
    """Return a product as shoppers may see it: stock as yes or no, no margins."""
    return ProductOut(
        **product_fields(product),
        attributes=public_attributes(product.attributes),
        variants=[
            VariantOut(**variant_fields(variant, product.currency), in_stock=variant.stock is None or variant.stock > 0)
            for variant in product.variants
        ],
    )
