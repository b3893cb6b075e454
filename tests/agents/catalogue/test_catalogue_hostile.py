"""Odd and hostile input: there is always an answer, and no amount in it that no fact states."""

from __future__ import annotations

from typing import Any

import pytest
from catalogue_shop import AgentShop
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.agents.catalogue.agent import CatalogueAgent
from appliance.agents.types import SHOPPING, DialogueState, ShownProduct
from appliance.messages import Locale

TEXTS = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            "'; drop table products;--",
            "<script>alert(1)</script>",
            "{title} {0} %s",
            "\u202eabc\x00\x07",
            "áo " * 500,
            "giá 1k thôi 500000đ",
            "balo city",
            "hoodie",
        ]
    ),
)
NUMBERS = st.one_of(st.integers(), st.integers(-5, 50), st.sampled_from([0, 10**18, 400_000]))
SLOTS = st.fixed_dictionaries(
    {},
    optional={
        "category": st.one_of(TEXTS, st.sampled_from(["bag", "shoes", "top"])),
        "product": TEXTS,
        "product2": TEXTS,
        "price_min": NUMBERS,
        "price_max": NUMBERS,
        "price_about": NUMBERS,
        "color": st.one_of(TEXTS, st.sampled_from(["black", "navy"])),
        "size": st.one_of(TEXTS, st.sampled_from(["M", "39"])),
        "gender": st.sampled_from(["men", "women", "kids", "unisex", "x"]),
        "quantity": NUMBERS,
        "attribute": st.one_of(TEXTS, st.sampled_from(["material", "color_options", "photo"])),
        "sort": st.sampled_from(["price_asc", "newest", "nonsense"]),
        "modifier": st.sampled_from(["cheaper", "more_expensive", "more", "other", "x"]),
        "ref": st.one_of(NUMBERS, st.just("it"), TEXTS),
        "refs": st.lists(NUMBERS, max_size=8),
        "without": TEXTS,
        "height_cm": NUMBERS,
        "weight_kg": NUMBERS,
        "foot_cm": NUMBERS,
    },
)
STATES = st.sampled_from(
    [
        DialogueState(),
        DialogueState(focus=ShownProduct("prod_006", "Hoodie Premium", 520_000)),
        DialogueState(shown=(ShownProduct("", "Túi Da", 550_000), ShownProduct("gone", "Không còn", None)), offered=2),
        DialogueState(
            shown=(
                ShownProduct("prod_001", "Áo thun Basic", 199_000),
                ShownProduct("prod_002", "Polo Classic", 289_000),
            ),
            filters={"category": "polo"},
            offered=10**6,
        ),
    ]
)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    intent=st.sampled_from(sorted(CatalogueAgent.intents)),
    text=TEXTS,
    slots=SLOTS,
    state=STATES,
    locale=st.sampled_from(["vi", "en"]),
)
def test_there_is_always_an_answer(
    fixture_shop: AgentShop, intent: str, text: str, slots: dict[str, Any], state: DialogueState, locale: Locale
) -> None:
    found = fixture_shop.ask(intent, text, state=state, locale=locale, **slots)
    said = fixture_shop.say(found, locale)
    assert said
    assert "\x00" not in said
    assert "<script" not in said
    assert len(found.products) <= 10


def test_all_shopping_but_promotions_is_answered_here() -> None:
    assert CatalogueAgent.intents == frozenset(SHOPPING) - {"promotion"}


@pytest.mark.parametrize("phrase", ["iphone giá 1k", "tủ lạnh 500.000đ", "xe hơi $5"])
def test_amounts_of_the_shopper_are_not_said_back(fixture_shop: AgentShop, phrase: str) -> None:
    said = fixture_shop.say(fixture_shop.ask("product_price", product=phrase))
    assert not any(amount in said for amount in ("1k", "500.000", "$5"))
