"""Single values as people and programs write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from appliance.ops.importing import values
from appliance.ops.importing.faults import RowFault


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("450000", "VND", 450_000),
        ("450.000", "VND", 450_000),
        ("450,000 đ", "VND", 450_000),
        ("1.250.000₫", "VND", 1_250_000),
        ("450000.0", "VND", 450_000),
        (450000, "VND", 450_000),
        (450000.0, "VND", 450_000),
        ("19.99", "USD", 1999),
        ("19,99", "USD", 1999),
        ("$1,250.50", "USD", 125_050),
        ("1.250,50 €", "EUR", 125_050),
        ("1,250", "USD", 125_000),
        (19.99, "USD", 1999),
        (Decimal("19.99"), "USD", 1999),
        ("1.250", "KWD", 1250),
        ("", "VND", None),
        (None, "VND", None),
        (float("nan"), "VND", None),
    ],
)
def test_amounts(text: object, currency: str, minor: int | None) -> None:
    assert values.amount(text, "price", currency) == minor


@pytest.mark.parametrize("text", ["abc", "-5", "1e99", "12.345.6", "19.999", "12.345", True, [1], "inf"])
def test_what_is_not_an_amount(text: object) -> None:
    with pytest.raises(RowFault) as caught:
        values.amount(text, "price", "USD")
    assert (caught.value.code, caught.value.column) == ("bad_amount", "price")


@pytest.mark.parametrize(
    "value",
    [
        "2024-04-01T00:00:00Z",
        "2024-04-01T07:00:00+07:00",
        "2024-04-01 00:00:00",
        "2024-04-01",
        "1711929600",
        1711929600,
        1711929600.0,
        "1711929600000",
        1711929600000,
        1711929600000000,
    ],
)
def test_times(value: object) -> None:
    assert values.moment(value, "occurred_at") == 1711929600.0


@pytest.mark.parametrize(("value", "code"), [("yesterday", "bad_time"), ("2024-13-01", "bad_time"), (True, "bad_time")])
def test_what_is_not_a_time(value: object, code: str) -> None:
    with pytest.raises(RowFault) as caught:
        values.moment(value, "occurred_at")
    assert caught.value.code == code


def test_a_number_cut_short_is_not_a_time() -> None:
    with pytest.raises(RowFault) as caught:
        values.moment("17119", "occurred_at")
    assert caught.value.code == "time_range"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Túi | Ví", ("Túi", "Ví")),
        ("Coffee, Tea & Cocoa|Pods", ("Coffee, Tea & Cocoa", "Pods")),
        ("a; b", ("a", "b")),
        ("a, b, a,", ("a", "b")),
        (["a", "b", 3, None], ("a", "b", "3")),
        ('["x, y", "z"]', ("x, y", "z")),
        ("Túi > Túi xách", ("Túi > Túi xách",)),
        ("", ()),
    ],
)
def test_lists(value: object, expected: tuple[str, ...]) -> None:
    assert values.names({"tags": value}, "tags", most=10, longest=50) == expected


def test_ids_from_numbers_lose_the_decimal_point_that_data_tools_add() -> None:
    assert values.identifier({"id": 12.0}, "id") == "12"


@pytest.mark.parametrize("value", ["a b", "x" * 129, "a\n1", "đ", "\x1b[2J"])
def test_what_is_not_an_id(value: str) -> None:
    with pytest.raises(RowFault) as caught:
        values.identifier({"id": value}, "id")
    assert caught.value.code == "bad_id"
    assert "\x1b" not in caught.value.text("en")


def test_text_is_cleaned_where_it_enters() -> None:
    fields = {"title": "Tu\u0301i\x1b]0;owned\x07 \u202edo"}
    assert values.line_text(fields, "title", 100) == "Túi\ufffd]0;owned\ufffd \ufffddo"
