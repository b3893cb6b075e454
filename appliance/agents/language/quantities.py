"""How many pieces are wanted."""

from __future__ import annotations

from appliance.agents.language.matching import Line, whole
from appliance.agents.language.numbers import digit, number, word_is
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_TINTS = word_set(
    "black white red blue navy green yellow pink purple grey gray brown beige orange leather cotton large small"
)
_CLASSIFIERS = word_set(
    "cai chiec doi bo hop combo cap mon sp tui chai lo tuyp goi con cay quyen cuon thung set items item "
    "pieces piece pcs pair pairs units unit suat san bich"
)
_BUYING = word_set("mua lay dat order them buy get want need take add chot gom ban nhan muon so luong sl quantity qty")
_GOODS_VETO = word_set("ngay tuan thang nam gio lan nguoi tuoi mau size loai kieu phut tieng sao")


def quantities(line: Line, taken: bytearray, goods: set[int]) -> list[Mention]:
    """Return how many pieces are wanted; ``goods`` are the places where a product group is named."""
    found: list[Mention] = []
    for place in range(len(line)):
        mention = None if taken[place] else _quantity(line, place, taken, goods)
        if mention and not any(taken[mention.start : mention.end]):
            taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
            found.append(mention)
    return found


def _quantity(line: Line, place: int, taken: bytearray, goods: set[int]) -> Mention | None:
    before = line.word(place - 1)
    if line.word(place) == "x" and line.is_number(place + 1) and whole(line.folded[place + 1]):
        return _count(line, int(line.folded[place + 1]), place, place + 2)
    if line.is_number(place) and line.word(place + 1) == "x" and whole(line.folded[place]):
        return _count(line, int(line.folded[place]), place, place + 2)
    if line.word(place) == "a" and line.word(place + 1) in ("pair", "couple"):
        return _count(line, 1 if line.word(place + 1) == "pair" else 2, place, place + 2)
    if word_is(line, place, "tá") and before in ("mua", "lay", "1", "mot"):
        return _count(line, 12, place, place + 1)
    read = number(line, place)
    if (
        read is None
        or read.value > 999
        or not read.value.is_integer()
        or read.value < 1
        or any(taken[place : read.end])
    ):
        return None
    if (
        read.digits.startswith("0")
        or line.gap[read.end][:1] in ("%", "/", ":")
        or line.gap[place][-1:] in ("/", "#", "$")
    ):
        return None
    value, after = int(read.value), line.word(read.end)
    if before in (
        "thu",
        "so",
        "size",
        "ma",
        "don",
        "order",
        "cai",
        "mau",
        "chiec",
        "number",
        "the",
        "iphone",
        "galaxy",
    ):
        return None
    if after in _CLASSIFIERS and not (line.marks and after == "con" and line.marked[read.end] == "còn"):
        end = read.end + (2 if after == "san" else 1)
        end = read.end if any(taken[read.end : end]) else end  # "1 túi tote": the classifier is the product
        return _count(line, value, place, end)
    # Without marks "nam", "ba", "sau" are men, a bag's first half and "after" more often than 5, 3 and 6.
    sure = (
        bool(read.digits)
        or line.marked[place] != line.folded[place]
        or line.word(place) in ("hai", "two", "three", "four")
    )
    if sure and _names_goods(line, read.end, goods):
        return _count(line, value, place, read.end)
    spelled_one = not read.digits and value == 1 and line.word(place) == "mot"
    if before in _BUYING and after not in _GOODS_VETO and read.end <= len(line) and not spelled_one:
        if (
            not line.is_number(place)
            and digit(line, place)
            and line.word(place) in ("nam", "sau", "tam", "ba", "bay")
            and not after
        ):
            return None
        return _count(line, value, place, read.end)
    return None


def _names_goods(line: Line, place: int, goods: set[int]) -> bool:
    """Tell whether goods follow, at most one word of description between: ``2 áo thun``, ``3 black t-shirts``."""
    if place in goods or line.word(place) in ("ao", "quan"):
        return line.joined(place)
    return place + 1 in goods and line.word(place) in _TINTS


def _count(line: Line, value: int, start: int, end: int) -> Mention | None:
    return Mention("quantity", value, start, end) if 0 < value <= 999 else None
