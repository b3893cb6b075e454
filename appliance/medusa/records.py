"""Medusa's own records as far as they are mirrored, with Medusa's names. Unknown fields are ignored.

A field without a default must come: where it is missing, the answer is refused with its name, because a record that
was read by halves would look like a change. Amounts are main units (``116000`` VND, ``4.57`` USD) as exact decimals.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import msgspec


class _Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of what Medusa sends."""


class Identified(_Wire, frozen=True, kw_only=True):
    """Base of what is mirrored under an id of its own."""

    kind: ClassVar[str] = ""
    """The kind under which the mirror keeps it."""

    id: str


class Reference(_Wire, frozen=True, kw_only=True):
    """A record that is only named."""

    id: str


class Price(_Wire, frozen=True, kw_only=True):
    """One price of a variant: for a currency, perhaps only for some quantities and circumstances."""

    id: str
    amount: Decimal
    currency_code: str
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    rules: dict[str, Any] = {}
    """Circumstances by attribute, for example ``{"region_id": "reg_…"}``; empty: always."""


class OptionName(_Wire, frozen=True, kw_only=True):
    """An option of a product, for example ``Màu``."""

    title: str = ""


class OptionValue(_Wire, frozen=True, kw_only=True):
    """What a variant has for an option, for example ``Đỏ``."""

    value: str
    option: OptionName | None = None


class InventoryLink(_Wire, frozen=True, kw_only=True):
    """A stock item that goes into a variant, and how many of it."""

    inventory_item_id: str
    required_quantity: int = 1


class Variant(_Wire, frozen=True, kw_only=True):
    """One sellable version of a product, with its prices outside price lists."""

    id: str
    title: str | None = None
    sku: str | None = None
    barcode: str | None = None
    variant_rank: int | None = 0
    manage_inventory: bool
    allow_backorder: bool
    options: tuple[OptionValue, ...] = ()
    prices: tuple[Price, ...] = ()
    inventory_items: tuple[InventoryLink, ...] = ()


class TagValue(_Wire, frozen=True, kw_only=True):
    """A tag on a product."""

    value: str


class Image(_Wire, frozen=True, kw_only=True):
    """A picture of a product."""

    url: str
    rank: int | None = 0


class ProductRelations(_Wire, frozen=True, kw_only=True):
    """What a product belongs to. Read apart from its variants: Medusa multiplies rows of relations asked for together.

    The lists must come: a product without one of them would leave its categories because of a half answer.
    """

    id: str
    categories: tuple[Reference, ...]
    tags: tuple[TagValue, ...]
    images: tuple[Image, ...]
    sales_channels: tuple[Reference, ...]


class ProductCore(_Wire, frozen=True, kw_only=True):
    """A product's own fields and its variants."""

    id: str
    title: str
    handle: str
    status: str
    """draft, proposed, published or rejected."""
    subtitle: str | None = None
    description: str | None = None
    thumbnail: str | None = None
    external_id: str | None = None
    collection_id: str | None = None
    type_id: str | None = None
    material: str | None = None
    metadata: dict[str, Any] | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    variants: tuple[Variant, ...]


class Product(Identified, frozen=True, kw_only=True):
    """A product as it is mirrored: ``ProductCore`` and ``ProductRelations`` in one, lists in a fixed order."""

    kind: ClassVar[str] = "product"

    title: str
    handle: str
    status: str
    subtitle: str | None = None
    description: str | None = None
    thumbnail: str | None = None
    external_id: str | None = None
    collection_id: str | None = None
    type_id: str | None = None
    material: str | None = None
    metadata: dict[str, Any] = {}
    created_at: datetime
    updated_at: datetime
    variants: tuple[Variant, ...] = ()
    categories: tuple[str, ...] = ()
    """Category ids."""
    tags: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    sales_channels: tuple[str, ...] = ()
    """Sales channel ids."""


class Level(_Wire, frozen=True, kw_only=True):
    """Stock of one item at one location."""

    id: str
    location_id: str
    stocked_quantity: Decimal
    reserved_quantity: Decimal


class InventoryItem(Identified, frozen=True, kw_only=True):
    """A stock item with its levels."""

    kind: ClassVar[str] = "inventory_item"

    sku: str | None = None
    location_levels: tuple[Level, ...] = ()


class Category(Identified, frozen=True, kw_only=True):
    """A node of the category tree."""

    kind: ClassVar[str] = "category"

    name: str
    handle: str
    parent_category_id: str | None
    rank: int | None = 0
    is_active: bool
    is_internal: bool


class Collection(Identified, frozen=True, kw_only=True):
    """A collection."""

    kind: ClassVar[str] = "collection"

    title: str
    handle: str


class Tag(Identified, frozen=True, kw_only=True):
    """A tag."""

    kind: ClassVar[str] = "tag"

    value: str


class ProductType(Identified, frozen=True, kw_only=True):
    """A type of product."""

    kind: ClassVar[str] = "type"

    value: str


class ListPrice(Price, frozen=True, kw_only=True):
    """A price of a price list."""

    variant_id: str | None = None


class PriceListHead(Identified, frozen=True, kw_only=True):
    """A price list without its prices."""

    title: str = ""
    status: str
    """active or draft."""
    type: str
    """sale or override."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    rules: dict[str, Any] = {}
    """Who gets it, for example ``{"customer.groups.id": ["cusgroup_…"]}``; empty: everybody."""


class PriceList(PriceListHead, frozen=True, kw_only=True):
    """A price list: a sale, or prices that override the plain ones."""

    kind: ClassVar[str] = "price_list"

    prices: tuple[ListPrice, ...]


def head_of(price_list: PriceListHead) -> PriceListHead:
    """Return a price list without its prices."""
    return msgspec.convert(price_list, PriceListHead, from_attributes=True)


class Country(_Wire, frozen=True, kw_only=True):
    """A country of a region."""

    iso_2: str


class Region(Identified, frozen=True, kw_only=True):
    """A region with its currency."""

    kind: ClassVar[str] = "region"

    name: str
    currency_code: str
    countries: tuple[Country, ...] = ()


class StockLocation(Identified, frozen=True, kw_only=True):
    """A place where stock lies."""

    kind: ClassVar[str] = "location"

    name: str


class SalesChannel(Identified, frozen=True, kw_only=True):
    """A sales channel."""

    kind: ClassVar[str] = "channel"

    name: str
    is_disabled: bool = False


class StoreCurrency(_Wire, frozen=True, kw_only=True):
    """A currency that the shop sells in."""

    currency_code: str
    is_default: bool = False


class Store(Identified, frozen=True, kw_only=True):
    """The shop itself."""

    kind: ClassVar[str] = "store"

    name: str = ""
    default_region_id: str | None = None
    default_location_id: str | None = None
    default_sales_channel_id: str | None = None
    supported_currencies: tuple[StoreCurrency, ...] = ()


class ApiKey(_Wire, frozen=True, kw_only=True):
    """A publishable key and the sales channels that it opens. Not mirrored."""

    id: str
    token: str
    sales_channels: tuple[Reference, ...] = ()


class Group(_Wire, frozen=True, kw_only=True):
    """A customer group."""

    name: str


class Customer(Identified, frozen=True, kw_only=True):
    """A customer without anything that names the person: neither name, e-mail nor phone is asked for."""

    kind: ClassVar[str] = "customer"

    has_account: bool
    created_at: datetime
    groups: tuple[Group, ...] = ()


class ItemDetail(_Wire, frozen=True, kw_only=True):
    """What became of an order's line."""

    return_received_quantity: Decimal = Decimal(0)


class OrderItem(_Wire, frozen=True, kw_only=True):
    """A line of an order."""

    id: str
    title: str | None = None
    subtitle: str | None = None
    product_id: str | None = None
    product_handle: str | None = None
    variant_id: str | None = None
    quantity: Decimal
    total: Decimal
    detail: ItemDetail | None = None


class Address(_Wire, frozen=True, kw_only=True):
    """Of an address only the phone is read, to be kept as a keyed hash."""

    phone: str | None = None


class Label(_Wire, frozen=True, kw_only=True):
    """A shipping label."""

    tracking_number: str | None = None


class Fulfillment(_Wire, frozen=True, kw_only=True):
    """A parcel of an order."""

    id: str
    provider_id: str | None = None
    canceled_at: datetime | None = None
    labels: tuple[Label, ...] = ()


class Order(_Wire, frozen=True, kw_only=True):
    """An order. Not mirrored as it is, because it names a person: the store keeps hashes of phone and e-mail."""

    id: str
    display_id: int | None
    status: str
    payment_status: str
    fulfillment_status: str
    email: str | None = None
    customer_id: str | None = None
    currency_code: str
    created_at: datetime
    updated_at: datetime
    canceled_at: datetime | None = None
    items: tuple[OrderItem, ...]
    shipping_address: Address | None = None
    fulfillments: tuple[Fulfillment, ...] = ()


class RowChange(_Wire, frozen=True, kw_only=True):
    """Which row changed when; for products also whether it was deleted."""

    id: str
    updated_at: datetime
    deleted_at: datetime | None = None
    product_id: str | None = None
    """Of a variant."""
