"""Sends one edit to Medusa by the call that its field needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from appliance.medusa.overlay import stock_item_of, variant_of, with_plain_price
from appliance.medusa.records import InventoryItem, Price, Product
from appliance.medusa.writing import ProductChanges, Writer
from appliance.store.outbox import Edit


def send(writer: Writer, product: Product, edit: Edit) -> None:
    """Have Medusa take an edit; ``product`` is what it has now. The edit's id goes along as ``Idempotency-Key``.

    Raises the faults of ``appliance.medusa.faults``.
    """
    match edit.field:
        case "title" | "description" | "status":
            changes = cast("ProductChanges", {edit.field: edit.value})
            writer.update_product(product.id, changes, key=edit.id)
        case "price":
            writer.set_prices(product.id, edit.variant_id, _prices(product, edit), key=edit.id)
        case "stock":
            writer.set_stock(stock_item_of(product, edit.variant_id), edit.part, int(edit.value), key=edit.id)
        case "tags":
            writer.set_tags(product.id, edit.value, key=edit.id)
        case "categories":
            writer.set_categories(product.id, edit.value, key=edit.id)
        case "metadata":
            writer.set_metadata(product.id, {edit.part: edit.value}, key=edit.id)


def is_there(product: Product, items: Mapping[str, InventoryItem], edit: Edit) -> bool:
    """Tell whether what an edit changes still exists: its variant, if it is about one, with the stock item it takes."""
    if not edit.variant_id:
        return True
    item_id = stock_item_of(product, edit.variant_id)
    return variant_of(product, edit.variant_id) is not None and (edit.field != "stock" or item_id in items)


def _prices(product: Product, edit: Edit) -> Sequence[Price]:
    """Return all prices that the variant shall have: Medusa deletes those that are not named."""
    variant = variant_of(product, edit.variant_id)
    amount = None if edit.value is None else Decimal(edit.value)
    return with_plain_price(variant.prices if variant else (), edit.part, amount)
