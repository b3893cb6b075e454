"""Random changes in a real shop: every kind can be made, and the comparison sees it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from live_medusa import LiveMedusa

IS_THERE = "(is there)"
SEEN_IN = {
    "price_by_variant": "prices",
    "price_by_product": "prices",
    "stock": "location_levels",
    "title": "title",
    "description": "description",
    "images": "images",
    "tags": "tags",
    "categories_set": "categories",
    "category_joined": "categories",
    "category_renamed": "name",
    "tag_renamed": "value",
    "deleted": IS_THERE,
    "restored": IS_THERE,
    "created": IS_THERE,
    "variant_deleted": IS_THERE,
    "unpublished": "status",
    "published": "status",
    "sale_switched": "status",
    "sale_price": "prices",
    "channel_left": "sales_channels",
    "channel_joined": "sales_channels",
    "order_placed": IS_THERE,
    "customer_created": IS_THERE,
}
"""The field in which each kind shows. A paid order shows in none: it may be called pending or processing."""
ORDERS = {"order_paid", "order_canceled"}


@pytest.mark.slow
def test_every_kind_of_change_is_made_and_seen(
    medusa_to_spoil: LiveMedusa, scripts: Callable[[str], ModuleType]
) -> None:
    shop, truth, compare = medusa_to_spoil, scripts("medusa_truth"), scripts("medusa_compare")
    # What earlier tests left would decide which products the seed picks.
    shop.start(fresh=True)
    kinds = scripts("medusa_actions").KINDS
    access = truth.Access(shop.base_url, shop.secret_key, shop.publishable_key, shop.region_id)
    before = truth.read_truth(truth.Medusa(access))
    # Three of each: two switches of the one sale would leave it as it was.
    made = scripts("medusa_changes").make_changes(access, 3 * len(kinds), seed=5)
    after = truth.read_truth(truth.Medusa(access))
    changed = {(one.id, one.field) for one in compare.compare(after, before).differences}
    seen = {change.kind for change in made if any((id_, SEEN_IN.get(change.kind)) in changed for id_ in change.ids)}
    assert {change.kind for change in made} == set(kinds)
    assert seen == set(SEEN_IN) == set(kinds) - ORDERS
    canceled = [change.ids[0] for change in made if change.kind == "order_canceled"]
    assert [after["order"][id_]["status"] for id_ in canceled] == [{"canceled"}] * len(canceled)
    counted = [one for one in after["variant"].values() if one["stock"] is not None]
    assert [one["sku"] for one in counted if sum(one["stock"].values()) != one["stock in all"]] == []
