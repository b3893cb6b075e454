"""The catalogue: what is written is what is read, in SQLite and in memory alike."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from appliance.domain import CatalogueChange, Product, UpsertResult, Variant
from appliance.errors import Conflict, DiskFull, NotFound, StoreError
from appliance.store.catalogue import Catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.normalise import InvalidProduct, normalised
from appliance.store.product_writer import HandleConflict
from appliance.store.sqlite import SqliteStore

BALO = Product(
    id="p1",
    handle="balo-da",
    title="Balo da",
    title_en="Leather backpack",
    description="Da thật.\nHai ngăn.",
    categories=("Túi > Balo", "Da"),
    tags=("da", "nâu"),
    collection="Hè 2024",
    attributes={"material": "da bò"},
    variants=(
        Variant(id="v1", title="Nâu", sku="B-1", color="nâu", price=450_000, stock=0),
        Variant(id="v2", size="L", price=400_000, stock=3),
    ),
    thumbnail="https://shop.vn/balo.jpg",
    created_at=5.0,
)
SHOE = Product(
    id="p2", handle="giay", title="Giày", variants=(Variant(id="v1", price=900_000, stock=0),), created_at=6.0
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


@pytest.fixture
def catalogue(store: SqliteStore) -> Catalogue:
    return Catalogue(store, now=lambda: 100.0)


def _count(store: SqliteStore, table: str) -> int:
    with store.reading() as db:
        return int(db.table(table).count)


def test_a_product_comes_back_as_it_was_given(catalogue: Catalogue) -> None:
    assert catalogue.upsert([BALO, SHOE]) == UpsertResult(inserted=2, updated=0, unchanged=0)
    assert catalogue.product("p1") == BALO
    assert list(catalogue.iter_products(batch=1)) == [BALO, SHOE]
    assert catalogue.product("p3") is None
    assert len(catalogue) == 2


def test_a_card_says_what_a_list_shows(catalogue: Catalogue) -> None:
    catalogue.upsert([BALO, SHOE])
    card = catalogue.card("p1")
    assert card is not None
    assert (card.price, card.currency, card.in_stock, card.published) == (400_000, "VND", True, True)
    assert card.categories == ("tui", "balo", "da")
    assert card.tags == ("da", "nâu")
    assert catalogue.resolve("balo-da") is card
    assert catalogue.resolve("p1") is card
    assert catalogue.resolve("nothing") is None
    sold_out = catalogue.card("p2")
    assert sold_out is not None
    assert not sold_out.in_stock


def test_the_same_again_changes_nothing(catalogue: Catalogue) -> None:
    catalogue.upsert([BALO, SHOE])
    heard: list[CatalogueChange] = []
    catalogue.subscribe(heard.append)
    assert catalogue.upsert([BALO, SHOE]) == UpsertResult(inserted=0, updated=0, unchanged=2)
    assert catalogue.revision == 1
    assert heard == []


def test_a_new_import_replaces_every_part(catalogue: Catalogue, store: SqliteStore) -> None:
    catalogue.upsert([BALO])
    slim = Product(id="p1", handle="balo", title="Balo", tags=("mới",), variants=(Variant(id="v2"),), created_at=5.0)
    assert catalogue.upsert([slim]).updated == 1
    assert catalogue.product("p1") == slim
    assert catalogue.resolve("balo-da") is None
    assert [_count(store, table) for table in ("variants", "prices", "stock_levels", "product_categories")] == [
        1,
        0,
        0,
        0,
    ]
    assert catalogue.page(query="nâu").total == 0
    assert catalogue.page(query="mới").total == 1


def test_a_repeated_id_in_one_batch_counts_its_last_record(catalogue: Catalogue) -> None:
    later = replace(BALO, title="Balo mới")
    assert catalogue.upsert([BALO, later]) == UpsertResult(inserted=1, updated=1, unchanged=0)
    assert catalogue.product("p1") == later


def test_a_product_without_a_time_gets_and_keeps_its_arrival(store: SqliteStore) -> None:
    times = iter((100.0, 200.0))
    catalogue = Catalogue(store, now=lambda: next(times))
    catalogue.upsert([replace(BALO, created_at=0.0)])
    catalogue.upsert([replace(BALO, created_at=0.0, title="Balo mới")])
    card = catalogue.card("p1")
    assert card is not None
    assert card.created_at == 100.0


def test_a_taken_handle_names_both_products(catalogue: Catalogue) -> None:
    catalogue.upsert([BALO])
    with pytest.raises(HandleConflict) as caught:
        catalogue.upsert([SHOE, replace(SHOE, id="p3", handle="balo-da"), replace(SHOE, id="p4")])
    conflict = caught.value
    assert [(clash.product_id, clash.holder_id) for clash in conflict.clashes] == [("p3", "p1"), ("p4", "p2")]
    assert (conflict.product_id, conflict.holder_id, conflict.handle) == ("p3", "p1", "balo-da")
    assert "p3" in conflict.message and "p1" in conflict.message
    assert list(catalogue.cards()) == ["p1"]


def test_products_may_swap_their_handles(catalogue: Catalogue) -> None:
    catalogue.upsert([BALO, SHOE])
    catalogue.upsert([replace(BALO, handle="giay"), replace(SHOE, handle="balo-da")])
    for handle, product_id in (("giay", "p1"), ("balo-da", "p2")):
        card = catalogue.resolve(handle)
        assert card is not None
        assert card.id == product_id


def test_a_bad_product_leaves_the_batch_unwritten(catalogue: Catalogue) -> None:
    with pytest.raises(InvalidProduct) as caught:
        catalogue.upsert([BALO, replace(SHOE, id="bad id")])
    assert caught.value.product_id == "bad id"
    assert len(catalogue.cards()) == 0
    assert catalogue.revision == 0


def test_prices_in_two_currencies_live_side_by_side(store: SqliteStore) -> None:
    catalogue = Catalogue(store, currency="VND")
    dollars = replace(SHOE, currency="USD", variants=(Variant(id="v1", price=3999, stock=1),))
    catalogue.upsert([dollars])
    card = catalogue.card("p2")
    assert card is not None
    assert (card.price, card.currency) == (3999, "USD")
    catalogue.upsert([SHOE])
    catalogue.upsert([dollars])
    card, product = catalogue.card("p2"), catalogue.product("p2")
    assert card is not None and product is not None
    assert (card.price, card.currency) == (product.price, product.currency) == (900_000, "VND")
    abroad = Catalogue(store, currency="USD").card("p2")
    assert abroad is not None
    assert (abroad.price, abroad.currency) == (3999, "USD")


def test_stock_that_is_not_tracked_is_always_there(catalogue: Catalogue) -> None:
    catalogue.upsert(
        [replace(SHOE, variants=(Variant(id="v1", stock=-2), Variant(id="v2"))), replace(BALO, variants=())]
    )
    with_open_stock, without_variants = catalogue.card("p2"), catalogue.card("p1")
    assert with_open_stock is not None and without_variants is not None
    assert with_open_stock.in_stock
    assert with_open_stock.price is None
    assert not without_variants.in_stock


def test_status_and_deletion_are_told(catalogue: Catalogue, store: SqliteStore) -> None:
    catalogue.upsert([BALO, SHOE])
    heard: list[CatalogueChange] = []
    catalogue.subscribe(heard.append)
    assert catalogue.set_status(["p1", "nobody"], "draft") == 1
    assert catalogue.set_status(["p1"], "draft") == 0
    assert len(catalogue) == 1
    hidden = catalogue.card("p1")
    assert hidden is not None
    assert not hidden.published
    assert catalogue.upsert([BALO]).updated == 1
    assert catalogue.delete(["p2", "nobody"]) == 1
    assert catalogue.delete(["p2"]) == 0
    assert catalogue.card("p2") is None
    assert catalogue.resolve("giay") is None
    assert catalogue.product("p2") is None
    assert catalogue.page(query="giay").total == 0
    assert [(change.revision, change.changed, change.deleted) for change in heard] == [
        (2, ("p1",), ()),
        (3, ("p1",), ()),
        (4, (), ("p2",)),
    ]
    assert Catalogue(store).revision == catalogue.revision == 4


def test_changes_since_a_revision(catalogue: Catalogue) -> None:
    catalogue.upsert([BALO])
    catalogue.upsert([SHOE])
    catalogue.delete(["p1"])
    assert catalogue.changes_since(0) == CatalogueChange(3, ("p2",), ("p1",))
    assert catalogue.changes_since(2) == CatalogueChange(3, (), ("p1",))
    assert catalogue.changes_since(3) == CatalogueChange(3, (), ())
    assert catalogue.changes_since(99) == catalogue.changes_since(0)
    catalogue.upsert([BALO])
    assert catalogue.changes_since(3) == CatalogueChange(4, ("p1",), ())


def test_a_listener_that_fails_does_not_silence_the_others(catalogue: Catalogue) -> None:
    heard: list[int] = []

    def deaf(_: CatalogueChange) -> None:
        raise RuntimeError("deaf")

    catalogue.subscribe(deaf)
    catalogue.subscribe(lambda change: heard.append(change.revision))
    catalogue.upsert([BALO])
    assert heard == [1]
    assert catalogue.card("p1") is not None


def test_a_full_disk_keeps_memory_and_store_in_step(catalogue: Catalogue, store: SqliteStore) -> None:
    catalogue.upsert([BALO])
    pages = store._writer.execute("pragma page_count").fetchone()[0]
    store._writer.execute(f"pragma max_page_count = {pages + 10}").fetchall()
    many = [
        replace(SHOE, id=f"n{n}", handle=f"n{n}", description="x" * 3000, categories=(f"Mới {n}",)) for n in range(50)
    ]
    with pytest.raises(DiskFull):
        catalogue.upsert(many)
    assert list(catalogue.cards()) == ["p1"]
    assert catalogue.category("Mới 1") is None
    assert catalogue.product("p1") == BALO
    store._writer.execute("pragma max_page_count = 1000000").fetchall()
    assert catalogue.upsert(many).inserted == 50
    assert catalogue.revision == 2
    assert catalogue.category("Mới 1") is not None


def test_a_closed_store_is_a_store_error(catalogue: Catalogue, store: SqliteStore) -> None:
    catalogue.upsert([BALO])
    store.close()
    with pytest.raises(StoreError):
        catalogue.product("p1")
    with pytest.raises(StoreError):
        catalogue.upsert([SHOE])
    assert catalogue.card("p1") is not None


def test_the_cards_are_live_and_safe_to_walk_during_writes(catalogue: Catalogue) -> None:
    cards = catalogue.cards()
    catalogue.upsert([replace(SHOE, id=f"a{n}", handle=f"a{n}") for n in range(50)])
    assert len(cards) == 50
    assert cards.get("a1") is cards["a1"]
    assert cards.get("nobody") is None
    assert "a1" in cards and "nobody" not in cards
    failures: list[BaseException] = []
    done = threading.Event()

    def walk() -> None:
        try:
            while not done.is_set():
                assert all(card.id == product_id for product_id, card in cards.items())
                assert len(list(cards)) >= 50
        except BaseException as error:
            failures.append(error)

    reader = threading.Thread(target=walk)
    reader.start()
    for n in range(50):
        catalogue.upsert([replace(SHOE, id=f"b{n}", handle=f"b{n}")])
    done.set()
    reader.join()
    assert failures == []
    assert len(cards) == 100


def test_threads_that_write_and_read_agree(catalogue: Catalogue) -> None:
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for n in range(15):
                product = replace(BALO, id=f"{name}{n}", handle=f"{name}{n}", categories=(f"Loại {name} > {n}",))
                catalogue.upsert([product])
                assert catalogue.product(product.id) == product
                assert catalogue.page(limit=500).total > 0
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert catalogue.revision == len(catalogue) == 45


def test_categories_form_a_tree(catalogue: Catalogue, store: SqliteStore) -> None:
    catalogue.upsert([BALO])
    assert [(node.handle, node.name, node.parent_id) for node in catalogue.categories()] == [
        ("da", "Da", ""),
        ("tui", "Túi", ""),
        ("balo", "Balo", "cat_tui"),
    ]
    assert Catalogue(store).categories() == catalogue.categories()
    for text in ("BALÔ", "balo", "cat_balo", "túi > balo"):
        found = catalogue.category(text)
        assert found is not None
        assert found.handle == "balo"


_TEXTS = st.text(alphabet=st.characters() | st.sampled_from("abđĐ >'\"\x00\x1b\u202e%_*\n"), max_size=20)
_VARIANTS = st.lists(
    st.builds(
        Variant,
        id=st.sampled_from(["v1", "v2", "v3"]),
        title=_TEXTS,
        sku=_TEXTS,
        size=_TEXTS,
        color=_TEXTS,
        price=st.none() | st.integers(0, 2**53),
        stock=st.none() | st.integers(-5, 2**53),
    ),
    max_size=3,
    unique_by=lambda variant: variant.id,
).map(tuple)
_PRODUCTS = st.builds(
    Product,
    id=st.sampled_from(["p1", "p2", "p3", "p4"]),
    handle=_TEXTS,
    title=_TEXTS,
    title_en=_TEXTS,
    description=_TEXTS,
    categories=st.lists(_TEXTS, max_size=3).map(tuple),
    tags=st.lists(_TEXTS, max_size=3).map(tuple),
    collection=_TEXTS,
    attributes=st.dictionaries(_TEXTS, _TEXTS, max_size=2),
    currency=st.just("VND"),
    variants=_VARIANTS,
    thumbnail=_TEXTS,
    status=st.sampled_from(["published", "draft"]),
    created_at=st.floats(1, 1e10),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(_PRODUCTS, max_size=4), max_size=4))
def test_any_products_are_kept_as_normalised_and_memory_equals_disk(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Product]]
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("shop") / "catalogue.db", MIGRATIONS, quick_check=False)
    catalogue = Catalogue(store)
    expected: dict[str, Product] = {}
    for batch in batches:
        try:
            result = catalogue.upsert(batch)
        except HandleConflict:
            continue
        assert result.inserted + result.updated + result.unchanged == len(batch)
        expected |= {product.id: normalised(product) for product in batch}
        revision = catalogue.revision
        assert catalogue.upsert(list({p.id: p for p in batch}.values())).unchanged == len({p.id for p in batch})
        assert catalogue.revision == revision
    stored = {product.id: product for product in catalogue.iter_products()}
    for product_id, product in expected.items():
        assert replace(stored[product_id], categories=()) == replace(product, categories=())
        card = catalogue.card(product_id)
        assert card is not None
        assert (card.price, card.in_stock) == (product.price, product.in_stock)
        assert card.published == (product.status == "published")
    assert stored.keys() == expected.keys()
    again = Catalogue(store)
    assert dict(again.cards()) == dict(catalogue.cards())
    assert (again.revision, len(again)) == (catalogue.revision, len(catalogue))
    assert again.categories() == catalogue.categories()
    assert store.read().execute("pragma foreign_key_check").fetchall() == []
    with store.write() as db:
        db.execute("insert into products_fts (products_fts) values ('integrity-check')")
    store.close()


def test_a_store_that_loses_its_table_is_not_hidden(catalogue: Catalogue, store: SqliteStore) -> None:
    with store.write() as db:
        db.execute("drop table product_changes")
    with pytest.raises(sqlite3.OperationalError):
        catalogue.upsert([BALO])
    assert catalogue.card("p1") is None


def test_changes_of_one_product_at_once_are_all_kept(catalogue: Catalogue) -> None:
    catalogue.upsert([BALO])
    inside, second_started = threading.Event(), threading.Event()

    def first(former: Product) -> Product:
        inside.set()
        assert second_started.wait(20)
        return replace(former, title="Balo mới")

    def change_tags() -> None:
        second_started.set()
        catalogue.change("p1", lambda former: replace(former, tags=("mới",)))

    one = threading.Thread(target=catalogue.change, args=("p1", first))
    one.start()
    assert inside.wait(20)
    two = threading.Thread(target=change_tags)
    two.start()
    one.join(20)
    two.join(20)
    assert catalogue.product("p1") == replace(BALO, title="Balo mới", tags=("mới",))


def test_a_change_that_cannot_be_writes_nothing(catalogue: Catalogue) -> None:
    catalogue.upsert([BALO, SHOE])
    assert catalogue.change("p1", lambda former: former) == BALO
    with pytest.raises(NotFound):
        catalogue.change("p9", lambda former: former)
    with pytest.raises(HandleConflict):
        catalogue.change("p1", lambda former: replace(former, handle="giay"))
    with pytest.raises(Conflict):
        catalogue.change("p1", lambda former: replace(former, id="p8"))
    with pytest.raises(InvalidProduct):
        catalogue.change("p1", lambda former: replace(former, currency="dong"))
    assert (catalogue.revision, catalogue.product("p1")) == (1, BALO)
