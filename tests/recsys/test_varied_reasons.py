"""The reasons of a shelf name different products while other true ones are left."""

from __future__ import annotations

from appliance.domain import ProductCard
from appliance.recsys.explain import MAX_MENTIONS, varied
from appliance.recsys.rules import Ranked


def _card(product_id: str) -> ProductCard:
    return ProductCard(product_id, product_id, product_id, "", None, "VND", True, (), (), 0.0)


def _item(name: str, *others: tuple[str, str], popularity: float = 0.0, source: str = "session") -> Ranked:
    return Ranked(_card(name), 1.0, {"session": 1.0, "popularity": popularity}, source, "last", others)


def test_a_product_is_named_twice_and_then_the_next_best_evidence() -> None:
    shelf = [_item(str(number), ("content", "earlier"), ("content", "first")) for number in range(6)]
    shown = varied(shelf, frozenset())
    assert [item.anchor for item in shown] == ["last"] * MAX_MENTIONS + ["earlier"] * MAX_MENTIONS + ["first"] * 2
    assert [item.source for item in shown[2:]] == ["content"] * 4
    assert [item.card.id for item in shown] == [item.card.id for item in shelf]


def test_demand_is_a_reason_where_no_other_product_is() -> None:
    shelf = [_item("a"), _item("b"), _item("c", popularity=0.9), _item("d", popularity=0.1)]
    shown = varied(shelf, frozenset())
    assert [(item.source, item.anchor) for item in shown[2:]] == [("popularity", ""), ("session", "last")]


def test_the_page_s_own_product_and_pins_stay_as_they_are() -> None:
    shelf = [_item(str(number), ("content", "earlier")) for number in range(4)]
    assert varied(shelf, frozenset({"last"})) == shelf
    pinned = [_item(str(number), popularity=1.0, source="pinned") for number in range(4)]
    assert [item.source for item in varied(pinned, frozenset())] == ["pinned"] * 4
