"""Turns that only mean something in their conversation, with the real language agent and the real classifier."""

from __future__ import annotations

import pytest

from appliance.agents.dialogue.memory import expected
from appliance.agents.intent.agent import IntentAgent, IntentInput
from appliance.agents.intent.classifier import canonical
from appliance.agents.language.agent import LanguageAgent, LanguageInput
from appliance.agents.types import DialogueState, Interpretation, Pending, PendingKind, ShownProduct, Slots

INTENT = IntentAgent(canonical(), lambda: None)
LANGUAGE = LanguageAgent()
LIST = (
    ShownProduct("p1", "Balo City", 450_000),
    ShownProduct("p2", "Balo Travel", 690_000),
    ShownProduct("p3", "Balo Mini", 320_000),
)
SEARCHED = DialogueState(shown=LIST, filters={"category": "backpack"}, last_intent="product_search", offered=3)
PRICED = DialogueState(
    shown=LIST, focus=LIST[1], last_intent="product_price", last_slots={"ref": 2}, filters={"category": "backpack"}
)
ORDER = DialogueState(last_intent="order_status", last_slots={"order_id": "1101"})
SHIPPING = DialogueState(last_intent="shipping_fee", last_slots={"location": "hue"})


def understood(text: str, state: DialogueState) -> Interpretation:
    heard = LANGUAGE.run(LanguageInput(text, expected(state)))
    return INTENT.run(IntentInput(heard, state))


def pending(kind: PendingKind, intent: str, **slots: str | int) -> DialogueState:
    return DialogueState(pending=Pending(kind=kind, intent=intent, slots=dict(slots)), last_intent=intent)


@pytest.mark.parametrize(
    ("text", "state", "intent", "slots"),
    [
        # relative wishes
        ("rẻ hơn", SEARCHED, "product_search", {"category": "backpack", "modifier": "cheaper"}),
        ("có cái nào đắt hơn k", SEARCHED, "product_search", {"category": "backpack", "modifier": "more_expensive"}),
        ("mẫu khác đi shop", SEARCHED, "product_search", {"category": "backpack", "modifier": "other"}),
        ("xem thêm", SEARCHED, "product_search", {"category": "backpack", "modifier": "more"}),
        ("anything cheaper?", SEARCHED, "product_search", {"category": "backpack", "modifier": "cheaper"}),
        ("show me more", SEARCHED, "product_search", {"category": "backpack", "modifier": "more"}),
        ("dưới 400k thôi", SEARCHED, "product_search", {"category": "backpack", "price_max": 400_000}),
        ("hmm too expensive", SEARCHED, "product_search", {"category": "backpack", "modifier": "cheaper"}),
        # a place of the list, and the product just spoken of
        ("cái thứ hai giá bao nhiêu", SEARCHED, "product_price", {"ref": 2}),
        ("how much is the last one", SEARCHED, "product_price", {"ref": 3}),
        ("thế còn cái đầu", PRICED, "product_price", {"ref": 1}),
        ("cái thứ 3", SEARCHED, "product_info", {"ref": 3}),
        (
            "what about the second one, is it waterproof?",
            SEARCHED,
            "product_info",
            {"ref": 2, "attribute": "waterproof"},
        ),
        ("cái đầu với cái cuối khác gì nhau", SEARCHED, "product_compare", {"refs": [1, 3]}),
        ("cái này chống nước không", PRICED, "product_info", {"ref": "it", "attribute": "waterproof"}),
        ("còn hàng không", PRICED, "product_availability", {"ref": "it"}),
        ("mini", PRICED, "product_price", {"product": "mini"}),
        # a colour or a size alone
        ("màu đen", SEARCHED, "product_search", {"category": "backpack", "color": "black"}),
        ("màu đen thì sao", PRICED, "product_availability", {"color": "black", "ref": "it"}),
        ("in black?", PRICED, "product_availability", {"color": "black", "ref": "it"}),
        ("lấy màu đen nha", PRICED, "order_place", {"color": "black", "ref": "it"}),
        ("màu khác", PRICED, "product_info", {"attribute": "color_options", "ref": "it"}),
        # numbers of an order, and an order that stays meant
        ("1102", ORDER, "order_status", {"order_id": "1102"}),
        ("1102", DialogueState(last_intent="complaint"), "complaint", {"order_id": "1102"}),
        ("1102", DialogueState(last_intent="payment_issue"), "payment_issue", {"order_id": "1102"}),
        ("mã giao dịch 99887766", DialogueState(last_intent="payment_issue"), "payment_issue", {}),
        ("lấy nó", PRICED, "order_place", {"ref": "it"}),
        ("khi nào giao", ORDER, "order_status", {"order_id": "1101"}),
        ("thôi hủy giúp mình", ORDER, "order_cancel", {"order_id": "1101"}),
        ("what is the status of it", ORDER, "order_status", {"order_id": "1101"}),
        # another place
        ("còn đà nẵng", SHIPPING, "shipping_fee", {"location": "da_nang"}),
        ("and to Hanoi?", SHIPPING, "shipping_fee", {"location": "ha_noi"}),
        ("bao lâu tới", SHIPPING, "shipping_time", {"location": "hue"}),
    ],
)
def test_a_turn_means_what_the_conversation_makes_of_it(
    text: str, state: DialogueState, intent: str, slots: Slots
) -> None:
    found = understood(text, state)
    assert (found.intent, found.slots) == (intent, slots), found


@pytest.mark.parametrize(
    ("text", "state", "intent", "slots"),
    [
        ("1101", pending("order_id", "order_cancel"), "order_cancel", {"order_id": "1101"}),
        ("mã là 1101 ạ", pending("order_id", "order_status"), "order_status", {"order_id": "1101"}),
        ("sđt 0901234567", pending("order_id", "order_status"), "order_status", {"phone": "0901234567"}),
        (
            "1101, 0901234567",
            pending("order_id", "order_status"),
            "order_status",
            {"order_id": "1101", "phone": "0901234567"},
        ),
        (
            "binh@example.com",
            pending("verify", "order_status", order_id="1101"),
            "order_status",
            {"order_id": "1101", "email": "binh@example.com"},
        ),
        (
            "1m65 55kg",
            pending("measures", "size_advice", product="áo polo"),
            "size_advice",
            {"product": "áo polo", "height_cm": 165, "weight_kg": 55},
        ),
        (
            "size L",
            pending("details", "order_change", order_id="1101"),
            "order_change",
            {"order_id": "1101", "size": "L"},
        ),
        ("0912345678", pending("contact", "human_handoff"), "human_handoff", {"phone": "0912345678"}),
        ("có", pending("confirm", "order_cancel", order_id="1101"), "affirm", {}),
        ("yes please", pending("handoff", "human_handoff"), "affirm", {}),
        ("0912 345 678", pending("handoff", "complaint"), "human_handoff", {"phone": "0912345678"}),
        ("ok ill think about it", pending("handoff", "human_handoff"), "deny", {}),
        ("thôi để mình suy nghĩ thêm", pending("handoff", "human_handoff"), "deny", {}),
        ("thôi khỏi", pending("confirm", "order_cancel", order_id="1101"), "deny", {}),
        ("no, do not cancel it", pending("confirm", "order_cancel", order_id="1101"), "deny", {}),
        ("don't cancel it", pending("confirm", "order_cancel", order_id="1101"), "deny", {}),
        ("đừng hủy nữa em", pending("confirm", "order_cancel", order_id="1101"), "deny", {}),
        ("không hủy nữa", pending("confirm", "order_cancel", order_id="1101"), "deny", {}),
        ("ok chốt", pending("purchase", "order_place", ref=1), "affirm", {}),
    ],
)
def test_an_answer_goes_to_the_question_that_waits(text: str, state: DialogueState, intent: str, slots: Slots) -> None:
    found = understood(text, state)
    assert (found.intent, found.slots) == (intent, slots), found
    assert found.rule.startswith("pending:")


@pytest.mark.parametrize(
    "text", ["không sao, cứ hủy đi", "no problem, cancel it", "hủy giúp mình", "dùng momo được không"]
)
def test_what_is_no_refusal_is_not_taken_for_one(text: str) -> None:
    assert understood(text, pending("confirm", "order_cancel", order_id="1101")).rule != "pending:confirm"


def test_nothing_is_done_on_what_only_resembles_a_yes() -> None:
    state = pending("handoff", "human_handoff")
    assert understood("ok ill ask my wife first", state).intent != "affirm"
    assert understood("yes, do that", state).intent == "affirm"


def test_a_count_of_weeks_is_no_order() -> None:
    assert "order_id" not in understood("it's been 2 weeks", pending("order_id", "order_status")).slots


def test_a_named_product_answers_which_one() -> None:
    state = DialogueState(pending=Pending(kind="product", intent="product_price"), shown=LIST)
    assert understood("balo travel", state).intent == "product_price"
    assert understood("cái thứ 2", state).slots == {"ref": 2}


def test_what_shall_be_changed_is_said_in_ones_own_words() -> None:
    state = pending("details", "order_change", order_id="1101")
    found = understood("ghi thêm giúp em là gọi trước khi tới", state)
    assert (found.intent, found.slots, found.rule) == ("order_change", {"order_id": "1101"}, "pending:details")


@pytest.mark.parametrize(
    "kind", ["order_id", "verify", "product", "confirm", "details", "measures", "handoff", "contact"]
)
@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("phí ship về Huế bao nhiêu", "shipping_fee"),
        ("cho mình gặp nhân viên", "human_handoff"),
        ("what is your return policy?", "return_policy"),
        ("tìm balo dưới 500k", "product_search"),
    ],
)
def test_another_request_is_no_answer(kind: PendingKind, text: str, intent: str) -> None:
    assert understood(text, pending(kind, "order_change", order_id="1101")).intent == intent


@pytest.mark.parametrize("text", ["rẻ hơn", "cái thứ hai", "màu đen", "còn đà nẵng"])
def test_without_a_conversation_nothing_is_followed_up(text: str) -> None:
    assert not understood(text, DialogueState()).rule.startswith("follow_up")


@pytest.mark.parametrize("text", ["cái này đắt thế", "cai nay dat the", "cái đầu đắt quá"])
def test_dear_is_not_bought(text: str) -> None:
    assert understood(text, PRICED).intent != "order_place"


def test_a_sure_question_stays_itself_whatever_was_shown() -> None:
    assert understood("shop mở cửa mấy giờ", PRICED).intent == "store_info"
    assert understood("đơn 1102 tới đâu rồi", PRICED).intent == "order_status"
    assert understood("cảm ơn shop", PRICED).intent == "thanks"
