"""Reading products: full records and cards, both by lists of ids that SQLite unpacks from one JSON parameter."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlite_utils import Database

from appliance.domain import Product, ProductCard, Variant
from appliance.store.categories import CategoryTree
from appliance.store.rule_values import days_of, fraction_of

_CARDS = """
select p.id, p.handle, p.title, p.title_en, p.thumbnail, p.currency, p.status, p.created_at,
    (select min(x.amount) from prices x where x.product_id = p.id and x.currency = :currency),
    (select min(x.amount) from prices x where x.product_id = p.id and x.currency = p.currency),
    exists (
        select 1 from variants v where v.product_id = p.id and coalesce(
            (select sum(s.quantity) from stock_levels s where s.product_id = v.product_id and s.variant_id = v.id), 1
        ) > 0
    ),
    json_extract(p.attributes, '$.margin'), json_extract(p.attributes, '$.repurchase_days')
from json_each(:ids) wanted cross join products p on p.id = wanted.value
"""
_PRODUCTS = """
select p.id, p.handle, p.title, p.title_en, p.description, c.title, p.attributes, p.currency, p.thumbnail, p.status,
    p.created_at
from json_each(:ids) wanted cross join products p on p.id = wanted.value
left join collections c on c.id = p.collection_id
order by wanted.key
"""
_VARIANTS = """
select v.product_id, v.id, v.title, v.sku, v.size, v.color, shop.amount, own.amount,
    (select sum(s.quantity) from stock_levels s where s.product_id = v.product_id and s.variant_id = v.id)
from json_each(:ids) wanted cross join products p on p.id = wanted.value
cross join variants v on v.product_id = p.id
left join prices shop on shop.product_id = v.product_id and shop.variant_id = v.id and shop.currency = :currency
left join prices own on own.product_id = v.product_id and own.variant_id = v.id and own.currency = p.currency
order by wanted.key, v.position
"""
_OTHER_PRICES = """
select x.product_id, x.variant_id, x.currency, x.amount
from json_each(:ids) wanted cross join products p on p.id = wanted.value
cross join prices x on x.product_id = p.id
where x.currency <> :currency and (x.currency <> p.currency or exists (
    select 1 from prices own where own.product_id = p.id and own.currency = :currency))
order by x.currency
"""
_LEVELS = """
select s.product_id, s.variant_id, s.location_id, s.quantity
from json_each(:ids) wanted cross join stock_levels s on s.product_id = wanted.value
where exists (
    select 1 from stock_levels other where other.product_id = s.product_id and other.variant_id = s.variant_id
        and other.location_id <> 'default')
order by s.location_id
"""
_IMAGES = """
select i.product_id, i.url
from json_each(:ids) wanted cross join product_images i on i.product_id = wanted.value
order by wanted.key, i.position
"""
_CATEGORIES = """
select c.product_id, c.category_id
from json_each(:ids) wanted cross join product_categories c on c.product_id = wanted.value
order by wanted.key, c.position
"""
_TAGS = """
select t.product_id, t.tag
from json_each(:ids) wanted cross join product_tags t on t.product_id = wanted.value
order by wanted.key, t.position
"""
ALL_IDS = "select id from products order by number"
NEXT_IDS = "select number, id from products where number > ? order by number limit ?"


def json_ids(ids: Sequence[str]) -> str:
    """Return ids as the one parameter that ``json_each`` unpacks: no limit on their number, no SQL text built."""
    return msgspec.json.encode(list(ids)).decode()


def read_cards(db: Database, tree: CategoryTree, ids: Sequence[str], currency: str) -> dict[str, ProductCard]:
    """Return the cards of those ids that exist.

    Prices are in ``currency`` where the product has one in it, otherwise in the product's own.
    """
    parameters = {"ids": json_ids(ids), "currency": currency}
    category_ids = _grouped(db, _CATEGORIES, parameters)
    tags = _grouped(db, _TAGS, parameters)
    handles: dict[tuple[str, ...], tuple[str, ...]] = {}
    known_tags: dict[tuple[str, ...], tuple[str, ...]] = {}
    cards: dict[str, ProductCard] = {}
    for row in db.execute(_CARDS, parameters):
        id_, handle, title, title_en, thumbnail, own_currency, status, created_at, shop_price, own_price, *rest = row
        in_stock, margin, repurchase_days = rest
        key = tuple(category_ids.get(id_, ()))
        if key not in handles:
            handles[key] = _handles(tree, key)
        own_tags = tuple(tags.get(id_, ()))
        cards[id_] = ProductCard(
            id=id_,
            handle=handle,
            title=title,
            thumbnail=thumbnail,
            price=own_price if shop_price is None else shop_price,
            currency=sys.intern(own_currency if shop_price is None else currency),
            in_stock=bool(in_stock),
            categories=handles[key],
            tags=known_tags.setdefault(own_tags, own_tags),
            created_at=created_at,
            published=status == "published",
            title_en=title_en,
            margin=fraction_of(margin or ""),
            repurchase_days=days_of(repurchase_days or ""),
        )
    return cards


def read_products(db: Database, tree: CategoryTree, ids: Sequence[str], currency: str) -> list[Product]:
    """Return the full records of those ids that exist, in the order asked; currency as in ``read_cards``.

    A snapshot may hold categories that ``tree`` does not know yet; then the tree of the snapshot is read.
    """
    parameters = {"ids": json_ids(ids), "currency": currency}
    category_ids = _grouped(db, _CATEGORIES, parameters)
    if not tree.covers(set().union(*category_ids.values())):
        tree = CategoryTree.load(db)
    tags, images = _grouped(db, _TAGS, parameters), _grouped(db, _IMAGES, parameters)
    variants = _variants(db, parameters)
    products = []
    for row in db.execute(_PRODUCTS, parameters):
        id_, handle, title, title_en, description, collection, attributes, own, thumbnail, status, created = row
        in_shop_currency = any(variant.in_shop_currency for variant in variants[id_])
        products.append(
            Product(
                id=id_,
                handle=handle,
                title=title,
                title_en=title_en,
                description=description,
                categories=tuple(tree.path(category_id) for category_id in category_ids.get(id_, ())),
                tags=tuple(tags.get(id_, ())),
                collection=collection or "",
                attributes=msgspec.json.decode(attributes, type=dict[str, str]),
                currency=currency if in_shop_currency else own,
                variants=tuple(variant.shown(in_shop_currency) for variant in variants[id_]),
                thumbnail=thumbnail,
                images=tuple(images[id_]) if id_ in images else None,
                status=status,
                created_at=created,
            )
        )
    return products


class _Variant(NamedTuple):
    """A variant as it was read: which of its two prices counts is known once all of the product's are."""

    row: Sequence[Any]
    prices: dict[str, int] | None
    levels: dict[str, int] | None

    @property
    def in_shop_currency(self) -> bool:
        """Whether it has a price in the shop's currency."""
        return self.row[6] is not None

    def shown(self, in_shop_currency: bool) -> Variant:
        """Return the variant with its price in the shop's currency, or in the product's own."""
        _, id_, title, sku, size, color, shop_price, own_price, stock = self.row
        return Variant(
            id=id_,
            title=title,
            sku=sku,
            size=size,
            color=color,
            price=shop_price if in_shop_currency else own_price,
            stock=stock,
            prices=self.prices,
            levels=self.levels,
        )


def _variants(db: Database, parameters: dict[str, str]) -> dict[str, list[_Variant]]:
    prices, levels = _by_variant(db, _OTHER_PRICES, parameters), _by_variant(db, _LEVELS, parameters)
    found: dict[str, list[_Variant]] = defaultdict(list)
    for row in db.execute(_VARIANTS, parameters):
        key = (row[0], row[1])
        found[row[0]].append(_Variant(row, prices.get(key), levels.get(key)))
    return found


def _by_variant(db: Database, sql: str, parameters: dict[str, str]) -> dict[tuple[str, str], dict[str, int]]:
    groups: dict[tuple[str, str], dict[str, int]] = {}
    for product_id, variant_id, key, number in db.execute(sql, parameters):
        groups.setdefault((product_id, variant_id), {})[key] = number
    return groups


def _handles(tree: CategoryTree, category_ids: Sequence[str]) -> tuple[str, ...]:
    nodes = (node for category_id in category_ids for node in tree.lineage(category_id))
    return tuple(dict.fromkeys(node.handle for node in nodes))


def _grouped(db: Database, sql: str, parameters: dict[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for product_id, value in db.execute(sql, parameters):
        groups.setdefault(product_id, []).append(value)
    return groups
