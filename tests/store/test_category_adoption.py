"""Another system's category tree in the catalogue: adopted, renamed, moved, taken away, wherever it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from appliance.domain import Category, Product
from appliance.errors import NotFound
from appliance.store.catalogue import Catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

BAGS = Category(id="pcat_1", handle="bags", name="Túi")
PURSES = Category(id="pcat_2", handle="purses", name="Ví", parent_id="pcat_1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    yield opened
    opened.close()


@pytest.fixture
def catalogue(store: SqliteStore) -> Catalogue:
    return Catalogue(store)


def _put(catalogue: Catalogue, *categories: str, id: str = "p1") -> None:
    catalogue.upsert([Product(id=id, handle=id, title="Hàng", categories=categories)])


def _paths(catalogue: Catalogue, id: str = "p1") -> tuple[str, ...]:
    product = catalogue.product(id)
    assert product is not None
    return product.categories


def _handles(catalogue: Catalogue, id: str = "p1") -> tuple[str, ...]:
    card = catalogue.card(id)
    assert card is not None
    return card.categories


def _found(catalogue: Catalogue, query: str) -> list[str]:
    return [product.id for product in catalogue.page(query=query).items]


@pytest.mark.parametrize(
    ("own", "given", "paths", "handles"),
    [
        pytest.param("Túi", [BAGS], ("Túi",), ("bags",), id="the same name"),
        pytest.param("TÚI > VÍ", [BAGS, PURSES], ("Túi > Ví",), ("bags", "purses"), id="the same path, other capitals"),
        pytest.param(
            "Giỏ",
            [Category(id="pcat_1", handle="gio", name="Giỏ xách")],
            ("Giỏ xách",),
            ("gio",),
            id="the same handle",
        ),
        pytest.param("Túi > Balo", [BAGS], ("Túi > Balo",), ("bags", "balo"), id="a child of ours goes along"),
        pytest.param("Ví", [BAGS, PURSES], ("Ví",), ("vi",), id="another place is another category"),
    ],
)
def test_a_category_of_ours_becomes_the_foreign_one_with_its_products(
    catalogue: Catalogue, own: str, given: list[Category], paths: tuple[str, ...], handles: tuple[str, ...]
) -> None:
    _put(catalogue, own)
    catalogue.apply(categories=given)
    assert (_paths(catalogue), _handles(catalogue)) == (paths, handles)
    assert {one.id for one in given} <= {one.id for one in catalogue.categories()}


def test_two_of_ours_may_become_one(catalogue: Catalogue) -> None:
    _put(catalogue, "Túi", "Bags")
    catalogue.apply(categories=[BAGS])
    assert (_paths(catalogue), len(catalogue.categories())) == (("Túi",), 1)


def test_a_rename_reaches_cards_records_words_and_a_fresh_start(catalogue: Catalogue, store: SqliteStore) -> None:
    _put(catalogue, "Túi > Ví")
    catalogue.apply(categories=[BAGS, PURSES])
    renamed = Category(id="pcat_1", handle="baggage", name="Hành lý")
    before = catalogue.revision
    catalogue.apply(categories=[renamed, PURSES])
    assert catalogue.changes_since(before).changed == ("p1",)
    for one in (catalogue, Catalogue(store)):
        assert (_paths(one), _handles(one)) == (("Hành lý > Ví",), ("baggage", "purses"))
        assert (_found(one, "hanh ly"), _found(one, "tui")) == (["p1"], [])


def test_words_of_a_category_that_goes_by_its_id_are_found(catalogue: Catalogue) -> None:
    twins = [BAGS, Category(id="pcat_3", handle="other", name="TÚI")]
    catalogue.apply([Product(id="p1", handle="p1", title="Hàng", categories=("pcat_3",))], categories=twins)
    assert (_handles(catalogue), _found(catalogue, "tui")) == (("other",), ["p1"])
    catalogue.apply(categories=[BAGS, Category(id="pcat_3", handle="other", name="Rương")])
    assert (_found(catalogue, "ruong"), _found(catalogue, "tui")) == (["p1"], [])


def test_a_move_is_a_change_of_what_hangs_below(catalogue: Catalogue) -> None:
    catalogue.apply([Product(id="p1", handle="p1", title="x", categories=("Túi > Ví",))], categories=[BAGS, PURSES])
    catalogue.apply(categories=[BAGS, Category(id="pcat_2", handle="purses", name="Ví")])
    assert (_paths(catalogue), _handles(catalogue)) == (("Ví",), ("purses",))


def test_swapped_handles_and_turned_trees_are_written(catalogue: Catalogue) -> None:
    catalogue.apply(categories=[BAGS, PURSES])
    turned = [
        Category(id="pcat_2", handle="bags", name="Ví"),
        Category(id="pcat_1", handle="purses", name="Túi", parent_id="pcat_2"),
    ]
    catalogue.apply(categories=turned)
    assert sorted((one.id, one.handle, one.parent_id) for one in catalogue.categories()) == [
        ("pcat_1", "purses", "pcat_2"),
        ("pcat_2", "bags", ""),
    ]


def test_what_stood_below_a_deleted_one_becomes_a_root(catalogue: Catalogue) -> None:
    catalogue.apply(categories=[BAGS, PURSES])
    _put(catalogue, "Túi > Ví", "Túi")
    _put(catalogue, "Túi > Ba lô", id="p2")
    catalogue.apply(categories=[], gone_categories=["pcat_1"])
    assert (_paths(catalogue), _paths(catalogue, "p2")) == (("Ví",), ("Ba lô",))
    assert _found(catalogue, "tui") == []


def test_the_same_tree_again_changes_nothing(catalogue: Catalogue) -> None:
    _put(catalogue, "Túi")
    catalogue.apply(categories=[BAGS])
    before = catalogue.revision
    catalogue.apply(categories=[BAGS], gone_categories=["pcat_9"])
    assert catalogue.revision == before


def test_an_empty_category_is_there_without_a_new_revision(catalogue: Catalogue) -> None:
    catalogue.apply(categories=[BAGS])
    assert (catalogue.category("bags"), catalogue.revision) == (BAGS, 0)


def test_what_fails_inside_the_transaction_leaves_no_trace(catalogue: Catalogue, store: SqliteStore) -> None:
    _put(catalogue, "Túi")
    before = catalogue.revision

    def fails(db: Database) -> list[Product]:
        db.execute("update products set title = 'x'")
        raise NotFound("there is none")

    with pytest.raises(NotFound):
        catalogue.apply(fails, categories=[BAGS, PURSES])
    for one in (catalogue, Catalogue(store)):
        assert (one.revision, [node.name for node in one.categories()]) == (before, ["Túi"])
        assert one.category("purses") is None


def test_a_page_may_give_a_deleted_products_handle_away(catalogue: Catalogue) -> None:
    _put(catalogue)
    catalogue.apply([Product(id="p2", handle="p1", title="Mới")], deleted=["p1"])
    found = catalogue.resolve("p1")
    assert (found and found.id, catalogue.card("p1")) == ("p2", None)
