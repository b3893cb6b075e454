"""The owner's rules: what is pinned stands at its place, what is excluded never appears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import ProductCard, Rule
from appliance.recsys.rules import Ranked, active, arrange, matches, spoken_of

CATEGORIES = ("bags", "shoes")
TAGS = ("Đỏ", "new")


def _card(number: int) -> ProductCard:
    tags = (TAGS[number % 2],) if number % 3 else ()
    return ProductCard(
        f"p{number}", f"h{number}", f"Product {number}", "", 1, "VND", True, (CATEGORIES[number % 2],), tags, 0.0
    )


CARDS = {card.id: card for card in map(_card, range(30))}
RANKED = [Ranked(card, 1.0 - place / 30, {}, "content") for place, card in enumerate(CARDS.values()) if place < 20]


def _rule(action: str, value: str, target: str = "product", **more: object) -> Rule:
    return Rule(id=f"{action}-{value}", action=action, target=target, value=value, **more)  # type: ignore[arg-type]


def _ids(rules: list[Rule], limit: int = 10) -> list[str]:
    return [item.card.id for item in arrange(RANKED, rules, CARDS.get, limit)]


def test_without_rules_the_list_is_cut_only() -> None:
    assert _ids([], 3) == ["p0", "p1", "p2"]


@pytest.mark.parametrize("position", [1, 3, 10])
def test_a_pinned_product_stands_at_its_place(position: int) -> None:
    assert _ids([_rule("pin", "p15", position=position)])[position - 1] == "p15"


def test_a_pin_brings_in_a_product_that_nobody_proposed() -> None:
    found = arrange(RANKED, [_rule("pin", "p29")], CARDS.get, 5)
    assert (found[0].card.id, found[0].source) == ("p29", "pinned")
    assert len(found) == 5


def test_two_pins_for_one_place_stand_beside_each_other() -> None:
    assert _ids([_rule("pin", "p15"), _rule("pin", "p16")])[:3] == ["p15", "p16", "p0"]


def test_a_pinned_category_places_its_best_product() -> None:
    assert _ids([_rule("pin", "shoes", "category", position=1)])[:2] == ["p1", "p0"]


def test_an_unavailable_pin_is_not_shown() -> None:
    found = arrange(RANKED, [_rule("pin", "p29")], lambda _: None, 5)
    assert [item.card.id for item in found] == ["p0", "p1", "p2", "p3", "p4"]


def test_excluding_beats_pinning() -> None:
    assert "p3" not in _ids([_rule("pin", "p3"), _rule("exclude", "p3")])


def test_excluding_by_category_and_by_folded_tag() -> None:
    assert all(CARDS[found].categories == ("bags",) for found in _ids([_rule("exclude", "shoes", "category")]))
    assert all("Đỏ" not in CARDS[found].tags for found in _ids([_rule("exclude", "do", "tag")]))


def test_boost_lifts_and_bury_sinks() -> None:
    assert _ids([_rule("boost", "p19", strength=100.0)])[0] == "p19"
    assert "p0" not in _ids([_rule("bury", "p0", strength=100.0)])


def test_boost_respects_the_varied_order_of_the_others() -> None:
    varied = [RANKED[0], RANKED[5], RANKED[1], RANKED[2]]
    found = arrange(varied, [_rule("boost", "p2", strength=1.0)], CARDS.get, 4)
    assert [item.card.id for item in found] == ["p0", "p5", "p1", "p2"]


def test_rules_hold_in_their_time_and_place_only() -> None:
    rules = [
        _rule("pin", "a"),
        _rule("pin", "b", placement="cart"),
        _rule("pin", "c", starts_at=100.0),
        _rule("pin", "d", ends_at=50.0),
        _rule("pin", "e", enabled=False),
    ]
    assert [rule.value for rule in active(rules, "home", 50.0)] == ["a"]
    assert [rule.value for rule in active(rules, "cart", 100.0)] == ["a", "b", "c"]
    assert [rule.value for rule in active(rules, "home", 49.0)] == ["a", "d"]


def _priced(price: int | None, currency: str = "VND", margin: float | None = None) -> ProductCard:
    return ProductCard("x", "x", "X", "", price, currency, True, (), (), 0.0, margin=margin)


@pytest.mark.parametrize(
    ("value", "card", "meant"),
    [
        ("200000..500000 VND", _priced(200_000), True),
        ("200000..500000 VND", _priced(500_000), True),
        ("200000..500000 VND", _priced(500_001), False),
        ("200000..500000 VND", _priced(None), False),
        ("..500000 VND", _priced(2500, "USD"), False),
        ("..25 USD", _priced(2500, "USD"), True),
        ("..24.99 USD", _priced(2500, "USD"), False),
        ("1000000..", _priced(1_000_000), True),
    ],
)
def test_a_price_rule_speaks_of_its_range_and_currency(value: str, card: ProductCard, meant: bool) -> None:
    assert matches(_rule("boost", value, "price"), card) is meant


def test_a_margin_rule_speaks_of_products_with_a_known_margin() -> None:
    rule = _rule("boost", ">=30%", "margin")
    assert [matches(rule, _priced(1, margin=margin)) for margin in (0.3, 0.299, None)] == [True, False, False]


def test_products_without_a_score_are_moved_by_rules_too() -> None:
    fillers = [item._replace(score=0.0) for item in RANKED]
    boosted = arrange(fillers, [_rule("boost", "p9", strength=2.0)], CARDS.get, 20)
    buried = arrange(fillers, [_rule("bury", "p9", strength=2.0)], CARDS.get, 20)
    places = [[item.card.id for item in found].index("p9") for found in (fillers, boosted, buried)]
    assert places[1] < places[0] < places[2]


def test_a_boost_does_not_lift_what_has_no_score_over_what_has_one() -> None:
    mixed = [item if place < 5 else item._replace(score=0.0) for place, item in enumerate(RANKED)]
    found = arrange(mixed, [_rule("boost", "p9", strength=3.0)], CARDS.get, 20)
    assert [item.card.id for item in found][:6] == ["p0", "p1", "p2", "p3", "p4", "p9"]


def test_items_name_the_rules_that_moved_them() -> None:
    rules = [_rule("boost", "bags", "category"), _rule("bury", "p2"), _rule("pin", "p4", position=3)]
    found = {item.card.id: item.rules for item in arrange(RANKED, rules, CARDS.get, 10)}
    assert found["p4"] == ("boost-bags", "pin-p4")
    assert found["p2"] == ("boost-bags", "bury-p2")
    assert found["p1"] == ()


def test_rules_that_overlap_hold_in_their_documented_order() -> None:
    pin, other = _rule("pin", "p15"), _rule("pin", "p16")
    assert _ids([pin, other])[:2] == ["p15", "p16"]
    assert _ids([other, pin])[:2] == ["p16", "p15"]
    assert _ids([_rule("bury", "p15", strength=100.0), pin])[0] == "p15"
    assert _ids([_rule("pin", "p15", position=3), _rule("pin", "p15", position=1)])[2] == "p15"
    assert "p15" not in _ids([pin, _rule("exclude", "shoes", "category")])
    undone = [_rule("boost", "p9", strength=4.0), _rule("bury", "p9", strength=4.0)]
    assert _ids(undone) == _ids(undone[::-1]) == _ids([])


def test_of_how_many_products_a_rule_speaks() -> None:
    spoken = [_rule("pin", "p3"), _rule("pin", "p99"), _rule("bury", "bags", "category"), _rule("bury", "DO", "tag")]
    assert [spoken_of(rule, CARDS) for rule in spoken] == [1, 0, 15, 10]


_rules = st.lists(
    st.builds(
        _rule,
        st.sampled_from(["pin", "boost", "bury", "exclude"]),
        st.sampled_from([f"p{number}" for number in range(0, 30, 3)]),
        position=st.integers(1, 12),
        strength=st.floats(0.1, 50),
    )
    | st.builds(_rule, st.sampled_from(["boost", "bury", "exclude"]), st.sampled_from(CATEGORIES), st.just("category"))
    | st.builds(_rule, st.sampled_from(["pin", "exclude"]), st.sampled_from(["do", "new"]), st.just("tag")),
    max_size=8,
)


@given(rules=_rules, limit=st.integers(1, 25))
def test_any_rules_keep_the_list_sound(rules: list[Rule], limit: int) -> None:
    found = arrange(RANKED, rules, CARDS.get, limit)
    names = [item.card.id for item in found]
    assert len(names) == len(set(names)) <= limit
    hidden = [rule for rule in rules if rule.action == "exclude"]
    assert not any(matches(rule, item.card) for rule in hidden for item in found)
    allowed = {item.card.id for item in RANKED} | {rule.value for rule in rules if rule.action == "pin"}
    assert set(names) <= allowed
    left = [item for item in RANKED if not any(matches(rule, item.card) for rule in hidden)]
    assert len(names) >= min(limit, len(left))


@given(position=st.integers(1, 10), others=_rules)
def test_the_first_pin_is_always_at_its_place(position: int, others: list[Rule]) -> None:
    pin = _rule("pin", "p4", position=position)
    rest = [rule for rule in others if rule.action in ("boost", "bury")]
    assert arrange(RANKED, [pin, *rest], CARDS.get, 10)[position - 1].card.id == "p4"


@given(others=_rules, name=st.sampled_from(sorted(CARDS)), strength=st.floats(1, 50), limit=st.integers(1, 30))
def test_a_buried_product_ranks_lower_or_equal(others: list[Rule], name: str, strength: float, limit: int) -> None:
    # A pin of a group passes on to the next of the group when its best is buried, which then is free to stand higher.
    rest = [rule for rule in others if rule.action != "pin" or rule.target == "product"]

    def place(rules: list[Rule]) -> int:
        names = [item.card.id for item in arrange(RANKED, rules, CARDS.get, limit)]
        return names.index(name) if name in names else limit

    assert place([*rest, _rule("bury", name, strength=strength)]) >= place(rest)
    assert place([*rest, _rule("boost", name, strength=strength)]) <= place(rest)


@given(others=_rules, name=st.sampled_from(sorted(CARDS)), limit=st.integers(1, 30))
def test_an_excluded_product_never_shows(others: list[Rule], name: str, limit: int) -> None:
    for rules in ([*others, _rule("exclude", name)], [_rule("exclude", name), *others]):
        assert name not in [item.card.id for item in arrange(RANKED, rules, CARDS.get, limit)]
