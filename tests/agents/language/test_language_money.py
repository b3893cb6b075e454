"""Money as shoppers say it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.agents.language.agent import LanguageAgent, LanguageInput

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "cases" / "dev_money.jsonl").read_text(encoding="utf-8").splitlines()
]
AGENT = LanguageAgent()


def prices(text: str) -> dict[str, object]:
    """Return the price slots of a message."""
    said = AGENT.run(LanguageInput(text)).mentions
    return {item.slot: item.value for item in said if item.slot.startswith("price_") and item.certain}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_development_cases(case: dict[str, object]) -> None:
    assert prices(str(case["text"])) == case["slots"]


DIGIT_WORDS = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"]


def in_words(thousands: int) -> str:
    """Return a number of thousands below a million đồng in words: ``hai trăm năm mươi lăm nghìn``."""
    hundreds, rest = divmod(thousands, 100)
    tens, ones = divmod(rest, 10)
    parts = [f"{DIGIT_WORDS[hundreds]} trăm"] if hundreds else []
    if tens == 1:
        parts.append("mười")
    elif tens:
        parts.append(f"{DIGIT_WORDS[tens]} mươi")
    elif ones and hundreds:
        parts.append("lẻ")
    if ones:
        parts.append("lăm" if ones == 5 and tens else "mốt" if ones == 1 and tens > 1 else DIGIT_WORDS[ones])
    return " ".join([*parts, "nghìn"])


def spoken(thousands: int) -> list[str]:
    """Return colloquial ways to write an amount of so many thousand đồng."""
    ways = [
        f"{thousands}k",
        f"{thousands} k",
        f"{thousands} nghìn",
        f"{thousands} ngan",
        f"{thousands} cành",
        f"{thousands}.000đ",
        f"{thousands}.000 đồng",
        f"{thousands},000 vnd",
        f"{thousands}K",
        f"{thousands}000đ",
    ]
    if 10 <= thousands < 1000:
        ways.append(in_words(thousands))
    if thousands >= 1000:
        millions, rest = divmod(thousands, 1000)
        ways = [f"{thousands}k", f"{thousands} nghìn", f"{millions}.{rest:03}.000đ", f"{millions},{rest:03},000 vnd"]
        ways += [f"{millions} triệu {rest} nghìn" if rest else f"{millions} triệu", f"{millions}tr{rest:03}"]
        if rest % 100 == 0:
            tenths = rest // 100
            ways += [
                f"{millions}tr{tenths}",
                f"{millions},{tenths}tr",
                f"{millions}.{tenths} triệu",
                f"{millions} củ {tenths}",
            ]
            if tenths:
                ways.append(f"{DIGIT_WORDS[millions]} triệu {DIGIT_WORDS[tenths]}" if millions < 10 else "1k")
        if rest == 500:
            ways += [f"{millions} triệu rưỡi", f"{millions}tr rưỡi", f"{millions} củ rưỡi"]
        ways = [way for way in ways if way != "1k"]
    return ways


BOUNDS = [
    ("dưới {}", "max"),
    ("{} đổ lại", "max"),
    ("từ {} trở lên", "min"),
    ("trên {}", "min"),
    ("tầm {}", "about"),
    ("{}", "about"),
]


@settings(max_examples=120, deadline=None)
@given(st.integers(min_value=10, max_value=9_999), st.sampled_from(BOUNDS))
def test_an_amount_said_in_many_ways_is_read_back(thousands: int, bound: tuple[str, str]) -> None:
    wording, kind = bound
    for way in spoken(thousands):
        assert prices(wording.format(way)) == {f"price_{kind}": thousands * 1000}, way


@pytest.mark.parametrize(
    "text",
    [
        "cao 1m6", "cao 1m65", "165cm", "nặng 52kg", "size 39", "giày 40", "sđt 0912345678", "đơn 2048", "mã đơn 300",
        "ngày 20/11", "lúc 10h30", "512gb", "750ml", "10000mah", "bình 2 lít", "balo 35 lít", "giảm 20%", "mua 3 cái",
        "2 đôi", "bảo hành 12 tháng", "đổi trong 7 ngày", "quận 10", "iphone 15", "cáp 2m", "dài 120 cm", "số 300",
        "from 3 to 5 days", "order 500123", "2 củ sạc", "3 chai nước", "giao trước 5 giờ", "năm 2024", "100 cái",
    ],
)  # fmt: skip
def test_what_only_looks_like_money(text: str) -> None:
    assert prices(text) == {}


def test_in_a_shop_with_another_currency_bare_numbers_are_amounts() -> None:
    agent = LanguageAgent(currency="USD")
    (mention,) = agent.run(LanguageInput("under 50")).mentions
    assert (mention.slot, mention.value) == ("price_max", 50)
