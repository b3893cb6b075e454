"""Values that a message states by name: category, colour, gender, sort, modifier, payment, place, attribute."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from appliance.agents.language.english import function_words
from appliance.agents.language.fitting import value_likely
from appliance.agents.language.lexicon import ShopLexicon
from appliance.agents.language.matching import Found, Line, Phrase, Table, data, spelling
from appliance.agents.language.receipt import on_receipt
from appliance.agents.language.slips import slipped
from appliance.agents.language.tints import sized, tint
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention
from appliance.text import fold

_NONE = ""
_VIETNAMESE = word_set("be kem cam ghi than")
_OTHER_WORDS = word_set("gói ghé tát vó hòng tráng")
"""Words of their own that lack only a mark of a product group's name."""
_TROUSERS = word_set("mau size con lop tui cai day ong sz lung")
"""After "quan 2" without marks: trousers and no district."""
_ALONE = word_set("hong do tim vang ghi den than")
"""One word without marks that is something else more often than a colour."""
_NO_MODEL = word_set("tu tam khoang duoi tren ngay don order thang gia so ma thu from order")
_MODEL_ENDS = word_set("khong ko k size sz con gia bao nhieu nha nhe")
_MODALS = word_set("would will can to should may must could might it these they does")
_NAME_WORDS = 3
_NO_NAME = word_set(
    "cho cua toi minh em anh chi shop ban khong ko k la thi ma va voi hay o ve bi da dang se chua duoc co con mac mang "
    "dung di den tu nao gi nay do kia to for of in on at with and or is are it the a my can does do will nhe nha a "
    "dong can muon mua lay tim doi tra giao nhan gui gia may bao nhieu"
)
"""Words that end a product's name."""
_GROUPS = ("gender", "sort", "modifier", "payment_method", "attribute")


def _phrases(slot: str, names: dict[str, list[str]]) -> Iterator[Phrase]:
    for value, phrases in names.items():
        for phrase in dict.fromkeys(phrases):
            yield Phrase(spelling(phrase), slot, value)


def _nothing(slot: str, phrases: list[str]) -> Iterator[Phrase]:
    for phrase in phrases:
        yield Phrase(spelling(phrase), slot, _NONE)


@lru_cache(maxsize=1)
def category_table() -> Table:
    """Return the names of our own product groups."""
    read = data("categories")
    return Table([*_phrases("category", read["names"]), *_nothing("category", read["not"]["phrases"])])


@lru_cache(maxsize=1)
def colour_table() -> Table:
    """Return the names of colours."""
    read = data("colours")
    return Table([*_phrases("color", read["names"]), *_nothing("color", read["not"]["phrases"])])


@lru_cache(maxsize=8)
def value_table(slot: str) -> Table:
    """Return the names of another slot's values."""
    read = data("values")
    veto = read.get(f"{slot}_not", {}).get("phrases", [])
    return Table([*_phrases(slot, read[slot]), *_nothing(slot, veto)])


@lru_cache(maxsize=1)
def place_table() -> Table:
    """Return the names of provinces and places."""
    read = data("places")
    keys = {key: [*names, key.replace("_", " ")] for key, names in read["names"].items()}
    short = (Phrase((name,), "place", key) for name, key in read["short"].items())
    return Table([*_phrases("location", keys), *short])


class _Weak:
    """The words that need company, with the company they keep."""

    __slots__ = ("left", "marked", "never", "right", "veto_left", "veto_right", "words")

    def __init__(self) -> None:
        read = data("categories")
        weak = read["weak"]
        self.words = frozenset(weak["words"])
        self.never = frozenset(weak["never"])
        self.marked = {fold(word): word for word in (*weak["words"], *weak["never"])}
        self.left, self.right = frozenset(weak["left"]), frozenset(weak["right"])
        self.veto_left = {word: frozenset(found) for word, found in read["veto"]["left"].items()}
        self.veto_right = {word: frozenset(found) for word, found in read["veto"]["right"].items()}


@lru_cache(maxsize=1)
def _weak() -> _Weak:
    return _Weak()


def categories(line: Line, taken: bytearray, lexicon: ShopLexicon) -> list[Mention]:
    """Return the product groups named in a line: the shop's own names first, then ours, longest first."""
    found: list[Mention] = []
    table, place = category_table(), 0
    while place < len(line):
        own_end, handle = _own(line, place, lexicon)
        ours = next((item for item in table.every(line, place) if _likely(line, item)), None)
        if found and ours and line.marked[place] == "den" and sized(line, place + 1):
            ours = None  # "quan jean slim den 31": black, no lamp
        slip_end, meant = slipped(line, place, lexicon.slips)
        if slip_end > max(own_end, ours.end if ours else 0) and (ours is None or ours.phrase.value):
            # "sạc dự phồng": the longer name with a slip, not the shorter one that is inside it.
            mention = Mention("category", meant, place, slip_end)
        elif own_end and (ours is None or own_end >= ours.end):
            mention = Mention("category", handle, place, own_end)
        elif ours and ours.phrase.value:
            mention = Mention("category", ours.phrase.value, place, ours.end)
        else:
            place = ours.end if ours else place + 1
            continue
        if not any(taken[place : mention.end]):
            found.append(mention)
        place = mention.end
    return found


def _own(line: Line, place: int, lexicon: ShopLexicon) -> tuple[int, str]:
    longest = min(lexicon.longest, len(line) - place)
    for length in range(longest, 0, -1):
        handle = lexicon.categories.get(" ".join(line.folded[place : place + length]))
        if handle and all(line.joined(place + step) for step in range(1, length)):
            if length == 1 and not _own_word(line, place, lexicon):
                continue
            return place + length, handle
    return 0, ""


def _own_word(line: Line, place: int, lexicon: ShopLexicon) -> bool:
    """Tell whether a single word is the shop's category and not an everyday word without its marks."""
    typed = line.marked[place]
    spelled = lexicon.spellings.get(line.folded[place], ())
    if typed in spelled and typed != line.folded[place]:
        return True
    if typed != line.folded[place] and spelled and not any(word == line.folded[place] for word in spelled):
        return False
    word = _weak().marked.get(line.folded[place])
    return word is None or _in_company(line, place, place + 1, word)


def _likely(line: Line, found: Found) -> bool:
    """Tell whether a one-word name is meant; unmarked everyday words need company."""
    if found.end - found.start > 1 or not found.phrase.value:
        return True
    known, typed = found.phrase.marked[0], line.marked[found.start]
    if typed in _OTHER_WORDS and typed != known:
        return False
    if known in _weak().never:
        # "ô" and "bàn": marked they stand for themselves unless they are an exclamation or a verb's part.
        return typed == known and _in_company(line, found.start, found.end, known)
    if known not in _weak().words or (typed == known and known not in ("bình", "sạc")):
        return True
    return _in_company(line, found.start, found.end, known)


def _in_company(line: Line, start: int, end: int, known: str) -> bool:
    weak = _weak()
    left, right = line.word(start - 1), line.word(end)
    if len(line) == 1:
        return known not in ("vậy",)
    vetoed_left = left in weak.veto_left.get(known, ())
    if right in weak.veto_right.get(known, ()):
        return False
    if right in ("va", "voi") and end + 1 < line.size and _surely_goods(line, end + 1):
        return True
    if known == "chăn" and line.word(end + 1) in ("cm", "phan"):
        return False
    if right in weak.right or line.is_number(end):
        return not vetoed_left or right in ("nam", "nu", "da")
    if left in weak.left and not vetoed_left:
        return True
    return start == 0 and right in ("", "nay", "do", "shop", "khong", "ko", "k", "gia")


def _after_model(line: Line, item: Found) -> bool:
    """Tell whether a colour ends what names a model: ``iphone 15 den``, ``street 2 trang size 40``."""
    if not line.is_number(item.start - 1) or item.start < 2 or item.end - item.start > 1:
        return False
    right, lead = line.word(item.end), line.word(item.start - 2)
    return (right == "" or right in _MODEL_ENDS) and not line.is_number(item.start - 2) and lead not in _NO_MODEL


def _surely_goods(line: Line, place: int) -> bool:
    """Tell whether a product group is named at a place by words that mean nothing else."""
    item = category_table().at(line, place)
    if item is None or not item.phrase.value:
        return False
    return item.end - item.start > 1 or item.phrase.marked[0] not in _weak().marked.values()


def colours(line: Line, taken: bytearray, goods: list[Mention]) -> list[Mention]:
    """Return the colours named in a line; ``goods`` are its product groups, beside which a colour is likely."""
    found: list[Mention] = []
    ends, starts = {mention.end for mention in goods}, {mention.start for mention in goods}
    for item in colour_table().scan(line):
        if not item.phrase.value or any(taken[item.start : item.end]):
            continue
        english = item.phrase.marked[0].isascii() and item.phrase.marked[-1] not in _VIETNAMESE
        if (english and _describes(line, item, starts)) or _colour_likely(line, item, ends, found):
            found.append(Mention("color", item.phrase.value, item.start, item.end))
    return found


def _describes(line: Line, item: Found, starts: set[int]) -> bool:
    """Tell whether goods follow an English colour, at most three words of their name between."""
    for place in range(item.end, min(item.end + _NAME_WORDS + 1, line.size)):
        if place in starts:
            return True
        if line.folded[place] in ("or", "and") and tint(line, place + 1):
            continue
        if line.folded[place] in function_words() or not line.joined(place) or not line.folded[place].isalpha():
            return False
    return False


def _ends_name(line: Line, item: Found, ends: set[int]) -> bool:
    """Tell whether a colour ends a product's name: ``bình giữ nhiệt 500ml bạc``, ``giay tay court nau 41``."""
    if line.word(item.end) not in _MODEL_ENDS and item.end < line.size and not sized(line, item.end):
        return False
    for place in range(item.start, max(0, item.start - _NAME_WORDS) - 1, -1):
        if place in ends:
            return True
        if place == 0 or line.folded[place - 1] in _NO_NAME or not line.joined(place):
            return False
    return False


def _colour_likely(line: Line, item: Found, ends: set[int], found: list[Mention]) -> bool:
    read = data("colours")
    name = " ".join(item.phrase.marked)
    typed = " ".join(line.marked[item.start : item.end])
    left = line.word(item.start - 1)
    if left in read["weak"]["strong_left"] and line.marked[item.start - 1] in (
        "màu",
        "mau",
        "color",
        "colour",
        "tone",
        "tông",
        "tong",
        "colored",
    ):
        return True
    marked = typed == name and name in read["weak"]["unmarked"]
    if not marked and line.word(item.end) in read["veto"].get(name, ()):
        return False
    if name == "be" and not _MODALS.isdisjoint(line.folded[: item.start]):
        return False
    if (len(line) == 1 and typed not in _ALONE) or _after_model(line, item):
        return True
    if name not in read["weak"]["always"] and (name not in read["weak"]["unmarked"] or typed == name):
        return True
    after_colour = any(other.end in (item.start, item.start - 1) for other in found)
    if _ends_name(line, item, ends):
        return True
    if line.marks and name not in read["weak"]["always"]:
        # Who marks the other words means an unmarked one as it stands: "do công ty nào".
        return item.start in ends or after_colour
    near_goods = item.start in ends or (
        item.start - 1 in ends and left not in ("den", "da", "co", "bi", "toi", "cho", "tu")
    )
    after_gender = (
        left in ("nam", "nu", "size", "thun", "da", "nhi", "ngan", "dai", "basic", "mini") and item.start - 2 in ends
    )
    if line.word(item.end) in ("color", "colour", "one"):
        return True
    return near_goods or after_gender or after_colour or left in read["weak"]["left"]


def values(line: Line, taken: bytearray) -> list[Mention]:
    """Return gender, sort, modifier, payment, attribute and place."""
    found: list[Mention] = []
    for slot in _GROUPS:
        for item in value_table(slot).scan(line):
            if item.phrase.value and not any(taken[item.start : item.end]) and value_likely(line, item):
                found += [Mention(slot, item.phrase.value, item.start, item.end)]
    found.extend(on_receipt(line))
    found.extend(places(line, taken))
    return _apart(found)


def _apart(found: list[Mention]) -> list[Mention]:
    """Return the mentions without those that overlap a longer one."""
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda item: item.start - item.end):
        if all(mention.end <= other.start or other.end <= mention.start for other in kept):
            kept.append(mention)
    return kept


def places(line: Line, taken: bytearray) -> list[Mention]:
    """Return the places named in a line; abbreviations and everyday words count beside words of movement."""
    found: list[Mention] = []
    beside = data("places")["beside"]
    weak = beside["weak"]
    place = 0
    table = place_table()
    while place < len(line):
        item = table.at(line, place)
        if item is None or any(taken[item.start : item.end]):
            place += 1
            continue
        left, right = line.word(item.start - 1), line.word(item.end) or "$"
        moved = left in beside["left"]
        if item.phrase.value == "hue" and left in ("nguyen", "duong"):
            place += 1  # the street
            continue
        moved = moved or (item.phrase.slot == "place" and line.gap[item.start].strip() == ",")
        if line.marked[item.start] == "quan" and not moved and right in _TROUSERS:
            place += 1
            continue
        short = item.phrase.slot == "place"
        unmarked = (
            " ".join(item.phrase.marked) in weak
            and (not item.exact or all(word.isascii() for word in line.marked[item.start : item.end]))
            and not all(word.istitle() for word in line.raw[item.start : item.end])
        )
        if (short and not moved and not (right in beside["right"] and len(line) <= 4)) or (
            unmarked and not moved and item.end - item.start < len(line)
        ):
            place += 1
            continue
        found.append(Mention("location", item.phrase.value, item.start, item.end))
        place = item.end
    return found
