"""Keeps the edits that wait for the owner true to what Medusa has by now."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.medusa import records
from appliance.medusa.mirror import Mirror
from appliance.medusa.overlay import same, value_of
from appliance.medusa.projection import stock_items
from appliance.store.outbox import Edit, OutboxRepository

GONE = "The product or variant is no longer in Medusa."
_MOST = 1000


def revise_undecided(mirror: Mirror, outbox: OutboxRepository) -> None:
    """Look at the edits in conflict or refused again, as the mirror is now.

    One whose product is gone is given up, one whose value Medusa has got meanwhile is done, and a conflict shows what
    Medusa has now.
    """
    undecided = outbox.undecided(_MOST)
    products = mirror.some(records.Product, _ids(undecided))
    items = mirror.some(records.InventoryItem, stock_items(products.values()))
    for edit in undecided:
        product = products.get(edit.product_id)
        if product is None:
            outbox.settle(edit.id, "dropped", "gone", error=GONE)
            continue
        current = value_of(product, items, edit)
        if same(edit, current, edit.value):
            outbox.settle(edit.id, "sent", "already")
        elif edit.state == "conflict" and not same(edit, current, edit.theirs):
            outbox.settle(edit.id, "conflict", "", theirs=current)


def _ids(edits: Sequence[Edit]) -> list[str]:
    return list(dict.fromkeys(edit.product_id for edit in edits))
