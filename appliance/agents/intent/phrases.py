"""The product that a message names: the words that are left when everything else is taken away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from appliance.agents.language.syllables import canonical
from appliance.agents.types import Token, Utterance
from appliance.data_files import read_data
from appliance.text import fold

MAX_WORDS = 8
_NAME_SLOTS = frozenset({"category"})
"""Mentions that may be part of a product's name."""


class WordSet(NamedTuple):
    """Words in the form in which they are written, and folded."""

    marked: frozenset[str]
    folded: frozenset[str]

    def holds(self, token: Token) -> bool:
        """Tell whether a token is one of the words; one that was typed with diacritics must have the right ones."""
        return token.folded in self.folded if token.marked == token.folded else token.marked in self.marked


class PhraseWords(NamedTuple):
    """Words that are no part of a name, that name nothing in particular, and that separate two names."""

    idle: WordSet
    generic: WordSet
    separators: WordSet


@lru_cache(maxsize=1)
def phrase_words() -> PhraseWords:
    """Read the word lists."""
    tables = read_data("appliance.agents.intent", "phrases", dict[str, dict[str, str]])
    languages = [tables["vi"], tables["en"]]
    return PhraseWords(
        _word_set(word for table in languages for word in table["words"].split()),
        _word_set(word for table in languages for word in table["generic"].split()),
        _word_set(tables["separators"]["words"].split()),
    )


def _word_set(words: Iterable[str]) -> WordSet:
    listed = list(words)
    # The language agent writes the tone mark in one canonical place; so does this.
    return WordSet(frozenset(map(canonical, listed)), frozenset(map(fold, listed)))


def product_phrases(utterance: Utterance, *, one: bool = False) -> list[str]:
    """Return the names in a message in order, as said, lower case; usually one, two in a comparison.

    A name is a run of words that are neither politeness, nor a value of another slot, nor grammar. Runs that hold a
    category go before others; a run of generic nouns alone (``mẫu``, ``item``) names nothing. Where ``one`` product is
    asked for, a gender inside a name belongs to it (``đồng hồ nữ classic``).
    """
    named = [run for run in _runs(utterance, one) if _names(_tokens(run, utterance))]
    in_category = _category_places(utterance)
    strong = [run for run in named if not in_category.isdisjoint(run)]
    chosen = strong or sorted(named, key=len, reverse=True)[:2]
    return [_said(run, utterance) for run in sorted(chosen, key=lambda run: run.start)]


def compared_phrases(utterance: Utterance) -> list[str]:
    """Return the names on the two sides of a comparison; a separator always ends a name."""
    return [_said(run, utterance) for run in _runs(utterance) if _names(_tokens(run, utterance))]


def _names(run: Sequence[Token]) -> bool:
    """Tell whether words name something: generic nouns and small numbers alone do not."""
    return not all(
        phrase_words().generic.holds(token) or (token.folded.isdigit() and len(token.folded) < 3) for token in run
    )


def _tokens(run: range, utterance: Utterance) -> Sequence[Token]:
    return utterance.tokens[run.start : run.stop]


def _said(run: range, utterance: Utterance) -> str:
    return " ".join(token.marked for token in _tokens(run, utterance)[:MAX_WORDS])


def _runs(utterance: Utterance, one: bool = False) -> list[range]:
    """Return the places of the words that may name something, those that stand together in one range."""
    words = phrase_words()
    taken = set(utterance.polite)
    in_category = _category_places(utterance)
    for mention in utterance.mentions:
        if mention.slot not in _NAME_SLOTS and mention.certain:
            taken.update(range(mention.start, mention.end))
    if one:
        taken -= _inside_names(utterance, taken)
    runs: list[range] = []
    for place, token in enumerate(utterance.tokens):
        grammar = words.idle.holds(token) or words.separators.holds(token)
        if (place in taken or grammar) and place not in in_category:
            continue
        start = runs.pop().start if runs and runs[-1].stop == place else place
        runs.append(range(start, place + 1))
    return runs


def _inside_names(utterance: Utterance, taken: set[int]) -> set[int]:
    """Return the places of a gender that stands between two words of a name."""
    words, tokens = phrase_words(), utterance.tokens
    named = [
        place not in taken and not words.idle.holds(token) and not words.separators.holds(token)
        for place, token in enumerate(tokens)
    ]
    return {
        place
        for mention in utterance.mentions
        if mention.slot == "gender" and mention.start > 0 and mention.end < len(tokens)
        if named[mention.start - 1] and named[mention.end]
        for place in range(mention.start, mention.end)
    }


def _category_places(utterance: Utterance) -> set[int]:
    return {
        place
        for mention in utterance.mentions
        if mention.slot in _NAME_SLOTS
        for place in range(mention.start, mention.end)
    }
