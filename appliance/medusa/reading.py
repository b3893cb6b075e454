"""Everything that is read from Medusa, as typed calls. Each raises the faults of ``appliance.medusa.faults``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import structlog

from appliance.medusa import fields, records
from appliance.medusa.client import MedusaClient
from appliance.medusa.faults import MedusaChanged, UnknownKey
from appliance.medusa.merging import (
    CoreRow,
    Membership,
    ProductPrices,
    ids_of,
    merged,
    price_fingerprint,
    urls_of,
    values_of,
)
from appliance.medusa.paging import HasId, Listing, batches, by_ids, pages, whole, without_repeats

log = structlog.get_logger(__name__)
T = TypeVar("T", bound=HasId)

_ORDERS = 50
"""Orders in one call: each brings all of its lines."""
_TORN_TRIES = 3
_ROWS = 10_000
"""Rows of an id list in one call: more would keep Medusa, which does one thing at a time, from its shoppers."""


class ProductsRead(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the products asked for; every id is in one of the three."""

    products: tuple[records.Product, ...]
    gone: tuple[str, ...]
    """Neither call showed them: they do not exist, or no more."""
    unread: tuple[str, ...]
    """Only one of the two calls showed them: they were created or deleted between. Ask again."""


class _ListPriceRow(records.ListPrice, frozen=True, kw_only=True):
    rules: dict[str, Any]


class _PriceListHeadRow(records.PriceListHead, frozen=True, kw_only=True):
    rules: dict[str, Any]


class _PriceListRow(records.PriceList, frozen=True, kw_only=True):
    rules: dict[str, Any]
    prices: tuple[_ListPriceRow, ...]


class _Categories(msgspec.Struct):
    id: str
    categories: tuple[records.Reference, ...]


class _Tags(msgspec.Struct):
    id: str
    tags: tuple[records.TagValue, ...]


class _Images(msgspec.Struct):
    id: str
    images: tuple[records.Image, ...]


class _Channels(msgspec.Struct):
    id: str
    sales_channels: tuple[records.Reference, ...]


class Reader:
    """Reads one Medusa. Safe to use from any thread; iterators belong to the thread that made them."""

    def __init__(self, client: MedusaClient) -> None:
        self._client = client

    # Products

    def product_ids(self) -> list[records.RowChange]:
        """Return id and ``updated_at`` of all products, whatever their status, in the order of ids."""
        return whole(self._client, _products(fields.ROW, records.RowChange), _ROWS)

    def products(self, ids: Collection[str]) -> list[records.Product]:
        """Return products by id, in the order of the ids; those that do not exist are left out.

        A product that was being created or deleted is read again; one that stays torn is left out and logged, and the
        next look at changes finds it. ``read_products`` tells both apart.
        """
        found: dict[str, records.Product] = {}
        waiting = without_repeats(ids)
        for _ in range(_TORN_TRIES):
            read = self.read_products(waiting)
            found |= {product.id: product for product in read.products}
            waiting = list(read.unread)
            if not waiting:
                break
        if waiting:
            log.warning("medusa_products_unread", count=len(waiting))
        return [found[id] for id in without_repeats(ids) if id in found]

    def read_products(self, ids: Collection[str]) -> ProductsRead:
        """Return products by id and what became of the others, in two calls for each ``BATCH``."""
        products: list[records.Product] = []
        gone: list[str] = []
        unread: list[str] = []
        for part in batches(without_repeats(ids)):
            cores = {row.id: row for row in self._rows(_products(fields.CORE, CoreRow), part)}
            relations = self._rows(_products(fields.RELATIONS, records.ProductRelations), part)
            belongings = {row.id: row for row in relations}
            products += [merged(cores[id], belongings[id]) for id in part if id in cores and id in belongings]
            gone += [id for id in part if id not in cores and id not in belongings]
            unread += [id for id in part if (id in cores) != (id in belongings)]
        return ProductsRead(products=tuple(products), gone=tuple(gone), unread=tuple(unread))

    def changed_products(self, since: datetime) -> list[records.RowChange]:
        """Return products whose own row changed at or after ``since``, deleted ones with ``deleted_at``.

        Prices, stock, variants, categories, tags, images and channels do not move a product's ``updated_at``.
        """
        return self._changed(_products(fields.DELETABLE_ROW, records.RowChange), since, with_deleted="true")

    def variants(self, ids: Collection[str]) -> list[records.RowChange]:
        """Return variants by id, each with its ``product_id``; those that do not exist are left out."""
        return [row for part in batches(without_repeats(ids)) for row in self._rows(_VARIANTS, part)]

    def changed_variants(self, since: datetime) -> list[records.RowChange]:
        """Return variants that were created or changed at or after ``since``, each with its ``product_id``."""
        return self._changed(_VARIANTS, since)

    def price_pages(self, size: int = 500) -> Iterator[tuple[ProductPrices, ...]]:
        """Yield all products with nothing but their variants' prices."""
        return pages(self._client, _products(fields.PRICES, ProductPrices), size)

    def price_fingerprints(self, size: int = 500) -> dict[str, str]:
        """Return for each product what ``merging.price_fingerprint`` makes of its variants' prices."""
        return {row.id: price_fingerprint(row.variants) for rows in self.price_pages(size) for row in rows}

    def product_channels(self, size: int = 500) -> dict[str, tuple[str, ...]]:
        """Return the sales channels of each product."""
        return {row.id: ids_of(row.sales_channels) for row in self._sweep(fields.CHANNELS, _Channels, size)}

    def memberships(self, size: int = 500) -> dict[str, Membership]:
        """Return what each product belongs to. A product that is not in all four sweeps is left out.

        One relation at a time: asked for together, Medusa reads every tag once for each picture and channel.
        """
        categories = {row.id: ids_of(row.categories) for row in self._sweep(fields.CATEGORIES, _Categories, size)}
        tags = {row.id: values_of(row.tags) for row in self._sweep(fields.TAGS, _Tags, size)}
        images = {row.id: urls_of(row.images) for row in self._sweep(fields.IMAGES, _Images, size)}
        channels = self.product_channels(size)
        return {
            id: Membership(categories=categories[id], tags=tags[id], images=images[id], sales_channels=channels[id])
            for id in categories
            if id in tags and id in images and id in channels
        }

    # Stock

    def inventory_pages(self, size: int = 1000) -> Iterator[tuple[records.InventoryItem, ...]]:
        """Yield all stock items with their levels by location."""
        for rows in pages(self._client, _INVENTORY, size):
            yield tuple(_in_order(row) for row in rows)

    def inventory_items(self, ids: Collection[str]) -> list[records.InventoryItem]:
        """Return stock items by id; those that do not exist are left out."""
        return [_in_order(row) for part in batches(without_repeats(ids)) for row in self._rows(_INVENTORY, part)]

    # Customers and orders

    def customer_pages(self, size: int = 500) -> Iterator[tuple[records.Customer, ...]]:
        """Yield all customers, without anything that names them."""
        for rows in pages(self._client, _CUSTOMERS, size):
            yield tuple(_customer(row) for row in rows)

    def customers(self, ids: Collection[str]) -> list[records.Customer]:
        """Return customers by id; those that do not exist are left out."""
        parts = batches(without_repeats(ids))
        return [_customer(row) for part in parts for row in self._rows(_CUSTOMERS, part)]

    def changed_customers(self, since: datetime) -> list[records.RowChange]:
        """Return customers whose own row changed at or after ``since``; a new group does not count."""
        listing = Listing(path="/admin/customers", key="customers", fields=fields.ROW, row=records.RowChange)
        return self._changed(listing, since)

    def order_pages(self, size: int = _ORDERS) -> Iterator[tuple[records.Order, ...]]:
        """Yield all orders but drafts, the oldest first."""
        return pages(self._client, _ORDER_LIST, size)

    def orders(self, ids: Collection[str]) -> list[records.Order]:
        """Return orders by id; those that do not exist are left out."""
        return [row for part in batches(without_repeats(ids), _ORDERS) for row in self._rows(_ORDER_LIST, part)]

    def changed_orders(self, since: datetime) -> list[records.RowChange]:
        """Return orders that were created or changed at or after ``since``; being paid does not count."""
        return self._changed(_ORDER_ROWS, since)

    def order_rows(self) -> Iterator[tuple[records.RowChange, ...]]:
        """Yield id and ``updated_at`` of all orders but drafts, in the order of ids."""
        return pages(self._client, _ORDER_ROWS, _ROWS)

    # The shop's own lists, each read whole

    def categories(self) -> list[records.Category]:
        """Return all categories; a parent's id comes with each."""
        return self._whole("/admin/product-categories", "product_categories", fields.CATEGORY, records.Category)

    def collections(self) -> list[records.Collection]:
        """Return all collections."""
        return self._whole("/admin/collections", "collections", fields.COLLECTION, records.Collection)

    def tags(self) -> list[records.Tag]:
        """Return all tags."""
        return self._whole("/admin/product-tags", "product_tags", fields.VALUE, records.Tag)

    def types(self) -> list[records.ProductType]:
        """Return all types of products."""
        return self._whole("/admin/product-types", "product_types", fields.VALUE, records.ProductType)

    def price_list_heads(self) -> list[records.PriceListHead]:
        """Return all price lists without their prices, of which there may be very many."""
        rows = self._whole("/admin/price-lists", "price_lists", fields.PRICE_LIST_HEAD, _PriceListHeadRow)
        return [records.head_of(row) for row in rows]

    def price_lists(self) -> list[records.PriceList]:
        """Return all price lists with their prices, also those that are off or over."""
        rows = self._whole("/admin/price-lists", "price_lists", fields.PRICE_LIST, _PriceListRow)
        return [_price_list(row) for row in rows]

    def regions(self) -> list[records.Region]:
        """Return all regions with their countries."""
        rows = self._whole("/admin/regions", "regions", fields.REGION, records.Region)
        by_code = [tuple(sorted(row.countries, key=lambda country: country.iso_2)) for row in rows]
        return [msgspec.structs.replace(row, countries=countries) for row, countries in zip(rows, by_code, strict=True)]

    def stock_locations(self) -> list[records.StockLocation]:
        """Return all places where stock lies."""
        return self._whole("/admin/stock-locations", "stock_locations", fields.LOCATION, records.StockLocation)

    def sales_channels(self) -> list[records.SalesChannel]:
        """Return all sales channels."""
        return self._whole("/admin/sales-channels", "sales_channels", fields.CHANNEL, records.SalesChannel)

    def store(self) -> records.Store:
        """Return the shop itself. Raises ``MedusaChanged`` when there is none."""
        rows = self._whole("/admin/stores", "stores", fields.STORE, records.Store)
        if not rows:
            raise MedusaChanged("Medusa has no store, which every shop has.")
        currencies = tuple(sorted(rows[0].supported_currencies, key=lambda row: row.currency_code))
        return msgspec.structs.replace(rows[0], supported_currencies=currencies)

    def publishable_key_channels(self, token: str) -> tuple[str, ...]:
        """Return the ids of the sales channels that a publishable key opens. Raises ``UnknownKey``."""
        listing = Listing(
            path="/admin/api-keys",
            key="api_keys",
            fields=fields.API_KEY,
            row=records.ApiKey,
            filters={"type": "publishable"},
        )
        for row in whole(self._client, listing):
            if row.token == token:
                return ids_of(row.sales_channels)
        raise UnknownKey(
            "Medusa does not know the publishable key.",
            hint="Copy it from Medusa (Settings, Publishable API Keys) into medusa.publishable_key.",
        )

    def _whole(self, path: str, key: str, names: str, row: type[T]) -> list[T]:
        return whole(self._client, Listing(path=path, key=key, fields=names, row=row))

    def _rows(self, listing: Listing[T], ids: Sequence[str]) -> tuple[T, ...]:
        return by_ids(self._client, listing, ids)

    def _sweep(self, names: str, row: type[T], size: int) -> Iterator[T]:
        for rows in pages(self._client, _products(names, row), size):
            yield from rows

    def _changed(self, listing: Listing[records.RowChange], since: datetime, **filters: str) -> list[records.RowChange]:
        """Return the rows that changed; raises ``MedusaChanged`` when Medusa left the filter out."""
        window = {"updated_at[$gte]": moment(since), **filters}
        rows = whole(self._client, msgspec.structs.replace(listing, filters=window), _ROWS)
        floor = since.astimezone(UTC).replace(microsecond=since.microsecond // 1000 * 1000)
        if any(row.updated_at < floor for row in rows):
            raise MedusaChanged(f"Medusa answered with rows older than those asked for ({listing.path}).")
        return rows


def moment(at: datetime) -> str:
    """Return a time as Medusa's filters take it: UTC with milliseconds. Raises ``ValueError`` without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone could mean any hour")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_INVENTORY = Listing(
    path="/admin/inventory-items", key="inventory_items", fields=fields.INVENTORY, row=records.InventoryItem
)
_VARIANTS = Listing(path="/admin/product-variants", key="variants", fields=fields.VARIANT_ROW, row=records.RowChange)
_CUSTOMERS = Listing(path="/admin/customers", key="customers", fields=fields.CUSTOMER, row=records.Customer)
_ORDER_ROWS = Listing(path="/admin/orders", key="orders", fields=fields.ROW, row=records.RowChange)
_ORDER_LIST = Listing(path="/admin/orders", key="orders", fields=fields.ORDER, row=records.Order)


def _products(names: str, row: type[T]) -> Listing[T]:
    return Listing(path="/admin/products", key="products", fields=names, row=row)


def _in_order(row: records.InventoryItem) -> records.InventoryItem:
    levels = tuple(sorted(row.location_levels, key=lambda level: (level.location_id, level.id)))
    return msgspec.structs.replace(row, location_levels=levels)


def _customer(row: records.Customer) -> records.Customer:
    return msgspec.structs.replace(row, groups=tuple(sorted(row.groups, key=lambda group: group.name)))


def _price_list(row: _PriceListRow) -> records.PriceList:
    plain = msgspec.convert(row, records.PriceList, from_attributes=True)
    ordered = sorted(plain.prices, key=lambda price: (price.variant_id or "", price.currency_code, price.id))
    return msgspec.structs.replace(plain, prices=tuple(ordered))
