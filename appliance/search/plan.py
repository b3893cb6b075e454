"""From the words of a query to the index terms that may answer each of them, with their weights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from appliance.search.analyzer import JOINED, MARKED
from appliance.search.facet_values import sizes_meant
from appliance.search.lexicon import Synonym, agrees, lexicon
from appliance.search.parse import ParsedQuery, QueryWord, Role
from appliance.search.state import IndexState
from appliance.search.typos import candidates

PHRASE, NUMBER, SYNONYM, PREFIX, CORRECTED = 1.15, 0.9, 0.5, 0.7, 0.8
"""Weights of two words side by side, of the other number of an English word, of another word for it, of a word begun,
and of a corrected word."""
MARKED_BONUS, PLAIN_BONUS = 0.5, 0.03
"""What the same diacritics add, when diacritics were typed and when none were (then it only parts equals)."""
UNMARKED = 0.9
"""Weight of a product written without diacritics for a word typed with them."""
OTHER_MARKS = 0.6
"""Weight of a word with diacritics (``Đà``) for a dictionary word that is typed and written without (``da``)."""
COLOUR, SIZE = 1.6, 1.6
"""Weights of a product's own colour and size: more than any text, for a name may say Mây Trắng of a black shoe."""
FULL, SLIP = 1.0, 0.5
"""How much of a word the products cover that have it as typed, and that have what it was corrected to."""
RARE = 1
"""A word of so few descriptions may be a slip in the catalogue."""
DOMINANT, DOMINANT_ALONE = 5, 1
"""A longer word so many times more frequent is probably being typed, even where the shorter one exists; the first word
of a query gives less to go by."""
_PREFIX_TERMS = 32
_SHORT_PREFIX, _SHORT_PREFIX_TERMS = 2, 4
"""One or two letters begin too many words: the shop's categories are meant, else its most frequent words."""
_SHORTEST_PLURAL = 4
_LONGEST_SYNONYM = 3


class Alternative(NamedTuple):
    """Terms that must all be in a product to answer a word; the least of their impacts counts."""

    terms: tuple[str, ...]
    weight: float


class FacetMatch(NamedTuple):
    """Products that have one of these values as their colour or size."""

    name: str
    keys: frozenset[str]
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
    facets: list[FacetMatch] = field(default_factory=list)
    covers: float = FULL

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
    slots = [_slot(word, query.accented, state) for word in query.words]
    for place, (first, second) in enumerate(pairwise(query.words)):
        # Two words side by side count in their own spelling: "Balo Đà Lạt" is no "balo da".
        spellings = [term for word in (first, second) for term in _marks(word) or _dictionary_spelling(word)]
        pair = Alternative((JOINED + first.folded + second.folded, *spellings), PHRASE)
        slots[place].other.append(pair)
        slots[place + 1].other.append(pair)
    for start, end, alternative in _synonyms(query):
        for slot in slots[start:end]:
            slot.other.append(alternative)
    for start, end, colour in _colours(query):
        for slot in slots[start:end]:
            slot.facets.append(colour)
    return Plan(slots, _completed(slots, query, state))


def _slot(word: QueryWord, accented: bool, state: IndexState) -> Slot:
    if word.size and (keys := sizes_meant(word.size, state.facet_keys("sizes"))):
        return Slot(word, facets=[FacetMatch("sizes", keys, SIZE)])
    slot = Slot(word, own=[Alternative((word.folded,), 1.0), Alternative((JOINED + word.folded,), 1.0)])
    if marks := _marks(word):
        slot.own[:1] = [Alternative(marks, 1.0), Alternative((MARKED + word.folded, MARKED), UNMARKED)]
    elif spelling := _dictionary_spelling(word):
        slot.own[:1] = [Alternative(spelling, 1.0), Alternative((word.folded,), OTHER_MARKS)]
    if (other := _other_number(word.folded)) is not None:
        slot.other.append(Alternative((other,), NUMBER))
    if len(word.parts) == 1:
        slot.bonus.append(Alternative((MARKED + word.parts[0].marked,), MARKED_BONUS if accented else PLAIN_BONUS))
    return slot


def _marks(word: QueryWord) -> tuple[str, ...]:
    """Return the term of a word typed with diacritics: a word with other ones is another word. Else nothing."""
    if len(word.parts) != 1 or word.parts[0].marked == word.folded or not word.folded.isalpha():
        return ()
    if word.folded in lexicon().solid:
        return ()
    return (MARKED + word.parts[0].marked,)


def _dictionary_spelling(word: QueryWord) -> tuple[str, ...]:
    """Return the term of a dictionary word that has no diacritics and was typed so (``da``). Else nothing."""
    if word.folded in lexicon().solid or not lexicon().plain(word.folded) or _marks(word):
        return ()
    return (MARKED + word.folded,)


def _other_number(word: str) -> str | None:
    """Return the plural of an English singular and the other way round; Vietnamese words never end in s."""
    if not word.isalpha() or len(word) < _SHORTEST_PLURAL:
        return None
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("s"):
        return None if word.endswith("ss") else word[:-1]
    return word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"


def _completed(slots: list[Slot], query: ParsedQuery, state: IndexState) -> dict[str, str]:
    """Complete or correct the words that have no good answer; return the corrections that were made."""
    poor, good = [], False
    for place, slot in enumerate(slots):
        growing = 0
        if query.open and place == len(slots) - 1 and not slot.word.size:
            growing = DOMINANT if place else DOMINANT_ALONE
        if slot.required:
            if _complete(slot, state, growing):
                good = True
            else:
                poor.append(slot)
    corrections: dict[str, str] = {}
    for slot in poor:
        _correct(slot, state, corrections, alone=not good)
    return corrections


def _complete(slot: Slot, state: IndexState, growing: int) -> bool:
    """Add the words that begin so while a word is typed; tell whether the slot has a good answer now.

    ``growing`` is how dominant a longer word must be, 0 for a word that is finished.
    """
    if slot.facets:
        return True
    count, strong = 0, False
    for alternative in slot.own:
        frequency = state.frequency(alternative.terms[0])
        count, strong = count + frequency[0], strong or frequency[1]
    finished = strong and (bool(_marks(slot.word)) or lexicon().plain(slot.word.folded))
    begun = _begun(slot.word.folded, state) if growing and not finished else []
    if begun and (not strong or state.frequency(begun[0].terms[0])[0] >= growing * count):
        slot.other.extend(begun)
        if len(slot.word.folded) <= _SHORT_PREFIX:
            # Two letters that are also a word are rarely that word, and in a description hardly ever.
            slot.own = [Alternative(own.terms, own.weight * PREFIX * PREFIX) for own in slot.own if strong]
        return True
    return strong or count > RARE or any(_reaches(state, alternative) for alternative in slot.other)


def _begun(word: str, state: IndexState) -> list[Alternative]:
    if len(word) <= _SHORT_PREFIX:
        heads = {part for key in state.facet_keys("categories") for part in re.split(r"[-/]", key)}
        terms = [term for term in state.starting_with(word, _PREFIX_TERMS) if term != word]
        terms = [term for term in terms if term in heads] or terms
        return [Alternative((term,), PREFIX) for term in terms[:_SHORT_PREFIX_TERMS]]
    terms = [term for term in state.starting_with(word, _PREFIX_TERMS) if term != word]
    terms += state.starting_with(JOINED + word, _PREFIX_TERMS // 2)
    return [Alternative((term,), PREFIX) for term in terms]


def _correct(slot: Slot, state: IndexState, corrections: dict[str, str], *, alone: bool) -> None:
    """Add what a word may have been meant to be. ``alone`` says that no other word of the query has an answer.

    Beside words that are answered, only a slip of the keyboard is read as another word; a guess merely adds to the
    score, and a word typed with diacritics was meant as it is.
    """
    typed, marked = slot.word.folded, bool(_marks(slot.word))
    found = candidates(state, typed)
    if marked and state.frequency(typed)[0]:
        found = [candidate for candidate in found if candidate.sure] if alone else []
        if alone:
            slot.covers = SLIP
            slot.other.append(Alternative((typed,), CORRECTED))
    guessed = bool(found) and not found[0].sure and not alone
    if guessed and marked:
        return
    weight = CORRECTED
    for place, candidate in enumerate(found):
        terms = [Alternative((candidate.word,), weight), Alternative((JOINED + candidate.word,), weight)]
        if guessed:
            slot.bonus += terms
            continue
        if place == 0:
            slot.covers = SLIP
            corrections[slot.word.typed] = candidate.word
        slot.other += terms
        for synonym in lexicon().synonyms.get((candidate.word,), ()):
            slot.other.extend(_alternatives(synonym, weight * SYNONYM))
        weight = CORRECTED * 0.7


def _colours(query: ParsedQuery) -> Iterator[tuple[int, int, FacetMatch]]:
    """Yield (first slot, end slot, products of the colour) for each colour that the query names, the longest first."""
    start = 0
    while start < len(query.words):
        for end in range(min(start + _LONGEST_SYNONYM, len(query.words)), start, -1):
            colour = lexicon().meant_colour([part for word in query.words[start:end] for part in word.parts])
            if colour is not None:
                yield start, end, FacetMatch("colors", frozenset({colour.key}), COLOUR)
                start = end - 1
                break
        start += 1


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
        yield Alternative((MARKED + phrase[0],) if phrase[0].isalpha() else phrase, weight)
        yield Alternative((JOINED + phrase[0],), weight)
    else:
        # Without its diacritics a short Vietnamese word is many words; a title that has none may still mean this one.
        yield Alternative((MARKED + marked[0],), weight)
        yield Alternative((MARKED + phrase[0],), weight * 0.9)


def _reaches(state: IndexState, alternative: Alternative) -> bool:
    return all(state.frequency(term)[1] for term in alternative.terms)
