"""What recommendations led to, on a log small enough to be worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from ingest_bench import T0, Bench, interaction, product

from appliance.domain import Impression, Interaction
from appliance.store.attribution import ArmOutcome, Outcomes
from appliance.store.attribution_sql import CLICK_SECONDS, CONVERSION_SECONDS, SKEW_SECONDS

DAY = 86_400.0
NOON = 1_700_024_400.0
"""2023-11-15 at noon in the shop, which is seven hours ahead of UTC."""
MORNING = NOON - DAY / 2
SAIGON = "Asia/Ho_Chi_Minh"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened = Bench(tmp_path)
    opened.catalogue.upsert([product(number) for number in range(1, 7)])
    yield opened
    opened.close()


class Told:
    """Makes the events of a test, each with an id of its own."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(
        self, kind: str, who: str, product_id: int, at: float, shelf: str = "", metadata: str = ""
    ) -> Interaction:
        user, _, session = who.rpartition("/")
        return interaction(
            f"e{next(self._numbers)}",
            interaction_type=kind,
            user_id=user,
            session_id=session,
            product_id=f"prod_{product_id}",
            recommendation_id=shelf,
            occurred_at=at,
            metadata=metadata,
        )


def shelf(name: str, who: str, placement: str, strategy: str, products: str, at: float, *arm: str) -> Impression:
    user, _, session = who.rpartition("/")
    ids = tuple(f"prod_{number}" for number in products)
    return Impression(name, user, session, placement, strategy, ids, at, *arm)  # type: ignore[arg-type]


SHELVES = (
    shelf("i1", "s1", "home", "trending", "123", NOON),
    shelf("i2", "s2", "home", "session", "14", NOON + 60),
    # One in the morning of the second day, though UTC has the first one still.
    shelf("i3", "s1", "home", "trending", "25", NOON + 13 * 3600),
    shelf("i4", "", "product", "similar", "3", NOON),
    shelf("i5", "s3", "product", "similar", "36", NOON + DAY),
    shelf("i6", "u9/s4", "cart", "session", "1", NOON + DAY),
    # Before and after the two days that are asked for.
    shelf("i7", "s5", "home", "trending", "1", NOON - 8 * DAY),
    shelf("i8", "s1", "home", "trending", "2", NOON + 2 * DAY),
)


def thirty_rows() -> list[Interaction]:
    """Return events of which each is there for one rule."""
    told = Told()
    return [
        told("click", "s1", 1, NOON + 10, "i1"),
        told("view", "s1", 1, NOON + 12, "i1"),  # the same click: the page that it opened
        told("click", "s1", 2, NOON + 20, "i1"),
        told("click", "s1", 4, NOON + 21, "i1"),  # was not in the list
        told("add_to_cart", "s1", 1, NOON + 100, "i1", '{"quantity":2}'),
        told("add_to_cart", "s1", 1, NOON + 110, "i1"),  # the same product again
        told("purchase", "s1", 1, NOON + 200, "i1", '{"quantity":2,"price":100000,"currency":"VND"}'),
        told("purchase", "s1", 2, NOON + 300, "", '{"price":50000}'),  # i1: its last click
        told("click", "s1", 2, NOON + 13 * 3600 + 10, "i3"),
        told("purchase", "s1", 2, NOON + 14 * 3600, "", '{"price":50000}'),  # i3: clicked after i1
        told("click", "s2", 4, NOON + 60 + CLICK_SECONDS, "i2"),
        told("click", "s2", 1, NOON + 61 + CLICK_SECONDS, "i2"),  # too late
        told("purchase", "s2", 4, NOON + 60 + CONVERSION_SECONDS, "i2", '{"price":19.99,"currency":"USD"}'),
        told("purchase", "s2", 4, NOON + 61 + CONVERSION_SECONDS, "i2"),  # too late
        told("click", "s9", 3, NOON + 30, "i4"),
        told("purchase", "u1/", 3, NOON + 3600, "", '{"price":80000}'),  # i4: s9 turned out to be u1
        told("purchase", "s3", 3, NOON + DAY + 9, "", '{"price":80000}'),  # was never clicked
        told("click", "s3", 6, NOON + DAY + 5, "i5"),
        told("add_to_cart", "s3", 6, NOON + DAY + 50),  # i5
        told("purchase", "s7", 6, NOON + DAY + 60),  # another visitor
        told("purchase", "s3", 6, NOON + DAY - 10),  # before the click
        told("click", "u9/s4", 1, NOON + DAY - SKEW_SECONDS, "i6"),  # a slow clock
        told("purchase", "u9/", 1, NOON + DAY + 50, "", '{"price":"much"}'),  # i6, without revenue
        told("click", "s5", 1, NOON - 8 * DAY, "i7"),
        told("click", "s1", 2, NOON + 2 * DAY + 10, "i8"),
        told("purchase", "s1", 2, NOON + 2 * DAY + 20, "", '{"price":50000}'),  # i8, not i3
        told("view", "s1", 1, NOON + 30),
        told("remove_from_cart", "s1", 1, NOON + 120, "i1"),
        told("purchase", "s1", 1, NOON + 400, "i1"),
        told("click", "s1", 1, NOON + 10, "unknown"),
    ]


@pytest.fixture
def thirty(bench: Bench) -> Bench:
    shown(bench, *SHELVES)
    bench.journal.append_sync(thirty_rows())
    bench.identify("s9", "u1")
    assert bench.merger.flush(20)
    return bench


def outcomes(bench: Bench, by: str, **options: bool) -> list[Outcomes]:
    ask = bench.log.attribution.outcomes
    return ask(MORNING, MORNING + 2 * DAY, by, time_zone=SAIGON, currency="VND", **options)  # type: ignore[arg-type]


def test_outcomes_by_placement(thirty: Bench) -> None:
    assert outcomes(thirty, "placement") == [
        Outcomes("", "cart", "", 1, 1, 1, 1, 0, 1, 1, 0.0),
        Outcomes("", "home", "", 3, 2, 4, 3, 1, 5, 3, 300_000.0),
        Outcomes("", "product", "", 2, 1, 2, 2, 1, 1, 1, 80_000.0),
    ]


def test_outcomes_by_strategy(thirty: Bench) -> None:
    found = outcomes(thirty, "strategy")
    assert found == [
        Outcomes("", "session", "", 2, 2, 2, 2, 0, 2, 2, 0.0),
        Outcomes("", "similar", "", 2, 1, 2, 2, 1, 1, 1, 80_000.0),
        Outcomes("", "trending", "", 2, 1, 3, 2, 1, 4, 2, 300_000.0),
    ]
    assert [(row.click_through, row.conversion) for row in found] == [(1.0, 1.0), (1.0, 0.5), (1.0, 1.0)]


def test_outcomes_by_the_shop_s_day(thirty: Bench) -> None:
    assert outcomes(thirty, "day") == [
        Outcomes("2023-11-15", "", "", 3, 2, 4, 3, 1, 5, 3, 330_000.0),
        Outcomes("2023-11-16", "", "", 3, 3, 3, 3, 1, 2, 2, 50_000.0),
    ]


def test_groups_over_time_add_up(thirty: Bench) -> None:
    daily = outcomes(thirty, "placement", daily=True)
    assert [(row.day[-2:], row.name, row.impressions, row.revenue) for row in daily] == [
        ("15", "home", 2, 250_000.0),
        ("15", "product", 1, 80_000.0),
        ("16", "cart", 1, 0.0),
        ("16", "home", 1, 50_000.0),
        ("16", "product", 1, 0.0),
    ]


def test_impressions_that_were_merged_twice_count_once(thirty: Bench) -> None:
    before = outcomes(thirty, "strategy")
    shown(thirty, *SHELVES)
    assert thirty.merger.flush(20)
    assert outcomes(thirty, "strategy") == before


def test_an_empty_period_has_no_outcomes(bench: Bench) -> None:
    for by in ("placement", "strategy", "arm", "day"):
        assert outcomes(bench, by) == []


def experiment(bench: Bench) -> None:
    """Show both arms to a few visitors; the answers are in the test."""
    told = Told()
    shown(
        bench,
        shelf("x1", "s1", "home", "session", "12", NOON, "exp_1", "a"),
        shelf("x2", "s1", "home", "session", "12", NOON + 50, "exp_1", "a"),
        shelf("x3", "s2", "home", "session", "12", NOON, "exp_1", "a"),
        shelf("x4", "s3", "home", "trending", "34", NOON, "exp_1", "b"),
        shelf("x5", "u4/s4", "home", "trending", "34", NOON, "exp_1", "b"),
        shelf("x6", "s5", "home", "trending", "34", NOON, "exp_1", "b"),
        # Of nobody, and of another experiment.
        shelf("x7", "", "home", "trending", "34", NOON, "exp_1", "b"),
        shelf("x8", "s6", "cart", "trending", "34", NOON, "exp_2", "b"),
    )
    bench.journal.append_sync(
        [
            told("click", "s1", 1, NOON + 5, "x1"),
            told("click", "s1", 1, NOON + 55, "x2"),  # one visitor counts once
            told("click", "s2", 3, NOON + 5, "x3"),  # not in the list
            told("purchase", "s1", 6, NOON - SKEW_SECONDS - 1),  # before anything was shown
            told("click", "s3", 3, NOON + 5, "x4"),
            told("purchase", "u3/", 6, NOON + 500),  # s3's, though no shelf led to it
            told("purchase", "u4/", 3, NOON + CONVERSION_SECONDS),
            told("purchase", "s5", 3, NOON + CONVERSION_SECONDS + 1),  # too late
        ]
    )
    bench.identify("s3", "u3")
    assert bench.merger.flush(20)


def test_an_experiment_counts_visitors(bench: Bench) -> None:
    experiment(bench)
    ask = bench.log.attribution.experiment
    assert ask("exp_1") == [ArmOutcome("a", 2, 1, 0), ArmOutcome("b", 3, 1, 2)]
    assert ask("exp_2") == [ArmOutcome("b", 1, 0, 0)]
    assert ask("none") == []


def test_outcomes_by_arm_leave_out_what_is_in_no_experiment(bench: Bench) -> None:
    experiment(bench)
    shown(bench, shelf("y", "s1", "home", "session", "12", NOON))
    assert bench.merger.flush(20)
    assert [(row.name, row.arm, row.impressions, row.visitors, row.clicks) for row in outcomes(bench, "arm")] == [
        ("exp_1", "a", 3, 2, 2),
        ("exp_1", "b", 4, 3, 1),
        ("exp_2", "b", 1, 1, 0),
    ]


def shown(bench: Bench, *impressions: Impression) -> None:
    for impression in impressions:
        bench.journal.note(impression)


def test_a_product_s_exposure_counts_showings_and_clicks(bench: Bench) -> None:
    shown(
        bench,
        Impression("r1", "", "s1", "home", "trending", ("prod_1", "prod_2"), T0),
        Impression("r2", "", "s2", "home", "trending", ("prod_1",), T0 + DAY),
    )
    bench.journal.append_sync(
        [
            interaction("a", interaction_type="click", recommendation_id="r1", occurred_at=T0 + 5),
            # Twice, and by the product page too: one product of one recommendation is clicked once.
            interaction("b", interaction_type="click", recommendation_id="r1", occurred_at=T0 + 6),
            interaction("c", interaction_type="view", recommendation_id="r1", occurred_at=T0 + 7),
            # Not in the list, too late, and of no recommendation.
            interaction("d", interaction_type="click", product_id="prod_3", recommendation_id="r1"),
            interaction(
                "e",
                interaction_type="click",
                product_id="prod_2",
                recommendation_id="r1",
                occurred_at=T0 + CLICK_SECONDS + 1,
            ),
            interaction("f", interaction_type="click", occurred_at=T0 + DAY + 5),
        ]
    )
    assert bench.merger.flush(20)
    exposure = bench.log.attribution.product_exposure
    assert exposure() == {"prod_1": (2, 1), "prod_2": (1, 0)}
    assert exposure(T0 + 1) == {"prod_1": (1, 0)}
    assert exposure(product_ids=["prod_2", "prod_6"]) == {"prod_2": (1, 0)}
    assert exposure(product_ids=[]) == {}
