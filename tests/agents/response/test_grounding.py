"""Nothing about money leaves that no fact states."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.agents.response.agent import ResponseAgent, ResponseInput
from appliance.agents.response.grounding import amounts_in, invented, stated, unfounded
from appliance.agents.response.money import format_money
from appliance.agents.types import Money, Outcome, Part, ProductFact, VariantFact
from appliance.messages import Locale

TOTE = ProductFact(product_id="p1", handle="tui-tote", title="Túi Tote", price=180_000)


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("Giá 289.000đ ạ", [289_000]),
        ("It is 289,000₫.", [289_000]),
        ("từ 180k đến 1,5 triệu", [180_000, 1_500_000]),
        ("miễn phí cho đơn từ 500.000đ; còn lại 35.000 đồng", [500_000, 35_000]),
        ("size 40, 2-3 ngày, 8:30-21:00, giảm 10%, 028 7300 1234, pin 10.000 mAh, đơn 1101", []),
        ("", []),
    ],
)
def test_amounts_are_numbers_with_a_currency_beside_them(text: str, amounts: list[int]) -> None:
    assert list(amounts_in(text, "VND")) == amounts


@pytest.mark.parametrize(("text", "amounts"), [("$19.99 or $1,250", [1999, 125_000]), ("19,5 USD", [1950])])
def test_amounts_with_decimals_count_in_the_smallest_unit(text: str, amounts: list[int]) -> None:
    assert list(amounts_in(text, "USD")) == amounts


@given(
    st.integers(min_value=0, max_value=10**12), st.sampled_from(["VND", "USD", "EUR"]), st.sampled_from(["vi", "en"])
)
def test_every_amount_that_is_written_is_found_again(amount: int, currency: str, locale: Locale) -> None:
    assert list(amounts_in(f"Giá {format_money(Money(amount, currency), locale)} ạ", currency)) == [amount]


def test_prices_of_variants_and_computed_sums_are_facts() -> None:
    outcome = Outcome(
        action="answer",
        products=(
            ProductFact(product_id="p", handle="p", title="P", price=100, variants=(VariantFact("M", "đen", 120, 3),)),
        ),
        amounts=(360,),
        parts=(Part(message="x", values={"price": Money(110, "VND")}),),
    )
    assert {100, 110, 120, 360} <= stated([outcome])


def test_an_invented_price_of_a_model_is_replaced_by_the_facts_own_wording() -> None:
    outcome = Outcome(action="answer", products=(TOTE,), parts=(Part(text="Túi Tote giá 180.000đ ạ."),))
    honest = ResponseAgent("VND").run(ResponseInput(outcomes=(outcome,), locale="vi", text="Dạ Túi Tote 180k ạ"))
    assert honest.reply.text == "Dạ Túi Tote 180k ạ"
    assert honest.unfounded == ()
    lying = ResponseAgent("VND").run(ResponseInput(outcomes=(outcome,), locale="vi", text="Dạ còn 99.000đ thôi ạ"))
    assert lying.reply.text == "Túi Tote giá 180.000đ ạ."
    assert lying.unfounded == (99_000,)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Túi Tote 180.000 thôi ạ", []),
        ("size 40, 2-3 ngày, còn 12 cái, pin 10.000 mAh", []),
        ("Túi Tote chỉ 99.000 thôi ạ", [99_000]),
        ("now only VND 99,000", [99_000]),
        ("99000 dong", [99_000]),
        ("just 99 thousand", [99_000]),
    ],
)
def test_a_models_number_without_a_currency_is_looked_up_too(text: str, numbers: list[int]) -> None:
    assert invented(text, {180_000}, ["Sạc dự phòng 10.000 mAh"], "VND") == numbers


def test_the_owners_own_words_may_name_amounts() -> None:
    outcome = Outcome(action="answer", parts=(Part(text="Phí giao 35.000đ; miễn phí từ 500.000đ."),))
    output = ResponseAgent("VND").run(ResponseInput(outcomes=(outcome,), locale="vi"))
    assert output.unfounded == ()
    assert unfounded("Phí 30.000đ", set(), ["Phí giao 35.000đ"], "VND") == [30_000]


def test_wordings_alternate_with_the_turns_and_are_the_same_for_the_same_turn() -> None:
    agent = ResponseAgent("VND")
    part = Part(message="talk.greeting", values={"shop": "Tiệm Nhà"})
    outcome = Outcome(action="answer", parts=(part,))

    def text(turn: int) -> str:
        asked = ResponseInput(outcomes=(outcome,), locale="vi", variation=turn, conversation="s1")
        return agent.run(asked).reply.text

    assert text(0) == text(0)
    assert text(0) != text(1)
    assert "Tiệm Nhà" in text(0)


def test_cards_are_shown_once_and_quick_replies_are_few_and_distinct() -> None:
    outcome = Outcome(
        action="answer",
        products=(TOTE, TOTE),
        quick_replies=("person", "person", "=Size M", "yes", "no", "returns", "payment"),
    )
    reply = ResponseAgent("VND").run(ResponseInput(outcomes=(outcome,), locale="en")).reply
    assert len(reply.products) == 1
    assert reply.quick_replies[:2] == ("Talk to a person", "Size M")
    assert len(reply.quick_replies) == 5


@pytest.mark.parametrize(
    ("money", "vi", "en"),
    [
        (Money(289_000, "VND"), "289.000đ", "289,000₫"),
        (Money(0, "VND"), "0đ", "0₫"),
        (Money(-50_000, "VND"), "-50.000đ", "-50,000₫"),
        (Money(123_456, "USD"), "1.234,56 $", "$1,234.56"),
        (Money(5, "CHF"), "0,05 CHF", "0.05 CHF"),
    ],
)
def test_money_is_written_as_each_language_writes_it(money: Money, vi: str, en: str) -> None:
    assert format_money(money, "vi") == vi
    assert format_money(money, "en") == en


def test_a_list_ends_with_a_line_break_and_the_polite_opening_is_said_once() -> None:
    parts = (Part(text="Dạ có 2 mẫu:"), Part(text="\n1. Túi Tote"), Part(text="Dạ phí giao 35.000đ ạ."))
    listed = ResponseAgent("VND").run(ResponseInput(outcomes=(Outcome(action="answer", parts=parts),), locale="vi"))
    assert listed.reply.text == "Dạ có 2 mẫu:\n1. Túi Tote\nPhí giao 35.000đ ạ."
    plain = (Part(text="Dạ còn hàng"), Part(text="Dạ giá 35.000đ ạ."))
    said = ResponseAgent("VND").run(ResponseInput(outcomes=(Outcome(action="answer", parts=plain),), locale="vi"))
    assert said.reply.text == "Dạ còn hàng. Giá 35.000đ ạ."
