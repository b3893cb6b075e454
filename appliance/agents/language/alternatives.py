"""Values that stand beside a chosen one: the second of ``M hoặc L``, the old one of ``two instead of one``.

A slot holds one value. Of two that are joined by "or" the first counts; the other stays in the line as a reading that
is not certain, so that its words name nothing else.
"""

from __future__ import annotations

import msgspec

from appliance.agents.language.matching import Line
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_SINGLE = word_set("color size gender category location quantity")
_OR = word_set("or hoac hay")
_FILLER = word_set("a an the in size mau sz so cai color maybe la either lay ve toi co")
_REACH = 3
_REPLACED = (("instead", "of"), ("thay", "vi"), ("rather", "than"), ("thay", "cho"))


def settled(line: Line, found: list[Mention]) -> list[Mention]:
    """Return the mentions with all but the chosen value of a slot uncertain."""
    if _OR.isdisjoint(line.said) and line.said.isdisjoint(("instead", "thay", "rather")):
        return found
    ends = {(mention.slot, mention.end) for mention in found if mention.slot in _SINGLE}
    return [
        msgspec.structs.replace(mention, certain=False)
        if mention.slot in _SINGLE
        and (_second(line, mention, ends) or replaced(line, mention.start, mention.slot, ends))
        else mention
        for mention in found
    ]


def replaced(line: Line, place: int, slot: str, ends: set[tuple[str, int]]) -> bool:
    """Tell whether what stands at a place is what something else replaces: ``… instead of one``."""
    back = place
    while back > max(0, place - _REACH) and line.word(back - 1) in _FILLER:
        back -= 1
    if line.word(back - 1) == "thay":  # "lấy size 41 thay size 40"
        return any(other == slot and end < place for other, end in ends)
    return (line.word(back - 2), line.word(back - 1)) in _REPLACED


def _second(line: Line, mention: Mention, ends: set[tuple[str, int]]) -> bool:
    back = mention.start
    while back > max(0, mention.start - _REACH) and line.word(back - 1) in _FILLER:
        back -= 1
    if line.word(back - 1) not in _OR:
        return False
    back -= 1
    return any((mention.slot, back - step) in ends for step in range(2))
