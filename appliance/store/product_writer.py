"""Writing products: a batch in one transaction, each statement once for all rows, the FTS index in step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec
from sqlite_utils import Database

from appliance.domain import Product, UpsertResult, Variant
from appliance.errors import Conflict
from appliance.store.categories import CategoryTree
from appliance.store.normalise import content_hash
from appliance.store.products import json_ids
from appliance.text import fold, words

_KNOWN = "select id, number, handle, content_hash from products where id in (select value from json_each(?))"
_LAST_NUMBER = "select coalesce(max(number), 0) from products"
_LAST_REVISION = "select coalesce(max(revision), 0) from product_changes"
_FREE_HANDLE = "update products set handle = char(10) || id where id = ?"
_UPSERT_PRODUCT = """
insert into products (number, id, handle, title, title_en, title_key, description, collection_id, attributes, currency,
    thumbnail, status, created_at, updated_at, content_hash)
values (:number, :id, :handle, :title, :title_en, :title_key, :description, :collection_id, :attributes, :currency,
    :thumbnail, :status, coalesce(:created_at, :now), :now, :content_hash)
on conflict (id) do update set handle = excluded.handle, title = excluded.title, title_en = excluded.title_en,
    title_key = excluded.title_key, description = excluded.description, collection_id = excluded.collection_id,
    attributes = excluded.attributes, currency = excluded.currency, thumbnail = excluded.thumbnail,
    status = excluded.status, created_at = coalesce(:created_at, products.created_at),
    updated_at = excluded.updated_at, content_hash = excluded.content_hash
"""
_DROP_VARIANTS = "delete from variants where product_id = ? and id not in (select value from json_each(?))"
_DROP_PRICES = "delete from prices where product_id = ? and currency = ?"
_DROP_ALL_PRICES = "delete from prices where product_id = ? and variant_id = ?"
_DROP_IMAGES = "delete from product_images where product_id = ?"
_DROP_STOCK = "delete from stock_levels where product_id = ?"
_DROP_TAGS = "delete from product_tags where product_id = ?"
_DROP_CATEGORIES = "delete from product_categories where product_id = ?"
_DROP_WORDS = "delete from products_fts where rowid = ?"
_UPSERT_VARIANT = """
insert into variants (product_id, id, position, title, sku, size, color) values (?, ?, ?, ?, ?, ?, ?)
on conflict (product_id, id) do update set position = excluded.position, title = excluded.title, sku = excluded.sku,
    size = excluded.size, color = excluded.color
"""
_INSERT_PRICE = "insert into prices (product_id, variant_id, currency, amount) values (?, ?, ?, ?)"
_INSERT_STOCK = "insert into stock_levels (product_id, variant_id, location_id, quantity) values (?, ?, ?, ?)"
_INSERT_LOCATION = "insert into stock_locations (id, name) values (?, '') on conflict (id) do nothing"
_INSERT_IMAGE = "insert into product_images (product_id, position, url) values (?, ?, ?)"
_INSERT_COLLECTION = "insert into collections (id, title) values (?, ?) on conflict (id) do nothing"
_INSERT_TAG = "insert into tags (name) values (?) on conflict (name) do nothing"
_INSERT_PRODUCT_TAG = "insert into product_tags (product_id, tag, position) values (?, ?, ?)"
_INSERT_PRODUCT_CATEGORY = "insert into product_categories (product_id, category_id, position) values (?, ?, ?)"
_INSERT_WORDS = """
insert into products_fts (rowid, title, tags, categories, description, codes) values (?, ?, ?, ?, ?, ?)
"""
_RECORD_CHANGE = """
insert into product_changes (product_id, revision, deleted) values (?, ?, ?)
on conflict (product_id) do update set revision = excluded.revision, deleted = excluded.deleted
"""
_CHANGES = "select product_id, deleted from product_changes where revision > ? order by revision, product_id"
_SET_STATUS = """
update products set status = :status, updated_at = :now, content_hash = x''
where status <> :status and id in (select value from json_each(:ids)) returning id
"""
_DELETE_WORDS = """
delete from products_fts where rowid in (
    select number from products where id in (select value from json_each(?))
)
"""
_DELETE = "delete from products where id in (select value from json_each(?)) returning id"


class HandleClash(msgspec.Struct, frozen=True):
    """A product that asks for a handle which another product holds."""

    product_id: str
    handle: str
    holder_id: str


class HandleConflict(Conflict):
    """Handles of a batch are taken; nothing was written. ``clashes`` names every one, ``product_id`` the first."""

    def __init__(self, clashes: Sequence[HandleClash]) -> None:
        first = clashes[0]
        super().__init__(
            f"product {first.product_id!r} asks for the handle {first.handle!r} of product {first.holder_id!r}",
            hint="give one of them another handle",
        )
        self.clashes = tuple(clashes)
        self.product_id = first.product_id
        self.holder_id = first.holder_id
        self.handle = first.handle


class WrittenBatch(msgspec.Struct, frozen=True):
    """What a batch did: the counts, and the ids that are new or different."""

    result: UpsertResult
    changed: tuple[str, ...]


def require_free_handles(products: Sequence[Product], holders: Mapping[str, str]) -> None:
    """Raise ``HandleConflict`` when the batch would leave two products with one handle.

    ``holders`` maps the handles in use to product ids; products of the batch may swap theirs.
    """
    wanted = {product.id: product.handle for product in products}
    claimed: dict[str, str] = {}
    clashes = []
    for product_id, handle in wanted.items():
        holder = claimed.setdefault(handle, product_id)
        if holder == product_id:
            stored = holders.get(handle, product_id)
            holder = stored if wanted.get(stored, handle) == handle else product_id
        if holder != product_id:
            clashes.append(HandleClash(product_id, handle, holder))
    if clashes:
        raise HandleConflict(clashes)


def write_products(
    db: Database, tree: CategoryTree, products: Sequence[Product], now: Callable[[], float]
) -> WrittenBatch:
    """Insert or replace normalised products; those whose content is the same are left alone.

    A replaced product keeps what it does not tell: pictures, and prices in other currencies for the variants that
    remain. ``tree`` gains the categories that are missing. Runs inside the caller's transaction.
    """
    latest = {product.id: product for product in products}
    hashes = {product.id: content_hash(product) for product in latest.values()}
    known = {row[0]: _Known(*row) for row in db.execute(_KNOWN, [json_ids(list(latest))])}
    changed = [p for p in latest.values() if p.id not in known or known[p.id].content_hash != hashes[p.id]]
    if changed:
        numbers = _numbers(db, changed, known)
        replaced = [product for product in changed if product.id in known]
        _free_handles(db, replaced, known)
        _drop_parts(db, replaced, numbers)
        _write_rows(db, changed, numbers, hashes, now())
        _write_parts(db, changed)
        _write_categories(db, tree, changed)
        _write_words(db, [_with_paths(product, tree) for product in changed], numbers)
    inserted = sum(product.id not in known for product in changed)
    repeated = len(products) - len(latest)
    updated = len(changed) - inserted + repeated
    result = UpsertResult(inserted=inserted, updated=updated, unchanged=len(products) - inserted - updated)
    return WrittenBatch(result, tuple(product.id for product in changed))


def rewrite_words(db: Database, products: Sequence[Product]) -> None:
    """Index the words of products anew whose categories are called otherwise now, inside the caller's transaction."""
    numbers = {row[0]: row[1] for row in db.execute(_KNOWN, [json_ids([product.id for product in products])])}
    db.conn.executemany(_DROP_WORDS, [(number,) for number in numbers.values()])
    _write_words(db, products, numbers)


def record_change(db: Database, changed: Iterable[str], deleted: Iterable[str] = ()) -> int:
    """Note what the transaction changed under the next revision and return it."""
    revision = last_revision(db) + 1
    rows = [(id_, revision, 0) for id_ in changed] + [(id_, revision, 1) for id_ in deleted]
    db.conn.executemany(_RECORD_CHANGE, rows)
    return revision


def last_revision(db: Database) -> int:
    """Return the newest revision, 0 for a catalogue that was never written."""
    revision: int = db.execute(_LAST_REVISION).fetchone()[0]
    return revision


def read_changes(db: Database, revision: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids changed and the ids deleted after a revision."""
    rows = db.execute(_CHANGES, [revision]).fetchall()
    return tuple(id_ for id_, deleted in rows if not deleted), tuple(id_ for id_, deleted in rows if deleted)


def write_status(db: Database, ids: Sequence[str], status: Literal["published", "draft"], now: float) -> list[str]:
    """Publish or hide products and return the ids that were not so before.

    The content hash is voided, so that the next import of the product counts as a change again.
    """
    return [row[0] for row in db.execute(_SET_STATUS, {"ids": json_ids(ids), "status": status, "now": now}).fetchall()]


def delete_products(db: Database, ids: Sequence[str]) -> list[str]:
    """Delete products with all their parts and return the ids that existed."""
    db.execute(_DELETE_WORDS, [json_ids(ids)])
    return [row[0] for row in db.execute(_DELETE, [json_ids(ids)]).fetchall()]


class _Known(NamedTuple):
    id: str
    number: int
    handle: str
    content_hash: bytes


def _numbers(db: Database, changed: Sequence[Product], known: Mapping[str, _Known]) -> dict[str, int]:
    last: int = db.execute(_LAST_NUMBER).fetchone()[0]
    numbers = {id_: stored.number for id_, stored in known.items()}
    fresh = [product.id for product in changed if product.id not in known]
    return numbers | {id_: number for number, id_ in enumerate(fresh, last + 1)}


def _free_handles(db: Database, replaced: Sequence[Product], known: Mapping[str, _Known]) -> None:
    """Set aside handles that change, so that products of a batch can swap theirs under the unique index."""
    db.conn.executemany(_FREE_HANDLE, [(p.id,) for p in replaced if p.handle != known[p.id].handle])


def _drop_parts(db: Database, replaced: Sequence[Product], numbers: Mapping[str, int]) -> None:
    ids = [(product.id,) for product in replaced]
    many = db.conn.executemany
    many(_DROP_VARIANTS, [(p.id, json_ids([variant.id for variant in p.variants])) for p in replaced])
    many(_DROP_PRICES, [(product.id, product.currency) for product in replaced])
    many(_DROP_ALL_PRICES, [(p.id, v.id) for p in replaced for v in p.variants if v.prices is not None])
    many(_DROP_IMAGES, [(product.id,) for product in replaced if product.images is not None])
    for statement in (_DROP_STOCK, _DROP_TAGS, _DROP_CATEGORIES):
        many(statement, ids)
    many(_DROP_WORDS, [(numbers[product.id],) for product in replaced])


def _write_rows(
    db: Database, changed: Sequence[Product], numbers: Mapping[str, int], hashes: Mapping[str, bytes], now: float
) -> None:
    collections = {product.id: _collection_id(product.collection) for product in changed if product.collection}
    db.conn.executemany(_INSERT_COLLECTION, [(collections[p.id], p.collection) for p in changed if p.id in collections])
    rows = [
        {
            "number": numbers[product.id],
            "id": product.id,
            "handle": product.handle,
            "title": product.title,
            "title_en": product.title_en,
            "title_key": fold(product.title),
            "description": product.description,
            "collection_id": collections.get(product.id),
            "attributes": msgspec.json.encode(product.attributes).decode(),
            "currency": product.currency,
            "thumbnail": product.thumbnail,
            "status": product.status,
            "created_at": product.created_at or None,
            "now": now,
            "content_hash": hashes[product.id],
        }
        for product in changed
    ]
    db.conn.executemany(_UPSERT_PRODUCT, rows)


def _write_parts(db: Database, changed: Sequence[Product]) -> None:
    many = db.conn.executemany
    variants = [(p.id, place, variant) for p in changed for place, variant in enumerate(p.variants)]
    many(_UPSERT_VARIANT, [(id_, v.id, place, v.title, v.sku, v.size, v.color) for id_, place, v in variants])
    currencies = {product.id: product.currency for product in changed}
    many(_INSERT_PRICE, [(id_, v.id, currencies[id_], v.price) for id_, _, v in variants if v.price is not None])
    many(
        _INSERT_PRICE,
        [
            (id_, v.id, currency, amount)
            for id_, _, v in variants
            for currency, amount in (v.prices or {}).items()
            if currency != currencies[id_]
        ],
    )
    levels = [(id_, v.id, place, n) for id_, _, v in variants for place, n in _levels(v).items()]
    many(_INSERT_LOCATION, [(place,) for place in dict.fromkeys(row[2] for row in levels)])
    many(_INSERT_STOCK, levels)
    many(_INSERT_IMAGE, [(p.id, place, url) for p in changed for place, url in enumerate(p.images or ())])
    tags = [(product.id, tag, place) for product in changed for place, tag in enumerate(product.tags)]
    many(_INSERT_TAG, [(tag,) for tag in dict.fromkeys(tag for _, tag, _ in tags)])
    many(_INSERT_PRODUCT_TAG, tags)


def _levels(variant: Variant) -> Mapping[str, int]:
    if variant.levels is not None:
        return variant.levels
    return {} if variant.stock is None else {"default": variant.stock}


def _write_categories(db: Database, tree: CategoryTree, changed: Sequence[Product]) -> None:
    placed: dict[str, list[str]] = {}
    for product in changed:
        nodes = (tree.place(path) for path in product.categories)
        placed[product.id] = list(dict.fromkeys(node.id for node in nodes if node))
    tree.save(db)
    rows = [(id_, category_id, place) for id_, ids in placed.items() for place, category_id in enumerate(ids)]
    db.conn.executemany(_INSERT_PRODUCT_CATEGORY, rows)


def _with_paths(product: Product, tree: CategoryTree) -> Product:
    """Return the product with the names of those categories that it calls by their ids."""
    if not any(tree.node(called) for called in product.categories):
        return product
    paths = tuple(tree.path(called) if tree.node(called) else called for called in product.categories)
    return msgspec.structs.replace(product, categories=paths)


def _write_words(db: Database, changed: Sequence[Product], numbers: Mapping[str, int]) -> None:
    def row(product: Product) -> tuple[Any, ...]:
        codes = [product.id, product.handle, *(variant.sku for variant in product.variants)]
        return (
            numbers[product.id],
            _folded(product.title, product.title_en),
            _folded(*product.tags, product.collection),
            _folded(*product.categories),
            _folded(product.description, *product.attributes.values()),
            _folded(*codes),
        )

    db.conn.executemany(_INSERT_WORDS, [row(product) for product in changed])


def _folded(*texts: str) -> str:
    """Return the folded words of texts; the words of a shop repeat, so most are folded once."""
    chunks = " ".join(texts).split()
    return " ".join([_folded_chunk(chunk) if len(chunk) <= 32 else " ".join(words(chunk)) for chunk in chunks])


@lru_cache(maxsize=32768)
def _folded_chunk(chunk: str) -> str:
    return " ".join(words(chunk))


def _collection_id(title: str) -> str:
    return f"col_{title}"
