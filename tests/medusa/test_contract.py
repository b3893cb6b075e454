"""Every call against answers recorded from a real Medusa: what is asked, and what is made of the answer."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest
from contract import FOLDER, READING, WRITING, Exchange, Facts, Playing, Shop, load_facts, settings
from talking import talk

from appliance.medusa import records
from appliance.medusa.client import MedusaClient
from appliance.medusa.faults import MedusaChanged, MedusaRefused
from appliance.medusa.merging import membership_of, price_fingerprint
from appliance.medusa.reading import ProductsRead, Reader, moment
from appliance.medusa.writing import Writer

STAGES = {
    "pending": ("pending", "authorized", "not_fulfilled"),
    "captured": ("pending", "captured", "not_fulfilled"),
    "packed": ("pending", "captured", "fulfilled"),
    "shipped": ("pending", "captured", "shipped"),
    "delivered": ("pending", "captured", "delivered"),
    "completed": ("completed", "captured", "delivered"),
    "canceled": ("canceled", "canceled", "not_fulfilled"),
    "partly_shipped": ("pending", "captured", "partially_shipped"),
    "archived": ("archived", "captured", "delivered"),
}


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load_facts()


def played(name: str, facts: Facts) -> Any:
    """Return what a call makes of its recording, which it must use up."""
    playing = Playing(name)
    client = MedusaClient(settings(), transport=playing)
    try:
        return {**READING, **WRITING}[name](Shop(client, facts))
    finally:
        assert playing.left == []
        client.close()


@pytest.fixture(scope="module")
def edges(facts: Facts) -> dict[str, records.Product]:
    read: ProductsRead = played("read_products", facts)
    return {product.handle.removeprefix("edge-"): product for product in read.products}


def _exchanges(name: str) -> list[Exchange]:
    return [msgspec.json.decode(line, type=Exchange) for line in (FOLDER / f"{name}.jsonl").read_bytes().splitlines()]


@pytest.mark.parametrize("name", [name for name in {**READING, **WRITING} if not name.endswith("_unknown")])
def test_every_call_asks_what_was_recorded_and_understands_the_answer(name: str, facts: Facts) -> None:
    assert played(name, facts)


def test_nothing_secret_is_recorded() -> None:
    text = b"".join(file.read_bytes() for file in FOLDER.iterdir())
    assert b"sk_" not in text
    assert b"eyJ" not in text


class TestProducts:
    """The trap products, field by field."""

    def test_all_come_and_the_unknown_one_is_gone(self, facts: Facts) -> None:
        read: ProductsRead = played("read_products", facts)
        assert [product.id for product in read.products] == list(facts.edges.values())
        assert len(read.products) == 25
        assert (read.gone, read.unread) == (("prod_none",), ())

    def test_statuses(self, edges: dict[str, records.Product]) -> None:
        statuses = {name: edges[name].status for name in ("ban-nhap", "cho-duyet", "unicode")}
        assert statuses == {"ban-nhap": "draft", "cho-duyet": "proposed", "unicode": "published"}

    def test_prices_are_exact_and_tell_when_they_hold(self, edges: dict[str, records.Product], facts: Facts) -> None:
        regional = [
            (price.currency_code, price.amount, price.rules) for price in edges["gia-theo-vung"].variants[0].prices
        ]
        assert regional[0][0] == "usd"
        assert sorted(regional[1:], key=lambda row: row[1]) == [
            ("vnd", 110_000, {"region_id": facts.region_vn_id}),
            ("vnd", 120_000, {}),
        ]
        by_count = [
            (price.amount, price.min_quantity, price.max_quantity)
            for price in edges["gia-si"].variants[0].prices
            if price.currency_code == "vnd"
        ]
        assert by_count == [(100_000, None, None), (90_000, 10, 49), (80_000, 50, None)]
        assert {price.currency_code for price in edges["khong-gia-vnd"].variants[0].prices} == {"usd"}
        assert edges["khong-gia"].variants[0].prices == ()
        assert edges["gia-rat-lon"].variants[0].prices[-1].amount == Decimal(2_500_000_000)
        assert any(price.amount == 0 for price in edges["gia-khong-dong"].variants[0].prices)
        cents = [price.amount for product in edges.values() for row in product.variants for price in row.prices]
        assert any(amount != int(amount) and amount == round(amount, 2) for amount in cents)

    def test_what_a_product_belongs_to(self, edges: dict[str, records.Product], facts: Facts) -> None:
        assert edges["hai-danh-muc"].categories == tuple(facts.category_ids)
        assert len(facts.category_ids) == 2
        lonely = edges["khong-danh-muc"]
        assert (lonely.categories, lonely.tags, lonely.type_id, lonely.description) == ((), (), None, None)
        assert edges["ngoai-kenh"].sales_channels == ()
        assert edges["unicode"].sales_channels == (facts.sales_channel_id,)
        assert all(product.images for product in edges.values())

    def test_variants_and_stock_links(self, edges: dict[str, records.Product]) -> None:
        assert edges["khong-bien-the"].variants == ()
        assert len(edges["nhieu-bien-the"].variants) == 24
        assert [link.required_quantity for link in edges["bo-doi"].variants[0].inventory_items] == [2]
        unmanaged = edges["khong-quan-ly-kho"].variants[0]
        assert (unmanaged.manage_inventory, unmanaged.inventory_items) == (False, ())
        assert edges["dat-truoc"].variants[0].allow_backorder
        assert all(value.option and value.option.title for value in edges["nhieu-bien-the"].variants[0].options)

    def test_texts_come_as_they_are(self, edges: dict[str, records.Product]) -> None:
        assert len(edges["mo-ta-dai"].description or "") == 450 * 46
        assert "<" in (edges["unicode"].title + (edges["unicode"].description or ""))
        numbered = {product.external_id: product.handle for product in edges.values() if product.external_id}
        assert numbered and all(number == f"ERP-{handle}" for number, handle in numbered.items())
        assert edges["gia-le"].metadata == {"edge": "gia-le"}

    def test_equal_states_give_equal_records_in_whatever_order_they_come(
        self, edges: dict[str, records.Product], facts: Facts
    ) -> None:
        def shuffled(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: shuffled(inner) for name, inner in sorted(value.items(), reverse=True)}
            if isinstance(value, list):
                inner = [shuffled(item) for item in value]
                random.Random(len(inner)).shuffle(inner)
                return inner
            return value

        answers = iter(_exchanges("read_products"))

        def answer(_: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json=shuffled(msgspec.json.decode(next(answers).answer)))

        found = Reader(talk(answer)).read_products(list(facts.edges.values())).products
        assert list(found) == list(edges.values())

    def test_sweeps_agree_with_what_is_mirrored(self, edges: dict[str, records.Product], facts: Facts) -> None:
        prices, belongings = played("price_fingerprints", facts), played("memberships", facts)
        ids = {row.id for row in played("product_ids", facts)}
        assert set(prices) == set(belongings) == ids
        for product in edges.values():
            assert prices[product.id] == price_fingerprint(product.variants)
            assert belongings[product.id] == membership_of(product)

    def test_a_changed_price_changes_the_fingerprint(self, edges: dict[str, records.Product]) -> None:
        seen = set()
        for price in (
            {"amount": Decimal(1)},
            {"amount": Decimal(2)},
            {"amount": Decimal(1), "min_quantity": Decimal(2)},
            {"amount": Decimal(1), "rules": {"region_id": "reg_1"}},
            {"amount": Decimal(1), "id": "price_2"},
        ):
            row = records.Price(**({"id": "price_1", "currency_code": "vnd"} | price))
            variant = msgspec.structs.replace(edges["gia-le"].variants[0], prices=(row,))
            seen.add(price_fingerprint([variant]))
        assert len(seen) == 5

    @pytest.mark.parametrize(
        ("call", "cut", "named"),
        [
            (0, "handle", r"`handle` - at `\$\.products\[0\]`"),
            (0, "variants", r"`variants` - at `\$\.products\[0\]`"),
            (0, "prices", r"`prices` - at `\$\.products\[\d+\]\.variants\[0\]`"),
            (0, "rules", r"`rules` - at `\$\.products\[\d+\]\.variants\[0\]\.prices\[0\]`"),
            (1, "categories", r"`categories` - at `\$\.products\[0\]`"),
            (1, "sales_channels", r"`sales_channels` - at `\$\.products\[0\]`"),
        ],
    )
    def test_a_field_that_medusa_no_longer_sends_is_named(self, call: int, cut: str, named: str, facts: Facts) -> None:
        def without(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: without(inner) for name, inner in value.items() if name != cut}
            return [without(inner) for inner in value] if isinstance(value, list) else value

        bodies = [msgspec.json.decode(exchange.answer) for exchange in _exchanges("read_products")]
        bodies[call] = without(bodies[call])
        left = iter(bodies)
        reader = Reader(talk(lambda _: httpx.Response(200, json=next(left))))
        with pytest.raises(MedusaChanged, match=named):
            reader.read_products(list(facts.edges.values()))


class TestTornReads:
    """A product that only one of the two calls shows is neither used nor taken for gone."""

    def _reader(self, facts: Facts, torn: int) -> tuple[Reader, list[int]]:
        bodies = [msgspec.json.decode(exchange.answer) for exchange in _exchanges("read_products")]
        asked = [0]

        def answer(request: httpx.Request) -> httpx.Response:
            ids = request.url.params.get_list("id[]")
            body = bodies[0] if "variants" in request.url.params["fields"] else bodies[1]
            rows = [row for row in body["products"] if row["id"] in ids]
            if asked[0] // 2 < torn and body is bodies[1]:
                rows = [row for row in rows if row["id"] != facts.edges["edge-gia-le"]]
            asked[0] += 1
            return httpx.Response(200, json={"products": rows, "count": len(rows)})

        return Reader(talk(answer)), asked

    def test_it_is_told_as_unread(self, facts: Facts) -> None:
        reader, _ = self._reader(facts, 1)
        read = reader.read_products([*facts.edges.values(), "prod_none"])
        assert read.unread == (facts.edges["edge-gia-le"],)
        assert read.gone == ("prod_none",)
        assert len(read.products) == 24

    def test_it_is_read_again(self, facts: Facts) -> None:
        reader, asked = self._reader(facts, 2)
        assert len(reader.products(list(facts.edges.values()))) == 25
        assert asked == [6]

    def test_what_stays_torn_is_left_out(self, facts: Facts) -> None:
        reader, asked = self._reader(facts, 99)
        assert len(reader.products(list(facts.edges.values()))) == 24
        assert asked == [6]


class TestChanges:
    """What changed since a time, and whether Medusa understood the question."""

    def test_times_are_asked_for_as_medusa_reads_them(self) -> None:
        at = datetime(2026, 11, 22, 17, 51, 45, 838_999, tzinfo=UTC)
        assert moment(at) == "2026-11-22T17:51:45.838Z"
        assert moment(at.astimezone(timezone(timedelta(hours=7)))) == "2026-11-22T17:51:45.838Z"
        assert moment(at.replace(microsecond=0)) == "2026-11-22T17:51:45.000Z"
        with pytest.raises(ValueError, match="zone"):
            moment(at.replace(tzinfo=None))

    def test_rows_come_with_their_time(self, facts: Facts) -> None:
        rows = played("changed_products", facts)
        assert min(row.updated_at for row in rows) == facts.since
        assert all(row.deleted_at is None for row in rows)
        assert all(row.product_id for row in played("changed_variants", facts))

    @pytest.mark.parametrize("name", ["changed_products", "changed_variants", "changed_orders", "changed_customers"])
    def test_a_filter_that_was_left_out_is_noticed(self, name: str) -> None:
        (exchange,) = _exchanges(name)
        reader = Reader(talk(lambda _: httpx.Response(200, content=bytes(exchange.answer))))
        with pytest.raises(MedusaChanged, match="older"):
            getattr(reader, name)(datetime(2030, 1, 1, tzinfo=UTC))


class TestOrders:
    """Orders in all stages."""

    def test_statuses_are_right_in_all_stages(self, facts: Facts) -> None:
        orders = {order.id: order for order in played("order_pages", facts)}
        assert set(facts.stages) == set(STAGES)
        for stage, ids in facts.stages.items():
            assert len(ids) == 2
            for order in (orders[id] for id in ids):
                assert (order.status, order.payment_status, order.fulfillment_status) == STAGES[stage]
                assert (order.canceled_at is not None) == (stage == "canceled")
                assert bool(order.fulfillments) == (order.fulfillment_status != "not_fulfilled")

    def test_lines_are_whole(self, facts: Facts) -> None:
        for order in played("order_pages", facts):
            assert order.items
            assert order.currency_code == "vnd"
            assert order.email
            assert order.shipping_address and order.shipping_address.phone
            for item in order.items:
                assert item.product_id and item.variant_id and item.quantity > 0 and item.total > 0
                assert item.detail is not None

    def test_two_of_three_exist(self, facts: Facts) -> None:
        orders = played("orders", facts)
        assert sorted(order.id for order in orders) == sorted(
            [facts.stages["partly_shipped"][0], facts.stages["pending"][0]]
        )
        assert [order.fulfillment_status for order in orders if order.id == facts.stages["partly_shipped"][0]] == [
            "partially_shipped"
        ]


class TestShop:
    """The shop's own lists."""

    def test_categories_form_a_tree(self, facts: Facts) -> None:
        rows = {row.id: row for row in played("categories", facts)}
        assert len(rows) == 24
        assert {row.parent_category_id for row in rows.values()} - set(rows) == {None}
        assert [sum(getattr(row, name) for row in rows.values()) for name in ("is_active", "is_internal")] == [23, 1]

    def test_a_sale_names_its_variant(self, facts: Facts, edges: dict[str, records.Product]) -> None:
        (sale,) = played("price_lists", facts)
        assert (sale.type, sale.status, sale.rules) == ("sale", "active", {})
        assert [(price.amount, price.variant_id) for price in sale.prices] == [
            (299_000, edges["giam-gia"].variants[0].id)
        ]

    def test_stock_lies_at_its_places(self, facts: Facts) -> None:
        double, two = played("inventory_items", facts)
        assert {level.location_id: level.stocked_quantity for level in double.location_levels} == {
            facts.stock_location_id: 9
        }
        assert {level.location_id: level.stocked_quantity for level in two.location_levels} == {
            facts.stock_location_id: 7,
            facts.second_stock_location_id: 5,
        }
        everything = {item.id: item for item in played("inventory_pages", facts)}
        assert everything[double.id] == double
        assert everything[facts.unstocked_item_id].location_levels == ()

    def test_customers_come_without_persons(self, facts: Facts) -> None:
        text = (FOLDER / "customer_pages.jsonl").read_text() + (FOLDER / "customers.jsonl").read_text()
        for field in ("email", "phone", "first_name", "last_name", "addresses"):
            assert field not in text
        rows = played("customer_pages", facts)
        assert [row.has_account for row in rows].count(False) == 2
        assert any(row.groups for row in rows)

    def test_the_store_and_its_key(self, facts: Facts) -> None:
        store = played("store", facts)
        assert [(row.currency_code, row.is_default) for row in store.supported_currencies] == [
            ("usd", False),
            ("vnd", True),
        ]
        assert store.default_region_id == facts.region_vn_id
        assert played("publishable_key_channels", facts) == (facts.sales_channel_id,)
        assert [(row.currency_code, row.countries[0].iso_2) for row in played("regions", facts)] == [
            ("usd", "us"),
            ("vnd", "vn"),
        ]


class TestWriting:
    """What Medusa has after each write."""

    def test_prices_are_replaced_and_repeating_changes_ids_only(self, facts: Facts) -> None:
        first, second = played("set_prices", facts)
        for prices in (first, second):
            assert [(row.amount, row.min_quantity, row.rules) for row in prices if row.min_quantity or row.rules] == [
                (110_000, None, {"region_id": facts.region_vn_id}),
                (Decimal("99999.5"), 10, {}),
            ]
            assert [row.currency_code for row in prices] == ["usd", "vnd", "vnd", "vnd"]
        assert not {row.id for row in first} & {row.id for row in second}

    def test_prices_of_an_unknown_variant_are_refused_though_medusa_says_yes(self, facts: Facts) -> None:
        with pytest.raises(MedusaRefused, match="no such variant") as caught:
            played("set_prices_unknown", facts)
        assert caught.value.status == 404

    def test_stock_is_set_where_there_was_none(self, facts: Facts) -> None:
        levels = played("set_stock", facts)
        assert [level.stocked_quantity for level in levels] == [5, 5, 3]
        assert len({level.id for level in levels}) == 1
        with pytest.raises(MedusaRefused):
            played("set_stock_unknown", facts)

    def test_tags_categories_and_metadata(self, facts: Facts) -> None:
        assert played("set_tags", facts) == [("mới về", "unisex"), ()]
        assert played("set_categories", facts) == [tuple(facts.category_ids), ()]
        assert played("set_metadata", facts) == [
            {"edge": "gia-theo-vung", "gợi ý": ["prod_1"]},
            {"edge": "gia-theo-vung"},
        ]

    def test_a_product_is_updated_or_unknown(self, facts: Facts) -> None:
        changed = played("update_product", facts)
        assert changed.id == facts.edges["edge-gia-theo-vung"]
        assert changed.updated_at > facts.since
        with pytest.raises(MedusaRefused) as caught:
            played("update_product_unknown", facts)
        assert (caught.value.status, caught.value.type) == (404, "not_found")

    def test_a_tag_that_another_made_meanwhile_is_found(self) -> None:
        answers = iter(
            [
                httpx.Response(200, json={"product_tags": [], "count": 0}),
                httpx.Response(400, json={"type": "invalid_data", "message": "already exists"}),
                httpx.Response(200, json={"product_tags": [{"id": "ptag_1", "value": "mới"}], "count": 1}),
            ]
        )
        assert Writer(talk(lambda _: next(answers))).tag_id("mới") == "ptag_1"
