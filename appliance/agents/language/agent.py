"""Agent 1: reads what a shopper typed. Pure: the same text gives the same utterance."""

from __future__ import annotations

import msgspec

from appliance.agents.language.detect import language
from appliance.agents.language.lexicon import ShopLexicon
from appliance.agents.language.matching import Line
from appliance.agents.language.mentions import mentions
from appliance.agents.language.normalise import clean_text
from appliance.agents.language.polite import polite_words
from appliance.agents.language.screen import screen
from appliance.agents.language.tokens import tokenise
from appliance.agents.types import Utterance

_NAMES = frozenset(("location", "email", "phone", "order_id", "coupon_code"))
"""Mentions whose words say nothing of the language: a place keeps its name."""


class LanguageInput(msgspec.Struct, frozen=True):
    """A message as it came in."""

    text: str
    expects: str = ""
    """What the assistant just asked (``order_id``, ``verify``, ``measures``, ``size``…): lets a bare number be read."""


class LanguageAgent:
    """Turns text into words, values and language."""

    name = "language"

    def __init__(self, lexicon: ShopLexicon | None = None, currency: str = "VND") -> None:
        self._lexicon = lexicon or ShopLexicon()
        self._currency = currency

    def run(self, given: LanguageInput) -> Utterance:
        """Return what the message says; never fails on any text."""
        text = clean_text(given.text)
        tokens, repairs = tokenise(text, self._lexicon)
        line = Line(tokens, text)
        found = mentions(line, self._lexicon, given.expects, self._currency)
        named = {place for item in found if item.slot in _NAMES for place in range(item.start, item.end)}
        spoken = language([token for place, token in enumerate(tokens) if place not in named])
        polite = polite_words(line, found)
        verdict = screen(line, text, found, polite, self._lexicon)
        return Utterance(
            text=text,
            tokens=tokens,
            locale=spoken.locale,
            mixed=spoken.mixed,
            marked=line.marks,
            mentions=found,
            polite=polite,
            screen=verdict.screen,
            angry=verdict.angry,
            repairs=repairs,
        )
