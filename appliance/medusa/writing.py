"""Everything that is written to Medusa. Each call states what shall be, so that doing it twice is the same as once.

Each raises the faults of ``appliance.medusa.faults``, and returns what Medusa has afterwards, read from its answer:
Medusa answers 200 to prices for a variant that does not exist.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypedDict, TypeVar

import msgspec

from appliance.medusa import fields
from appliance.medusa.client import MedusaClient, segment
from appliance.medusa.faults import MedusaChanged, MedusaRefused
from appliance.medusa.merging import ProductPrices, ids_of, sorted_prices, values_of
from appliance.medusa.paging import Listing, page
from appliance.medusa.records import Level, Price, Reference, RowChange, Tag, TagValue

Reply = TypeVar("Reply")


class ProductChanges(TypedDict, total=False):
    """A product's own fields that may be changed; what is not named stays."""

    title: str
    subtitle: str | None
    description: str | None
    handle: str
    status: Literal["draft", "proposed", "published", "rejected"]
    thumbnail: str | None
    material: str | None
    collection_id: str | None
    type_id: str | None


class WantedPrice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A price as Medusa takes it: main units, without an id."""

    amount: Decimal
    currency_code: str
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    rules: dict[str, Any] = {}


class _Changed(msgspec.Struct):
    product: RowChange


class _Priced(msgspec.Struct):
    product: ProductPrices


class _Tags(msgspec.Struct):
    tags: tuple[TagValue, ...]


class _Tagged(msgspec.Struct):
    product: _Tags


class _Categories(msgspec.Struct):
    categories: tuple[Reference, ...]


class _Categorised(msgspec.Struct):
    product: _Categories


class _Metadata(msgspec.Struct):
    metadata: dict[str, Any] | None


class _Described(msgspec.Struct):
    product: _Metadata


class _Levels(msgspec.Struct):
    location_levels: tuple[Level, ...]


class _Stocked(msgspec.Struct):
    inventory_item: _Levels


class _NewTag(msgspec.Struct):
    product_tag: Tag


class Writer:
    """Writes to one Medusa. Safe to use from any thread."""

    def __init__(self, client: MedusaClient, *, retry: bool = True) -> None:
        """``retry``: whether the client may send a call again that it does not know to have arrived."""
        self._client = client
        self._retry = retry

    def update_product(self, id: str, changes: ProductChanges, *, key: str = "") -> RowChange:
        """Set fields of a product's own row and return its new ``updated_at``."""
        return self._product(id, dict(changes), fields.ROW, _Changed, key).product

    def set_prices(
        self, product_id: str, variant_id: str, prices: Sequence[Price | WantedPrice], *, key: str = ""
    ) -> tuple[Price, ...]:
        """Replace **all** prices of a variant and return them with their new ids.

        A price that is not named is deleted: give those of every currency, quantity and circumstance. Prices of price
        lists stay. Medusa takes currencies that the shop does not sell in. Raises ``MedusaRefused`` (404) when the
        product has no such variant.
        """
        body = {"prices": [_wanted(price) for price in prices]}
        path = f"/admin/products/{segment(product_id)}/variants/{segment(variant_id)}"
        answer = self._client.post(path, body, _Priced, params={"fields": fields.PRICES}, key=key, retry=self._retry)
        for variant in answer.product.variants:
            if variant.id == variant_id:
                return sorted_prices(variant.prices)
        raise MedusaRefused("The product has no such variant.", status=404, type="not_found")

    def set_stock(self, item_id: str, location_id: str, stocked: int, *, key: str = "") -> Level:
        """Set how many of a stock item lie at a location, reserved ones included, and return the level.

        Raises ``MedusaRefused`` (404) for an unknown item or location.
        """
        path = f"/admin/inventory-items/{segment(item_id)}/location-levels"
        try:
            levels = self._levels(f"{path}/{segment(location_id)}", {"stocked_quantity": stocked}, key)
        except MedusaRefused as refused:
            if refused.status != 404:
                raise
            # The item was never stocked there.
            levels = self._levels(path, {"location_id": location_id, "stocked_quantity": stocked}, key)
        for level in levels:
            if level.location_id == location_id:
                return level
        raise MedusaChanged("Medusa's answer lacks the stock level that was set.")

    def tag_id(self, value: str) -> str:
        """Return the id of a tag, which is made where there is none."""
        known = self._tag(value)
        if known is None:
            try:
                made = self._client.post(
                    "/admin/product-tags", {"value": value}, _NewTag, params={"fields": fields.VALUE}, retry=True
                )
            except MedusaRefused:
                # Another has made it meanwhile, or the first of two tries did.
                known = self._tag(value)
                if known is None:
                    raise
            else:
                return made.product_tag.id
        return known

    def set_tags(self, product_id: str, values: Collection[str], *, key: str = "") -> tuple[str, ...]:
        """Give a product exactly these tags, making those that are new, and return them sorted."""
        body = {"tags": [{"id": self.tag_id(value)} for value in sorted(set(values))]}
        return values_of(self._product(product_id, body, fields.TAGS, _Tagged, key).product.tags)

    def set_categories(self, product_id: str, ids: Collection[str], *, key: str = "") -> tuple[str, ...]:
        """Put a product into exactly these categories and return their ids sorted."""
        body = {"categories": [{"id": id} for id in sorted(set(ids))]}
        return ids_of(self._product(product_id, body, fields.CATEGORIES, _Categorised, key).product.categories)

    def set_metadata(self, product_id: str, entries: Mapping[str, Any], *, key: str = "") -> dict[str, Any]:
        """Set entries of a product's metadata and return all of it; others stay, and ``""`` removes one."""
        body = {"metadata": dict(entries)}
        return self._product(product_id, body, "id,metadata", _Described, key).product.metadata or {}

    def _product(self, id: str, body: dict[str, Any], names: str, reply: type[Reply], key: str) -> Reply:
        path = f"/admin/products/{segment(id)}"
        return self._client.post(path, body, reply, params={"fields": names}, key=key, retry=self._retry)

    def _levels(self, path: str, body: dict[str, Any], key: str) -> tuple[Level, ...]:
        params = {"fields": fields.LEVELS}
        answer = self._client.post(path, body, _Stocked, params=params, key=key, retry=self._retry)
        return answer.inventory_item.location_levels

    def _tag(self, value: str) -> str | None:
        listing = Listing(
            path="/admin/product-tags", key="product_tags", fields=fields.VALUE, row=Tag, filters={"value": value}
        )
        return next((tag.id for tag in page(self._client, listing, limit=100).rows if tag.value == value), None)


def _wanted(price: Price | WantedPrice) -> WantedPrice:
    return msgspec.convert(price, WantedPrice, from_attributes=True)
