"""From the words of a query to the index terms that may answer each of them, with their weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from appliance.search.analyzer import JOINED, MARKED
from appliance.search.lexicon import Synonym, agrees, lexicon
from appliance.search.parse import ParsedQuery, QueryWord, Role
from appliance.search.state import IndexState
from appliance.search.typos import candidates

PHRASE, NUMBER, SYNONYM, PREFIX, CORRECTED = 1.15, 0.9, 0.5, 0.7, 0.8
"""Weights of two words side by side, of the other number of an English word, of another word for it, of a word begun,
and of a corrected word."""
MARKED_BONUS, PLAIN_BONUS = 0.5, 0.03
"""What the same diacritics add, when diacritics were typed and when none were (then it only parts equals)."""
RARE = 1
"""A word of so few descriptions may be a slip in the catalogue."""
DOMINANT, DOMINANT_ALONE = 5, 1
"""A longer word so many times more frequent is probably being typed, even where the shorter one exists; the first word
of a query gives less to go by."""
_PREFIX_TERMS = 32
_SHORTEST_PLURAL = 4
_LONGEST_SYNONYM = 3


class Alternative(NamedTuple):
    """Terms that must all be in a product to answer a word; the least of their impacts counts."""

    terms: tuple[str, ...]
    weight: float


@dataclass
class Slot:
    """One word of the query and everything that answers it; the best alternative of a product counts."""

    word: QueryWord
    own: list[Alternative] = field(default_factory=list)
    """The word itself in its spellings; they set the document frequency."""
    other: list[Alternative] = field(default_factory=list)
    bonus: list[Alternative] = field(default_factory=list)
    """Added to the score of products that match, never a match of its own."""

    @property
    def required(self) -> bool:
        """Whether a product without it is a worse answer."""
        return self.word.role is Role.WANTED


class Plan(NamedTuple):
    """All slots in the order typed, and the words that were read as others."""

    slots: list[Slot]
    corrections: dict[str, str]


def make_plan(query: ParsedQuery, state: IndexState) -> Plan:
    """Choose the terms for each word of a query against the words that the index has."""
    bonus = MARKED_BONUS if query.accented else PLAIN_BONUS
    slots = [_slot(word, bonus) for word in query.words]
    for place, (first, second) in enumerate(pairwise(query.words)):
        pair = Alternative((JOINED + first.folded + second.folded,), PHRASE)
        slots[place].other.append(pair)
        slots[place + 1].other.append(pair)
    for start, end, alternative in _synonyms(query):
        for slot in slots[start:end]:
            slot.other.append(alternative)
    corrections: dict[str, str] = {}
    for place, slot in enumerate(slots):
        growing = 0
        if query.open and place == len(slots) - 1:
            growing = DOMINANT if place else DOMINANT_ALONE
        if slot.required and not _complete(slot, state, growing):
            _correct(slot, state, corrections)
    return Plan(slots, corrections)


def _slot(word: QueryWord, bonus: float) -> Slot:
    slot = Slot(word, own=[Alternative((word.folded,), 1.0), Alternative((JOINED + word.folded,), 1.0)])
    if (other := _other_number(word.folded)) is not None:
        slot.other.append(Alternative((other,), NUMBER))
    if len(word.parts) == 1:
        slot.bonus.append(Alternative((MARKED + word.parts[0].marked,), bonus))
    return slot


def _other_number(word: str) -> str | None:
    """Return the plural of an English singular and the other way round; Vietnamese words never end in s."""
    if not word.isalpha() or len(word) < _SHORTEST_PLURAL:
        return None
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("s"):
        return None if word.endswith("ss") else word[:-1]
    return word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"


def _complete(slot: Slot, state: IndexState, growing: int) -> bool:
    """Add the words that begin so while a word is typed; tell whether the slot has a good answer now.

    ``growing`` is how dominant a longer word must be, 0 for a word that is finished.
    """
    count, strong = 0, False
    for alternative in slot.own:
        frequency = state.frequency(alternative.terms[0])
        count, strong = count + frequency[0], strong or frequency[1]
    begun = _begun(slot.word.folded, state) if growing else []
    if begun and (not strong or state.frequency(begun[0].terms[0])[0] >= growing * count):
        slot.other.extend(begun)
        return True
    return strong or count > RARE or any(_reaches(state, alternative) for alternative in slot.other)


def _begun(word: str, state: IndexState) -> list[Alternative]:
    terms = [term for term in state.starting_with(word, _PREFIX_TERMS) if term != word]
    if len(word) > 2:
        terms += state.starting_with(JOINED + word, _PREFIX_TERMS // 2)
    return [Alternative((term,), PREFIX) for term in terms]


def _correct(slot: Slot, state: IndexState, corrections: dict[str, str]) -> None:
    weight = CORRECTED
    for place, candidate in enumerate(candidates(state, slot.word.folded)):
        if place == 0:
            corrections[slot.word.typed] = candidate.word
        slot.other += [Alternative((candidate.word,), weight), Alternative((JOINED + candidate.word,), weight)]
        for synonym in lexicon().synonyms.get((candidate.word,), ()):
            slot.other.extend(_alternatives(synonym, weight * SYNONYM))
        weight = CORRECTED * 0.7


def _synonyms(query: ParsedQuery) -> Iterator[tuple[int, int, Alternative]]:
    """Yield (first slot, end slot, alternative) for each phrase of the query that the dictionary knows."""
    known = lexicon().synonyms
    for start in range(len(query.words)):
        for end in range(start + 1, min(start + _LONGEST_SYNONYM, len(query.words)) + 1):
            parts = [part for word in query.words[start:end] for part in word.parts]
            for synonym in known.get(tuple(part.folded for part in parts), ()):
                if agrees(parts, synonym.marked):
                    for alternative in _alternatives(synonym, SYNONYM):
                        yield start, end, alternative


def _alternatives(synonym: Synonym, weight: float) -> Iterator[Alternative]:
    phrase, marked = synonym.meaning, synonym.meaning_marked
    if len(phrase) > 1:
        yield Alternative(tuple(JOINED + first + second for first, second in pairwise(phrase)), weight)
        if phrase in lexicon().compounds:
            yield Alternative(("".join(phrase),), weight)
    elif phrase == marked:
        yield Alternative(phrase, weight)
        yield Alternative((JOINED + phrase[0],), weight)
    else:
        # Without its diacritics a short Vietnamese word is many words; a title that has none may still mean this one.
        yield Alternative((MARKED + marked[0],), weight)
        yield Alternative((MARKED + phrase[0],), weight * 0.9)


def _reaches(state: IndexState, alternative: Alternative) -> bool:
    return all(state.frequency(term)[1] for term in alternative.terms)
