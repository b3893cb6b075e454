"""How typed words meet known ones: on folded words, with diacritics only to break ties."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from appliance.agents.language.syllables import canonical, split_tone
from appliance.agents.types import Mention, Token
from appliance.data_files import read_data
from appliance.text import fold

_MAX_DIGITS = 20


@lru_cache(maxsize=16)
def data(name: str) -> dict[str, Any]:
    """Return a data file of this package, read once; nobody changes it."""
    return read_data("appliance.agents.language", name, dict[str, Any])


def spelling(phrase: str) -> tuple[str, ...]:
    """Return the marked words of a phrase of a data file, as tokens hold them."""
    lower = unicodedata.normalize("NFC", phrase).lower()
    return tuple(canonical(word) for word in lower.replace("-", " ").replace("%", " ").replace(".", " ").split())


def whole(text: str) -> bool:
    """Tell whether a word is a whole number in plain digits, of a length that can mean something."""
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


@lru_cache(maxsize=16384)
def agrees(typed: str, known: str) -> bool:
    """Tell whether a typed word can be a known one of the same folded form.

    Marks that are missing are forgiven, one by one; marks that the known word does not have are not: ``bé`` is not
    ``be``, ``dùi`` can be ``đùi``.
    """
    if typed == known or typed.isascii():
        return True
    tone = split_tone(known)[1]
    if tone and split_tone(typed)[1] != tone:
        return False  # "đâu" is another word than "đầu"; "dùi" lacks the stroke only
    ours, theirs = _letters(typed), _letters(known)
    return len(ours) == len(theirs) and all(
        a == b or (a[0] == b[0] and set(a[1]) <= set(b[1])) for a, b in zip(ours, theirs, strict=True)
    )


def _letters(word: str) -> list[tuple[str, str]]:
    """Return the letters of a word with their marks; the stroke of đ is a mark."""
    found: list[tuple[str, str]] = []
    for letter in unicodedata.normalize("NFD", word):
        if unicodedata.combining(letter) and found:
            found[-1] = (found[-1][0], found[-1][1] + letter)
        else:
            found.append(("d", "-") if letter == "đ" else (letter, ""))
    return found


class Line:
    """The words of one message as parallel lists, with the characters between them."""

    __slots__ = ("digits", "folded", "gap", "marked", "marks", "raw", "said", "shouted", "size", "tokens")

    def __init__(self, tokens: tuple[Token, ...], text: str) -> None:
        self.tokens = tokens
        self.size = len(tokens)
        self.folded = [token.folded for token in tokens]
        # For what asks about the whole message at every word: a list would make that quadratic.
        self.said = frozenset(self.folded)
        self.digits = [word[:1].isdigit() and word[-1:].isdigit() for word in self.folded]
        self.marked = [token.marked for token in tokens]
        self.raw = [token.raw for token in tokens]
        self.shouted = all(raw.isupper() for raw in self.raw if raw.isalpha() and len(raw) > 1)
        starts = [0, *(token.end for token in tokens)]
        self.gap = [text[before : token.start] for before, token in zip(starts, tokens, strict=False)]
        self.gap.append(text[starts[-1] :])
        # As typed: an abbreviation that was read as a marked word ("ko") does not make the message a marked one.
        self.marks = any(not token.raw.isascii() and fold(token.raw) != token.raw.lower() for token in tokens)

    def __len__(self) -> int:
        return self.size

    def word(self, place: int) -> str:
        """Return a folded word; ``""`` beyond either end."""
        return self.folded[place] if 0 <= place < self.size else ""

    def joined(self, place: int) -> bool:
        """Tell whether no clause ends between a word and the one before."""
        gap = self.gap[place]
        return gap in ("", " ", "-", " - ", "/", "% ") or (gap == "." and len(self.folded[place - 1]) < 3)

    def is_number(self, place: int) -> bool:
        """Tell whether a word is written in digits."""
        return 0 <= place < self.size and self.digits[place]


class Phrase(NamedTuple):
    """A known phrase and what it says."""

    marked: tuple[str, ...]
    slot: str
    value: str


class Found(NamedTuple):
    """A phrase found in a line."""

    start: int
    end: int
    phrase: Phrase
    exact: bool
    """Whether it was typed with just these marks."""


class Table:
    """Known phrases by their folded words, longest first. Immutable after it was filled."""

    __slots__ = ("_by_words", "_longest")

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._by_words: dict[str, list[Phrase]] = {}
        self._longest: dict[str, int] = {}
        for phrase in phrases:
            folded = [fold(word) for word in phrase.marked]
            if not folded:
                continue
            self._by_words.setdefault(" ".join(folded), []).append(phrase)
            self._longest[folded[0]] = max(self._longest.get(folded[0], 0), len(folded))

    def at(self, line: Line, place: int) -> Found | None:
        """Return the longest phrase that starts at a word."""
        if line.folded[place] not in self._longest:
            return None
        return next(self.every(line, place), None)

    def every(self, line: Line, place: int) -> Iterator[Found]:
        """Yield the phrases that start at a word, longest first, well-marked readings before others."""
        longest = self._longest.get(line.folded[place], 0)
        if not longest:
            return
        limit = min(longest, line.size - place)
        for step in range(1, limit):
            if not line.joined(place + step):
                limit = step
                break
        for length in range(limit, 0, -1):
            known = self._by_words.get(" ".join(line.folded[place : place + length]))
            if known:
                yield from _readings(line, place, length, known)

    def scan(self, line: Line) -> Iterator[Found]:
        """Yield the phrases of a line from left to right, longest first, without overlaps."""
        place = 0
        known = self._longest
        while place < line.size:
            found = self.at(line, place) if line.folded[place] in known else None
            if found:
                yield found
            place = found.end if found else place + 1


def phrase_table(slot: str, phrases: Iterable[str]) -> Table:
    """Return the table of phrases that stand for themselves."""
    return Table(Phrase(spelling(phrase), slot, phrase) for phrase in phrases)


def claim(taken: bytearray, mention: Mention) -> None:
    """Mark the words of a mention as taken, so that no other reader reads them."""
    taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)


def _readings(line: Line, place: int, length: int, known: list[Phrase]) -> list[Found]:
    typed = line.marked[place : place + length]
    found: list[Found] = []
    for phrase in known:
        same = sum(a == b for a, b in zip(typed, phrase.marked, strict=True))
        if same == length:
            found.insert(0, Found(place, place + length, phrase, True))
        elif all(map(agrees, typed, phrase.marked)):
            found.append(Found(place, place + length, phrase, False))
    return found
