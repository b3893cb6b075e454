"""Exploration: a good new product is found, a bad one is dropped, and what it costs is bounded."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from recsys_shop import DAY, NOW, Clock

from appliance.domain import ProductCard
from appliance.recsys.base import Ints
from appliance.recsys.codes import ProductCodes
from appliance.recsys.exploration import Explorer, Prior, draws, fit_prior, place_of_first, placed
from appliance.recsys.exposure import Counts, Exposure
from appliance.recsys.rules import Ranked
from appliance.settings import Recommender

KNOWN = 30


def _card(number: int, age: float = 100.0) -> ProductCard:
    name = f"p{number}"
    return ProductCard(name, name, name, "", 1, "VND", True, (), (), NOW - age * DAY)


def _shelf(count: int = 10) -> list[Ranked]:
    return [Ranked(_card(number), 1.0 - number / 100, {}, "content") for number in range(count)]


class Shop:
    """Products 0 to 29 are old, later ones are new."""

    def __init__(self, new: int, **settings: float) -> None:
        self.clock = Clock()
        self.exposure = Exposure(self.clock)
        self.explorer = Explorer(self.exposure, Recommender(**settings), self.clock)  # type: ignore[arg-type]
        cards = [_card(number) for number in range(KNOWN)] + [_card(KNOWN + number, age=1) for number in range(new)]
        self.cards = {card.id: card for card in cards}
        self.codes = ProductCodes()
        self.codes.number(self.cards)
        self.hidden: set[str] = set()

    def know(self, rate: float = 0.05, showings: int = 2000) -> None:
        """Have the old products been shown and clicked."""
        self.exposure.restore({code: (showings, int(showings * rate * 0.454)) for code in range(KNOWN)})

    def explore(self, seed: str, *, limit: int = 10, placement: str = "home") -> list[str]:
        def show(product_id: str) -> ProductCard | None:
            return None if product_id in self.hidden else self.cards[product_id]

        found = self.explorer.explored(
            _shelf(limit), placement, limit,  # type: ignore[arg-type]
            seed=seed, newest=range(len(self.cards) - 1, -1, -1), codes=self.codes, card=self.cards.get, show=show,
        )  # fmt: skip
        return [item.card.id for item in found]

    def live(self, views: int, rates: dict[int, float], seed: int = 0) -> tuple[list[Counter[str]], float]:
        """Have shoppers look at shelves; return what was tried in each third, and the clicks on the place tried."""
        random = np.random.default_rng(seed)
        examined = 1 / np.log2(np.arange(2, 12))
        tried: list[Counter[str]] = [Counter(), Counter(), Counter()]
        clicks = 0.0
        for view in range(views):
            shelf = [self.codes.find(name) for name in self.explore(f"v{view}")]
            self.exposure.shown(shelf)
            for place, code in enumerate(shelf):
                rate = rates.get(code, 0.05)
                if random.random() < rate * examined[place]:
                    self.exposure.clicked(code, f"r{view}")
                if code >= KNOWN:
                    tried[3 * view // views][f"p{code}"] += 1
                    clicks += (rate - 0.05) * examined[place]
        return tried, clicks


def test_a_good_new_product_is_found_and_bad_ones_are_dropped() -> None:
    shop = Shop(5, exploration_impressions=1e6)
    shop.know()
    good = KNOWN + 3
    rates = {KNOWN + number: 0.005 for number in range(5)} | {good: 0.2}
    tried, _ = shop.live(1500, rates)
    last = tried[2]
    assert last[f"p{good}"] > 0.9 * last.total()
    assert last.total() > 400


@pytest.mark.parametrize("seed", range(2))
def test_what_bad_new_products_cost_is_bounded(seed: int) -> None:
    shop = Shop(5)
    shop.know()
    tried, gained = shop.live(1500, {KNOWN + number: 0.0 for number in range(5)}, seed)
    assert tried[2].total() < 0.5 * tried[0].total()
    # The shelves have some 340 clicks in all; a place given away for good would have lost 25 of them.
    assert gained > -15


def test_a_product_that_was_shown_enough_is_tried_no_more() -> None:
    shop = Shop(1, exploration_impressions=20)
    shop.know()
    tried, _ = shop.live(600, {KNOWN: 0.5})
    assert tried[0][f"p{KNOWN}"] > 50
    assert tried[2].total() == 0


def test_what_may_not_be_shown_is_never_tried() -> None:
    shop = Shop(3)
    shop.hidden = {f"p{KNOWN}", f"p{KNOWN + 2}"}
    tried = {name for view in range(200) for name in shop.explore(f"v{view}")} & set(list(shop.cards)[KNOWN:])
    assert tried == {f"p{KNOWN + 1}"}
    shop.hidden = set(shop.cards)
    assert shop.explore("v") == [f"p{number}" for number in range(10)]


def test_a_visitor_sees_the_same_shelf_again() -> None:
    shop = Shop(5)
    shelves = {view: shop.explore(f"v{view}") for view in range(30)}
    assert all(shop.explore(f"v{view}") == shelf for view, shelf in shelves.items())
    assert len({tuple(shelf) for shelf in shelves.values()}) > 3


def test_only_long_shelves_outside_the_cart_explore() -> None:
    shop = Shop(5)
    plain = [f"p{number}" for number in range(8)]
    for view in range(20):
        assert shop.explore(f"v{view}", limit=8, placement="cart") == plain
        assert shop.explore(f"v{view}", limit=7) == plain[:7]
    assert any(shop.explore(f"v{view}", limit=8) != plain for view in range(20))
    still = Shop(5, exploration_slots=0)
    assert all(still.explore(f"v{view}", limit=8) == plain for view in range(20))
    assert [
        Explorer(shop.exposure, Recommender(exploration_slots=5), shop.clock).slots("home", n) for n in (8, 40)
    ] == [
        2,
        5,
    ]


def test_old_products_are_not_tried() -> None:
    shop = Shop(0)
    assert len(shop.explorer.newcomers(range(KNOWN), lambda code: shop.cards.get(shop.codes.id(code)))) == 0


def test_a_trial_stands_low_and_moves_no_pin() -> None:
    new = [Ranked(_card(50), 0.0, {}, "newest"), Ranked(_card(51), 0.0, {}, "newest")]
    names = [item.card.id for item in placed(_shelf(), new, 10)]
    assert names == ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p50", "p51", "p7"]
    shelf = _shelf()
    shelf[7] = shelf[7]._replace(source="pinned")
    names = [item.card.id for item in placed(shelf, new[:1], 10)]
    assert names == ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p50", "p8"]
    assert [place_of_first(limit) for limit in (8, 10, 12, 20, 100)] == [5, 7, 9, 11, 11]


def _codes(count: int) -> Ints:
    return np.arange(count, dtype=np.int32)


@pytest.mark.parametrize(("shown", "clicked"), [(0, 0), (10, 0), (50, 10), (400, 20)])
def test_draws_follow_the_posterior(shown: float, clicked: float) -> None:
    count = 40_000
    found = draws(Counts(np.full(count, shown), np.full(count, clicked)), Prior(1.0, 19.0), 7, _codes(count))
    a, b = 1.0 + clicked, 19.0 + shown - clicked
    assert found.mean() == pytest.approx(a / (a + b), rel=0.02)
    assert found.std() == pytest.approx(np.sqrt(a * b / ((a + b) ** 2 * (a + b + 1))), rel=0.03)
    expected = np.random.default_rng(0).beta(a, b, count)
    assert np.quantile(found, [0.05, 0.5, 0.95]) == pytest.approx(np.quantile(expected, [0.05, 0.5, 0.95]), rel=0.06)


def test_draws_depend_on_the_seed_and_the_product_alone() -> None:
    counts = Counts(np.array([5.0, 9.0]), np.array([1.0, 0.0]))
    both = draws(counts, Prior(1, 19), 3, np.array([4, 8], np.int32))
    alone = draws(Counts(counts.shown[1:], counts.clicked[1:]), Prior(1, 19), 3, np.array([8], np.int32))
    assert alone[0] == both[1]
    assert draws(counts, Prior(1, 19), 4, np.array([4, 8], np.int32)).tolist() != both.tolist()


def test_the_prior_follows_the_shop() -> None:
    assert fit_prior(Counts(np.zeros(0), np.zeros(0))) == pytest.approx((1.0, 19.0))
    random = np.random.default_rng(1)
    shown = random.uniform(200, 2000, 400)
    for alpha, beta in ((2.0, 38.0), (2.0, 8.0)):
        clicked = random.binomial(shown.astype(int), random.beta(alpha, beta, 400)).astype(float)
        found = fit_prior(Counts(shown, clicked))
        assert found.alpha / sum(found) == pytest.approx(alpha / (alpha + beta), rel=0.1)
        assert sum(found) == pytest.approx(alpha + beta, rel=0.25)
    alike = fit_prior(Counts(shown, random.binomial(shown.astype(int), 0.05).astype(float)))
    assert sum(alike) == pytest.approx(50.0)
