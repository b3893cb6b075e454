"""Turns rows into products."""

from __future__ import annotations

import re
from typing import Any, Literal

from appliance.domain import Product, Variant
from appliance.ops.importing import values
from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.values import Fields
from appliance.text import clean_line, slug

_CURRENCY = re.compile(r"[A-Z]{3}")
_HANDLE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_STATUS: dict[str, Literal["published", "draft"]] = {
    "": "published",
    "published": "published",
    "active": "published",
    "draft": "draft",
    "archived": "draft",
    "proposed": "draft",
    "rejected": "draft",
}
_MAX_TITLE = 500
_MAX_TEXT = 100_000
_MAX_NAME = 200
_MAX_VARIANTS = 500
_MAX_ATTRIBUTES = 100
_MAX_URL = 2000


def product_from_row(fields: Fields, currency: str) -> Product:
    """Return the product of a row; ``currency`` is the shop's, for rows without one. Raises ``RowFault``."""
    product_id = values.identifier(fields, "id")
    title = values.line_text(fields, "title", _MAX_TITLE)
    for column, text in (("id", product_id), ("title", title)):
        if not text:
            raise RowFault("empty_value", column)
    code = values.line_text(fields, "currency", 16).upper() or currency
    if _CURRENCY.fullmatch(code) is None:
        raise RowFault("bad_currency", "currency", value=code)
    created = fields.get("created_at")
    return Product(
        id=product_id,
        handle=_handle(fields, product_id, title),
        title=title,
        title_en=values.line_text(fields, "title_en", _MAX_TITLE),
        description=values.long_text(fields, "description", _MAX_TEXT),
        categories=values.names(fields, "categories", most=50, longest=_MAX_NAME),
        tags=values.names(fields, "tags", most=200, longest=_MAX_NAME),
        collection=values.line_text(fields, "collection", _MAX_NAME),
        attributes=_attributes(fields),
        currency=code,
        variants=_variants(fields, product_id, code),
        thumbnail=_thumbnail(fields),
        status=_status(fields),
        created_at=0.0 if values.is_absent(created) else values.moment(created, "created_at"),
    )


def placeholder(product_id: str) -> Product:
    """Return the least entry for a product that only a log knows: its title is its id."""
    return Product(id=product_id, handle=product_id, title=product_id, variants=(Variant(id=f"{product_id}:1"),))


def _handle(fields: Fields, product_id: str, title: str) -> str:
    given = values.line_text(fields, "handle", _MAX_NAME)
    if given:
        if _HANDLE.fullmatch(given):
            return given
        if made := slug(given):
            return made
    # Two products may share a title, never an id; with the id in it a handle does not depend on the order of imports.
    words, number = slug(title)[:60].rstrip("-"), slug(product_id)
    if number and f"-{words}".endswith(f"-{number}"):
        return words
    return "-".join(part for part in (words, number) if part) or product_id


def _status(fields: Fields) -> Literal["published", "draft"]:
    text = values.line_text(fields, "status", 40).lower()
    if text not in _STATUS:
        raise RowFault("bad_status", "status", value=text)
    return _STATUS[text]


def _thumbnail(fields: Fields) -> str:
    address = values.line_text(fields, "thumbnail", _MAX_URL)
    same_origin = address.startswith("/") and not address.startswith(("//", "/\\"))
    if address and not same_origin and not address.lower().startswith(("https://", "http://")):
        raise RowFault("bad_thumbnail", "thumbnail", value=address)
    return address


def _attributes(fields: Fields) -> dict[str, str]:
    content = values.structure(fields.get("attributes"), "attributes")
    if content is None:
        return {}
    if not isinstance(content, dict) or len(content) > _MAX_ATTRIBUTES:
        raise RowFault("bad_attributes", "attributes", limit=_MAX_ATTRIBUTES)
    return {
        clean_line(str(key))[:_MAX_NAME]: _attribute(value) for key, value in content.items() if not _is_empty(value)
    }


def _attribute(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_attribute(part) for part in value)[:_MAX_TITLE]
    return clean_line(values.scalar(value, "attributes"))[:_MAX_TITLE]


def _is_empty(value: object) -> bool:
    return values.is_absent(value) or value in ([], {})


def _variants(fields: Fields, product_id: str, currency: str) -> tuple[Variant, ...]:
    price = values.amount(fields.get("price"), "price", currency)
    listed = values.structure(fields.get("variants"), "variants")
    if not listed:
        return (_variant(fields, product_id, 1, currency, None, with_id=False),)
    if not isinstance(listed, list) or len(listed) > _MAX_VARIANTS or not all(isinstance(one, dict) for one in listed):
        raise RowFault("bad_variants", "variants", limit=_MAX_VARIANTS)
    variants = tuple(
        _variant(one, product_id, number, currency, price, with_id=True) for number, one in enumerate(listed, 1)
    )
    if len({variant.id for variant in variants}) < len(variants):
        raise RowFault("variant_twice", "variants")
    return variants


def _variant(
    fields: Fields, product_id: str, number: int, currency: str, price: int | None, *, with_id: bool
) -> Variant:
    """Build a variant; its own price goes before the product's, and a flag stands in for a count of pieces."""
    own = values.amount(fields.get("price"), "price", currency)
    stock = values.whole(fields.get("stock"), "stock")
    if stock is None and values.flag(fields.get("in_stock"), "in_stock") is False:
        stock = 0
    return Variant(
        id=(values.identifier(fields, "id") if with_id else "") or f"{product_id}:{number}",
        title=values.line_text(fields, "title", _MAX_TITLE) if with_id else "",
        sku=values.line_text(fields, "sku", _MAX_NAME),
        size=values.line_text(fields, "size", _MAX_NAME),
        color=values.line_text(fields, "color", _MAX_NAME),
        price=price if own is None else own,
        stock=None if stock is None else max(stock, 0),
    )
