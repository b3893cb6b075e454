"""What a shopper does not want: colours, product groups and materials behind a refusing word."""

from __future__ import annotations

from functools import lru_cache

from appliance.agents.language.matching import Found, Line, Table, data, phrase_table
from appliance.agents.types import Mention

_REFUSABLE = frozenset(("color", "category"))
_REACH = 4


@lru_cache(maxsize=1)
def _tables() -> tuple[Table, Table, frozenset[str]]:
    read = data("values")
    materials = phrase_table("material", read["material"]["words"])
    refusing = phrase_table("no", read["negation"]["words"])
    return materials, refusing, frozenset(read["negation"]["between"])


def without(line: Line, found: list[Mention]) -> list[Mention]:
    """Return the mentions with refused values turned into ``without`` mentions, materials added."""
    materials, refusing, between = _tables()
    refused_ends = {item.end: item for item in _refusals(line, refusing)}
    bare_no = {place + 1 for place in range(len(line)) if _bare_no(line, place)}
    if not refused_ends and not bare_no:
        return found
    result: list[Mention] = []
    several_sizes = sum(mention.slot == "size" for mention in found) > 1
    for mention in found:
        if several_sizes and mention.slot == "size" and _refused(line, mention.start, refused_ends, bare_no, between):
            continue  # "L instead of M"
        refused = mention.slot in _REFUSABLE and _refused(line, mention.start, refused_ends, bare_no, between)
        if refused or _goes_on(line, mention, result):
            result.append(Mention("without", _words(line, mention.start, mention.end), mention.start, mention.end))
        else:
            result.append(mention)
    covered = {place for mention in result for place in range(mention.start, mention.end) if mention.slot == "without"}
    for item in materials.scan(line):
        if item.start not in covered and _refused(line, item.start, refused_ends, bare_no, between):
            result.append(Mention("without", _words(line, item.start, item.end), item.start, item.end))
            result = [other for other in result if other.slot != "attribute" or other.start != item.start]
    return result


def _goes_on(line: Line, mention: Mention, before: list[Mention]) -> bool:
    """Tell whether a colour goes on what was refused: ``except black or white``, ``không lấy đen hay trắng``."""
    if mention.slot != "color" or line.word(mention.start - 1) not in ("or", "nor", "hoac", "hay"):
        return False
    return any(other.slot == "without" and other.end == mention.start - 1 for other in before)


def _refusals(line: Line, refusing: Table) -> list[Found]:
    return [found for place in range(len(line)) for found in refusing.every(line, place) if _means_no(line, found)]


def _means_no(line: Line, found: Found) -> bool:
    """Tell whether words were typed as refusing ones: ``dùng`` is no ``đừng``, and ``nón đen`` no ``non …``."""
    typed = line.marked[found.start : found.end]
    if any(word != known and not word.isascii() for word, known in zip(typed, found.phrase.marked, strict=True)):
        return False
    if found.end - found.start > 1:
        return True
    after = line.word(found.end)
    if typed[0] in ("dung", "khoi", "tru", "tranh", "ghet"):
        return after in ("lay", "mau", "mua", "loai", "co") or typed[0] == "ghet"
    return typed[0] != "non" or line.gap[found.end] == "-" or after in ("leather", "wool", "plastic", "cotton")


def _bare_no(line: Line, place: int) -> bool:
    """Tell whether a plain ``không`` refuses what follows: ``không màu đen``, ``không da``; not ``có … không màu``."""
    if line.folded[place] not in ("khong", "ko") or place + 1 >= len(line) or not line.joined(place + 1):
        return False
    if "co" in line.folded[:place] or "con" in line.folded[:place] or "duoc" in line.folded[:place]:
        return False
    return line.word(place + 1) in ("mau", "da", "den", "nhua", "len")


def _refused(line: Line, start: int, ends: dict[int, Found], bare_no: set[int], between: frozenset[str]) -> bool:
    place = start
    for _ in range(_REACH):
        if place in ends or place in bare_no:
            return line.joined(place) if place < len(line) else True
        if place == 0 or line.word(place - 1) not in between or not line.joined(place):
            return False
        place -= 1
    return False


def _words(line: Line, start: int, end: int) -> str:
    return " ".join(line.folded[start:end])
