"""Whom a present is for, and what is plainly for others."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec

from appliance.agents.catalogue.categories import keys_of_handles
from appliance.agents.catalogue.names import marked_for, read_name, suits
from appliance.agents.types import Token, Utterance
from appliance.data_files import read_data
from appliance.domain import ProductCard
from appliance.text import fold

_LONGEST = 3
"""Words of the longest name of a person."""
_MAX_TOKENS = 60
_FOR = frozenset({"cho", "tang", "bieu", "for", "to", "give", "surprise"})
"""Words that a person follows to whom something is given."""
_BETWEEN = frozenset({"my", "his", "her", "our", "your", "the", "a", "an", "nguoi", "dear", "old", "va", "and", "or"})
"""Words that may stand between these and the person."""
_GIFT = frozenset({"qua", "tang", "bieu", "sinh", "nhat", "gift", "gifts", "present", "presents", "ideas", "birthday"})
_KIDS_GROUPS = frozenset({"toy"})


class _Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vi: tuple[str, ...]
    en: tuple[str, ...]
    never: tuple[str, ...]


class Persons(NamedTuple):
    """The names of persons to ``men``, ``women`` or ``kids``, and the groups that are nothing for each."""

    vi: dict[str, str]
    """Marks kept, words joined by single spaces."""
    vi_folded: dict[str, str]
    en: dict[str, str]
    never: dict[str, frozenset[str]]


@lru_cache(maxsize=1)
def read_persons() -> Persons:
    """Return the persons that are known, read once."""
    known = read_data("appliance.agents.catalogue", "persons", dict[str, _Person])
    vi = {name: gender for gender, person in known.items() for name in person.vi}
    folded: dict[str, str] = {}
    for name, gender in vi.items():
        # Two names of the same letters: the first stands, "ba" for a father and not for a grandmother.
        folded.setdefault(fold(name), gender)
    en = {name: gender for gender, person in known.items() for name in person.en}
    return Persons(vi, folded, en, {gender: frozenset(person.never) for gender, person in known.items()})


def person_of(utterance: Utterance) -> str:
    """Return ``men``, ``women`` or ``kids`` for the one to whom something is given, ``''`` if unknown or both."""
    tokens = utterance.tokens[:_MAX_TOKENS]
    found: set[str] = set()
    place, due = 0, False
    while place < len(tokens):
        length, gender = _name_at(tokens, place, utterance.locale == "en") if due else (0, "")
        if gender:
            found.add(gender)
            place += length
            continue
        folded = tokens[place].folded
        due = folded in _FOR or (due and folded in _BETWEEN)
        place += 1
    return found.pop() if len(found) == 1 else ""


def without_persons(said: str) -> str:
    """Return what is said of goods without the person and the present."""
    return " ".join(word for word in said.split() if fold(word) not in _said_of_persons())


@lru_cache(maxsize=1)
def _said_of_persons() -> frozenset[str]:
    known = read_persons()
    return _GIFT | frozenset(word for name in (*known.vi_folded, *known.en) for word in name.split())


def for_person(card: ProductCard, gender: str) -> bool:
    """Tell whether a product may be given to someone: neither marked for others nor of a group for others."""
    if not suits(card, gender):
        return False
    never = read_persons().never.get(gender)
    if not never or marked_for(card, gender):
        return True
    others = {"men": ("kids",), "women": ("kids",), "kids": ("men", "women")}[gender]
    if any(marked_for(card, other) for other in others):
        return False
    return not never & (keys_of_handles(card.categories) | read_name(card.title).keys)


def for_kids(card: ProductCard) -> bool:
    """Tell whether a product is plainly for children."""
    return marked_for(card, "kids") or bool(_KIDS_GROUPS & keys_of_handles(card.categories))


def _name_at(tokens: tuple[Token, ...], place: int, english: bool) -> tuple[int, str]:
    """Return the words and the gender of the longest name that begins at a token."""
    known = read_persons()
    for length in range(min(_LONGEST, len(tokens) - place), 0, -1):
        words = tokens[place : place + length]
        folded = " ".join(token.folded for token in words)
        gender = known.en.get(folded, "")
        if not gender and not english:
            marked = " ".join(token.marked for token in words)
            gender = known.vi.get(marked, "") or (known.vi_folded.get(folded, "") if marked == folded else "")
        if gender:
            return length, gender
    return 0, ""
