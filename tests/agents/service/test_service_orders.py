"""Orders: nothing before verification, the same words for every failure, wishes only after an explicit yes."""

from __future__ import annotations

import pytest
from service_shop import NOON, Chat, ServiceShop, lines

_ORDERS = ("order_status", "order_cancel", "order_change", "address_update", "return_request", "refund_status")
_PRIVATE = [
    str(value)
    for row in lines("orders.jsonl")
    for value in (row["name"], row["address"], row["email"], row["phone"], row["items"][0]["title"])
]


def _leaks(text: str) -> list[str]:
    return [word for word in _PRIVATE if word in text]


@pytest.mark.parametrize("intent", _ORDERS)
def test_without_a_number_the_number_is_asked_for(intent: str, chat: Chat) -> None:
    outcome, reply = chat.say(intent, "đơn của mình sao rồi")
    assert outcome.action == "ask_order_id"
    assert outcome.pending is not None
    assert (outcome.pending.kind, outcome.pending.intent) == ("order_id", intent)
    assert not _leaks(reply.text)


@pytest.mark.parametrize("intent", _ORDERS)
@pytest.mark.parametrize("number", ["1101", "1102"])
def test_with_a_number_alone_the_contact_is_asked_for(intent: str, number: str, chat: Chat) -> None:
    outcome, reply = chat.say(intent, f"đơn {number}", order_id=number)
    assert outcome.action == "ask_verify"
    assert outcome.pending is not None
    assert (outcome.pending.kind, outcome.pending.slots["order_id"]) == ("verify", number)
    assert not _leaks(reply.text)


def test_number_and_contact_show_the_order(chat: Chat) -> None:
    chat.say("order_status", "kiểm tra đơn 1101", order_id="1101")
    outcome, reply = chat.say("order_status", "0903000333", phone="0903000333")
    assert (outcome.action, outcome.order_id) == ("lookup", "1101")
    assert "1101" in reply.text
    assert "180.000đ" in reply.text
    assert "Túi Tote" in reply.text
    for secret in ("Phạm Bình", "Võ Văn Tần", "0903000333", "binh@example.com"):
        assert secret not in reply.text


def test_in_english_by_email(shop: ServiceShop) -> None:
    chat = Chat(shop, locale="en")
    outcome, reply = chat.say("order_status", "order 1024", order_id="#1024", email="Minh@Example.com")
    assert (outcome.action, outcome.order_id) == ("lookup", "1024")
    assert "on its way" in reply.text
    assert "450,000₫" in reply.text


def test_unknown_number_and_wrong_contact_are_answered_alike(shop: ServiceShop) -> None:
    replies = {
        Chat(shop, "same").say("order_status", "x", order_id=number, phone=phone)[1]
        for number, phone in [("1101", "0911111111"), ("9999", "0911111111"), ("1101", "không nhớ"), ("", "")]
        if number
    }
    assert len(replies) == 1


def test_a_verified_order_stays_known_and_another_needs_its_own_proof(chat: Chat) -> None:
    chat.say("order_status", "x", order_id="1101", phone="0903000333")
    assert chat.say("order_status", "đơn đó sao rồi")[0].action == "lookup"
    outcome, reply = chat.say("order_status", "đơn 1024", order_id="1024")
    assert outcome.action == "ask_verify"
    assert "Balo" not in reply.text


def test_a_corrected_number_goes_before_the_one_kept(chat: Chat) -> None:
    chat.say("order_status", "đơn 1024", order_id="1024")
    outcome, _ = chat.say("order_status", "nhầm, 1101, 0903000333", order_id="1101", phone="0903000333")
    assert outcome.order_id == "1101"


def test_facts_of_delivery_are_shown_and_personal_data_in_them_masked(shop: ServiceShop) -> None:
    facts = {"carrier": "GHN, gọi 0903 000 333", "tracking": "123456789012", "expected_delivery": "2026-03-09"}
    shop.set_status("1101", "shipped", **facts, note="khách khó tính", address="1 Võ Văn Tần")
    _, reply = Chat(shop).say("order_status", "x", order_id="1101", phone="0903000333")
    assert "123456789012" in reply.text
    assert "09/03/2026" in reply.text
    assert "•••333" in reply.text
    for secret in ("0903 000 333", "khó tính", "Võ Văn Tần"):
        assert secret not in reply.text


def test_a_hundred_guesses_leak_nothing_and_meet_the_limit(shop: ServiceShop) -> None:
    chat = Chat(shop)
    actions = []
    for guess in range(100):
        outcome, reply = chat.say("order_status", "x", order_id="1101", phone=f"09030{guess:05d}")
        actions.append(outcome.action)
        assert not outcome.order_id
        assert not _leaks(reply.text)
    assert actions[:5] == ["lookup"] * 5
    assert set(actions[5:]) == {"offer_handoff"}
    assert chat.say("order_status", "x", order_id="1101", phone="0903000333")[0].action == "offer_handoff"


def test_the_limit_of_an_order_holds_across_conversations(shop: ServiceShop) -> None:
    tried = [
        Chat(shop, f"s{guess}").say("order_status", "x", order_id="1101", phone=f"09030{guess:05d}")[0].action
        for guess in range(30)
    ]
    assert tried == ["lookup"] * 10 + ["offer_handoff"] * 20
    late = Chat(shop, "late")
    late.now = NOON + 3601
    assert late.say("order_status", "x", order_id="1101", phone="0903000333")[0].order_id == "1101"


def test_numbers_that_do_not_exist_meet_the_same_limit(shop: ServiceShop) -> None:
    tried = [
        Chat(shop, f"s{guess}").say("order_status", "x", order_id="9999", phone=f"09030{guess:05d}")[0].action
        for guess in range(12)
    ]
    assert tried == ["lookup"] * 10 + ["offer_handoff"] * 2


def test_cancelling_takes_a_yes_and_makes_one_request(shop: ServiceShop) -> None:
    for session in ("s1", "s2"):
        chat = Chat(shop, session)
        chat.say("order_cancel", "hủy đơn 1101", order_id="1101")
        outcome, reply = chat.say("order_cancel", "0903000333", phone="0903000333")
        assert outcome.action == "lookup"
        if session == "s1":
            assert outcome.pending is not None
            assert outcome.pending.kind == "confirm"
            assert shop.requests.list()[1] == 0
            outcome, reply = chat.say("affirm", "đúng rồi")
            assert "chưa hủy ngay" in reply.text
        else:
            assert "đã nhận được yêu cầu" in reply.text
    made, total = shop.requests.list()
    assert (total, made[0].kind, made[0].display_id, made[0].conversation_id) == (1, "cancel", "1101", "s1")


def test_a_no_drops_the_wish(shop: ServiceShop) -> None:
    chat = Chat(shop)
    chat.say("order_cancel", "x", order_id="1101", phone="0903000333")
    outcome, _ = chat.say("deny", "thôi")
    assert outcome.action == "answer"
    assert outcome.pending is None
    assert shop.requests.list()[1] == 0


def test_a_shipped_order_is_not_cancelled_and_the_owners_policy_is_quoted(chat: Chat) -> None:
    outcome, reply = chat.say("order_cancel", "x", order_id="1024", phone="0912000111")
    assert outcome.action == "lookup"
    assert outcome.pending is None
    assert "vui lòng từ chối nhận hàng" in reply.text
    assert [source.kind for source in outcome.sources] == ["faq"]


def test_an_order_that_was_shipped_between_question_and_yes_is_not_cancelled(shop: ServiceShop) -> None:
    chat = Chat(shop)
    chat.say("order_cancel", "x", order_id="1101", phone="0903000333")
    shop.set_status("1101", "shipped")
    chat.say("affirm", "ok")
    assert shop.requests.list()[1] == 0


def test_a_yes_counts_for_nothing_without_the_proof(shop: ServiceShop) -> None:
    chat = Chat(shop)
    chat.say("order_cancel", "x", order_id="1101", phone="0903000333")
    stranger = Chat(shop, "s2")
    stranger.state = chat.state.__class__(pending=chat.state.pending)
    _, reply = stranger.say("affirm", "đúng")
    assert shop.requests.list()[1] == 0
    assert "Túi Tote" not in reply.text


def test_a_change_keeps_what_was_said_through_the_verification(shop: ServiceShop) -> None:
    chat = Chat(shop)
    chat.say("order_change", "đơn 1187 đổi sang màu trắng", order_id="1187", color="white")
    outcome, reply = chat.say("order_change", "0987000222", phone="0987000222")
    assert outcome.pending is not None
    assert outcome.pending.kind == "confirm"
    assert "màu trắng" in reply.text
    chat.say("affirm", "ok shop")
    details = shop.requests.list()[0][0].details
    assert details == {"color": "white", "said": "đơn 1187 đổi sang màu trắng"}


def test_without_details_they_are_asked_for(shop: ServiceShop) -> None:
    chat = Chat(shop)
    outcome, _ = chat.say("address_update", "đổi địa chỉ", order_id="1101", phone="0903000333")
    assert outcome.pending is not None
    assert (outcome.action, outcome.pending.kind) == ("lookup", "details")
    outcome, reply = chat.say("address_update", "12 Hàng Bài, Hà Nội", location="ha_noi")
    assert outcome.pending is not None
    assert outcome.pending.kind == "confirm"
    assert "12 Hàng Bài" in reply.text
    chat.say("affirm", "đúng")
    request = shop.requests.list()[0][0]
    assert (request.kind, request.details["said"]) == ("address", "12 Hàng Bài, Hà Nội")


def test_a_wish_with_an_amount_is_not_repeated_as_a_fact(shop: ServiceShop) -> None:
    chat = Chat(shop)
    _, reply = chat.say("order_change", "đổi size M giá 1.000đ", order_id="1101", phone="0903000333", size="M")
    assert "1.000đ" not in reply.text.replace("180.000đ", "")


def test_returns_need_a_delivered_order(shop: ServiceShop) -> None:
    outcome, reply = Chat(shop).say("return_request", "x", order_id="3310", phone="0912345678")
    assert outcome.pending is not None
    assert outcome.pending.kind == "confirm"
    outcome, reply = Chat(shop, "s2").say("return_request", "x", order_id="1187", phone="0987000222")
    assert outcome.pending is None
    assert "Đổi trả trong 7 ngày" in reply.text
    outcome, reply = Chat(shop, "s3").say("return_request", "x", order_id="1610", phone="0966000555")
    assert outcome.pending is None


def test_refund_time_is_said_before_the_number_is_asked_for(chat: Chat) -> None:
    outcome, reply = chat.say("refund_status", "bao giờ hoàn tiền")
    assert outcome.action == "ask_order_id"
    assert "3-5 ngày làm việc" in reply.text
    assert [source.kind for source in outcome.sources] == ["faq"]


def test_who_is_signed_in_sees_their_own_orders_only(shop: ServiceShop) -> None:
    shop.own("1101", "u1")
    chat = Chat(shop, user_id="u1")
    outcome, reply = chat.say("order_status", "đơn của mình")
    assert outcome.action == "lookup"
    assert "Túi Tote" in reply.text
    assert outcome.order_id == ""
    assert chat.say("order_status", "đơn 1024", order_id="1024")[0].action == "ask_verify"
    shop.own("1187", "u1")
    outcome, reply = Chat(shop, "s2", user_id="u1").say("order_cancel", "hủy đơn")
    assert outcome.action == "ask_order_id"
    assert set(reply.quick_replies) == {"1101", "1187"}


def test_who_is_signed_in_confirms_without_a_contact(shop: ServiceShop) -> None:
    shop.own("1101", "u1")
    chat = Chat(shop, user_id="u1")
    chat.say("order_cancel", "hủy đơn", order_id="1101")
    chat.say("affirm", "ừ")
    assert [request.display_id for request in shop.requests.list()[0]] == ["1101"]


def test_a_state_of_the_shops_own_is_told_in_its_word(shop: ServiceShop) -> None:
    shop.set_status("1101", "awaiting_pickup")
    _, reply = Chat(shop).say("order_status", "x", order_id="1101", phone="0903000333")
    assert '"awaiting pickup"' in reply.text


@pytest.mark.parametrize("number", ["' or 1=1 --", "<script>", "9" * 500, "\u0000", "１１０１"])
def test_hostile_numbers_end_in_the_same_answer(number: str, chat: Chat) -> None:
    outcome, reply = chat.say("order_status", "x", order_id=number, phone="0903000333")
    assert outcome.action in ("lookup", "ask_order_id")
    assert not _leaks(reply.text)
    assert "<script>" not in reply.text
