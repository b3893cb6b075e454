"""The grammar: which rule speaks, which goes before which, and where none may speak."""

from __future__ import annotations

import pytest

from appliance.agents.intent.rules import MAX_CHARS, matching_rule, rules, short_answer
from appliance.agents.intent.segments import segments
from appliance.agents.language.agent import LanguageAgent, LanguageInput
from appliance.agents.types import Utterance

LANGUAGE = LanguageAgent()


def heard(text: str) -> Utterance:
    return LANGUAGE.run(LanguageInput(text))


def ruled(text: str, guess: str = "") -> str | None:
    found = matching_rule(heard(text), guess)
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("cho mình gặp nhân viên", "human_handoff"),
        ("let me talk to a real person", "human_handoff"),
        ("call me back please", "human_handoff"),
        ("mình cao 1m65 nặng 55kg", "size_advice"),
        ("xin chào shop", "greeting"),
        ("cảm ơn shop nhiều nhé", "thanks"),
        ("thanks a lot for your help", "thanks"),
        ("tạm biệt shop nha", "goodbye"),
        ("kiểm tra đơn hàng giúp em", "order_status"),
        ("where is my order", "order_status"),
        ("lấy cái thứ hai", "order_place"),
        ("are you a real person?", "bot_identity"),
        ("bạn là người hay máy vậy", "bot_identity"),
    ],
)
def test_a_sure_phrase_settles_the_intent_whatever_was_guessed(text: str, intent: str) -> None:
    assert ruled(text) == intent
    assert ruled(text, "out_of_scope") == intent


@pytest.mark.parametrize(
    ("text", "guess", "intent"),
    [
        ("áo thun giá bao nhiêu", "product_search", "product_price"),
        ("gia tu lanh", "out_of_scope", "product_price"),
        ("so sánh hai mẫu này", "product_search", "product_compare"),
        ("đẹp lắm cảm ơn shop", "thanks", "feedback"),
        ("do you sell washing machines", "bot_identity", "product_search"),
        ("shop bán gì vậy", "bot_identity", "product_search"),
    ],
)
def test_a_rule_with_a_guess_only_corrects_that_guess(text: str, guess: str, intent: str) -> None:
    assert ruled(text, guess) == intent
    assert ruled(text, "warranty") is None


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        # special before general
        ("are you a human?", "bot_identity"),
        ("không cần gặp nhân viên đâu", None),
        ("hủy đơn hàng giúp em", None),
        ("kiểm tra đơn rồi đổi địa chỉ giúp mình", None),
        ("mình cao 1m65 nặng 55kg, giao đơn tới Huế", None),
        ("cảm ơn, cho mình hỏi phí ship", None),
        ("hello, where can I find bags", None),
    ],
)
def test_a_rule_keeps_silent_where_more_is_said(text: str, intent: str | None) -> None:
    assert ruled(text) == intent


def test_every_rule_that_speaks_names_its_place_for_the_trace() -> None:
    found = matching_rule(heard("cho mình gặp nhân viên"))
    assert found is not None
    intent, name = found
    assert rules()[int(name.partition("#")[2])].intent == intent


def test_only_the_beginning_of_a_long_message_is_grammar() -> None:
    assert ruled("vải " * MAX_CHARS + "gặp nhân viên") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ok", "affirm"),
        ("đúng rồi ạ", "affirm"),
        ("cool", "affirm"),
        ("thôi khỏi", "deny"),
        ("để mình suy nghĩ thêm", "deny"),
        ("let me think about it", "deny"),
        ("thôi, cho mình xem túi", None),
        ("ok cho mình xem túi", None),
        ("", None),
    ],
)
def test_a_yes_or_no_is_the_whole_message(text: str, answer: str | None) -> None:
    assert short_answer(heard(text)) == answer


def test_a_part_of_a_message_keeps_its_words_values_and_politeness() -> None:
    whole = heard("balo city giá bao nhiêu ạ, ship về Huế mấy ngày")
    parts = segments(whole)
    assert len(parts) == 2
    assert [token.raw for part in parts for token in part.tokens] == [token.raw for token in whole.tokens]
    for part in parts:
        for mention in part.mentions:
            assert 0 <= mention.start < mention.end <= len(part.tokens)
        assert set(part.polite) <= set(range(len(part.tokens)))
    assert [mention.value for mention in parts[1].mentions if mention.slot == "location"] == ["hue"]


@pytest.mark.parametrize("text", ["size M, L", "áo, quần", "đỏ và xanh"])
def test_values_that_belong_together_are_not_parted(text: str) -> None:
    assert len(segments(heard(text))) == 1
