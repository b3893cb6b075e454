"""Slots: what a message states, and what the conversation adds. The real language agent reads the messages."""

from __future__ import annotations

import pytest

from appliance.agents.intent.phrases import compared_phrases, product_phrases
from appliance.agents.intent.rules import rules, short_answer
from appliance.agents.intent.segments import segments
from appliance.agents.intent.slots import ALLOWED, fill
from appliance.agents.language.agent import LanguageAgent, LanguageInput
from appliance.agents.types import CONVERSATION, INTENTS, DialogueState, ShownProduct, Slots, Utterance

AGENT = LanguageAgent()
LIST = (
    ShownProduct("p1", "Balo City", 450_000),
    ShownProduct("p2", "Balo Travel", 690_000),
    ShownProduct("p3", "Balo Mini", 320_000),
)


def heard(text: str) -> Utterance:
    return AGENT.run(LanguageInput(text))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("áo khoác gió còn size M không", ["áo khoác gió"]),
        ("giá tủ lạnh mini", ["tủ lạnh mini"]),
        ("price of a washing machine", ["washing machine"]),
        ("mẫu này còn hàng không ạ", []),
        ("gia sao sop", []),
        ("what fabric is the tote", ["tote"]),
        ("đặt giúp mình 1 túi tote", ["túi tote"]),
    ],
)
def test_a_products_name_is_what_is_left_without_grammar_and_values(text: str, names: list[str]) -> None:
    assert product_phrases(heard(text)) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("loa mini với loa max khác nhau gì", ["loa mini", "loa max"]),
        ("so sánh tai nghe lite và tai nghe pro", ["tai nghe lite", "tai nghe pro"]),
        ("city backpack or travel backpack?", ["city backpack", "travel backpack"]),
    ],
)
def test_a_comparison_names_both_sides(text: str, names: list[str]) -> None:
    assert compared_phrases(heard(text)) == names


@pytest.mark.parametrize(
    ("intent", "text", "state", "slots"),
    [
        (
            "product_search",
            "rẻ hơn",
            DialogueState(filters={"category": "bag"}, shown=LIST),
            {"category": "bag", "modifier": "cheaper"},
        ),
        (
            "product_search",
            "dưới 400k thôi",
            DialogueState(filters={"category": "bag", "price_min": 1}),
            {"category": "bag", "price_max": 400_000},
        ),
        (
            "product_search",
            "giày nam",
            DialogueState(filters={"category": "bag", "color": "black"}),
            {"category": "shoes", "gender": "men"},
        ),
        ("product_price", "cái rẻ nhất giá nhiêu", DialogueState(shown=LIST), {"ref": 3}),
        ("product_price", "giá bao nhiêu", DialogueState(focus=LIST[0]), {"ref": "it"}),
        ("product_price", "giá bao nhiêu", DialogueState(), {}),
        (
            "shipping_fee",
            "còn phí thì sao",
            DialogueState(last_intent="shipping_time", last_slots={"location": "hue"}),
            {"location": "hue"},
        ),
        (
            "order_cancel",
            "hủy luôn đi",
            DialogueState(last_intent="order_status", last_slots={"order_id": "1101"}),
            {"order_id": "1101"},
        ),
        ("order_cancel", "hủy đơn", DialogueState(last_intent="shipping_fee", last_slots={"order_id": "1101"}), {}),
    ],
)
def test_the_conversation_completes_what_is_said(intent: str, text: str, state: DialogueState, slots: Slots) -> None:
    assert fill(intent, heard(text), state) == slots


def test_every_intent_but_the_conversations_own_moves_says_which_slots_it_has() -> None:
    assert set(INTENTS) - set(CONVERSATION) == set(ALLOWED)


def test_the_grammar_names_known_intents_only() -> None:
    assert {rule.intent for rule in rules()} <= set(INTENTS)


@pytest.mark.parametrize("text", ["đúng rồi", "dạ vâng ạ", "ok shop", "ừ", "yes please", "sure", "Yes, that's right"])
def test_a_yes_is_a_yes(text: str) -> None:
    assert short_answer(heard(text)) == "affirm"


@pytest.mark.parametrize("text", ["không", "thôi khỏi", "hông cần đâu", "no thanks", "nope", "chưa cần đâu"])
def test_a_no_is_a_no(text: str) -> None:
    assert short_answer(heard(text)) == "deny"


@pytest.mark.parametrize(
    "text", ["không có màu đen à", "ok cho mình xem túi", "có ship không", "no I want the black one"]
)
def test_a_request_is_neither(text: str) -> None:
    assert short_answer(heard(text)) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("phí ship bao nhiêu, mấy ngày tới", 2),
        ("how much is shipping and how long does it take", 2),
        ("túi da đen dưới 500k", 1),
        ("từ 200,000 đến 300,000", 1),
    ],
)
def test_a_message_is_cut_where_a_further_request_may_begin(text: str, parts: int) -> None:
    assert len(segments(heard(text))) == parts


def test_parts_keep_the_values_that_lie_in_them() -> None:
    first, second = segments(heard("loa mini còn hàng không, ship đà nẵng mấy ngày"))
    assert [mention.slot for mention in second.mentions] == ["location"]
    assert "location" not in [mention.slot for mention in first.mentions]
    assert all(mention.end <= len(second.tokens) for mention in second.mentions)
