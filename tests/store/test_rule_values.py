"""Ranges, margins and days as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.store.rule_values import Span, checked_range, days_of, fraction_of, span_of

INF = math.inf


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200000..500000", Span(200_000, 500_000)),
        (" 200000 .. 500000 VND ", Span(200_000, 500_000, "VND")),
        ("..500000VND", Span(-INF, 500_000, "VND")),
        ("1000000..", Span(1_000_000, INF)),
        (">=19.99 USD", Span(19.99, INF, "USD")),
        ("≤5", Span(-INF, 5)),
    ],
)
def test_price_ranges(text: str, expected: Span) -> None:
    assert span_of("price", text) == expected


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=0.3", [0.3, 0.9], [0.29]),
        (">30%", [0.31], [0.3]),
        ("<10 %", [0.0999, -0.5], [0.1]),
        ("<=10", [0.1], [0.11]),
        ("10%..0.25", [0.1, 0.25], [0.09, 0.26]),
        ("-5%..", [-0.05, 0.0], [-0.06]),
    ],
)
def test_margin_ranges(text: str, inside: list[float], outside: list[float]) -> None:
    span = span_of("margin", text)
    assert all(span.holds(value) for value in inside)
    assert not any(span.holds(value) for value in outside)


@pytest.mark.parametrize(
    "text",
    ["", "..", "5", "9..2", "200.000..500.000 VND", "1,000..", "-5..", "200k..500k", ">=", "1..2..3", "VND", "1e9.."],
)
def test_a_wrong_price_range_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write"):
        span_of("price", text)


@pytest.mark.parametrize("text", ["", "..", "high", "0.3", ">=high", "30%..10%", ">=nan"])
def test_a_wrong_margin_range_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write"):
        span_of("margin", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.35", 0.35), ("35%", 0.35), ("35", 0.35), ("0,35", 0.35), (" 1 ", 1.0), ("-5 %", -0.05), ("0.5%", 0.005)]
    + [(bad, None) for bad in ("", "cao", "nan", "1e5", "--1", "3 5")],
)
def test_a_margin_as_people_write_it(text: str, expected: float | None) -> None:
    assert fraction_of(text) == (None if expected is None else pytest.approx(expected))


def test_a_price_range_is_kept_with_its_currency() -> None:
    assert checked_range("price", " 200000.. ", "VND") == "200000.. VND"
    assert checked_range("price", "19.99..25 USD", "VND") == "19.99..25 USD"
    assert checked_range("margin", ">=30%", "VND") == ">=30%"
    with pytest.raises(ValueError, match=r"thousands separators"):
        checked_range("price", "200.000..500.000", "VND")


def test_days() -> None:
    read = [days_of(text) for text in ("30", "7.5", "0", "", "nan", "-1", "1e9", "soon")]
    assert read == [30.0, 7.5, 0.0, None, None, None, None, None]


@given(low=st.integers(0, 10**9), high=st.integers(0, 10**9), price=st.integers(0, 10**9))
def test_a_range_holds_what_lies_between_its_ends(low: int, high: int, price: int) -> None:
    low, high = min(low, high), max(low, high)
    assert span_of("price", f"{low}..{high} VND").holds(price) == (low <= price <= high)
