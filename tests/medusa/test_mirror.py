"""Writing what was read: a page a transaction, nothing twice, handles that move, and the owner's edits on top."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from fake_medusa import FakeMedusa
from fake_rows import DANANG, HANOI, REGION, category, price, price_list, product, simple, stock, variant
from synced_shop import T0, Clock, SyncedShop, WholeShop

from appliance.domain import Product
from appliance.medusa import records
from appliance.medusa.pull import COPY
from appliance.medusa.shop_view import ShopView
from appliance.search.types import SearchQuery
from appliance.store.outbox import Edit, add_edits, settle_edit

FIRST = "prod_0001"


def _handles(shop: SyncedShop) -> dict[str, str]:
    return {id_: card.handle for id_, card in shop.runtime.catalogue.cards().items()}


def _found(shop: SyncedShop | WholeShop, text: str) -> set[str]:
    return {product.id for product in shop.runtime.catalogue.page(query=text).items}


def test_a_page_is_written_whole_or_not_at_all(shop: SyncedShop, fake: FakeMedusa) -> None:
    for number in range(4, 301):
        made, pieces = simple(number, amount=13 if number == 200 else 5)
        fake.put("products", made)
        fake.put("inventory_items", pieces)
    with shop.runtime.store.write() as db:
        db.execute(
            "create trigger breaks before insert on prices when new.amount = 13"
            " begin select raise(abort, 'the disk is gone'); end"
        )
    with pytest.raises(Exception, match="the disk is gone"):
        shop.pull("full")
    state = shop.medusa.mirror.repository
    assert (len(state.ids("product")), len(shop.runtime.catalogue)) == (150, 150)
    place = shop.runtime.store.read().execute("select value from sync_state where key = ?", [COPY]).fetchone()[0]
    assert '"prod_0150"' in place
    with shop.runtime.store.write() as db:
        db.execute("drop trigger breaks")
    fake.seen.clear()
    assert shop.pull("full")["read"]["product"] == 150
    assert len(shop.runtime.catalogue) == 300


def test_what_is_the_same_is_not_written_again(shop: SyncedShop, fake: FakeMedusa) -> None:
    shop.pull("full")
    before = shop.runtime.catalogue.revision
    for mode in ("full", "now", "changes", "stock", "sweep"):
        assert not shop.pull(mode)["changed"], mode  # type: ignore[arg-type]
    assert shop.runtime.catalogue.revision == before


def test_handles_may_be_swapped_passed_on_and_used_again(shop: SyncedShop, fake: FakeMedusa) -> None:
    shop.pull("full")
    fake.touch("products", "prod_0001", handle="prod-0002")
    fake.touch("products", "prod_0002", handle="prod-0001")
    shop.pull("changes")
    assert _handles(shop) == {"prod_0001": "prod-0002", "prod_0002": "prod-0001", "prod_0003": "prod-0003"}
    fake.drop("products", "prod_0001")
    made, pieces = simple(9, handle="prod-0002")
    fake.put("products", made | {"updated_at": fake.stamp()})
    fake.put("inventory_items", pieces)
    shop.pull("changes")
    assert _handles(shop) == {"prod_0002": "prod-0001", "prod_0003": "prod-0003", "prod_0009": "prod-0002"}


def test_a_handle_that_another_page_has_still_is_taken_from_it_until_that_is_read(
    shop: SyncedShop, fake: FakeMedusa
) -> None:
    shop.pull("full")
    read = {one.id: one for one in shop.medusa.reader.products(["prod_0001", "prod_0002"])}
    swapped = [
        records.Product(
            **{name: getattr(read[id_], name) for name in records.Product.__struct_fields__} | {"handle": to}
        )
        for id_, to in (("prod_0001", "prod-0002"), ("prod_0002", "prod-0001"))
    ]
    shop.medusa.mirror.write_products(swapped[:1])
    assert _handles(shop) == {"prod_0001": "prod-0002", "prod_0002": "prod_0002", "prod_0003": "prod-0003"}
    shop.medusa.mirror.write_products(swapped[1:])
    assert _handles(shop)["prod_0002"] == "prod-0001"


def test_a_local_product_steps_aside(shop: SyncedShop, fake: FakeMedusa) -> None:
    shop.runtime.catalogue.upsert([Product(id="mine", handle="prod-0001", title="Hàng của tôi")])
    assert not shop.pull("full")["refused"]
    assert _handles(shop)["mine"] == "mine" and _handles(shop)[FIRST] == "prod-0001"


def test_what_cannot_be_kept_is_reported_and_the_rest_written(shop: SyncedShop, fake: FakeMedusa) -> None:
    fake.put("products", product("prod_0000", variant("variant_x", price(1e17))), product("prod 77"))
    report = shop.pull("full")
    assert sorted(line.partition(":")[0] for line in report["refused"]) == ["prod 77", "prod_0000"]
    assert set(_handles(shop)) == {"prod_0001", "prod_0002", "prod_0003"}
    fake.touch("products", "prod_0000", variants=[variant("variant_x", price(5))])
    shop.pull("changes")
    assert shop.card("prod_0000").price == 5


def test_a_category_reaches_products_words_and_facets(whole_shop: WholeShop, fake: FakeMedusa) -> None:
    shop = whole_shop
    shop.pull("full")
    fake.put("product_categories", category("pcat_tui", "Hành lý") | {"handle": "hanh-ly"})
    shop.pull("changes")
    assert shop.card(FIRST).categories == ("hanh-ly",)
    assert (_found(shop, "hanh ly"), _found(shop, "tui")) == ({"prod_0001", "prod_0002", "prod_0003"}, set())
    facets = shop.runtime.search.search(SearchQuery(q="", category="hanh-ly")).facets.categories
    assert [(value.value, value.label, value.count) for value in facets] == [("hanh-ly", "Hành lý", 3)]

    fake.put("product_categories", category("pcat_tui", "Hành lý", "pcat_moi"), category("pcat_moi", "Mới"))
    shop.pull("changes")
    assert shop.card(FIRST).categories == ("h-pcat_moi", "h-pcat_tui")

    fake.rows["product_categories"]["pcat_moi"] |= {"is_active": False}
    shop.pull("changes")
    assert shop.card(FIRST).categories == ()
    assert _found(shop, "hanh ly") == set()

    fake.drop("product_categories", "pcat_moi", "pcat_tui", "pcat_xach")
    shop.pull("changes")
    assert shop.runtime.catalogue.categories() == []


def test_local_categories_are_adopted_with_their_products(shop: SyncedShop, fake: FakeMedusa) -> None:
    shop.runtime.catalogue.upsert([Product(id="mine", handle="mine", title="x", categories=("túi > Của tôi",))])
    shop.pull("full")
    assert shop.card("mine").categories == ("h-pcat_tui", "cua-toi")


class Killed(Exception):
    """Stands for a process that ends here."""


def _restock(fake: FakeMedusa) -> None:
    fake.put("inventory_items", stock("iitem_variant_0001", sloc_hn=0))


def _open(fake: FakeMedusa) -> None:
    fake.put("product_categories", category("pcat_moi", "Mới"))


def _reduce(fake: FakeMedusa) -> None:
    fake.put("price_lists", price_list("plist_1", price(7, variant_id="variant_0001")))


def _retype(fake: FakeMedusa) -> None:
    fake.put("product_types", {"id": "ptyp_1", "value": "Giày"})


def _recollect(fake: FakeMedusa) -> None:
    fake.put("collections", {"id": "pcol_1", "title": "Hè", "handle": "he"})


def _product(shop: SyncedShop) -> Product:
    found = shop.runtime.catalogue.product(FIRST)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("change", "look", "wanted"),
    [
        (_restock, lambda shop: shop.card(FIRST).in_stock, False),
        (_open, lambda shop: _product(shop).categories, ("Mới", "Túi")),
        (_reduce, lambda shop: shop.card(FIRST).price, 7),
        (_retype, lambda shop: _product(shop).attributes, {"type": "Giày"}),
        (_recollect, lambda shop: _product(shop).collection, "Hè"),
    ],
)
def test_products_left_as_they_were_by_a_kill_are_shown_anew_later(
    shop: SyncedShop,
    fake: FakeMedusa,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[FakeMedusa], None],
    look: Callable[[SyncedShop], Any],
    wanted: Any,
) -> None:
    fake.put("product_categories", category("pcat_moi", "Mới", is_active=False))
    given = {"type_id": "ptyp_1", "collection_id": "pcol_1", "categories": [{"id": "pcat_tui"}, {"id": "pcat_moi"}]}
    fake.rows["products"][FIRST] |= given
    shop.pull("full")
    change(fake)

    def dies(product_ids: list[str]) -> None:
        if product_ids:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shop.medusa.mirror, "reproject", dies)
        with pytest.raises(Killed):
            # Its products hang on what is written in the transaction before.
            shop.pull("now")
    assert look(shop) != wanted
    shop.reopen()
    shop.pull("events")
    assert look(shop) == wanted


def test_a_failed_showing_is_not_forgotten_by_the_next_change(
    shop: SyncedShop, fake: FakeMedusa, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.pull("full")
    mirror, real = shop.medusa.mirror, shop.medusa.mirror.reproject
    item = shop.medusa.reader.inventory_items
    _restock(fake)
    with monkeypatch.context() as patch:
        patch.setattr(mirror, "reproject", lambda _ids: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            mirror.write_items({one.id: one for one in item(["iitem_variant_0001"])})
        fake.put("inventory_items", stock("iitem_variant_0002", sloc_hn=0))
        patch.setattr(mirror, "reproject", real)
        mirror.write_items({one.id: one for one in item(["iitem_variant_0002"])})
    assert (shop.card("prod_0001").in_stock, shop.card("prod_0002").in_stock) == (True, False)
    mirror.finish()
    assert shop.card("prod_0001").in_stock is False


def _edit(shop: SyncedShop, edit: Edit) -> None:
    with shop.runtime.store.write() as db:
        add_edits(db, [edit], T0)


@pytest.mark.parametrize(
    ("field", "part", "value", "look", "theirs", "mine"),
    [
        ("price", "VND", "90000", lambda one: one.variants[0].price, 100_000, 90_000),
        ("stock", HANOI, 0, lambda one: one.variants[0].stock, 5, 0),
        ("stock", DANANG, 2, lambda one: one.variants[0].stock, 5, 7),
        ("title", "", "Tên mới", lambda one: one.title, "Hàng prod_0001", "Tên mới"),
        ("status", "", "draft", lambda one: one.status, "published", "draft"),
        ("tags", "", ["hè"], lambda one: one.tags, (), ("hè",)),
        ("categories", "", ["pcat_xach"], lambda one: one.categories, ("Túi",), ("Túi > Túi xách",)),
        ("metadata", "title_en", "Bag", lambda one: one.title_en, "", "Bag"),
    ],
)
def test_an_edit_that_waits_lies_over_what_medusa_has(
    shop: SyncedShop,
    fake: FakeMedusa,
    field: Any,
    part: str,
    value: Any,
    look: Callable[[Product], Any],
    theirs: Any,
    mine: Any,
) -> None:
    shop.pull("full")
    assert look(_product(shop)) == theirs
    _edit(shop, Edit(id="e1", field=field, product_id=FIRST, variant_id="variant_0001", part=part, value=value))
    for mode in ("full", "now"):
        # Something else of it changes meanwhile.
        fake.touch("products", FIRST, material=mode)
        shop.pull(mode)  # type: ignore[arg-type]
        assert (look(_product(shop)), _product(shop).attributes["material"]) == (mine, mode)
    with shop.runtime.store.write() as db:
        settle_edit(db, "e1", "conflict", "", T0)
    shop.pull("full")
    assert look(_product(shop)) == theirs


def test_price_lists_begin_and_end_by_the_clock_alone(shop: SyncedShop, fake: FakeMedusa, clock: Clock) -> None:
    span = {"starts_at": fake.stamp(T0 + 100), "ends_at": fake.stamp(T0 + 200)}
    fake.put("price_lists", price_list("plist_1", price(7, variant_id="variant_0001"), **span))
    seen = []
    shop.pull("full")
    for at in (0, 99, 101, 199, 201):
        clock.at = T0 + at
        shop.pull("events")
        seen.append(shop.card(FIRST).price)
    assert seen == [100_000, 100_000, 7, 7, 100_000]


@pytest.mark.parametrize("meanwhile", ["restart", "another change"])
def test_a_list_that_began_is_noticed_whatever_else_happened(
    shop: SyncedShop, fake: FakeMedusa, clock: Clock, meanwhile: str
) -> None:
    began = {"starts_at": fake.stamp(T0 + 100)}
    fake.put("price_lists", price_list("plist_1", price(7, variant_id="variant_0001"), **began))
    shop.pull("full")
    clock.at = T0 + 101
    if meanwhile == "restart":
        shop.reopen()
    else:
        # The facts are gathered anew for this, and no product hangs on it.
        shop.medusa.mirror.write_all(records.Tag, [records.Tag(id="ptag_1", value="hè")])
        shop.medusa.mirror.facts()
    shop.pull("events")
    assert shop.card(FIRST).price == 7


def test_another_region_channel_or_currency_shows_every_product_anew(shop: SyncedShop, fake: FakeMedusa) -> None:
    regional = [price(120_000), price(110_000, rules={"region_id": REGION}), price(4.5, "usd")]
    fake.rows["products"][FIRST]["variants"][0]["prices"] = regional
    fake.rows["products"]["prod_0002"]["sales_channels"] = []
    shop.pull("full")
    assert shop.card(FIRST).price == 110_000
    shop.reopen(region="reg_us")
    shop.pull("changes")
    assert shop.card(FIRST).price == 120_000
    shop.reopen(region="", publishable_key="pk_web")
    shop.pull("changes")
    assert (shop.card(FIRST).price, shop.card("prod_0002").published) == (110_000, False)
    fake.rows["api_keys"]["apk_1"]["sales_channels"] = []
    shop.pull("changes")
    assert len(shop.runtime.catalogue) == 0
    shop.reopen(publishable_key="")
    shop.pull("changes")
    assert len(shop.runtime.catalogue) == 3


def test_facts_gathered_while_the_shop_changes_do_not_stay(
    shop: SyncedShop, fake: FakeMedusa, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.pull("full")
    mirror, gathering, go = shop.medusa.mirror, threading.Event(), threading.Event()
    real = ShopView.facts

    def slow(view: ShopView) -> Any:
        found = real(view)
        if threading.current_thread() is reader:
            gathering.set()
            go.wait(10)
            view._facts = found
        return found

    monkeypatch.setattr(ShopView, "facts", slow)
    reader = threading.Thread(target=mirror.facts)
    writer = threading.Thread(target=lambda: mirror.write_categories([records.Category(**row) for row in [_renamed()]]))
    reader.start()
    assert gathering.wait(10)
    writer.start()
    writer.join(0.2)
    go.set()
    reader.join(10)
    writer.join(10)
    assert mirror.facts().categories == {"pcat_tui": "Hành lý"}


def _renamed() -> dict[str, Any]:
    return category("pcat_tui", "Hành lý")
