"""The catalogue: products in SQLite, every card in memory, and word to the others about what changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import Literal, TypeVar, overload

import msgspec
import structlog
from sqlite_utils import Database

from appliance.domain import CatalogueChange, Category, Product, ProductCard, UpsertResult
from appliance.errors import Conflict, NotFound
from appliance.store.categories import CategoryTree
from appliance.store.category_adoption import adopt_categories
from appliance.store.listing import ListingQuery, ProductPage, Sort, list_ids
from appliance.store.normalise import normalised
from appliance.store.product_writer import (
    delete_products,
    last_revision,
    read_changes,
    record_change,
    require_free_handles,
    rewrite_words,
    write_products,
    write_status,
)
from appliance.store.products import ALL_IDS, NEXT_IDS, read_cards, read_products
from appliance.store.sqlite import SqliteStore

log = structlog.get_logger(__name__)

Listener = Callable[[CatalogueChange], None]
Default = TypeVar("Default")


class _State(msgspec.Struct, frozen=True):
    """What memory holds at one revision. A write makes the next one, so that a reader never sees half of it."""

    revision: int
    cards: dict[str, ProductCard]
    by_handle: dict[str, str]
    tree: CategoryTree
    published: int


class Catalogue:
    """All products of the shop. Safe to use from any thread.

    Prices are shown in ``currency`` where a product has one in it, otherwise in the product's own currency.
    """

    def __init__(self, store: SqliteStore, *, currency: str = "VND", now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._currency = currency
        self._now = now
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []
        with store.reading() as db:
            tree = CategoryTree.load(db)
            ids = [row[0] for row in db.execute(ALL_IDS)]
            cards = read_cards(db, tree, ids, currency)
            empty = _State(0, {}, {}, tree, 0)
            self._state = _next_state(empty, last_revision(db), cards, (), tree)
        self._cards = _LiveCards(self)

    @property
    def revision(self) -> int:
        """Grows with every write that changed something; 0 before the first."""
        return self._state.revision

    def __len__(self) -> int:
        """Return how many products are published."""
        return self._state.published

    def cards(self) -> Mapping[str, ProductCard]:
        """Return all cards by product id, drafts included: a live view that is safe to iterate during writes."""
        return self._cards

    def card(self, product_id: str) -> ProductCard | None:
        """Return the card of a product."""
        return self._state.cards.get(product_id)

    def resolve(self, id_or_handle: str) -> ProductCard | None:
        """Return the card of a product by its id or else its handle."""
        state = self._state
        return state.cards.get(id_or_handle) or state.cards.get(state.by_handle.get(id_or_handle, ""))

    def product(self, product_id: str) -> Product | None:
        """Read a full record."""
        if product_id not in self._state.cards:
            return None
        with self._store.reading() as db:
            found = self._read(db, [product_id])
        return found[0] if found else None

    def iter_products(self, batch: int = 1000) -> Iterator[Product]:
        """Read all products in the order they came, a batch at a time; each batch is one snapshot."""
        last = -1
        while True:
            with self._store.reading() as db:
                rows = db.execute(NEXT_IDS, [last, batch]).fetchall()
                products = self._read(db, [id_ for _, id_ in rows])
            yield from products
            if len(rows) < batch:
                return
            last = rows[-1][0]

    def upsert(self, products: Sequence[Product]) -> UpsertResult:
        """Insert or replace products in one transaction; those that are unchanged do not move the revision.

        Text is cleaned and bounded here. Raises ``InvalidProduct`` or ``HandleConflict``, both of which carry the
        ``product_id`` at fault, or an error of the store; then nothing was written.
        """
        records = [normalised(product) for product in products]
        with self._lock:
            return self._write(lambda _: records)

    def apply(
        self,
        products: Sequence[Product] | Callable[[Database], Sequence[Product]] = (),
        *,
        deleted: Sequence[str] = (),
        categories: Sequence[Category] = (),
        gone_categories: Collection[str] = (),
        within: Callable[[Database], object] | None = None,
    ) -> UpsertResult:
        """Write a page of another system in one transaction: its categories, then products, then deletions.

        ``within`` may write more in the same transaction, before everything else; after it ``products`` may be computed
        from what the transaction sees. ``categories`` are taken over by their ids (``adopt_categories``), parents
        before children. Raises as ``upsert`` does; then nothing was written.
        """

        def records(db: Database) -> list[Product]:
            given = products(db) if callable(products) else products
            return [normalised(product) for product in given]

        with self._lock:
            return self._write(records, deleted, (categories, gone_categories), within)

    def change(self, product_id: str, fn: Callable[[Product], Product]) -> Product:
        """Replace a product by what ``fn`` makes of it, read and written in one transaction, and return it.

        Nobody else's change comes between, so none is lost. ``fn`` must not write and must keep the id. Raises
        ``NotFound``, what ``upsert`` raises, or what ``fn`` raises; then nothing was written.
        """

        def records(db: Database) -> list[Product]:
            found = self._read(db, [product_id])
            if not found:
                raise NotFound("There is no such product.")
            changed = normalised(fn(found[0]))
            if changed.id != product_id:
                raise Conflict(f"A change of product {product_id!r} cannot give it another id.")
            return [] if changed == found[0] else [changed]

        with self._lock:
            self._write(records)
            with self._store.reading() as db:
                return self._read(db, [product_id])[0]

    def set_status(self, product_ids: Sequence[str], status: Literal["published", "draft"]) -> int:
        """Publish or hide products and return how many were not so before."""
        with self._lock:
            tree = self._state.tree
            with self._store.write() as db:
                changed = write_status(db, product_ids, status, self._now())
                if not changed:
                    return 0
                revision = record_change(db, changed)
                cards = read_cards(db, tree, changed, self._currency)
            self._publish(revision, cards, (), tree)
        return len(changed)

    def delete(self, product_ids: Sequence[str]) -> int:
        """Delete products and return how many existed."""
        with self._lock:
            before = len(self._state.cards)
            self._write(lambda _: [], product_ids)
            return before - len(self._state.cards)

    def changes_since(self, revision: int) -> CatalogueChange:
        """Return what changed after a revision; to a revision from the future (a restored store) all is changed."""
        with self._store.reading() as db:
            current = last_revision(db)
            changed, deleted = read_changes(db, revision if revision <= current else 0)
        return CatalogueChange(current, changed, deleted)

    def subscribe(self, listener: Listener) -> None:
        """Have every change told, in order, by the thread that made it, after its commit."""
        with self._lock:
            self._listeners.append(listener)

    def categories(self) -> list[Category]:
        """Return the category tree, parents before children."""
        return self._state.tree.all()

    def category(self, id_handle_or_name: str) -> Category | None:
        """Find a category by id, handle, name or path; capitals and marks may be left out."""
        return self._state.tree.find(id_handle_or_name)

    def page(
        self, *, query: str = "", status: str = "", sort: Sort = "id", limit: int = 50, cursor: str = ""
    ) -> ProductPage:
        """Return a page of the owner's list. Raises ``InvalidInput`` for what the list does not know."""
        asked = ListingQuery(query=query, status=status, sort=sort, limit=limit, cursor=cursor)
        with self._store.reading() as db:
            found = list_ids(db, asked)
            items = self._read(db, found.ids)
        return ProductPage(items, found.total, found.next_cursor)

    def _write(
        self,
        records_in: Callable[[Database], list[Product]],
        gone: Sequence[str] = (),
        categories: tuple[Sequence[Category], Collection[str]] = ((), ()),
        within: Callable[[Database], object] | None = None,
    ) -> UpsertResult:
        """Write what ``records_in`` makes of the database inside the transaction. The lock is held."""
        with self._store.write() as db:
            if within is not None:
                within(db)
            adopted, touched = adopt_categories(db, self._state.tree, *categories)
            tree = adopted.draft()
            records = records_in(db)
            leaving = set(gone)
            require_free_handles(records, self._holders(leaving))
            deleted = delete_products(db, gone) if gone else []
            batch = write_products(db, tree, records, self._now)
            settled = leaving.union(batch.changed)
            renamed = [id_ for id_ in touched if id_ not in settled]
            rewrite_words(db, read_products(db, tree, renamed, self._currency))
            changed = [*batch.changed, *renamed]
            revision = record_change(db, changed, deleted)
            cards = read_cards(db, tree, changed, self._currency)
        if changed or deleted:
            self._publish(revision, cards, deleted, tree)
        else:
            self._state = msgspec.structs.replace(self._state, tree=tree)
        return batch.result

    def _holders(self, leaving: Collection[str]) -> Mapping[str, str]:
        by_handle = self._state.by_handle
        return {handle: id_ for handle, id_ in by_handle.items() if id_ not in leaving} if leaving else by_handle

    def _read(self, db: Database, ids: Sequence[str]) -> list[Product]:
        return read_products(db, self._state.tree, ids, self._currency)

    def _publish(
        self, revision: int, changed: Mapping[str, ProductCard], deleted: Sequence[str], tree: CategoryTree
    ) -> None:
        """Make a committed write visible, then tell the listeners. The lock is held, so changes arrive in order."""
        self._state = _next_state(self._state, revision, changed, deleted, tree)
        change = CatalogueChange(revision, tuple(changed), tuple(deleted))
        for listener in self._listeners:
            try:
                listener(change)
            except Exception:
                # The write is committed; one deaf listener must not fail it nor keep the others from hearing.
                log.exception("catalogue_listener_failed", revision=revision)


def _next_state(
    state: _State, revision: int, changed: Mapping[str, ProductCard], deleted: Sequence[str], tree: CategoryTree
) -> _State:
    cards, by_handle = dict(state.cards), dict(state.by_handle)
    published = state.published
    for product_id in (*changed, *deleted):
        former = cards.get(product_id)
        if former is not None:
            by_handle.pop(former.handle, None)
            published -= former.published
    for product_id in deleted:
        cards.pop(product_id, None)
    for card in changed.values():
        cards[card.id] = card
        by_handle[card.handle] = card.id
        published += card.published
    return _State(revision, cards, by_handle, tree, published)


class _LiveCards(Mapping[str, ProductCard]):
    """The cards as they are now. Iterating walks the cards of one revision, whatever is written meanwhile."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def __getitem__(self, product_id: str) -> ProductCard:
        return self._catalogue._state.cards[product_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalogue._state.cards)

    def __len__(self) -> int:
        return len(self._catalogue._state.cards)

    def __contains__(self, product_id: object) -> bool:
        return product_id in self._catalogue._state.cards

    @overload
    def get(self, key: str, /) -> ProductCard | None: ...
    @overload
    def get(self, key: str, default: ProductCard | Default, /) -> ProductCard | Default: ...
    def get(self, key: str, default: object = None, /) -> object:
        """Return a card or the default."""
        return self._catalogue._state.cards.get(key, default)

    def keys(self) -> KeysView[str]:
        """Return the ids of one revision."""
        return self._catalogue._state.cards.keys()

    def values(self) -> ValuesView[ProductCard]:
        """Return the cards of one revision."""
        return self._catalogue._state.cards.values()

    def items(self) -> ItemsView[str, ProductCard]:
        """Return ids and cards of one revision."""
        return self._catalogue._state.cards.items()
