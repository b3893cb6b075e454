"""The owner's edits that Medusa does not have yet, laid over its records, so that the shop shows them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from appliance.medusa.records import InventoryItem, Level, Price, Product, Variant
from appliance.store.outbox import Edit

PUBLISHED = "published"


def with_edits(
    product: Product, items: Mapping[str, InventoryItem], edits: Iterable[Edit]
) -> tuple[Product, Mapping[str, InventoryItem]]:
    """Return a product and its stock items as they will be once the edits have arrived, in the edits' order."""
    changed_items = dict(items)
    for edit in edits:
        if edit.field == "stock":
            _set_stock(product, changed_items, edit)
        else:
            product = _APPLY[edit.field](product, edit)
    return product, changed_items


def value_of(product: Product, items: Mapping[str, InventoryItem], edit: Edit) -> Any:
    """Return what Medusa has for the thing that an edit changes, as plain JSON in Medusa's units and ids.

    ``None`` where it has nothing: no such variant, no price in the currency, no stock at the location.
    """
    match edit.field:
        case "price":
            price = _plain_price(product, edit)
            return None if price is None else plain(price.amount)
        case "stock":
            level = _level(product, items, edit)
            return None if level is None else int(level.stocked_quantity)
        case "tags":
            return sorted(product.tags)
        case "categories":
            return sorted(product.categories)
        case "metadata":
            return product.metadata.get(edit.part)
        case "title":
            return product.title
        case "description":
            return product.description or ""
        case "status":
            return product.status


def same(edit: Edit, one: Any, other: Any) -> bool:
    """Tell whether two values of the thing that an edit changes mean the same; how they are written does not count.

    To a shopper a product that is proposed or rejected is a draft; an empty entry of metadata is none.
    """
    empty = (None, "") if edit.field == "metadata" else (None,)
    if one in empty or other in empty:
        return bool(one in empty and other in empty)
    match edit.field:
        case "price" | "stock":
            return Decimal(str(one)) == Decimal(str(other))
        case "tags" | "categories":
            return bool(sorted(one) == sorted(other))
        case "status":
            return bool((one == PUBLISHED) == (other == PUBLISHED))
        case _:
            return bool(one == other)


def plain(amount: Decimal) -> str:
    """Return an amount as people write it: ``116000``, ``4.57``."""
    return format(amount.normalize(), "f")


def variant_of(product: Product, variant_id: str) -> Variant | None:
    """Return a variant of a product."""
    return next((variant for variant in product.variants if variant.id == variant_id), None)


def _is_plain(price: Price, currency: str) -> bool:
    """Tell whether this is the price that everybody pays for one piece in a currency."""
    for_one = price.min_quantity is None or price.min_quantity <= 1
    return price.currency_code.upper() == currency and not price.rules and for_one


def with_plain_price(prices: Iterable[Price], currency: str, amount: Decimal | None) -> tuple[Price, ...]:
    """Return prices with another one for everybody and one piece in a currency; ``None``: with none."""
    kept = tuple(price for price in prices if not _is_plain(price, currency))
    return kept if amount is None else (*kept, Price(id="", amount=amount, currency_code=currency.lower()))


def _plain_price(product: Product, edit: Edit) -> Price | None:
    variant = variant_of(product, edit.variant_id)
    prices = variant.prices if variant else ()
    # Of several that hold for one piece Medusa charges the lowest.
    return min((price for price in prices if _is_plain(price, edit.part)), key=lambda price: price.amount, default=None)


def _level(product: Product, items: Mapping[str, InventoryItem], edit: Edit) -> Level | None:
    item = items.get(stock_item_of(product, edit.variant_id))
    levels = item.location_levels if item else ()
    return next((level for level in levels if level.location_id == edit.part), None)


def stock_item_of(product: Product, variant_id: str) -> str:
    """Return the id of the one stock item that a variant takes; ``''`` where it takes none or several."""
    variant = variant_of(product, variant_id)
    linked = variant.inventory_items if variant else ()
    return linked[0].inventory_item_id if len(linked) == 1 else ""


def _set_price(product: Product, edit: Edit) -> Product:
    amount = None if edit.value is None else Decimal(edit.value)

    def priced(variant: Variant) -> Variant:
        if variant.id != edit.variant_id:
            return variant
        return replace(variant, prices=with_plain_price(variant.prices, edit.part, amount))

    return replace(product, variants=tuple(priced(variant) for variant in product.variants))


def _set_stock(product: Product, items: dict[str, InventoryItem], edit: Edit) -> None:
    item_id = stock_item_of(product, edit.variant_id)
    item = items.get(item_id)
    if not item_id or edit.value is None:
        return
    levels = list(item.location_levels) if item else []
    known = next((level for level in levels if level.location_id == edit.part), None)
    stocked = Decimal(int(edit.value))
    if known is None:
        levels.append(Level(id="", location_id=edit.part, stocked_quantity=stocked, reserved_quantity=Decimal(0)))
    else:
        levels[levels.index(known)] = replace(known, stocked_quantity=stocked)
    items[item_id] = InventoryItem(id=item_id, sku=item.sku if item else None, location_levels=tuple(levels))


def _set_metadata(product: Product, edit: Edit) -> Product:
    return replace(product, metadata=product.metadata | {edit.part: edit.value})


_APPLY: dict[str, Callable[[Product, Edit], Product]] = {
    "price": _set_price,
    "metadata": _set_metadata,
    "title": lambda product, edit: replace(product, title=edit.value),
    "description": lambda product, edit: replace(product, description=edit.value),
    "status": lambda product, edit: replace(product, status=edit.value),
    "tags": lambda product, edit: replace(product, tags=tuple(edit.value)),
    "categories": lambda product, edit: replace(product, categories=tuple(edit.value)),
}
