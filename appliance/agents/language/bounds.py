"""The words beside an amount that bound it: at least, at most, about."""

from __future__ import annotations

from typing import NamedTuple

from appliance.agents.language.matching import Line, agrees, data, spelling
from appliance.text import fold

_DATA = data("money")
_MAX_BOUND = 5
Known = dict[str, list[tuple[tuple[str, ...], str]]]
"""Phrases by their folded words, with their marked words and kind."""


class Bound(NamedTuple):
    """A word of bounding beside an amount."""

    kind: str
    """min, max, about, between or ``""``."""
    place: int
    """Its first word before an amount, or one past its last word after it."""


def _phrases(*names: str) -> Known:
    found: Known = {}
    for name in names:
        for phrase in _DATA[name]:
            words = spelling(phrase)
            found.setdefault(" ".join(map(fold, words)), []).append((words, name.partition("_")[0]))
    return found


_BEFORE = _phrases("min_before", "max_before", "about_before", "between")
_AFTER = _phrases("min_after", "max_after", "about_after")
_FILLER, TO = _phrases("filler"), _phrases("to")
OTHER = _phrases("other_amount")
CONTEXT = _phrases("price_words")


def matches(line: Line, place: int, length: int, known: Known) -> str:
    """Return the kind of the phrase of this length at a place; ``""`` when there is none."""
    if place < 0 or place + length > len(line):
        return ""
    typed = line.marked[place : place + length]
    for words, kind in known.get(" ".join(line.folded[place : place + length]), ()):
        if all(map(agrees, typed, words)):
            return kind
    return ""


def ends_with(line: Line, end: int, known: Known) -> bool:
    """Tell whether one of the phrases ends at a place."""
    return any(matches(line, end - length, length, known) for length in range(min(3, end), 0, -1))


def bound_before(line: Line, place: int) -> Bound:
    """Return the bound that ends at a place; a stronger one further left wins over "about" (``dưới tầm 500k``)."""
    kind, start = "", place
    for _ in range(4):
        if start < len(line) and start > 0 and any(mark in line.gap[start] for mark in ",;?!"):
            break
        for length in range(min(_MAX_BOUND, start), 0, -1):
            found = matches(line, start - length, length, _BEFORE)
            if found:
                break
        else:
            found, length = ("filler", 1) if matches(line, start - 1, 1, _FILLER) else ("", 0)
        if not found:
            break
        if found == "filler":
            if not any(matches(line, start - 1 - n, n, _BEFORE) for n in range(1, 4)):
                break
        elif kind in ("", "about"):
            kind = found
        start -= length
        if kind in ("min", "max"):
            break
    return Bound(kind, start)


def bound_after(line: Line, place: int) -> Bound:
    """Return the bound that starts at a place."""
    if place < len(line) and line.gap[place].strip(" "):
        return Bound("", place)
    for length in range(min(3, len(line) - place), 0, -1):
        kind = matches(line, place, length, _AFTER)
        if kind:
            return Bound(kind, place + length)
    return Bound("", place)
