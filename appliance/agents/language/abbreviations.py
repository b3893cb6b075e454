"""Abbreviations and teencode: what a short word stands for, by the words beside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from appliance.agents.language.matching import data
from appliance.agents.language.words import Piece
from appliance.text import fold

_KEEP = "="


class Around(NamedTuple):
    """A message's words before abbreviations are read."""

    lowered: Sequence[str]
    folded: Sequence[str]
    raw: Sequence[str]
    text: str
    pieces: Sequence[Piece]
    said: frozenset[str]
    """All folded words."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A meaning that holds only in some surroundings; see the data file."""

    short: str
    means: str
    digit: bool | None = None
    no_digit: bool = False
    not_digit_after: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    right: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()
    not_left: frozenset[str] = frozenset()
    not_right: frozenset[str] = frozenset()
    not_raw_upper: bool = False


class Abbreviations(msgspec.Struct, frozen=True):
    """The dictionary."""

    plain: dict[str, str]
    rules: dict[str, tuple[Rule, ...]]

    def meaning(self, place: int, around: Around) -> str:
        """Return what the word at a place stands for; ``""`` for itself."""
        word = around.lowered[place]
        for rule in self.rules.get(word, ()):
            if _holds(rule, place, around):
                return "" if rule.means == _KEEP else rule.means
        return self.plain.get(word, "")


def _holds(rule: Rule, place: int, around: Around) -> bool:
    left = around.folded[place - 1] if place else "^"
    right = around.folded[place + 1] if place + 1 < len(around.folded) else "$"
    number = left[-1:].isdigit() and left[:1].isdigit() and left != "^"
    if number and rule.not_digit_after and _spaced(place, around):
        number = place < 2 or around.folded[place - 2] not in rule.not_digit_after
    if (rule.digit is not None and rule.digit != number) or (rule.no_digit and number):
        return False
    if (rule.left and left not in rule.left) or left in rule.not_left:
        return False
    if (rule.right and right not in rule.right) or right in rule.not_right:
        return False
    if rule.not_raw_upper and around.raw[place].isupper() and not around.text.isupper():
        return False
    return not rule.near or not rule.near.isdisjoint(around.said)


def _spaced(place: int, around: Around) -> bool:
    return around.pieces[place].start > around.pieces[place - 1].end


@lru_cache(maxsize=1)
def abbreviations() -> Abbreviations:
    """Return the dictionary, read once."""
    read = data("abbreviations")
    rules: dict[str, tuple[Rule, ...]] = {}
    for entry in read["rules"]:
        rule = msgspec.convert(entry, Rule)
        rules[rule.short] = (*rules.get(rule.short, ()), rule)
    return Abbreviations(read["plain"], rules)


def known_short(word: str) -> bool:
    """Tell whether a lower-case word is an abbreviation, so that nothing else repairs it."""
    table = abbreviations()
    return word in table.plain or word in table.rules or fold(word) in table.plain
