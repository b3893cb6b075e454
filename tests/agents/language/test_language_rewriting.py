"""The same message typed in other ways says the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rewriter import REWRITINGS, rewrite

from appliance.agents.language.agent import LanguageAgent, LanguageInput

AGENT = LanguageAgent()
SHOP = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "cases" / "dev_shop.jsonl").read_text(encoding="utf-8").splitlines()
]
TEXTS = [
    ("áo thun nam màu trắng size L dưới 300k", "vi"),
    ("cho mình xem túi xách nữ màu đen", "vi"),
    ("phí giao hàng về Hải Phòng bao nhiêu", "vi"),
    ("mình cao 1m65 nặng 52kg mặc size gì", "vi"),
    ("đơn 1102 đổi sang màu trắng được không", "vi"),
    ("chuyển khoản được không", "vi"),
    ("giày thể thao từ 500 nghìn đến 1 triệu", "vi"),
    ("đồng hồ rẻ nhất", "vi"),
    ("mua 2 đôi tất cổ ngắn màu xám", "vi"),
    ("áo khoác hai triệu rưỡi trở xuống", "vi"),
    ("bàn phím cơ màu hồng", "vi"),
    ("thanh toán bằng thẻ visa", "vi"),
    ("black leather bags under 500k", "en"),
    ("two hoodies size L", "en"),
    ("cancel order #1101", "en"),
    ("delivery time to Da Nang", "en"),
]


def stated(text: str) -> list[tuple[str, object]]:
    """Return the certain mentions of a message, in order."""
    found = AGENT.run(LanguageInput(text)).mentions
    return [(item.slot, item.value) for item in found if item.certain]


@pytest.mark.parametrize(("text", "locale"), TEXTS, ids=[text for text, _ in TEXTS])
def test_rewritings_keep_what_is_stated(text: str, locale: str) -> None:
    expected = stated(text)
    assert expected
    for name, changed in rewrite(text, locale).items():
        assert stated(changed) == expected, (name, changed)


@pytest.mark.parametrize("case", SHOP, ids=lambda case: case["id"])
def test_form_never_matters_in_the_development_cases(case: dict[str, object]) -> None:
    text = str(case["turns"][-1]["text"])  # type: ignore[index]
    plain = AGENT.run(LanguageInput(text))
    for name in ("nfd", "spaced", "newer_tones", "emoji", "punctuated"):
        changed = AGENT.run(LanguageInput(REWRITINGS[name](text)))
        assert changed.folded == plain.folded, name
        assert changed.mentions == plain.mentions, name
        assert changed.locale == plain.locale, name


def test_rewritings_are_deterministic() -> None:
    assert all(rewrite(text, locale) == rewrite(text, locale) for text, locale in TEXTS)
