"""One form for Medusa's records, whether they come from Medusa or from the appliance's mirror.

A mirror may name a related record by its id alone or by an object with it, leave out what is empty, and keep decimals
as text: none of that is a difference. To compare one more field of a record, add it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
Form = Callable[[Row], object]


def plain(name: str) -> Form:
    """Compare a field as it is; nothing, an empty text, an empty object and ``False`` are the same."""
    return lambda row: row.get(name) or None


def moment(name: str) -> Form:
    """Compare a time, however it is written."""
    return lambda row: datetime.fromisoformat(row[name]).timestamp() if row.get(name) else None


def amount(value: object) -> Decimal | None:
    """Return a number in one form: ``116000``, ``116000.0`` and ``"116000"`` are equal."""
    return None if value is None else Decimal(str(value)).normalize()


def texts(name: str, key: str) -> Form:
    """Compare a list of related records by one of their fields, in no order."""

    def form(row: Row) -> object:
        return sorted(one if isinstance(one, str) else one[key] for one in row.get(name) or ())

    return form


def images(row: Row) -> object:
    """Compare the addresses of pictures in their order."""
    found = row.get("images") or ()
    if all(isinstance(one, str) for one in found):
        return list(found)
    return [one["url"] for one in sorted(found, key=lambda one: (one.get("rank") or 0, one.get("id") or ""))]


def prices(row: Row) -> object:
    """Compare prices with the circumstances under which they hold, in no order; price ids change with every write."""
    return _sorted(
        (
            price.get("variant_id") if "status" in row else None,
            price["currency_code"].lower(),
            amount(price["amount"]),
            amount(price.get("min_quantity")),
            amount(price.get("max_quantity")),
            _rules(price.get("rules")),
        )
        for price in row.get("prices") or ()
    )


def stock_links(row: Row) -> object:
    """Compare which stock items a variant takes, and how many of each."""
    links = row.get("inventory_items") or ()
    return _sorted((link["inventory_item_id"], amount(link.get("required_quantity", 1))) for link in links)


def levels(row: Row) -> object:
    """Compare the stock of an item by location: stocked and reserved."""
    return _sorted(
        (level["location_id"], amount(level.get("stocked_quantity", 0)), amount(level.get("reserved_quantity", 0)))
        for level in row.get("location_levels") or ()
    )


def list_rules(row: Row) -> object:
    """Compare for whom a price list is."""
    return _rules(row.get("rules"))


RECORDS: dict[str, dict[str, Form]] = {
    "product": {
        **{
            name: plain(name)
            for name in (
                "title",
                "handle",
                "status",
                "subtitle",
                "description",
                "thumbnail",
                "external_id",
                "collection_id",
                "type_id",
                "material",
                "metadata",
            )
        },
        "created_at": moment("created_at"),
        "categories": texts("categories", "id"),
        "tags": texts("tags", "value"),
        "images": images,
        "sales_channels": texts("sales_channels", "id"),
    },
    "variant": {
        **{name: plain(name) for name in ("title", "sku", "barcode", "manage_inventory", "allow_backorder")},
        "prices": prices,
        "inventory_items": stock_links,
    },
    "category": {
        name: plain(name) for name in ("name", "handle", "parent_category_id", "is_active", "is_internal", "rank")
    },
    "inventory_item": {"sku": plain("sku"), "location_levels": levels},
    "price_list": {
        "status": plain("status"),
        "type": plain("type"),
        "starts_at": moment("starts_at"),
        "ends_at": moment("ends_at"),
        "rules": list_rules,
        "prices": prices,
    },
    "collection": {"title": plain("title"), "handle": plain("handle")},
    "tag": {"value": plain("value")},
    "type": {"value": plain("value")},
    "region": {"name": plain("name"), "currency_code": plain("currency_code")},
    "location": {"name": plain("name")},
    "channel": {"name": plain("name"), "is_disabled": plain("is_disabled")},
    "customer": {
        "has_account": plain("has_account"),
        "created_at": moment("created_at"),
        "groups": texts("groups", "name"),
    },
}
"""What is compared of Medusa's own records, by kind."""


def formed(kind: str, row: Row) -> dict[str, object]:
    """Return the fields of a record that are compared."""
    return {name: form(row) for name, form in RECORDS[kind].items()}


def _rules(rules: Mapping[str, Any] | None) -> object:
    named = (rules or {}).items()
    return sorted((key, tuple(sorted(value)) if isinstance(value, list) else (value,)) for key, value in named)


def _sorted(rows: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted(rows, key=repr)
