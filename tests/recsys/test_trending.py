"""Trending: decay, windows, categories, and live events on top of a model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recsys_shop import DAY, NOW, Clock

from appliance.domain import ProductCard
from appliance.recsys.codes import ProductCodes
from appliance.recsys.shelves import ALL, Shelves
from appliance.recsys.trending import DailyCounts, Popularity


def _card(name: str, category: str, created_at: float = NOW) -> ProductCard:
    return ProductCard(name, name, name, "", 1, "VND", True, (category,), (), created_at)


class _Board:
    def __init__(self, count: int = 10) -> None:
        self.clock = Clock()
        self.visitors = 0
        self.codes = ProductCodes()
        self.cards = {f"p{number}": _card(f"p{number}", f"c{number % 2}", NOW - number) for number in range(count)}
        self.shelves = Shelves(self.cards, self.codes)
        self.popularity = Popularity(self.shelves, 7.0, self.clock)

    def add(
        self,
        code: int,
        days_ago: float = 0.0,
        weight: float = 1.0,
        *,
        purchase: bool = False,
        visitor: str | None = None,
    ) -> None:
        """Count an event, each by a visitor of its own unless one is named."""
        self.visitors += 1
        kind = "purchase" if purchase else "view"
        name = f"s:{self.visitors}" if visitor is None else visitor
        self.popularity.add(code, weight, self.clock.at - days_ago * DAY, kind=kind, visitor=name)

    def leaders(self, category: str = ALL, window: int = 7) -> list[int]:
        return list(self.popularity.leaders(category, window))


@pytest.fixture
def board() -> _Board:
    return _Board()


def test_more_interest_leads_and_no_interest_is_absent(board: _Board) -> None:
    board.add(3)
    board.add(5, weight=5.0)
    assert board.leaders() == [5, 3]


def test_interest_halves_in_a_half_life(board: _Board) -> None:
    board.add(1, days_ago=7, weight=2.0)
    board.add(2, days_ago=0, weight=1.1)
    assert board.leaders(window=30) == [2, 1]
    scores = board.popularity.scores(np.array([1, 2, 3], np.int32), 30)
    assert scores.tolist() == pytest.approx([1.0 / 1.1, 1.0, 0.0], rel=1e-3)


def test_window_cuts_off(board: _Board) -> None:
    board.add(1, days_ago=8, weight=100.0)
    board.add(2)
    assert board.leaders(window=7) == [2]
    assert board.leaders(window=30) == [1, 2]


def test_the_next_event_shows_at_once_also_in_a_category(board: _Board) -> None:
    board.add(2)
    assert board.leaders("c0") == [2]
    board.add(4, weight=3.0)
    board.add(3, weight=9.0)
    assert board.leaders("c0") == [4, 2]
    assert board.leaders() == [3, 4, 2]
    assert board.leaders("unknown") == []


@pytest.mark.parametrize("visitor", ["s:one", ""])
def test_one_visitor_s_repeats_count_once_a_day(board: _Board, visitor: str) -> None:
    board.add(1)
    board.add(1)
    for _ in range(1000):
        board.add(2, visitor=visitor)
    assert board.leaders() == [1, 2]
    assert board.popularity.scores(np.array([1, 2], np.int32), 7).tolist() == pytest.approx([1.0, 0.5], rel=1e-6)
    board.add(2, weight=3.0, visitor=visitor)
    assert board.popularity.scores(np.array([1, 2], np.int32), 7).tolist() == pytest.approx([2 / 3, 1.0], rel=1e-2)
    board.add(2, days_ago=1, weight=3.0, visitor=visitor)
    board.add(2, weight=3.0, visitor=visitor, purchase=True)
    scores = board.popularity.scores(np.array([1, 2], np.int32), 7)
    assert scores[0] == pytest.approx(2 / (6 + 3 * 2 ** (-1 / 7)), rel=1e-2)


def test_taking_back_is_no_interest(board: _Board) -> None:
    board.add(1, weight=-1.0)
    assert board.leaders() == []


def test_only_what_was_sold_in_the_window_counts_as_sold(board: _Board) -> None:
    board.add(1, weight=5.0, purchase=True)
    board.add(2, weight=5.0)
    board.add(3, days_ago=20, weight=5.0, purchase=True)
    assert [board.popularity.sold(code, 7) for code in (1, 2, 3)] == [True, False, False]
    assert board.popularity.sold(3, 30)


def test_a_model_brings_its_sums_and_its_events_do_not_count_twice(board: _Board) -> None:
    board.add(1, days_ago=2, weight=3.0)
    day = int((NOW - 2 * DAY) // DAY)
    base = DailyCounts(
        np.array([1, 2], np.int32),
        np.array([day, day], np.int32),
        np.array([3, 8], np.float32),
        np.zeros(2, np.float32),
    )
    board.popularity.use(base, cutoff=NOW - DAY)
    assert board.leaders() == [2, 1]
    board.add(1, days_ago=1.5, weight=100.0)
    assert board.leaders() == [2, 1]
    board.add(1, days_ago=0.5, weight=100.0)
    assert board.leaders() == [1, 2]


def test_products_from_beyond_the_model_are_counted(board: _Board) -> None:
    board.add(0)
    board.cards["new"] = _card("new", "c0")
    [code], moved = board.shelves.apply(["new"], [])
    assert moved
    board.popularity.forget_leaders()
    board.add(code, weight=4.0)
    assert board.leaders("c0") == [code, 0]


@settings(max_examples=25, deadline=None)
@given(
    events=st.lists(st.tuples(st.integers(0, 599), st.floats(0, 6.5), st.floats(0.1, 9)), max_size=700),
    asks=st.integers(1, 5),
)
def test_leaders_are_those_of_a_full_sort_however_often_asked(
    events: list[tuple[int, float, float]], asks: int
) -> None:
    board = _Board(600)
    scores = np.zeros(600)
    for place, (code, days, weight) in enumerate(events):
        board.add(code, days, weight)
        scores[code] += weight * 2.0 ** (-days / 7.0)
        if place % (100 * asks) == 0:
            board.leaders()
    found = board.leaders()
    assert sorted(found) == np.flatnonzero(scores > 0).tolist()
    assert scores[found].tolist() == pytest.approx(sorted(scores[scores > 0].tolist(), reverse=True), rel=1e-6)


def test_an_old_board_is_made_anew(board: _Board) -> None:
    board.add(1)
    assert board.leaders() == [1]
    board.clock.at += 8 * DAY
    assert board.leaders() == []


def test_shelves_follow_the_catalogue(board: _Board) -> None:
    assert list(board.shelves.newest(ALL))[:3] == [0, 1, 2]
    board.cards["p9"] = _card("p9", "c0", NOW + 5)
    assert board.shelves.apply(["p8"], []) == ([8], False)
    board.shelves.apply(["p9"], [])
    assert next(iter(board.shelves.newest(ALL))) == 9
    assert board.shelves.has("c0", 9) and not board.shelves.has("c1", 9)
    assert list(board.shelves.newest(ALL)).count(9) == 1
    del board.cards["p9"]
    board.shelves.apply([], ["p9"])
    assert 9 not in board.shelves.members(ALL).tolist()
