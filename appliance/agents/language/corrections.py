"""What a shopper corrects in one breath: the value after ``à nhầm``, ``no wait``, ``I meant`` replaces the first."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from appliance.agents.language.matching import Found, Line, Phrase, Table, claim, data, phrase_table, whole
from appliance.agents.language.names import colour_table
from appliance.agents.language.sizes import letter_size
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import PRICES, Mention

_FILLER = word_set(
    "la thanh size sz so mau cai doi chiec i mean meant actually a an the make that it is should be lay em minh toi "
    "co muon sang color cho y want need um uh co"
)
_REACH = 4
_RANGES = {
    "size": range(1, 61),
    "quantity": range(1, 1000),
    "height_cm": range(60, 221),
    "weight_kg": range(3, 201),
    "foot_cm": range(10, 34),
}


@lru_cache(maxsize=1)
def _tables() -> tuple[Table, Table]:
    read = data("polite")["corrections"]
    return phrase_table("strong", read["strong"]), phrase_table("weak", read["weak"])


def corrections(line: Line, found: Iterable[Mention]) -> list[Found]:
    """Return the phrases that take back what was said before them and have something after them."""
    strong, weak = _tables()
    ends = {mention.end for mention in found if mention.slot not in ("ref", "refs", "number")}
    result: list[Found] = []
    place = 0
    while place < len(line):
        item = _longest(line, place, strong, weak)
        if item is None:
            place += 1
            continue
        if item.end < len(line) and (item.phrase.slot == "strong" or _acts(line, item, ends)):
            result.append(item)
        place = item.end
    return result


def _longest(line: Line, place: int, strong: Table, weak: Table) -> Found | None:
    plain = _set_apart(line, place, strong) or strong.at(line, place)
    return plain or weak.at(line, place)


def _set_apart(line: Line, place: int, strong: Table) -> Found | None:
    """Read ``no, wait`` and ``à, nhầm``: the comma belongs to the phrase."""
    if place + 1 >= len(line) or line.gap[place + 1].strip() != ",":
        return None
    pair = " ".join(line.folded[place : place + 2])
    if pair in ("no wait", "a nham", "a lon", "a khong", "oh wait", "oh sorry", "no sorry"):
        return Found(place, place + 2, Phrase(tuple(pair.split()), "strong", pair), True)
    return None


def _acts(line: Line, item: Found, ends: set[int]) -> bool:
    """Tell whether a word such as ``nhầm`` takes back and does not report a mistake ("giao nhầm hàng")."""
    if item.phrase.value in ("no", "không"):
        return line.gap[item.start].strip() != "" and (item.start in ends or line.is_number(item.start - 1))
    return (
        item.start in ends
        or line.is_number(item.start - 1)
        or (item.start == 0 and line.gap[item.end].strip() != "")
        or (line.gap[item.start].strip() != "" and line.gap[item.end].strip() != "")
    )


def corrected(line: Line, found: list[Mention], taken: bytearray) -> list[Mention]:
    """Return the mentions with the corrected values added; ``taken`` is updated."""
    result = list(found)
    for item in corrections(line, found):
        before = [mention for mention in result if mention.end <= item.start]
        if not before:
            continue
        last = max(before, key=lambda mention: mention.end)
        result = _rebound(result, last, item)
        added = _restated(line, item.end, last, taken)
        if added:
            claim(taken, added)
            result.append(added)
    return result


def _rebound(found: list[Mention], last: Mention, item: Found) -> list[Mention]:
    """Give an amount right behind the correction the bound of the first one."""
    if last.slot not in PRICES:
        return found
    return [
        Mention(last.slot, mention.value, mention.start, mention.end, mention.certain)
        if mention.slot == "price_about" and item.end <= mention.start <= item.end + _REACH
        else mention
        for mention in found
    ]


def _restated(line: Line, place: int, last: Mention, taken: bytearray) -> Mention | None:
    for step in range(_REACH):
        at = place + step
        if at >= len(line) or taken[at]:
            return None
        mention = _same_kind(line, at, last)
        if mention:
            return mention
        if line.folded[at] not in _FILLER:
            return None
    return None


def _same_kind(line: Line, place: int, last: Mention) -> Mention | None:
    raw = line.folded[place]
    if last.slot == "size" and letter_size(line, place):
        return Mention("size", letter_size(line, place), place, place + 1)
    if last.slot == "color":
        tint = next((item for item in colour_table().every(line, place) if item.phrase.value), None)
        return Mention("color", tint.phrase.value, tint.start, tint.end) if tint else None
    if last.slot == "order_id" and whole(raw) and len(raw) >= 3:
        return Mention("order_id", raw.lstrip("0"), place, place + 1)
    if whole(raw) and len(raw) < 4 and int(raw) in _RANGES.get(last.slot, ()):
        return Mention(last.slot, raw if last.slot == "size" else int(raw), place, place + 1)
    return None
