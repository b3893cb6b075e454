"""Retrieval of the owner's questions: other words, no diacritics, swaps and speed; near misses stay unanswered."""

from __future__ import annotations

import time

import pytest
from service_shop import ServiceShop, heard

from appliance.agents.language.agent import LanguageAgent, LanguageInput
from appliance.agents.service.retrieval import FaqIndex, FaqSearch
from appliance.agents.types import Mention
from appliance.store.faq import FaqEntry

_QUESTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "gift": {"vi": ("Shop có gói quà không?", "gói quà sinh nhật"), "en": ("Do you gift wrap?",)},
    "condao": {"vi": ("Phí ship ra Côn Đảo bao nhiêu?",), "en": ("Shipping fee to Con Dao island?",)},
    "wash": {"vi": ("Áo len giặt máy được không?",), "en": ("Can I machine wash the sweaters?",)},
    "milk": {"vi": ("Bình này đựng sữa được không?",)},
    "repair": {"vi": ("Shop có nhận sửa đồ không?",), "en": ("Do you do alterations?",)},
    "points": {"vi": ("Tích điểm thành viên như thế nào?",), "en": ("How do loyalty points work?",)},
    "parking": {"vi": ("Cửa hàng có chỗ gửi xe ô tô không?",), "en": ("Is there parking at the store?",)},
    "wholesale": {"vi": ("Mua sỉ số lượng lớn có giá tốt không?",), "en": ("Do you sell wholesale?",)},
}


def _entries() -> list[FaqEntry]:
    return [
        FaqEntry(id=name, questions=questions, answers={"vi": f"Trả lời {name}."})
        for name, questions in _QUESTIONS.items()
    ]


@pytest.fixture(scope="module")
def index() -> FaqIndex:
    return FaqIndex(_entries())


def _best(index: FaqIndex, text: str) -> str:
    utterance = heard(text)
    marked = frozenset(token.marked for token in utterance.tokens if token.marked != token.folded)
    hit = index.best([token.folded for token in utterance.tokens], marked)
    return hit.entry.id if hit else ""


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("shop có gói quà không", "gift"),
        ("SHOP CO GOI QUA KO", "gift"),
        ("cho mình hỏi bên mình có gói quà không ạ", "gift"),
        ("goi qua sinh nhat dc k", "gift"),
        ("do you do gift wrapping?", "gift"),
        ("ship ra Côn Đảo phí bao nhiêu", "condao"),
        ("shipping to con dao how much", "condao"),
        ("áo len có giặt máy được không shop", "wash"),
        ("ao len giat bang may dc ko", "wash"),
        ("machine wash sweaters ok?", "wash"),
        ("tích điểm thành viên sao ạ", "points"),
        ("how do points work", "points"),
        ("có chỗ gửi xe ô tô không", "parking"),
        ("is there any parking", "parking"),
        ("mua sỉ số lượng lớn giá sao", "wholesale"),
        ("do you have wholesale", "wholesale"),
        ("shop nhận sửa đồ không", "repair"),
    ],
)
def test_other_wordings_find_the_entry(text: str, entry: str, index: FaqIndex) -> None:
    assert _best(index, text) == entry


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop có bán áo không",
        "có đổi trả không",
        "phí ship bao nhiêu",
        "ship ra Đà Lạt bao nhiêu",
        "áo len màu đỏ còn không",
        "mua áo số lượng 2",
        "quà tặng mẹ",
        "do you sell bags",
        "is there a guarantee",
        "how do I pay",
        "how much is it",
        "cho mình hỏi chút",
        "gửi hàng chưa shop",
        "xin chào",
        "???",
        "x " * 500,
        "'; drop table faq_entries; --",
    ],
)
def test_near_misses_find_nothing(text: str, index: FaqIndex) -> None:
    assert _best(index, text) == ""


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("dạ cho em hỏi bên mình có gói quà ko ạ", "gift"),
        ("shop oi ao len giat may dc k z", "wash"),
        ("SHIP RA CÔN ĐẢO BAO NHIÊU Ạ", "condao"),
        ("ship ra đà lạt bao nhiêu", ""),
        ("còn áo len size M không", ""),
    ],
)
def test_messages_as_the_language_agent_hears_them(text: str, entry: str, shop: ServiceShop) -> None:
    shop.faq.upsert_many(_entries())
    hit = FaqSearch(shop.faq).best(LanguageAgent().run(LanguageInput(text)))
    assert (hit.entry.id if hit else "") == entry


def test_diacritics_decide_between_questions_that_differ_in_nothing_else() -> None:
    entries = [
        FaqEntry(id="repair", questions={"vi": ("có nhận sửa không",)}, answers={"vi": "a"}),
        FaqEntry(id="milk", questions={"vi": ("có nhận sữa không",)}, answers={"vi": "b"}),
    ]
    for order in (entries, entries[::-1]):
        assert _best(FaqIndex(order), "có nhận sữa không") == "milk"
        assert _best(FaqIndex(order), "có nhận sửa không") == "repair"
        assert _best(FaqIndex(order), "co nhan sua khong") in ("milk", "repair")


def test_a_question_for_another_place_is_no_answer(shop: ServiceShop) -> None:
    shop.faq.create(questions={"vi": ["phí ship ra Côn Đảo là bao nhiêu"]}, answers={"vi": "Côn Đảo 90.000đ."})
    search = FaqSearch(shop.faq)
    far = heard("phí ship ra Cô Tô là bao nhiêu", mentions=(Mention("location", "co_to", 3, 5),))
    assert search.best(far) is None
    near = heard("phi ship ra con dao la bao nhieu", mentions=(Mention("location", "con_dao", 3, 5),))
    assert search.best(near) is not None


def test_a_change_counts_with_the_next_question(shop: ServiceShop) -> None:
    search = FaqSearch(shop.faq)
    asked = heard("có gói quà không")
    assert search.best(asked) is None
    kept = search.index
    assert search.index is kept
    entry = shop.faq.create(questions={"vi": ["Có gói quà không?"]}, answers={"vi": "Có."})
    hit = search.best(asked)
    assert hit is not None
    assert (hit.entry.id, hit.question) == (entry.id, "Có gói quà không?")
    assert hit.score == pytest.approx(1.0)
    shop.faq.delete(entry.id)
    assert search.best(asked) is None


def test_disabled_entries_and_answers_of_intents_are_not_found() -> None:
    entries = [
        FaqEntry(id="off", enabled=False, questions={"vi": ("có gói quà không",)}, answers={"vi": "a"}),
        FaqEntry(id="own", intent="warranty", answers={"vi": "có gói quà không"}),
    ]
    assert _best(FaqIndex(entries), "có gói quà không") == ""


def test_five_hundred_entries_are_searched_quickly() -> None:
    words = [
        word
        for questions in _QUESTIONS.values()
        for texts in questions.values()
        for text in texts
        for word in text.split()
    ]
    entries = [
        FaqEntry(
            id=f"e{number}",
            questions={"vi": tuple(" ".join(words[(number * 7 + k * 3) % len(words) :][:9]) for k in range(3))},
            answers={"vi": "a"},
        )
        for number in range(500)
    ]
    index = FaqIndex([*_entries(), *entries])
    asked = [heard(text).folded.split() for text in ("áo len có giặt máy được không shop", "is there any parking here")]
    took = []
    for _ in range(50):
        for folded in asked:
            began = time.perf_counter()
            index.best(folded)
            took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 2] < 0.001
