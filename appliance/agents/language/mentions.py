"""All values of a message, readers in the order in which they may claim words."""

from __future__ import annotations

from appliance.agents.language.alternatives import settled
from appliance.agents.language.contacts import contacts
from appliance.agents.language.corrections import corrected
from appliance.agents.language.lexicon import ShopLexicon
from appliance.agents.language.matching import Line, claim, whole
from appliance.agents.language.measures import measures
from appliance.agents.language.money import money
from appliance.agents.language.names import categories, colours, values
from appliance.agents.language.quantities import quantities
from appliance.agents.language.references import references
from appliance.agents.language.refusals import without
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_MAX_DIGITS = 15
_MODEL_DIGITS = 4
_MONEY_UNITS = word_set("k nghin ngan dong d vnd trieu tr usd dollars")
_CHOICES = range(1, 21)


def mentions(line: Line, lexicon: ShopLexicon, expects: str = "", currency: str = "VND") -> tuple[Mention, ...]:
    """Return the mentions of a line in the order of its words."""
    taken = bytearray(len(line))
    found = contacts(line, taken, expects)
    found += measures(line, taken, expects)
    _keep_models(line, taken, lexicon.numbered)
    found += money(line, taken, currency)
    goods = categories(line, taken, lexicon)
    found += goods
    for mention in goods:
        claim(taken, mention)
    pointed = references(line, taken)
    found += quantities(line, taken, {mention.start for mention in goods}, lexicon.numbered)
    for mention in pointed:
        if mention.value == "it" and line.folded[mention.start] in (
            "it",
            "this",
            "that",
            "these",
            "no",
        ):  # "what is it made of": a pronoun inside a phrase does not part it
            taken[mention.start : mention.end] = bytes(mention.end - mention.start)
    found += colours(line, taken, goods)
    found += values(line, taken)
    found = without(line, found)
    for mention in (*found, *pointed):
        claim(taken, mention)
    found = settled(line, corrected(line, found, taken))
    found += pointed
    found += bare_numbers(line, taken, expects)
    found.sort(key=lambda mention: (mention.start, mention.end))
    return tuple(found)


def _keep_models(line: Line, taken: bytearray, numbered: frozenset[str]) -> None:
    """Mark as taken the long numbers that a title has behind the same word: ``power bank 10000`` is no price."""
    if not numbered:
        return
    for place in range(1, len(line)):
        digits = line.folded[place]
        if len(digits) >= _MODEL_DIGITS and f"{line.folded[place - 1]} {digits}" in numbered:
            taken[place] = taken[place] or line.word(place + 1) not in _MONEY_UNITS


def bare_numbers(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    """Return the numbers that nothing else explains, and what they are when they answer a question."""
    found: list[Mention] = []
    for place in range(len(line)):
        digits = line.folded[place]
        if taken[place] or not whole(digits) or len(digits) > _MAX_DIGITS:
            continue
        if expects in ("verify", "contact", "phone") and 9 <= len(digits) <= 12:
            found.append(Mention("phone", digits, place, place + 1))
        elif expects in ("product", "choice") and int(digits) in _CHOICES:
            found.append(Mention("ref", int(digits), place, place + 1, certain=False))
        elif expects in ("quantity", "purchase") and 0 < int(digits) <= 999:
            found.append(Mention("quantity", int(digits), place, place + 1))
        else:
            found.append(Mention("number", digits, place, place + 1, certain=False))
    return found
