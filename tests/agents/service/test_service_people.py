"""People: called at once, offered where something went wrong, and a contact taken out of hours."""

from __future__ import annotations

from pathlib import Path

import pytest
from service_shop import NOON, Chat, ServiceShop

from appliance.settings import Settings
from appliance.settings.sections import Assistant


@pytest.fixture
def day_shop(tmp_path: Path) -> ServiceShop:
    settings = Settings(assistant=Assistant(handoff_contact_hours="08:30-21:00"))
    return ServiceShop(tmp_path, settings)


def test_a_person_is_called_at_once(chat: Chat) -> None:
    outcome, reply = chat.say("human_handoff", "gặp nhân viên")
    assert (outcome.action, outcome.handoff) == ("handoff", "asked")
    assert outcome.pending is None
    assert "nhân viên" in reply.text


def test_out_of_hours_a_person_is_called_and_a_contact_taken(day_shop: ServiceShop) -> None:
    chat = Chat(day_shop)
    chat.now = NOON + 11 * 3600
    outcome, _ = chat.say("human_handoff", "gặp nhân viên")
    assert (outcome.action, outcome.handoff) == ("handoff", "asked")
    assert outcome.pending is not None
    assert outcome.pending.kind == "contact"
    outcome, reply = chat.say("human_handoff", "0912345678", phone="0912345678")
    assert outcome.handoff == "asked"
    assert "•••678" in reply.text
    assert "0912345678" not in reply.text
    day_shop.close()


def test_within_hours_no_contact_is_asked_for(day_shop: ServiceShop) -> None:
    assert Chat(day_shop).say("human_handoff", "x")[0].pending is None
    day_shop.close()


@pytest.mark.parametrize("intent", ["complaint", "payment_issue"])
def test_trouble_is_acknowledged_and_a_person_offered(intent: str, empty_shop: ServiceShop) -> None:
    chat = Chat(empty_shop)
    outcome, reply = chat.say(intent, "hàng bị vỡ")
    assert outcome.action == "offer_handoff"
    assert outcome.handoff == ""
    assert reply.quick_replies == ("Đúng rồi", "Không cần")
    outcome, _ = chat.say("affirm", "có")
    assert (outcome.action, outcome.handoff) == ("handoff", intent)


def test_a_no_calls_nobody(chat: Chat) -> None:
    chat.say("complaint", "hàng bị vỡ", order_id="1101")
    outcome, _ = chat.say("deny", "thôi khỏi")
    assert (outcome.action, outcome.handoff) == ("answer", "")


def test_anger_is_met_with_a_person(chat: Chat) -> None:
    outcome, _ = chat.say("shipping_time", "giao gì mà lâu thế!!!", angry=True)
    assert outcome.action == "answer"
    assert outcome.pending is not None
    assert outcome.pending.kind == "handoff"
    outcome, reply = chat.say("order_status", "đơn đâu rồi", angry=True)
    assert outcome.action == "ask_order_id"
    assert "Gặp nhân viên" in reply.quick_replies
    assert chat.say("complaint", "lừa đảo", angry=True)[0].parts[0].message == "person.complaint_angry"


def test_after_failures_a_person_is_offered_with_the_answer(chat: Chat) -> None:
    chat.state = chat.state.__class__(failures=2)
    outcome, _ = chat.say("shipping_fee", "phí ship")
    assert outcome.pending is not None
    assert outcome.pending.kind == "handoff"
    assert outcome.handoff == ""


def test_praise_is_thanked_for(shop: ServiceShop) -> None:
    outcome, _ = Chat(shop).say("feedback", "đẹp lắm")
    assert (outcome.action, outcome.answered) == ("answer", True)
    shop.faq.create(intent="feedback", answers={"vi": "Đánh giá ở trang sản phẩm."})
    assert "Đánh giá ở trang sản phẩm." in Chat(shop).say("feedback", "đẹp lắm")[1].text


@pytest.mark.parametrize("intent", ["account_help", "newsletter"])
def test_what_the_assistant_cannot_do_it_says(intent: str, shop: ServiceShop) -> None:
    outcome, _ = Chat(shop).say(intent, "quên mật khẩu")
    assert (outcome.action, outcome.answered) == ("answer", False)
    shop.faq.create(intent=intent, answers={"vi": "Bấm quên mật khẩu."})
    outcome, reply = Chat(shop).say(intent, "quên mật khẩu")
    assert outcome.answered
    assert reply.text == "Bấm quên mật khẩu."


def test_a_yes_to_nothing_does_nothing(chat: Chat) -> None:
    outcome, _ = chat.say("affirm", "ok")
    assert (outcome.action, outcome.handoff) == ("answer", "")
