"""Phrases that settle an intent by themselves. The model decides where no rule speaks.

The grammar is data: ``data/rules.toml`` holds regular expressions over the folded words of a message without its
politeness. Rules are tried in the order of the file; the first that fits wins.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec

from appliance.agents.types import INTENTS, Utterance
from appliance.data_files import read_data

MAX_CHARS = 400
"""Of a longer message only the beginning is looked at: grammar is for short turns."""


class Rule(msgspec.Struct, frozen=True):
    """One intent's sure phrases."""

    intent: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    whole: bool
    """Whether the phrase must be the whole message."""
    needs: frozenset[str]
    """Slots of which one must be mentioned."""
    lacks: frozenset[str]
    """Slots of which none may be mentioned."""
    guess: frozenset[str]
    """Intents of which the model must have guessed one; empty for a rule that speaks whatever it guessed."""

    def fits(self, text: str, whole: str, slots: frozenset[str], guess: str) -> bool:
        """Tell whether the rule speaks for a message with these mentions and this guess.

        ``text`` is the message without its politeness, ``whole`` with it: a greeting is politeness alone.
        """
        if (self.needs and not self.needs & slots) or self.lacks & slots or (self.guess and guess not in self.guess):
            return False
        if self.whole:
            found = self.pattern.fullmatch(text) or self.pattern.fullmatch(whole)
        else:
            found = self.pattern.search(text)
        return found is not None and (self.unless is None or self.unless.search(text) is None)


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    intent: str
    any: list[str]
    unless: list[str] = []
    whole: bool = False
    needs: list[str] = []
    lacks: list[str] = []
    guess: list[str] = []


class _Companion(msgspec.Struct, forbid_unknown_fields=True):
    intent: str
    """What may be asked in the same breath."""
    beside: str
    any: list[str]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    companion: list[_Companion]
    marked: list[str]
    yes: list[str]
    no: list[str]
    rule: list[_Entry]


@lru_cache(maxsize=1)
def _file() -> _File:
    return read_data("appliance.agents.intent", "rules", _File)


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Return the grammar. Raises ``ValueError`` for an unknown intent, which is a defect of the file."""
    unknown = {name for entry in _file().rule for name in (entry.intent, *entry.guess)} - set(INTENTS)
    if unknown:
        raise ValueError(f"rules for unknown intents: {sorted(unknown)}")
    return tuple(
        Rule(
            entry.intent,
            _phrases(entry.any, whole=entry.whole),
            _phrases(entry.unless) if entry.unless else None,
            entry.whole,
            frozenset(entry.needs),
            frozenset(entry.lacks),
            frozenset(entry.guess),
        )
        for entry in _file().rule
    )


def matching_rule(utterance: Utterance, guess: str = "") -> tuple[str, str] | None:
    """Return the intent of the first rule that speaks, and the rule's name for the trace; ``guess`` is the model's."""
    marked = _marked()
    words = (token.marked if token.marked in marked else token.folded for token in utterance.core)
    text = " ".join(words)[:MAX_CHARS]
    whole = utterance.folded[:MAX_CHARS]
    slots = frozenset(mention.slot for mention in utterance.mentions)
    for number, rule in enumerate(rules()):
        if rule.fits(text, whole, slots, guess):
            return rule.intent, f"{rule.intent}#{number}"
    return None


def companion(intent: str, utterance: Utterance) -> str:
    """Return what else a message asks in the same breath ("phí ship và mấy ngày"), or ``''``."""
    text = " ".join(token.folded for token in utterance.core)[:MAX_CHARS]
    for other, beside, pattern in _companions():
        if beside == intent and pattern.search(text):
            return other
    return ""


@lru_cache(maxsize=1)
def _companions() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple((entry.intent, entry.beside, _phrases(entry.any)) for entry in _file().companion)


@lru_cache(maxsize=1)
def _marked() -> frozenset[str]:
    """Return the words that keep their diacritics, where they were typed, because another word folds to the same."""
    return frozenset(_file().marked)


def short_answer(utterance: Utterance) -> Literal["affirm", "deny"] | None:
    """Return whether the whole message is a yes or a no. Particles of politeness may themselves be the yes."""
    text = utterance.folded[:MAX_CHARS]
    if _answers("no").fullmatch(text):
        return "deny"
    return "affirm" if _answers("yes").fullmatch(text) else None


@lru_cache(maxsize=2)
def _answers(which: Literal["yes", "no"]) -> re.Pattern[str]:
    file = _file()
    words = file.yes if which == "yes" else file.no
    polite = r"(?: (?:a|nha|nhe|nhé|shop|em|e|anh|chi|ban|ad|oi|luon|di|please|thanks|thank you|thx))*"
    starts = r"(?:(?:da|vang|ok|oke|okie|u|uh|um|yes|no|thoi|a|well|please) )*"
    return re.compile(f"{starts}(?:{'|'.join(words)}){polite}")


def _phrases(parts: list[str], *, whole: bool = False) -> re.Pattern[str]:
    joined = "|".join(parts)
    return re.compile(f"(?:{joined})" if whole else rf"(?<!\S)(?:{joined})(?!\S)")
