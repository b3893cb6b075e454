"""Numbers as digits and as words, below the units of money: ``250``, ``hai trăm rưỡi``, ``hăm lăm``, ``twenty``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from appliance.agents.language.matching import Line, agrees, whole
from appliance.agents.language.wordlist import word_list, word_set
from appliance.text import fold

_DIGITS = {
    "một": 1, "hai": 2, "ba": 3, "bốn": 4, "năm": 5, "sáu": 6, "bảy": 7, "bẩy": 7, "tám": 8, "chín": 9,
}  # fmt: skip
_AFTER_TENS = _DIGITS | {"mốt": 1, "tư": 4, "lăm": 5, "nhăm": 5, "rưỡi": 5}
_ENGLISH = {
    word: number
    for number, word in enumerate(
        word_list(
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
            "sixteen seventeen "
            "eighteen nineteen twenty"
        ),
        start=1,
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_GROUPED = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+")
_DECIMAL = re.compile(r"[0-9]{1,6}[.,][0-9]{1,2}")
_MAX_DIGITS = 12


class Number(NamedTuple):
    """A number and where it ends."""

    value: float
    end: int
    digits: str = ""
    """The digits when it was written as one run of them."""
    hundreds: bool = False
    """Whether it was said with ``trăm`` or ``chục``, which in a price stand for thousands of đồng."""
    grouped: bool = False
    """Whether its thousands were set apart: ``1.500.000``."""
    tail: float = 0.0
    """What one more digit word would count: 10 after ``ba trăm``."""


@lru_cache(maxsize=512)
def _folded(word: str) -> str:
    return fold(word)


def word_is(line: Line, place: int, *known: str) -> bool:
    """Tell whether a word can be one of these marked words."""
    if not 0 <= place < line.size:
        return False
    folded, marked = line.folded[place], line.marked[place]
    for word in known:  # noqa: SIM110 - the agent's hottest loop: a generator doubles its cost
        if _folded(word) == folded and agrees(marked, word):
            return True
    return False


def _table(words: dict[str, int]) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for word, value in words.items():
        found.setdefault(fold(word), []).append((word, value))
    return found


_OPENERS = frozenset((*map(fold, _DIGITS), *_ENGLISH, "tram", "muoi", "ham", "a", "half"))
"""Folded words that can open a number in words."""
_FIRST, _LATER = _table(_DIGITS), _table(_AFTER_TENS)


def digit(line: Line, place: int, later: bool = False) -> int:
    """Return the value of a digit word; ``later``: as it is said after tens (mốt, tư, lăm). 0 when it is none."""
    if place >= len(line):
        return 0
    for word, value in (_LATER if later else _FIRST).get(line.folded[place], ()):
        if agrees(line.marked[place], word):
            return value
    return 0


def written(text: str) -> tuple[float, bool] | None:
    """Return the value of a number in digits and whether its thousands are grouped; ``None`` when it is no amount."""
    if whole(text):
        return (float(text), False) if len(text) <= _MAX_DIGITS else None
    if _GROUPED.fullmatch(text) and len(text) <= _MAX_DIGITS + 4:
        return float(text.replace(".", "").replace(",", "")), True
    if _DECIMAL.fullmatch(text):
        return float(text.replace(",", ".")), False
    return None


def number(line: Line, place: int) -> Number | None:
    """Return the number that starts at a word."""
    if place >= len(line):
        return None
    if line.is_number(place):
        return _from_digits(line, place)
    if line.folded[place] not in _OPENERS:
        return None
    return _hundreds(line, place) or _tens(line, place) or _english(line, place)


def _from_digits(line: Line, place: int) -> Number | None:
    found = written(line.folded[place])
    if found is None:
        return None
    value, grouped = found
    after = place + 1
    if not grouped and word_is(line, after, "trăm") and value < 100:
        return _after_hundred(line, after + 1, value * 100)
    if not grouped and word_is(line, after, "chục") and value < 100:
        return Number(value * 10, after + 1, hundreds=True)
    if line.word(after) == "hundred" and value < 100:
        return Number(value * 100, after + 1, hundreds=True)
    return Number(value, after, line.folded[place], grouped=grouped)


def _hundreds(line: Line, place: int) -> Number | None:
    if word_is(line, place - 1, "phần", "mấy", "vài"):
        return None
    if word_is(line, place, "trăm"):
        return _after_hundred(line, place + 1, 100.0)
    value = digit(line, place)
    if value and word_is(line, place + 1, "trăm"):
        return _after_hundred(line, place + 2, value * 100.0)
    return None


def _after_hundred(line: Line, place: int, value: float) -> Number:
    if word_is(line, place, "rưỡi", "rưởi"):
        return Number(value + 50, place + 1, hundreds=True)
    if word_is(line, place, "linh", "lẻ", "lẽ"):
        low = digit(line, place + 1, later=True)
        return Number(value + low, place + 2, hundreds=True) if low else Number(value, place, hundreds=True)
    tens = _tens(line, place)
    if tens and tens.value >= 10:
        return Number(value + tens.value, tens.end, hundreds=True)
    low = digit(line, place, later=True)
    if low and not _counts(line, place + 1):
        return Number(value + 10 * low, place + 1, hundreds=True)
    if line.is_number(place) and len(line.folded[place]) == 1 and not _counts(line, place + 1):
        return Number(value + 10 * int(line.folded[place]), place + 1, hundreds=True)
    if line.is_number(place) and line.folded[place] == "50":
        return Number(value + 50, place + 1, hundreds=True)
    return Number(value, place, hundreds=True)


_COUNTED = word_set("cai chiec doi bo hop san mon sp mau nguoi")


def _counts(line: Line, place: int) -> bool:
    """Tell whether a word is a classifier, so that the number before it is a quantity of its own."""
    return line.word(place) in _COUNTED


def _tens(line: Line, place: int) -> Number | None:
    if word_is(line, place, "mười"):
        low = digit(line, place + 1, later=True)
        return Number(10.0 + low, place + (2 if low else 1))
    if word_is(line, place, "hăm"):
        low = digit(line, place + 1, later=True)
        return Number(20.0 + low, place + 2) if low else None
    value = digit(line, place)
    if not value:
        return None
    if word_is(line, place + 1, "mươi", "chục"):
        low = digit(line, place + 2, later=True)
        return Number(10.0 * value + low, place + (3 if low else 2), hundreds=word_is(line, place + 1, "chục"))
    low = digit(line, place + 1, later=True)
    if low and line.marked[place + 1] in ("mốt", "tư", "lăm", "nhăm", "lam", "nham") and value > 1:
        return Number(10.0 * value + low, place + 2)
    return Number(float(value), place + 1)


def _english(line: Line, place: int) -> Number | None:
    word = line.word(place)
    if word == "a" and line.word(place + 1) in ("hundred", "million", "thousand"):
        value, end = 1.0, place + 1
    elif word == "half" and line.word(place + 1) == "a" and line.word(place + 2) in ("million",):
        return Number(0.5, place + 2)
    elif word in _ENGLISH and line.marked[place] == word:  # "tên" is no ten
        value, end = float(_ENGLISH[word]), place + 1
        if value >= 20 and _ENGLISH.get(line.word(end), 10) < 10:
            value, end = value + _ENGLISH[line.word(end)], end + 1
    else:
        return None
    if line.word(end) == "hundred":
        value, end = value * 100, end + 1
        if line.word(end) == "and":
            end += 1
        low = _ENGLISH.get(line.word(end), 0)
        if low:
            value, end = value + low, end + 1
            if low >= 20 and _ENGLISH.get(line.word(end), 10) < 10:
                value, end = value + _ENGLISH[line.word(end)], end + 1
        elif line.word(end - 1) == "and":
            end -= 1
        return Number(value, end, hundreds=True)
    return Number(value, end)
