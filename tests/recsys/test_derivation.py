"""The whole derivation of an answer: what won, what lost, and why."""

from __future__ import annotations

import pytest
from recsys_shop import NOW, TestShop, event, history, ids, product

from appliance.domain import Rule
from appliance.recsys.base import RecommendRequest
from appliance.recsys.derivation import CandidateTrace, Derivation


def _derive(shop: TestShop, **more: object) -> tuple[list[str], Derivation, dict[str, CandidateTrace]]:
    answer, derivation = shop.service.derive(RecommendRequest(session_id="s", **more))  # type: ignore[arg-type]
    return ids(answer), derivation, {trace.product_id: trace for trace in derivation.candidates}


def test_the_shelf_comes_first_and_scores_are_the_sum_of_their_contributions(shop: TestShop) -> None:
    shop.train(history())
    shop.service.observe([event("s", "balo-da-1", at=NOW - 30), event("s", "balo-da-2", at=NOW - 5)])
    shown, derivation, traces = _derive(shop, limit=6)
    assert [trace.product_id for trace in derivation.candidates[:6]] == shown
    assert [trace.place for trace in derivation.candidates[:6]] == [1, 2, 3, 4, 5, 6]
    assert derivation.history == ["balo-da-2", "balo-da-1"]
    assert derivation.known == 2
    best = derivation.candidates[0]
    assert best.fate == "shown"
    assert best.score == pytest.approx(sum(best.contributions.values()), abs=1e-4)
    for name, contribution in best.contributions.items():
        assert contribution == pytest.approx(best.components[name] * derivation.weights[name], abs=1e-4)
    assert {item.product_id for item in best.evidence} <= {"balo-da-1", "balo-da-2"}
    losers = [trace for trace in traces.values() if trace.place is None]
    assert losers and all(trace.fate != "shown" for trace in losers)


def test_each_loser_is_told_what_kept_it_off_the_shelf(shop: TestShop) -> None:
    shop.train(history())
    shop.catalogue.upsert([product("balo-da-3", "Balo da bò đỏ", "Túi > Balo", stock=0, tags=("balo", "da"))])
    shop.rules[:] = [Rule(id="no-4", action="exclude", target="product", value="balo-da-4")]
    clicks = [("balo-da-1", "view"), ("balo-da-5", "add_to_cart"), ("balo-da-6", "purchase")]
    shop.service.observe([event("s", name, kind, at=NOW - 30 + place) for place, (name, kind) in enumerate(clicks)])
    _, _, traces = _derive(shop, limit=4)
    fates = {name: traces[f"balo-da-{name}"].fate for name in (3, 4, 5, 6)}
    assert fates == {3: "out_of_stock", 4: "excluded", 5: "cart", 6: "bought"}
    assert traces["balo-da-4"].rule_id == "no-4"
    assert "outranked" in {trace.fate for trace in traces.values()}


def test_a_pinned_product_is_on_the_shelf_by_its_rule(shop: TestShop) -> None:
    shop.train(history())
    shop.rules[:] = [Rule(id="lead", action="pin", target="product", value="giay-9")]
    shop.service.observe([event("s", "balo-da-1")])
    shown, derivation, traces = _derive(shop)
    assert shown[0] == "giay-9"
    assert (traces["giay-9"].place, traces["giay-9"].rule_id) == (1, "lead")
    assert derivation.rules == ["lead"]


def test_a_visitor_of_whom_nothing_is_known_is_judged_by_demand_alone(shop: TestShop) -> None:
    shop.train(history())
    _, derivation, _ = _derive(shop)
    assert derivation.known == 0
    assert set(derivation.weights) == {"popularity"}
