"""Questions about the product in talk, in words that name no product and no attribute of ours."""

from __future__ import annotations

from typing import Any

import pytest
from catalogue_shop import AgentShop

from appliance.agents.types import DialogueState, ShownProduct
from appliance.messages import Locale

BOTTLE = ShownProduct("prod_039", "Bình giữ nhiệt 500ml", 220_000)
WALLET = ShownProduct("prod_024", "Ví da nam", 490_000)
PRO = ShownProduct("prod_031", "Tai nghe Pro", 890_000)


@pytest.mark.parametrize(
    ("shown", "text", "locale", "slots", "answer"),
    [
        (BOTTLE, "giữ nóng được bao lâu", "vi", {"product": "nóng"}, "giữ nóng 12 giờ"),
        (BOTTLE, "giữ nóng được bao lâu", "vi", {"ref": "it"}, "giữ nóng 12 giờ"),
        (BOTTLE, "giu nong duoc bao lau", "vi", {"product": "nong"}, "giữ nóng 12 giờ"),
        (BOTTLE, "how long does it keep drinks hot", "en", {"ref": "it"}, "giữ nóng 12 giờ"),
        (PRO, "có chống ồn không", "vi", {"product": "chống ồn"}, "chống ồn"),
        (WALLET, "what is it made of", "en", {"ref": "it"}, "da bò"),
    ],
)
def test_the_words_are_looked_for_in_the_product_in_talk(
    fixture_shop: AgentShop, shown: ShownProduct, text: str, locale: Locale, slots: dict[str, Any], answer: str
) -> None:
    found = fixture_shop.ask("product_info", text, locale=locale, state=DialogueState(focus=shown), **slots)
    assert answer in fixture_shop.say(found, locale)
    assert found.answered
    assert found.sources[0].id == shown.product_id


@pytest.mark.parametrize(
    ("shown", "text", "locale", "slots"),
    [
        (WALLET, "how many card slots does it have", "en", {"ref": "it"}),
        (BOTTLE, "nặng không", "vi", {"attribute": "dimension", "ref": "it"}),
        (BOTTLE, "nặng không", "vi", {"product": "nặng"}),
        (WALLET, "có mấy ngăn", "vi", {"attribute": "dimension", "ref": "it"}),
        (PRO, "có mic không", "vi", {"product": "mic"}),
        (PRO, "có năng lượng mặt trời không", "vi", {"product": "năng lượng mặt trời"}),
    ],
)
def test_what_is_not_written_down_is_not_known(
    fixture_shop: AgentShop, shown: ShownProduct, text: str, locale: Locale, slots: dict[str, Any]
) -> None:
    found = fixture_shop.ask("product_info", text, locale=locale, state=DialogueState(focus=shown), **slots)
    assert not found.answered
    assert found.pending is not None
    assert found.pending.kind == "handoff"
    assert found.parts[0].message in ("info.unknown", "info.unknown_attribute")
    assert found.focus is not None
    assert found.focus.product_id == shown.product_id


def test_weight_is_not_answered_with_measures(fixture_shop: AgentShop) -> None:
    state = DialogueState(focus=ShownProduct("prod_021", "Balo City", 450_000))
    found = fixture_shop.ask("product_info", "nặng không", state=state, attribute="dimension", ref="it")
    assert "trọng lượng" in fixture_shop.say(found)
    assert not found.answered


def test_the_product_as_a_whole_is_told_when_that_is_asked(fixture_shop: AgentShop) -> None:
    for text in ("cho mình thông tin", "cái này thế nào"):
        found = fixture_shop.ask("product_info", text, state=DialogueState(focus=WALLET), ref="it")
        assert "490.000" in fixture_shop.say(found)


def test_another_product_is_still_found_by_its_name(fixture_shop: AgentShop) -> None:
    found = fixture_shop.ask(
        "product_info", "túi tote chất gì", state=DialogueState(focus=BOTTLE), product="túi tote", attribute="material"
    )
    assert "canvas" in fixture_shop.say(found)
