"""From Medusa's records to the product that the shop shows: prices, stock, categories and facts in our words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from appliance import domain
from appliance.domain import decimals
from appliance.medusa import records
from appliance.medusa.pricing import Offer, offers_in_force, shelf_price
from appliance.store.categories import MAX_DEPTH, SEPARATOR
from appliance.store.mirror import Link
from appliance.store.normalise import MAX_DESCRIPTION, MAX_LINE, MAX_LIST
from appliance.text import clean_line, fold

NOWHERE = "default"
"""The location of pieces that can only be put together from several places, and of stock with no place at all."""
OURS = "appliance_"
"""Prefix of the metadata that this appliance writes into Medusa; it is not read back as a fact."""
_COLOURS = frozenset({"mau", "mau sac", "color", "colour"})
_SIZES = frozenset({"size", "kich thuoc", "kich co", "co", "co giay", "kich cu"})


class ShopFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of the rest of the shop the projection of a product needs."""

    currency: str
    """Of the prices that the shop shows (ISO code)."""
    region_id: str = ""
    channels: frozenset[str] | None = None
    """Sales channels whose products are shown; ``None``: all."""
    categories: dict[str, str] = {}
    """By id of each public category what the catalogue calls it: its path, or its id where the path is ambiguous."""
    collections: dict[str, str] = {}
    types: dict[str, str] = {}
    offers: dict[str, tuple[Offer, ...]] = {}
    """Prices of the lists in force, by variant."""


def shop_facts(
    *,
    currency: str,
    region_id: str,
    channels: frozenset[str] | None,
    categories: Iterable[records.Category],
    collections: Iterable[records.Collection],
    types: Iterable[records.ProductType],
    price_lists: Iterable[records.PriceList],
    now: float,
) -> ShopFacts:
    """Gather what products depend on. ``now`` is Unix seconds on Medusa's clock."""
    return ShopFacts(
        currency=currency,
        region_id=region_id,
        channels=channels,
        categories=category_paths(public_categories(categories)),
        collections={one.id: one.title for one in collections},
        types={one.id: one.value for one in types},
        offers=offers_in_force(price_lists, region_id, now),
    )


def public_categories(categories: Iterable[records.Category]) -> list[domain.Category]:
    """Return the categories that shoppers may see, parents before children.

    One that is switched off or internal takes what stands below it along.
    """
    known = {category.id: category for category in categories}
    shown: dict[str, bool] = {}

    def is_shown(category_id: str, above: frozenset[str] = frozenset()) -> bool:
        category = known.get(category_id)
        if category is None or not category.is_active or category.is_internal or category_id in above:
            return False
        if category_id not in shown:
            parent = category.parent_category_id
            shown[category_id] = not parent or is_shown(parent, above | {category_id})
        return shown[category_id]

    def depth(category: records.Category) -> int:
        parent = category.parent_category_id
        return 1 + depth(known[parent]) if parent else 0

    public = sorted((one for one in known.values() if is_shown(one.id)), key=lambda one: (depth(one), one.id))
    return [
        domain.Category(
            id=one.id,
            handle=clean_line(one.handle),
            name=clean_line(one.name.replace(SEPARATOR, " ")) or one.id,
            parent_id=one.parent_category_id or "",
        )
        for one in public
    ]


def project(product: records.Product, items: Mapping[str, records.InventoryItem], facts: ShopFacts) -> domain.Product:
    """Return the product as the catalogue keeps it. ``items`` holds the stock items that its variants name."""
    channels = facts.channels
    is_sold = channels is None or any(channel in channels for channel in product.sales_channels)
    collection = facts.collections.get(product.collection_id or "", "")
    return domain.Product(
        id=product.id,
        handle=product.handle[:MAX_LINE],
        title=product.title[:MAX_LINE],
        title_en=_text(product.metadata.get("title_en")),
        description=(product.description or "")[:MAX_DESCRIPTION],
        categories=tuple(facts.categories[id_] for id_ in product.categories if id_ in facts.categories),
        tags=tuple(tag[:MAX_LINE] for tag in product.tags[:MAX_LIST]),
        collection=collection[:MAX_LINE],
        attributes=_attributes(product, facts),
        currency=facts.currency,
        variants=tuple(_variant(variant, items, facts) for variant in product.variants),
        thumbnail=_picture(product.thumbnail or ""),
        images=tuple(url for image in product.images[:MAX_LIST] if (url := _picture(image))),
        status="published" if product.status == "published" and is_sold else "draft",
        created_at=product.created_at.timestamp(),
    )


def links(product: records.Product) -> list[Link]:
    """Return the records on which a product hangs."""
    found = [("category", id_) for id_ in product.categories] + [("tag", value) for value in product.tags]
    found += [(kind, id_) for kind, id_ in (("collection", product.collection_id), ("type", product.type_id)) if id_]
    for variant in product.variants:
        found.append(("variant", variant.id))
        found += [("inventory_item", link.inventory_item_id) for link in variant.inventory_items]
    return found


def stock_items(products: Iterable[records.Product]) -> list[str]:
    """Return the ids of the stock items that products name."""
    return list(
        dict.fromkeys(
            link.inventory_item_id
            for product in products
            for variant in product.variants
            for link in variant.inventory_items
        )
    )


def minor_units(amount: Decimal, currency: str) -> int:
    """Return an amount in smallest units; what is finer is rounded half up, as a cash desk does."""
    return int((amount * 10 ** decimals(currency)).to_integral_value(ROUND_HALF_UP))


def _variant(variant: records.Variant, items: Mapping[str, records.InventoryItem], facts: ShopFacts) -> domain.Variant:
    options = {fold(value.option.title): value.value for value in variant.options if value.option}
    prices = _prices(variant, facts)
    stock, levels = _stock(variant, items)
    return domain.Variant(
        id=variant.id,
        title=(variant.title or "")[:MAX_LINE],
        sku=(variant.sku or "")[:MAX_LINE],
        size=next((value for name, value in options.items() if name in _SIZES), ""),
        color=next((value for name, value in options.items() if name in _COLOURS), ""),
        price=prices.pop(facts.currency, None),
        stock=stock,
        prices=prices,
        levels=levels,
    )


def _prices(variant: records.Variant, facts: ShopFacts) -> dict[str, int]:
    offers = facts.offers.get(variant.id, ())
    named = {price.currency_code.upper() for price in (*variant.prices, *(offer.price for offer in offers))}
    found: dict[str, int] = {}
    for currency in sorted(named):
        region = facts.region_id if currency == facts.currency else ""
        amount = shelf_price(variant.prices, offers, currency, region)
        if amount is not None and amount >= 0:
            found[currency] = minor_units(amount, currency)
    return found


def _stock(
    variant: records.Variant, items: Mapping[str, records.InventoryItem]
) -> tuple[int | None, dict[str, int] | None]:
    """Return how many can be sold in all and by location; ``None`` where they are not counted.

    As Medusa counts: of each item what is stocked less what is reserved, over what one piece takes; the scarcest item
    decides.
    """
    if not variant.manage_inventory or variant.allow_backorder:
        return None, None
    totals: list[int] = []
    places: list[dict[str, int]] = []
    for link in variant.inventory_items:
        item = items.get(link.inventory_item_id)
        required = max(link.required_quantity, 1)
        free = {level.location_id: _free(level) for level in item.location_levels} if item else {}
        totals.append(int(sum(free.values(), Decimal(0)) // required))
        places.append({place: int(count // required) for place, count in free.items()})
    total = min(totals, default=0)
    common = set.intersection(*(set(place) for place in places)) if places else set()
    levels = {place: min(each[place] for each in places) for place in sorted(common)}
    rest = total - sum(levels.values())
    if rest or not levels:
        levels[NOWHERE] = rest
    return total, levels


def _free(level: records.Level) -> Decimal:
    return level.stocked_quantity - level.reserved_quantity


def _attributes(product: records.Product, facts: ShopFacts) -> dict[str, str]:
    named: dict[str, Any] = {
        key: value for key, value in product.metadata.items() if not key.startswith(OURS) and key != "title_en"
    }
    own = {"type": facts.types.get(product.type_id or ""), "material": product.material, "subtitle": product.subtitle}
    named |= {key: value for key, value in own.items() if value}
    return {key[:MAX_LINE]: text for key, value in named.items() if (text := _text(value))}


def _picture(url: str) -> str:
    """Return an address; a picture that is written out in it is longer than any, and half of it is none."""
    return url if len(url) <= MAX_LINE else ""


def _text(value: object) -> str:
    """Return a fact as text; lists and objects are none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:MAX_LINE] if isinstance(value, str | int | float | Decimal) else ""


def category_paths(categories: Sequence[domain.Category]) -> dict[str, str]:
    """Return what the catalogue calls each.

    Where two share a path, they and what stands below go by their ids; so does what stands too deep for a path, or has
    one that is too long.
    """
    paths: dict[str, str] = {}
    places: dict[str, int] = {}
    for category in categories:
        path = f"{paths[category.parent_id]} {SEPARATOR} {category.name}" if category.parent_id else category.name
        paths[category.id] = path
        places[path.casefold()] = places.get(path.casefold(), 0) + 1
    clear: set[str] = set()
    for category in categories:
        path = paths[category.id]
        fits = len(path) <= MAX_LINE and path.count(SEPARATOR) < MAX_DEPTH
        alone = places[path.casefold()] == 1
        if fits and alone and (not category.parent_id or category.parent_id in clear):
            clear.add(category.id)
    return {id_: path if id_ in clear else id_ for id_, path in paths.items()}
