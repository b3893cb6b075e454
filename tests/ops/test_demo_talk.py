"""The demo shop's assistant, asked what a person who tries it asks first, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.agents.conversations import ChatAnswer
from appliance.ops.demo.answers import order_to_look_up
from appliance.ops.demo.loader import DemoSize, fill
from appliance.runtime import Runtime
from appliance.settings import load_settings

NOON = 1_772_600_400.0
"""4 March 2026, 12:00 in Ho Chi Minh City: the shop is open."""
NUMBER, PHONE = order_to_look_up()
WRONG_PHONE = "0900000199"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    folder = tmp_path_factory.mktemp("demo")
    opened = Runtime.open(folder, load_settings(folder, environ={}), now=lambda: NOON)
    size = DemoSize(products=60, events=0)
    fill(opened.catalogue, None, now=NOON, faq=opened.faq, orders=opened.orders, size=size)
    yield opened
    opened.stop()


def _said(runtime: Runtime, session: str, message: str) -> ChatAnswer:
    return runtime.talk.say(session, message, locale=None, now=NOON)


@pytest.mark.parametrize(
    ("message", "source", "facts"),
    [
        ("phi ship di da nang bao nhieu shop", "faq_shipping_fee", ("30.000đ", "600.000đ")),
        ("how long does delivery to Hue take?", "faq_shipping_time", ("3-5 days to other provinces",)),
        ("mua rồi đổi trả được không", "faq_return_policy", ("15 ngày",)),
        ("do you take momo?", "faq_payment_methods", ("MoMo", "5,000,000₫")),
        ("mấy giờ shop đóng cửa", "faq_store_info", ("21:30", "25 Lê Lợi")),
        ("what are your opening hours?", "faq_store_info", ("9:00-21:30", "25 Le Loi")),
        ("co goi qua ko shop", "faq_gift_wrapping", ("15.000đ",)),
        ("where can I park my car?", "faq_parking", ("2 hours",)),
    ],
)
def test_the_shops_own_words_answer(runtime: Runtime, message: str, source: str, facts: tuple[str, ...]) -> None:
    answer = _said(runtime, f"asks-{source}-{len(message)}", message)
    assert [found.id for found in answer.sources] == [source]
    assert all(fact in answer.reply for fact in facts), answer.reply


def test_twelve_turns_in_two_languages(runtime: Runtime) -> None:
    vi, en = "talk-vi", "talk-en"
    assert "chào" in _said(runtime, vi, "chào shop").reply.lower()
    found = _said(runtime, vi, "có túi đeo chéo nào dưới 500k không")
    assert found.products and all((item.price or 0) <= 500_000 for item in found.products)
    assert "35.000đ" in _said(runtime, vi, "ship về Huế bao nhiêu tiền").reply
    assert "SINHNHAT" in _said(runtime, vi, "có khuyến mãi gì không").reply
    refused = _said(runtime, vi, f"đơn {NUMBER} tới đâu rồi, sđt {WRONG_PHONE}")
    assert f"DEMO{NUMBER}" not in refused.reply and "GHN" not in refused.reply
    told = _said(runtime, vi, f"nhầm, số điện thoại là {PHONE}")
    assert f"DEMO{NUMBER}" in told.reply and "GHN" in told.reply

    assert "free from 600,000₫" in _said(runtime, en, "how much is shipping to Hanoi?").reply
    found = _said(runtime, en, "do you have sneakers under 900k?")
    assert found.products and all((item.price or 0) <= 900_000 for item in found.products)
    assert "12 months" in _said(runtime, en, "is there a warranty on suitcases?").reply
    assert "12 letters" in _said(runtime, en, "can you engrave my name on a wallet?").reply
    asked = _said(runtime, en, f"where is my order {NUMBER}?")
    assert asked.action in ("ask_verify", "lookup") and f"DEMO{NUMBER}" not in asked.reply
    told = _said(runtime, en, f"khach{NUMBER[1:]}@example.com")
    assert f"DEMO{NUMBER}" in told.reply and "Expected delivery" in told.reply
