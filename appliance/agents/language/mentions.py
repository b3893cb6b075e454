"""All values of a message, readers in the order in which they may claim words."""

from __future__ import annotations

from appliance.agents.language.contacts import contacts
from appliance.agents.language.lexicon import ShopLexicon
from appliance.agents.language.matching import Line
from appliance.agents.language.measures import measures, quantities
from appliance.agents.language.money import money
from appliance.agents.language.names import categories, colours, values
from appliance.agents.types import Mention


def mentions(line: Line, lexicon: ShopLexicon, expects: str = "", currency: str = "VND") -> tuple[Mention, ...]:
    """Return the mentions of a line in the order of its words."""
    taken = bytearray(len(line))
    found = contacts(line, taken, expects)
    found += measures(line, taken, expects)
    found += money(line, taken, currency)
    goods = categories(line, taken, lexicon)
    found += goods
    for mention in goods:
        taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
    found += quantities(line, taken)
    tints = colours(line, taken, goods)
    found += tints
    found += values(line, taken)
    found.sort(key=lambda mention: (mention.start, mention.end))
    return tuple(found)
