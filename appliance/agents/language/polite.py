"""Forms of address, particles and wrappers: the words of a message that ask for nothing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from appliance.agents.language.corrections import corrections
from appliance.agents.language.matching import Line, Table, data, phrase_table
from appliance.agents.types import Mention

_LAST_REACH = 3


@lru_cache(maxsize=1)
def _tables() -> tuple[Table, Table, Table]:
    read = data("polite")
    return (
        phrase_table("always", read["always"]),
        phrase_table("last", read["last"]),
        phrase_table("greetings", read["greetings"]),
    )


def polite_words(line: Line, found: Iterable[Mention] = ()) -> tuple[int, ...]:
    """Return the places of words without a request, words of correction among them; none when all words are such.

    ``found`` are the values that the line states.
    """
    always, last, greetings = _tables()
    places = {place for item in corrections(line, found) for place in range(item.start, item.end)}
    for item in always.scan(line):
        if line.folded[item.start] == "da" and line.marked[item.start] == "da" and not _yes(line, item.start):
            continue
        places.update(range(item.start, item.end))
    _greeting(line, greetings, places)
    end = len(line) - 1
    for _ in range(_LAST_REACH):
        while end in places:
            end -= 1
        if end <= 0 or not last.at(line, end):
            break
        if line.folded[end] == "di" and len(line) - len(places) <= 2:
            break
        places.add(end)
    return tuple(sorted(places)) if len(places) < len(line) else ()


def _greeting(line: Line, greetings: Table, places: set[int]) -> None:
    """Add a greeting at the start when more than address follows it."""
    place = 0
    while place in places:
        place += 1
    opening: set[int] = set()
    while place < len(line) and (found := greetings.at(line, place)):
        opening.update(range(found.start, found.end))
        place = found.end
        while place in places:
            place += 1
    if opening and place < len(line):
        places |= opening


def _yes(line: Line, place: int) -> bool:
    """Tell whether an unmarked ``da`` is the polite yes at the start, not leather or the tense."""
    return place == 0 and line.word(1) in (
        "",
        "shop",
        "vang",
        "chi",
        "anh",
        "em",
        "cho",
        "ok",
        "co",
        "khong",
        "minh",
        "dung",
    )
