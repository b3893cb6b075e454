"""The part of an owner's answer that fits a question: always the owner's own words, never a rewording."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from appliance.agents.response.grounding import amounts_in
from appliance.agents.service.words import service_words
from appliance.agents.types import Utterance
from appliance.text import words

_BREAK = re.compile(r"\s*(?:;|\n+|(?<!\bTP)(?<!\bTp)(?<!\bSt)(?<!\b[A-ZĐ])[.!?](?=\s|$))\s*")
"""A semicolon, a line's end, or the end of a sentence; not the dot of ``TP. HCM``, ``Q. 1`` or ``20.000``."""
_MARKED_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_HEADING = 40
"""Characters within which a colon ends the heading of an answer ("Phí giao hàng: …")."""
_LONG_WORD = {"vi": 6, "en": 4}
"""Letters from which one word alone tells the clause: no Vietnamese syllable of the kind, but ``hotline``."""


def clauses(answer: str) -> list[str]:
    """Return the clauses of an answer in order, without their closing marks."""
    return [clause for clause in _BREAK.split(answer.strip()) if clause.strip()]


def clause_for_place(answer: str, place: str, *, elsewhere: bool) -> str:
    """Return the clause for a place (a key such as ``hai_phong``); ``''`` when none names it.

    With ``elsewhere`` the clause for all other provinces, or for other countries, holds where none names the place.
    """
    parts = clauses(answer)
    if len(parts) < 2:
        return ""
    known = service_words()
    named = _naming(parts, _spellings(place))
    if not named and elsewhere:
        named = _naming(parts, known.elsewhere if place in known.provinces else known.abroad)
    return next((part for part in named if any(map(str.isdigit, part))), named[0] if named else "")


def clause_with(answer: str, word: str) -> str:
    """Return the first clause that holds a word, such as a coupon's code; ``''`` when none does."""
    wanted = " ".join(words(word))
    return next(iter(_naming(clauses(answer), (wanted,))), "") if wanted else ""


def clause_about(answer: str, utterance: Utterance) -> str:
    """Return the one clause that shares a telling word or pair of words with a message; ``''`` when none stands out."""
    parts = clauses(answer)
    if len(parts) < 2:
        return ""
    asked = _telling([token.folded for token in utterance.tokens], _LONG_WORD[utterance.locale])
    said = [_telling(words(_headless(part)), _LONG_WORD[utterance.locale]) for part in parts]
    spread = Counter(feature for features in said for feature in features)
    scores = [sum(1 for feature in features & asked if spread[feature] == 1) for features in said]
    best = max(scores)
    return parts[scores.index(best)] if best and scores.count(best) == 1 else ""


def free_clause(answer: str, order: int, place: str, currency: str) -> str:
    """Return the clause by which an order of so much (smallest unit) is free of a fee; ``''`` when none says so.

    A clause that names places holds for those only; ``place`` is the key of the one asked about, ``''`` for none.
    """
    known = service_words()
    for part in clauses(answer):
        said = [word.lower() for word in _MARKED_WORD.findall(part)]
        if not _contains(words(part), known.free) or not _contains(said, (*known.from_amount, *known.above_amount)):
            continue
        least = next(amounts_in(part, currency), None)
        reached = least is not None and (order > least or (order == least and not _contains(said, known.above_amount)))
        if reached and not _elsewhere(part, place):
            return part
    return ""


def _elsewhere(part: str, place: str) -> bool:
    """Tell whether a clause is about places, and not (surely) about this one."""
    known, said = service_words(), words(part)
    named = {key for key in (*known.provinces, *known.places) if _contains(said, _spellings(key))}
    return bool(named) and place not in named


def payment_named(answer: str, method: str) -> tuple[str, bool]:
    """Return the clause that names a way to pay, and whether it does so without a negation; ``''`` when none does."""
    known = service_words()
    for part in clauses(answer):
        said = [word.lower() for word in _MARKED_WORD.findall(part)]
        if _contains(said, known.payment.get(method, ())):
            return part, not known.negations & set(said)
    return "", False


def _spellings(place: str) -> tuple[str, ...]:
    apart = place.split("_")
    return (" ".join(apart), "".join(apart), *service_words().places.get(place, ()))


def _naming(parts: Iterable[str], names: Sequence[str]) -> list[str]:
    return [part for part in parts if _contains(words(part), names)]


def _contains(said: Sequence[str], names: Iterable[str]) -> bool:
    text = f" {' '.join(said)} "
    return any(f" {name} " in text for name in names)


def _headless(part: str) -> str:
    heading, colon, rest = part.partition(": ")
    return rest if colon and len(heading) <= _HEADING else part


def _telling(said: Sequence[str], long_word: int) -> set[str]:
    known = service_words()
    content = [word if word not in known.grammar else "" for word in said]
    pairs = {f"{first} {second}" for first, second in pairwise(content) if first and second}
    return (pairs - known.general) | {word for word in content if len(word) >= long_word and word.isalpha()}
