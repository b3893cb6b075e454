"""How showings and clicks are counted: by place, once, fading."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from recsys_shop import Clock

from appliance.recsys.exposure import DAY, HALF_LIFE_DAYS, Exposure

CODES = np.arange(4, dtype=np.int32)


def _exposure() -> tuple[Exposure, Clock]:
    clock = Clock()
    return Exposure(clock), clock


def test_a_showing_counts_by_its_place() -> None:
    exposure, _ = _exposure()
    exposure.shown([2, -1, 0])
    assert exposure.counts(CODES).shown == pytest.approx([0.5, 0, 1.0, 0])


def test_a_click_counts_once_for_a_recommendation_and_never_exceeds_the_showings() -> None:
    exposure, _ = _exposure()
    exposure.shown([1])
    exposure.shown([1])
    for recommendation in ("r1", "r1", "r2", "r3", ""):
        exposure.clicked(1, recommendation)
    exposure.clicked(-1, "r9")
    assert exposure.counts(CODES).clicked == pytest.approx([0, 2.0, 0, 0])


def test_counts_fade_by_half_life_and_the_rate_stays() -> None:
    exposure, clock = _exposure()
    for number in range(8):
        exposure.shown([0])
        if number < 2:
            exposure.clicked(0, f"r{number}")
    clock.at += HALF_LIFE_DAYS * DAY
    exposure.shown([0])
    shown, clicked = exposure.counts(CODES)
    assert (shown[0], clicked[0]) == pytest.approx((5.0, 1.0))
    clock.at += 300 * HALF_LIFE_DAYS * DAY
    exposure.shown([0])
    assert exposure.counts(CODES).shown[0] == pytest.approx(1.0)
    assert np.isfinite(exposure.everything().shown).all()


def test_the_log_begins_the_counts_anew() -> None:
    exposure, _ = _exposure()
    exposure.shown([3])
    exposure.restore({0: (100, 3), 2: (10, 0)})
    shown, clicked = exposure.counts(CODES)
    average = sum(1 / math.log2(place + 1) for place in range(1, 11)) / 10
    assert shown == pytest.approx([100 * average, 0, 10 * average, 0])
    assert clicked.tolist() == [3, 0, 0, 0]
    exposure.restore({})
    assert exposure.counts(CODES).shown.tolist() == [0, 0, 0, 0]


def test_nothing_is_lost_between_threads() -> None:
    exposure, _ = _exposure()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: exposure.shown([number % 3]), range(600)))
    assert exposure.counts(CODES).shown == pytest.approx([200, 200, 200, 0])
