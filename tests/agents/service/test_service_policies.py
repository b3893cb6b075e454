"""Policies: the owner's own words with the fitting part first, and honest silence where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from service_shop import FIXTURE, NOON, Chat, ServiceShop, heard, lines

from appliance.agents.service.clauses import clause_for_place, clauses, free_clause, payment_named
from appliance.agents.service.hours import configured_hours, stated_hours
from appliance.agents.types import POLICIES, DialogueState, Mention, SkillInput
from appliance.store.faq import FaqEntry


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceShop]:
    """The fixture shop, for tests that only ask."""
    opened = ServiceShop(tmp_path_factory.mktemp("policies"))
    yield opened
    opened.close()


_TEXTS = {row["intent"]: row for row in lines("faq.jsonl")}
_QUOTED = ("shipping_fee", "shipping_time", "shipping_options", "return_policy", "cancellation_policy", "warranty")


@pytest.mark.parametrize("intent", _QUOTED)
@pytest.mark.parametrize("locale", ["vi", "en"])
def test_the_answer_is_the_owners_text_with_its_source(intent: str, locale: str, shop: ServiceShop) -> None:
    outcome, reply = Chat(shop, locale=locale).say(intent, "x")  # type: ignore[arg-type]
    assert outcome.action == "answer"
    assert outcome.answered
    assert _TEXTS[intent][locale] in reply.text
    assert [(source.kind, source.id) for source in outcome.sources] == [("faq", f"faq_{intent}")]


@pytest.mark.parametrize(
    "intent", sorted({*POLICIES, "promotion"} - {"payment_issue", "return_request", "refund_status"})
)
def test_an_empty_shop_says_so_and_offers_a_person(intent: str, empty_shop: ServiceShop) -> None:
    outcome, reply = Chat(empty_shop).say(intent, "x", location="ha_noi", payment_method="cod")
    assert outcome.action == "answer"
    assert not outcome.answered
    assert outcome.pending is not None
    assert outcome.pending.kind == "handoff"
    assert not any(map(str.isdigit, reply.text))


def test_an_answer_in_the_other_language_is_better_than_none(empty_shop: ServiceShop) -> None:
    empty_shop.faq.create(intent="warranty", answers={"vi": "Bảo hành 12 tháng."})
    _, reply = Chat(empty_shop, locale="en").say("warranty", "x")
    assert "Bảo hành 12 tháng." in reply.text


@pytest.mark.parametrize(
    ("intent", "place", "locale", "first"),
    [
        ("shipping_fee", "hai_phong", "vi", "các tỉnh khác 35.000đ"),
        ("shipping_fee", "da_nang", "vi", "Hà Nội và Đà Nẵng 30.000đ"),
        ("shipping_fee", "ho_chi_minh", "vi", "nội thành TP.HCM 20.000đ"),
        ("shipping_fee", "ho_chi_minh", "en", "20,000₫ inside Ho Chi Minh City"),
        ("shipping_fee", "hue", "en", "35,000₫ elsewhere"),
        ("shipping_fee", "bao_loc", "vi", "các tỉnh khác 35.000đ"),
        ("shipping_time", "da_nang", "vi", "Đà Nẵng 2-3 ngày"),
        ("shipping_time", "ho_chi_minh", "vi", "TP.HCM 1-2 ngày"),
        ("shipping_time", "can_tho", "vi", "tỉnh khác 3-5 ngày"),
        ("shipping_options", "singapore", "vi", "Không giao ra nước ngoài"),
        ("shipping_options", "japan", "en", "No international shipping"),
    ],
)
def test_the_clause_of_a_place_comes_first(intent: str, place: str, locale: str, first: str, shop: ServiceShop) -> None:
    outcome, reply = Chat(shop, locale=locale).say(intent, "x", location=place)  # type: ignore[arg-type]
    assert first in str(outcome.parts[0].values["clause"])
    assert _TEXTS[intent][locale] in reply.text


def test_no_clause_is_made_up_for_a_place_that_none_fits() -> None:
    text = "Nội thành TP. HCM 20.000đ; Hà Nội 30.000đ."
    assert clauses(text) == ["Nội thành TP. HCM 20.000đ", "Hà Nội 30.000đ"]
    assert clause_for_place(text, "hue", elsewhere=True) == ""
    assert clause_for_place("Các tỉnh khác 35.000đ; Hà Nội 30.000đ", "paris", elsewhere=True) == ""
    assert clause_for_place("Các tỉnh khác 35.000đ; Hà Nội 30.000đ", "hue", elsewhere=False) == ""


@pytest.mark.parametrize(
    ("text", "locale", "slots", "first"),
    [
        ("đơn 600k ship hà nội", "vi", {"location": "ha_noi"}, "Miễn phí cho đơn từ 500.000đ"),
        ("đơn 500k ship hà nội", "vi", {"location": "ha_noi"}, "Miễn phí cho đơn từ 500.000đ"),
        ("đơn 600k phí ship nhiêu", "vi", {}, "Miễn phí cho đơn từ 500.000đ"),
        ("mua 600 nghìn thì ship đà nẵng", "vi", {"location": "da_nang", "price_about": 600_000}, "Miễn phí"),
        ("order of 600k to hanoi", "en", {"location": "ha_noi"}, "Free from 500,000₫"),
        ("đơn 300k ship hà nội", "vi", {"location": "ha_noi"}, "Hà Nội và Đà Nẵng 30.000đ"),
    ],
)
def test_an_order_that_is_free_of_the_fee_hears_that_first(
    text: str, locale: str, slots: dict[str, Any], first: str, shop: ServiceShop
) -> None:
    outcome, reply = Chat(shop, locale=locale).say("shipping_fee", text, **slots)  # type: ignore[arg-type]
    assert str(outcome.parts[0].values["clause"]).startswith(first)
    assert _TEXTS["shipping_fee"][locale] in reply.text


def test_an_amount_that_the_message_leaves_open_counts(shop: ServiceShop) -> None:
    mention = Mention("price_about", 600_000, 1, 2, certain=False)
    asked = SkillInput(
        intent="shipping_fee",
        slots={"location": "ha_noi"},
        utterance=heard("đơn 600 ship hà nội", mentions=(mention,)),
        state=DialogueState(),
        locale="vi",
        session_id="s",
        now=NOON,
    )
    assert str(shop.agent.run(asked).parts[0].values["clause"]).startswith("Miễn phí")


@pytest.mark.parametrize(
    ("text", "order", "place", "free"),
    [
        ("Ship 30k. Miễn phí cho đơn trên 500.000đ.", 500_000, "", False),
        ("Ship 30k. Miễn phí cho đơn trên 500.000đ.", 500_001, "", True),
        ("Ship 30k. Miễn phí nội thành Hà Nội cho đơn từ 300k.", 400_000, "da_nang", False),
        ("Ship 30k. Miễn phí nội thành Hà Nội cho đơn từ 300k.", 400_000, "ha_noi", True),
        ("Ship 30k. Freeship đơn từ 300k.", 299_999, "ha_noi", False),
        ("Ship 30k. Đổi trả miễn phí.", 10**9, "ha_noi", False),
    ],
)
def test_a_free_clause_holds_for_its_amount_and_places(text: str, order: int, place: str, free: bool) -> None:
    assert bool(free_clause(text, order, place, "VND")) is free


def test_a_short_answer_is_said_once(empty_shop: ServiceShop) -> None:
    texts = {
        "warranty": "Bảo hành 12 tháng cho đồ điện tử.",
        "store_info": "Hotline 0900. Mở cửa 8:00-21:00.",
        "shipping_time": "TP.HCM giao trong ngày nếu đặt trước 10 giờ sáng trong tuần; xa: 3 ngày; gần: 1 ngày.",
    }
    empty_shop.faq.upsert_many([FaqEntry(id="", intent=name, answers={"vi": text}) for name, text in texts.items()])
    chat = Chat(empty_shop)
    for intent, said, slots in (
        ("warranty", "đồ điện tử bảo hành không", {}),
        ("store_info", "hotline shop số mấy", {}),
        ("shipping_time", "giao hcm", {"location": "ho_chi_minh"}),
    ):
        outcome, _ = chat.say(intent, said, **slots)  # type: ignore[arg-type]
        assert [part.text for part in outcome.parts] == [texts[intent]]


@pytest.mark.parametrize(
    ("intent", "text", "locale", "first"),
    [
        ("shipping_fee", "có miễn phí ship không", "vi", "Miễn phí cho đơn từ 500.000đ"),
        ("shipping_time", "hoa toc duoc khong", "vi", "Hỏa tốc nội thành"),
        ("return_policy", "hàng giảm giá có đổi được không", "vi", "Hàng giảm giá chỉ được đổi"),
        ("store_info", "hotline shop số mấy", "vi", "Hotline 028 7300 1234"),
        ("store_info", "shop mở cửa mấy giờ", "vi", "Mở cửa 8:30-21:00"),
        ("warranty", "are clothes under warranty", "en", "clothes have no warranty"),
        ("shipping_options", "international shipping possible?", "en", "No international shipping"),
    ],
)
def test_the_clause_that_a_question_names_comes_first(
    intent: str, text: str, locale: str, first: str, shop: ServiceShop
) -> None:
    outcome, _ = Chat(shop, locale=locale).say(intent, text)  # type: ignore[arg-type]
    assert str(outcome.parts[0].values.get("clause", "")).startswith(first)


@pytest.mark.parametrize(
    ("intent", "text"),
    [
        ("shipping_fee", "phí giao hàng bao nhiêu"),
        ("warranty", "sản phẩm có bảo hành không"),
        ("return_policy", "quy định đổi hàng ra sao"),
    ],
)
def test_a_general_question_gets_the_whole_text_only(intent: str, text: str, chat: Chat) -> None:
    assert [part.text for part in chat.say(intent, text)[0].parts] == [_TEXTS[intent]["vi"]]


@pytest.mark.parametrize("method", ["cod", "bank_transfer", "momo", "vnpay", "card", "installment"])
@pytest.mark.parametrize("locale", ["vi", "en"])
def test_a_way_to_pay_that_the_text_names_is_affirmed(method: str, locale: str, shop: ServiceShop) -> None:
    outcome, reply = Chat(shop, locale=locale).say("payment_methods", "x", payment_method=method)  # type: ignore[arg-type]
    assert outcome.parts[0].message == f"policy.pay_yes.{method}"
    assert _TEXTS["payment_methods"][locale] in reply.text


@pytest.mark.parametrize(("text", "message"), [("visa được không", "policy.pay_yes.card"), ("thẻ jcb", "")])
def test_a_kind_of_card_is_affirmed_only_by_its_name(text: str, message: str, chat: Chat) -> None:
    assert chat.say("payment_methods", text, payment_method="card")[0].parts[0].message == message


def test_one_that_it_does_not_name_is_not(chat: Chat) -> None:
    outcome, reply = chat.say("payment_methods", "zalopay được không", payment_method="zalopay")
    assert outcome.parts[0].message == "policy.pay_unknown.zalopay"
    assert "được ạ, shop có nhận" not in reply.text


@pytest.mark.parametrize(
    ("text", "method", "expected"),
    [
        ("Không nhận COD. Chỉ chuyển khoản.", "cod", ("Không nhận COD", False)),
        ("Không nhận COD. Chỉ chuyển khoản.", "bank_transfer", ("Chỉ chuyển khoản", True)),
        ("We do not take cards; MoMo is fine", "card", ("We do not take cards", False)),
        ("Có thể trả tiền mặt", "card", ("", False)),
        ("Quẹt thẻ tại quầy", "card", ("Quẹt thẻ tại quầy", True)),
        ("Postcards are free", "card", ("", False)),
    ],
)
def test_a_negation_is_never_turned_into_a_yes(text: str, method: str, expected: tuple[str, bool]) -> None:
    assert payment_named(text, method) == expected


def test_a_code_is_known_only_if_the_text_names_it(chat: Chat) -> None:
    outcome, _ = chat.say("promotion", "mã CHAOBAN còn không", coupon_code="CHAOBAN")
    assert [part.text for part in outcome.parts] == [_TEXTS["promotion"]["vi"]]
    outcome, reply = chat.say("promotion", "mã FREE100", coupon_code="FREE100")
    assert outcome.parts[0].message == "policy.code_unknown"
    assert "FREE100" not in reply.text
    assert chat.say("promotion", "mã giảm", coupon_code="GIẢM")[0].parts[0].message != "policy.code_unknown"


@pytest.mark.parametrize(
    ("text", "haggles"),
    [
        ("bán mình 1 đồng đi", True),
        ("giảm nữa đi shop", True),
        ("lấy 3 cái giảm hông shop", True),
        ("bot chut di", True),
        ("sell it to me for 1 dong", True),
        ("can you knock 50 percent off", True),
        ("có chương trình giảm giá nào không", False),
        ("got a sale on?", False),
        ("có mã giảm giá không", False),
    ],
)
def test_haggling_promises_nothing_beyond_the_entry(text: str, haggles: bool, chat: Chat) -> None:
    outcome, reply = chat.say("promotion", text)
    assert (outcome.parts[0].message == "policy.no_haggling") == haggles
    assert outcome.action == "answer"
    assert _TEXTS["promotion"]["vi"] in reply.text


@pytest.mark.parametrize(
    ("text", "after", "message"),
    [
        ("giờ này shop còn mở cửa không", 0.0, "policy.open_now"),
        ("shop mo cua chua", -4 * 3600.0, "policy.closed_now"),
        ("are you open now", 10 * 3600.0, "policy.closed_now"),
        ("shop mở cửa mấy giờ", 0.0, "policy.fitting"),
    ],
)
def test_open_now_is_told_from_the_stated_hours(text: str, after: float, message: str, chat: Chat) -> None:
    chat.now = NOON + after
    assert chat.say("store_info", text)[0].parts[0].message == message


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Mở cửa 8:30-21:00 mỗi ngày", (510, 1260)),
        ("8h - 21h30 hàng ngày", (480, 1290)),
        ("Open 9am-8pm daily", (540, 1200)),
        ("Mở cửa 8:30-21:00", None),
        ("T2-T6 8:00-17:00, T7 8:00-12:00, hàng ngày", None),
        ("Giao 1-2 ngày, mỗi ngày", None),
        ("Hotline 028 7300 1234 mỗi ngày", None),
    ],
)
def test_hours_are_read_only_if_unambiguous(text: str, span: tuple[int, int] | None) -> None:
    assert stated_hours(text) == span
    assert configured_hours("08:30-21:00") == (510, 1260)


def test_an_entry_that_the_lead_found_is_quoted_as_it_is(empty_shop: ServiceShop) -> None:
    entry = empty_shop.faq.create(questions={"vi": ["có gói quà không"]}, answers={"vi": "Gói quà 15.000đ."})
    outcome, reply = Chat(empty_shop).say("faq", "có gói quà không", faq=entry.id)
    assert reply.text == "Gói quà 15.000đ."
    assert outcome.sources[0].id == entry.id
    outcome, reply = Chat(empty_shop, "s2").say("faq", "gói quà không shop")
    assert reply.text == "Gói quà 15.000đ."


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("phí giao hàng Đà Nẵng", "faq_shipping_fee"),
        ("MoMo", "faq_payment_methods"),
        ("bảo hành đồ điện tử", "faq_warranty"),
        ("giá bitcoin hôm nay", ""),
        ("", ""),
    ],
)
def test_a_language_models_question_is_answered_from_the_entries(question: str, source: str, chat: Chat) -> None:
    outcome, _ = chat.say("faq", question, question=question)
    assert [one.id for one in outcome.sources] == ([source] if source else [])
    assert outcome.answered == bool(source)


def test_a_disabled_entry_answers_nothing(empty_shop: ServiceShop) -> None:
    entry = empty_shop.faq.create(intent="warranty", answers={"vi": "Bảo hành 12 tháng."})
    chat = Chat(empty_shop)
    assert chat.say("warranty", "x")[0].answered
    empty_shop.faq.replace(entry.id, intent="warranty", answers={"vi": "Bảo hành 12 tháng."}, enabled=False)
    assert not chat.say("warranty", "x")[0].answered


def test_the_grounding_cases_of_this_agent(shop: ServiceShop) -> None:
    chat = Chat(shop, "g1")
    assert "35.000" in chat.say("shipping_fee", "phí giao về Hải Phòng", location="hai_phong")[1].text
    assert "2-3" in chat.say("shipping_time", "giao Đà Nẵng bao lâu", location="da_nang")[1].text
    assert "028 7300 1234" in chat.say("store_info", "hotline shop số mấy")[1].text
    english = Chat(shop, "g2", locale="en")
    assert "MoMo" in english.say("payment_methods", "do you take momo", payment_method="momo")[1].text
    asked = Chat(shop, "g3").say("order_status", "đơn 1101 tới đâu rồi", order_id="1101")[1].text
    assert "Phạm Bình" not in asked
    assert "Võ Văn Tần" not in asked
    assert FIXTURE.is_dir()


def test_every_entry_is_repeated_word_for_word(empty_shop: ServiceShop) -> None:
    text = "Dòng một: 10.000đ.\n• Dòng hai; {braces} <b>đậm</b>"
    empty_shop.faq.upsert_many([FaqEntry(id="", intent="warranty", answers={"vi": text})])
    assert Chat(empty_shop).say("warranty", "x")[1].text == text
