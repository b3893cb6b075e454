"""The catalogue agent in other shops: the demo's, a dollar shop, one without an index, one with a trained model."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from catalogue_shop import NOW, AgentShop, OpenShop, after

from appliance.agents.types import DialogueState, Mention, Outcome, ShownProduct
from appliance.domain import Product, Variant
from appliance.ops.demo.catalogue import generate_products
from appliance.recsys.training import train
from appliance.settings import Settings, Shop
from appliance.store.artifacts import ArtifactStore
from appliance.store.snapshot import InteractionArrays


@pytest.fixture(scope="module")
def demo_shop(tmp_path_factory: pytest.TempPathFactory) -> AgentShop:
    return AgentShop(tmp_path_factory.mktemp("demo"), searchable=True).stock(generate_products(7, NOW, 300))


def titles(outcome: Outcome) -> list[str]:
    return [product.title for product in outcome.products]


def bag(number: int, **values: object) -> Product:
    """Return a leather bag that the owner described in Vietnamese."""
    record: dict[str, object] = {
        "title": f"Túi xách Lan {number}",
        "description": "Túi đi làm. Da được thuộc thủ công, càng dùng càng mềm. Rộng 30 cm.",
        "categories": ("Túi xách",),
        "attributes": {"Chất liệu": "da bò", "Xuất xứ": "Hội An", "margin": "0.61", "Giá vốn": "120000"},
        "variants": (Variant(id=f"v{number}", color="Nâu", price=450_000, stock=3),),
    }
    return Product(id=f"bag-{number}", handle=f"bag-{number}", **{**record, **values})  # type: ignore[arg-type]


def test_demo_categories_and_words(demo_shop: AgentShop) -> None:
    mention = (Mention("category", "backpack", 0, 1),)
    found = demo_shop.ask("product_search", "balo laptop chống nước", category="backpack", mentions=mention)
    assert len(found.products) == 5
    assert titles(found)[0].startswith("Balo laptop")
    assert found.filters == {"category": "backpack", "product": "balo laptop chống nước"}


def test_demo_gender_leaves_out_the_others(demo_shop: AgentShop) -> None:
    found = demo_shop.ask("product_search", category="wallet", gender="men")
    assert found.products
    assert not [title for title in titles(found) if " nữ" in title]
    more = demo_shop.ask("product_search", category="wallet", gender="men", modifier="more", state=after(found))
    assert not set(titles(found)) & set(titles(more))


def test_demo_size_and_colour_are_really_there(demo_shop: AgentShop) -> None:
    found = demo_shop.ask("product_search", category="shoes", size="38", color="black")
    assert found.products
    for product in found.products:
        record = demo_shop.catalogue.product(product.product_id)
        assert record is not None
        assert any(one.size == "38" and one.color == "đen" and one.stock for one in record.variants)


def test_demo_price_differs_by_version(demo_shop: AgentShop) -> None:
    named = "bình nước thể thao tam đảo có ống hút"
    whole = demo_shop.ask("product_price", product=named)
    assert whole.parts[0].message == "price.range"
    one = demo_shop.ask("product_price", product=named, size="750ml")
    assert one.parts[0].message == "price.one"


def test_demo_description_is_quoted_in_the_readers_language(demo_shop: AgentShop) -> None:
    found = demo_shop.ask("product_info", product="bình nước thể thao tam đảo", attribute="care")
    assert found.parts[0].message == "info.quoted"
    assert "cọ rửa" in demo_shop.say(found)


def test_occasions_are_answered(demo_shop: AgentShop) -> None:
    found = demo_shop.ask("product_recommend", "mặc gì đi đám cưới")
    assert any("dự tiệc" in title for title in titles(found))


def test_a_budget_is_kept_and_kinds_are_mixed(demo_shop: AgentShop) -> None:
    found = demo_shop.ask("product_recommend", "quà tặng bạn thân dưới 300k", price_max=300_000)
    assert len(found.products) == 5
    assert all(product.price is not None and product.price <= 300_000 for product in found.products)
    cards = demo_shop.catalogue.cards()
    assert len({cards[product.product_id].categories[0] for product in found.products}) >= 4
    assert all(product.reason for product in found.products)


def test_attributes_with_vietnamese_names_and_none_that_is_internal(open_shop: OpenShop) -> None:
    shop = open_shop().stock([bag(1)])
    assert "da bò" in shop.say(shop.ask("product_info", product="túi lan", attribute="material"))
    assert "Hội An" in shop.say(shop.ask("product_info", product="túi lan", attribute="origin"))
    whole = shop.ask("product_info", product="túi lan")
    text = shop.say(whole)
    assert "0.61" not in text
    assert "120000" not in text
    assert set(whole.products[0].attributes) == {"Chất liệu", "Xuất xứ"}


def test_a_shop_in_dollars(open_shop: OpenShop) -> None:
    settings = Settings(shop=Shop(currency="USD"))
    product = bag(1, currency="USD", title_en="Lan handbag", variants=(Variant(id="v", price=4_550, stock=2),))
    shop = open_shop(settings=settings).stock(
        [product, bag(2, currency="USD", variants=(Variant(id="w", price=9_900),))]
    )
    found = shop.ask("product_search", category="bag", price_max=60, locale="en")
    assert titles(found) == ["Lan handbag"]
    assert "45.50" in shop.say(found, "en")
    many = shop.ask("product_price", product="lan handbag", quantity=3, locale="en")
    assert many.amounts == (13_650,)
    cheaper = shop.ask(
        "product_search", modifier="cheaper", state=DialogueState(shown=(ShownProduct("bag-2", "", 9_900),))
    )
    assert cheaper.products[0].product_id == "bag-1"


def test_without_an_index_the_cards_are_listed(open_shop: OpenShop) -> None:
    shop = open_shop(searchable=False).stock([bag(1), bag(2), bag(3, categories=("Ví",), title="Ví Lan")])
    assert titles(shop.ask("product_search", category="bag")) == ["Túi xách Lan 1", "Túi xách Lan 2"]
    assert shop.ask("product_price", product="ví lan").products[0].title == "Ví Lan"
    assert shop.ask("product_search", product="tủ lạnh").action == "answer"


def test_an_empty_shop_has_an_answer_to_everything(open_shop: OpenShop) -> None:
    shop = open_shop()
    for intent in sorted(shop.agent.intents):
        assert shop.say(shop.ask(intent, "áo thun", product="áo thun basic"))
        assert shop.say(shop.ask(intent))


def test_hidden_and_deleted_products_are_gone(open_shop: OpenShop) -> None:
    shop = open_shop().stock([bag(1), bag(2)])
    state = after(shop.ask("product_search", category="bag"))
    shop.catalogue.set_status(["bag-1"], "draft")
    shop.catalogue.delete(["bag-2"])
    for ref in (1, 2):
        for intent in ("product_price", "product_availability", "product_info", "order_place"):
            assert [part.message for part in shop.ask(intent, ref=ref, state=state).parts] == ["which.gone"]
    assert shop.ask("product_search", category="bag").products == ()


def test_everything_sold_out_is_said(open_shop: OpenShop) -> None:
    shop = open_shop().stock([bag(1, variants=(Variant(id="v", price=450_000, stock=0),))])
    found = shop.ask("product_search", category="bag")
    assert found.parts[0].message == "search.sold_out"
    assert titles(found) == ["Túi xách Lan 1"]


def test_a_price_changes_at_once(open_shop: OpenShop) -> None:
    shop = open_shop().stock([bag(1)])
    assert "450.000" in shop.say(shop.ask("product_price", product="túi xách lan 1"))
    shop.stock([bag(1, variants=(Variant(id="v1", color="Nâu", price=399_000, stock=3),))])
    assert "399.000" in shop.say(shop.ask("product_price", product="túi xách lan 1"))


def test_the_shops_own_size_chart_goes_first(open_shop: OpenShop) -> None:
    sizes = tuple(Variant(id=name, size=name, price=200_000, stock=1) for name in ("S", "M", "L"))
    chart = {"Bảng size": "S: 40-50kg, M: 51-60kg, L: 61-70kg"}
    shop = open_shop().stock([bag(1, title="Áo thun Lan", categories=("Áo thun",), attributes=chart, variants=sizes)])
    found = shop.ask("size_advice", product="áo thun lan", height_cm=160, weight_kg=50)
    assert [part.message for part in found.parts] == ["size.by_chart", "size.there"]
    assert found.parts[0].values["size"] == "S"


def test_a_trained_model_tells_what_is_similar(open_shop: OpenShop, tmp_path: Path) -> None:
    shop = open_shop().stock(generate_products(7, NOW, 60))
    snapshot, artifacts = tmp_path / "snapshot", ArtifactStore(tmp_path / "models", now=lambda: NOW)
    snapshot.mkdir()
    lines = [msgspec.json.encode(product) for product in shop.catalogue.iter_products()]
    (snapshot / "products.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    none = np.array([], np.int32)
    InteractionArrays(
        visitor=none,
        session=none,
        product=none,
        type=none.astype(np.int8),
        weight=none.astype(np.float32),
        occurred_at=none.astype(np.float64),
        visitors=[],
        sessions=[],
        product_ids=[],
    ).save(snapshot / "interactions.npz")
    scratch = artifacts.begin("recommender")
    info = train(snapshot, scratch, settings=Settings().recommender, now=lambda: NOW)
    artifacts.publish("recommender", scratch, msgspec.to_builtins(info))
    shop.recommender.load(artifacts.candidates("recommender")[0])
    first = next(card for card in shop.catalogue.cards().values() if card.in_stock)
    state = DialogueState(focus=ShownProduct(first.id, first.title, first.price))
    found = shop.ask("product_recommend", "có mẫu nào giống vậy không", ref="it", state=state)
    assert found.parts[0].message == "recommend.similar"
    assert first.title not in titles(found)
    assert all(product.reason for product in found.products)
