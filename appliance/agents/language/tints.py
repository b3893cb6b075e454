"""Words of colour and size that stand side by side, looked at before either is read."""

from __future__ import annotations

from appliance.agents.language.matching import Line, whole
from appliance.agents.language.wordlist import word_set

SHOES = range(26, 48)
"""Sizes of shoes and trousers."""
_LETTERS = word_set("XS S M L XL XXL XXXL 2XL 3XL")
_TINTS = word_set(
    "den trang do xanh vang hong tim xam nau be kem cam ghi bac navy black white red blue green yellow pink purple "
    "grey gray brown beige orange silver gold cream"
)


def sized(line: Line, place: int) -> bool:
    """Tell whether a size is written at a place: ``size 41``, ``41``, ``XL``."""
    if not 0 <= place < line.size:
        return False
    if line.folded[place] in ("size", "sz"):
        return True
    if line.raw[place].upper() in _LETTERS:
        return len(line.raw[place]) > 1 or line.raw[place].isupper()
    return shoe_size(line, place)


def shoe_size(line: Line, place: int) -> bool:
    """Tell whether a number at a place can be a size of shoes or trousers and counts nothing."""
    word = line.word(place)
    return whole(word) and int(word) in SHOES and line.gap[place + 1][:1] not in ("%", "/", ":", ".")


def tint(line: Line, place: int) -> bool:
    """Tell whether one word is a colour's."""
    return line.word(place) in _TINTS
