"""Quick replies and messages: what a shopper can press is understood, and nothing in the files lies idle."""

from __future__ import annotations

import pytest

from appliance.agents.intent.agent import IntentAgent, IntentInput
from appliance.agents.intent.classifier import canonical
from appliance.agents.language.agent import LanguageAgent, LanguageInput
from appliance.agents.types import DialogueState, Interpretation, Pending, ShownProduct
from appliance.messages import LOCALES, Locale, catalogue

INTENT = IntentAgent(canonical(), lambda: None)
LANGUAGE = LanguageAgent()
LIST = (
    ShownProduct("p1", "Balo City", 450_000),
    ShownProduct("p2", "Balo Travel", 690_000),
    ShownProduct("p3", "Balo Mini", 320_000),
)
CHIPS = sorted(name.removeprefix("chat.chips.") for name in catalogue("en") if name.startswith("chat.chips."))

LISTED = DialogueState(shown=LIST, filters={"category": "backpack"}, last_intent="product_search", offered=3)
ABOUT_ONE = DialogueState(shown=LIST, focus=LIST[0], last_intent="product_info")
ASKED = DialogueState(pending=Pending(kind="handoff", intent="human_handoff"), last_intent="shipping_fee")
NEW = DialogueState()
MEANT: dict[str, tuple[tuple[DialogueState, ...], set[str]]] = {
    "cheaper": ((LISTED, ABOUT_ONE), {"product_search"}),
    "dearer": ((LISTED, ABOUT_ONE), {"product_search"}),
    "more": ((LISTED,), {"product_search"}),
    "other_kind": ((LISTED, ABOUT_ONE), {"product_search"}),
    "best_selling": ((NEW, LISTED), {"product_search", "product_recommend"}),
    "newest": ((NEW, LISTED), {"product_search", "product_recommend"}),
    "colors": ((ABOUT_ONE,), {"product_info", "product_availability"}),
    "stock": ((ABOUT_ONE,), {"product_availability"}),
    "price": ((ABOUT_ONE,), {"product_price"}),
    "buy": ((ABOUT_ONE,), {"order_place"}),
    "buy_this": ((ABOUT_ONE, LISTED), {"order_place"}),
    "compare": ((LISTED,), {"product_compare"}),
    "similar": ((ABOUT_ONE,), {"product_search", "product_recommend"}),
    "checkout_help": ((ABOUT_ONE, NEW), {"order_place"}),
    "in_color": ((LISTED,), {"product_search"}),
    "recommend": ((NEW, LISTED), {"product_recommend"}),
    "order_status": ((NEW, LISTED, ASKED), {"order_status"}),
    "shipping": ((NEW, LISTED, ASKED), {"shipping_fee"}),
    "returns": ((NEW, ASKED), {"return_policy"}),
    "payment": ((NEW, ASKED), {"payment_methods"}),
    "promotion": ((NEW, LISTED), {"promotion"}),
    "person": ((NEW, LISTED, ASKED), {"human_handoff"}),
    "yes": ((ASKED, NEW), {"affirm"}),
    "no": ((ASKED, NEW), {"deny"}),
}
FILLED = {"vi": {"title": "Balo City", "color": "đen"}, "en": {"title": "Balo City", "color": "black"}}


def understood(text: str, state: DialogueState) -> Interpretation:
    return INTENT.run(IntentInput(LANGUAGE.run(LanguageInput(text)), state))


def test_every_chip_says_here_what_it_means() -> None:
    assert sorted(MEANT) == CHIPS


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("chip", CHIPS)
def test_a_chip_is_understood_where_it_is_offered(chip: str, locale: Locale) -> None:
    states, intents = MEANT[chip]
    text = catalogue(locale)[f"chat.chips.{chip}"].format(**FILLED[locale])
    for state in states:
        found = understood(text, state)
        assert found.intent in intents, (text, found)
