"""Which item of the shown list is meant; always a reading that needs the conversation."""

from __future__ import annotations

from appliance.agents.language.matching import Line, claim, whole
from appliance.agents.language.numbers import digit, word_is
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

LAST = "last"
"""Value of ``ref`` for the last item shown."""

_CLASSES = word_set("cai chiec mau mon con doi loai kieu sp em vi ma hang cap bo dong")
_GENERIC = word_set("ao quan vay giay tui do hang dam")
_NOT_LIST = word_set("don dat ngay hom sang chieu toi trua vao giao tu quan tuan lan khach nguoi ma phuong den")
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5}
_COUNTS = {"two": 2, "three": 3, "four": 4, "2": 2, "3": 3, "4": 4}
_NOT_ITEMS = word_set("time order purchase day delivery week name hand class of aid payment thing half month child")
_UNITS = word_set(
    "k nghin ngan trieu tr cu cm kg ngay gio nam thang tuan m met lit phut doi cai chiec dong d h tuoi "
    "day days week weeks month months hours"
)
_ALL_OF = word_set("ngay tuan thang nam nguoi mien days weeks months years of men women")
_SEEKING = word_set("tim co can muon mua ban kiem")
"""Before "ao do" without marks: a red one more often than that one."""
_NOT_BOTH = word_set("men women orders ok okay fine accounts addresses ways sides payments work")
_MAX_LIST = 20
_ORDER_VERBS = word_set("cho chot lay giup ban dat mua gui giao ship")
_SPOKEN = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_LISTING = word_set("compare between sanh giua so choose pick khac")
_COMPARING = word_set(
    "better which nicer cheaper hon tot dep ben compare khac differ differs difference different vs versus between giua"
)
_GRADES = word_set("better nicer cheaper bigger smaller warmer lighter heavier stronger thicker")
_JOINS = ("va", "voi", "and", "hay", "or", "vs", "versus", "with", "hoac")


def references(line: Line, taken: bytearray) -> list[Mention]:
    """Return ``ref`` (a position, ``last`` or ``it``) and ``refs`` (positions joined by commas: ``1,3``)."""
    found: list[Mention] = []
    place = 0
    while place < len(line):
        mention = None if taken[place] else _at(line, place)
        if mention and not any(taken[mention.start : mention.end]):
            found.append(mention)
            claim(taken, mention)
            place = mention.end
        else:
            place += 1
    positions = [mention for mention in found if mention.slot == "ref" and isinstance(mention.value, int)]
    if len(positions) > 1:
        # "the first and the third": several positions are one answer.
        values = [mention.value for mention in positions if isinstance(mention.value, int)]
        found = [mention for mention in found if mention not in positions]
        found.append(_refs(values, positions[0].start, positions[-1].end))
    return found


def _ref(value: int | str, start: int, end: int) -> Mention:
    return Mention("ref", value, start, end, certain=False)


def _refs(values: list[int], start: int, end: int) -> Mention:
    return Mention("refs", ",".join(map(str, values)), start, end, certain=False)


def _at(line: Line, place: int) -> Mention | None:
    return (
        _several(line, place)
        or _vietnamese(line, place)
        or _english(line, place)
        or _hash(line, place)
        or _it(line, place)
    )


def _several(line: Line, place: int) -> Mention | None:
    """Read ``2 cái đầu``, ``cái 1 và 3``, ``cả hai``, ``the first two``, ``both``, ``these two``."""
    word = line.word(place)
    count = _COUNTS.get(word) or digit(line, place)
    if count and 2 <= count <= 5 and line.word(place + 1) in _CLASSES:
        if word_is(line, place + 2, "đầu"):
            end = place + 3 + word_is(line, place + 3, "tiên")
            return _refs(list(range(1, count + 1)), place, end)
        compared = not {"sanh", "khac", "hon", "hay", "compare"}.isdisjoint(line.said)
        if compared and word_is(line, place + 2, "này", "đó", "kia", "trên") and count == 2:
            return _refs([1, 2], place, place + 3)
    if line.word(place - 1) in ("trong", "giua", "between") and count == 2 and line.word(place + 1) in _CLASSES:
        return _refs([1, 2], place, place + 2)
    if count and 2 <= count <= 4 and line.word(place + 1) in _CLASSES and word_is(line, place + 2, "cuối", "chót"):
        return _refs(list(range(-count, 0)), place, place + 3 + word_is(line, place + 3, "cùng"))
    if word == "the" and (inner := _ends_of_list(line, place + 1)):
        return inner
    return _ends_of_list(line, place) or _pair(line, place) or _listed(line, place)


def _ends_of_list(line: Line, place: int) -> Mention | None:
    """Read ``first two``, ``last two``; a place from the end is negative."""
    count = _COUNTS.get(line.word(place + 1), 0)
    if not count or line.word(place + 2) in _NOT_ITEMS or line.word(place + 2) in ("days", "weeks", "months", "orders"):
        return None
    if line.word(place) in ("first", "1st"):
        return _refs(list(range(1, count + 1)), place, place + 2)
    return _refs(list(range(-count, 0)), place, place + 2) if line.word(place) == "last" else None


def _pair(line: Line, place: int) -> Mention | None:
    """Read ``both``, ``these two``, ``cả hai``."""
    word = line.word(place)
    if word == "both" and line.word(place + 1) not in _NOT_BOTH:
        return _refs([1, 2], place, place + 1)
    if word in ("these", "those", "the") and line.word(place + 1) == "two":
        return _refs([1, 2], place, place + 2)
    if word_is(line, place, "cả") or word == "all":
        count = _COUNTS.get(line.word(place + 1)) or digit(line, place + 1)
        count = count if 2 <= count <= 4 and line.word(place + 2) not in _ALL_OF else 0
        count = 0 if place + 2 < len(line) and line.marked[place + 2] == "màu" else count
        end = place + 2 + (line.word(place + 2) in _CLASSES)
        return _refs(list(range(1, count + 1)), place, end) if count else None
    return None


def _listed(line: Line, place: int) -> Mention | None:
    """Read positions one after the other: ``cái 1 và 3``, ``mẫu 1 với mẫu 2``, ``số 1 và số 2``."""
    values: list[int] = []
    end = place
    if line.is_number(place) and line.word(place + 1) in _GRADES and line.word(place + 2) == "than":
        pair = [_position(line, place), _position(line, place + 3)]
        return _refs(pair, place, place + 4) if all(pair) else None
    while end < len(line):
        step = end
        while (
            line.word(step) in _CLASSES or line.word(step) in ("so", "thu", "number", "option", "item")
        ) and step - end < 3:
            step += 1
        value = _position(line, step)
        if (
            not value
            or (step == end and not values and not _bare_list(line, place))
            or (
                line.word(step + 1) in (_UNITS - _CLASSES if step > end else _UNITS)
                and line.word(step + 2) not in ("nao", "dep", "tot", "ben")
            )
        ):
            break
        values.append(value)
        end = step + 1
        if line.word(end) in _JOINS and end + 1 < len(line):
            end += 1
            continue
        if _next_listed(line, end):
            continue
        break
    if len(values) < 2 or line.word(place - 1) in ("size", "don", "order", "ma"):
        return None
    return _refs(values, place, end)


def _bare_list(line: Line, place: int) -> bool:
    """Tell whether two plain numbers are places in a list: the whole message, or what is compared."""
    joined = line.word(place + 1) in _JOINS and line.is_number(place + 2)
    if not line.is_number(place) or not (joined or _next_listed(line, place + 1)):
        return False
    alone = len(line) == 3 or not _COMPARING.isdisjoint(line.said)
    return alone or (line.word(place - 1) in _LISTING and line.word(place - 1) != "so")


def _next_listed(line: Line, place: int) -> bool:
    """Tell whether another position follows without a word between: ``cái 2 cái 3``, ``1, 2 and 3``."""
    if line.is_number(place) and line.gap[place].strip() == ",":
        return True
    classed = line.word(place) in _CLASSES and line.is_number(place + 1) and line.word(place - 2) == line.word(place)
    return classed and line.gap[place].strip() in ("", ",")


def _position(line: Line, place: int) -> int:
    if place >= len(line):
        return 0
    if line.is_number(place):
        value = int(line.folded[place]) if whole(line.folded[place]) and len(line.folded[place]) < 3 else 0
        return value if 0 < value <= _MAX_LIST else 0
    if word_is(line, place, "nhất"):
        return 1
    return digit(line, place) or _SPOKEN.get(line.folded[place], 0) or (4 if word_is(line, place, "tư") else 0)


def _vietnamese(line: Line, place: int) -> Mention | None:
    """Read ``cái đầu``, ``mẫu thứ hai``, ``số 3``, ``cái 2``, ``cái cuối``."""
    classed = line.word(place) in _CLASSES or (word_is(line, place, "sản") and line.word(place + 1) == "pham")
    after = place + (2 if line.word(place) == "san" else 1) if classed else place
    if line.word(place) == "em" and line.word(place - 1) in _ORDER_VERBS:
        classed = False  # "cho em 1 balo": who asks, not which one
    if line.is_number(place - 1):
        classed = classed and not line.is_number(after)
    if (line.word(place - 1), line.word(place)) in (("gio", "hang"), ("thay", "vi")):
        classed = False  # "bỏ giỏ hàng 2": the basket; "3 thay vì 2"
    opening = place == 0 and (after + 1 >= len(line) or line.marked[after] != "dau" or line.word(after + 1) == "tien")
    if classed or opening:
        if word_is(line, after, "đầu") and (
            line.marked[after] == "đầu"
            or line.word(after + 1) not in ("voi", "cap")
            or line.word(after + 2) in _CLASSES
        ):
            return _ref(1, place, after + 1 + word_is(line, after + 1, "tiên"))
        last = word_is(line, after, "cuối") or (after < len(line) and line.marked[after] == "chót")
        if last and line.word(after + 1) not in ("tuan", "thang", "nam"):
            return _ref(LAST, place, after + 1 + word_is(line, after + 1, "cùng"))
    if word_is(line, after, "thứ") and (value := _position(line, after + 1)):
        alone = place == 0 and after == 0 and len(line) <= 4
        if (classed or alone) and line.word(place - 1) not in _NOT_LIST:
            return _ref(value, place, after + 2)
    if word_is(line, after, "số") and line.is_number(after + 1) and (value := _position(line, after + 1)):
        plain = after == place and (
            line.word(place - 1) in _NOT_LIST or line.word(place - 1) in ("giay", "dep", "size")
        )
        if not plain and line.word(after + 2) not in _UNITS:
            return _ref(value, place, after + 2)
    counted = line.word(after + 1) in _UNITS or line.gap[min(after + 1, len(line))][:1] in ("%", "/", ":")
    if classed and line.is_number(after) and line.gap[after] and not counted and (value := _position(line, after)):
        return _ref(value, place, after + 1)
    return None


def _english(line: Line, place: int) -> Mention | None:
    """Read ``the first one``, ``the 2nd``, ``last one``, ``number 2``, ``option 3``."""
    word = line.word(place)
    start = place
    if word == "the":
        place += 1
        word = line.word(place)
    after = line.word(place + 1)
    if line.is_number(place) and after in ("st", "nd", "rd", "th") and (value := _position(line, place)):
        return _ref(value, start, place + 2 + (line.word(place + 2) in ("one", "item", "product")))
    value = _ORDINALS.get(word, 0)
    if len(line) == 1 and (value or word == "last"):
        return _ref(value or LAST, 0, 1)
    if (value or word == "last") and (start != place or after in ("one", "item", "product", "option")):
        if after in _NOT_ITEMS or (after not in ("one", "item", "product", "option", "") and word == "last"):
            return None
        return _ref(value or LAST, start, place + 1 + (after in ("one", "item", "product", "option")))
    return _numbered(line, start, place)


def _numbered(line: Line, start: int, place: int) -> Mention | None:
    """Read ``number 2``, ``option 3``."""
    named = line.word(place) in ("number", "option", "item", "no") and (
        line.is_number(place + 1) or (line.word(place) != "no" and line.word(place + 1) in _SPOKEN)
    )
    value = _position(line, place + 1) if named else 0
    if (
        value
        and line.word(start - 1) not in ("order", "phone", "size", "address")
        and line.word(place + 2) not in _UNITS
    ):
        return _ref(value, start, place + 2)
    return None


def _hash(line: Line, place: int) -> Mention | None:
    """Read ``#2``: too short for an order number."""
    if line.gap[place].endswith("#") and line.is_number(place) and (value := _position(line, place)):
        return _ref(value, place, place + 1)
    return None


def _just_now(line: Line, place: int) -> int:
    """Return how many words reach from a noun to the end of ``hồi nãy``, ``lúc nãy``, ``vừa rồi``; 0 without them."""
    if word_is(line, place, "nãy"):
        return 2
    two = word_is(line, place, "hồi", "lúc") and word_is(line, place + 1, "nãy")
    return 3 if two or (word_is(line, place, "vừa") and word_is(line, place + 1, "rồi", "xem")) else 0


def _it(line: Line, place: int) -> Mention | None:
    word, after = line.word(place), line.word(place + 1)
    nouns = word in _CLASSES or word in _GENERIC
    if nouns and word_is(line, place + 1, "này", "đó", "kia", "ấy", "nầy", "nớ"):
        # Without marks "mau nay" is a colour more often than a model; "vi do", "hang nay" are no item at all.
        doubtful = word in ("mau", "hang", "ma", "vi", "bo", "do", "em") and line.marked[place] in (
            word,
            "màu",
            "vì",
            "mà",
        )
        sought = line.marked[place + 1] == "do" and word in _GENERIC and not _SEEKING.isdisjoint(line.folded[:place])
        doubtful = doubtful or sought
        return None if doubtful and line.marked[place] != "em" else _ref("it", place, place + 2)
    if word_is(line, place, "sản") and after == "pham" and word_is(line, place + 2, "này", "đó", "kia", "ấy"):
        return _ref("it", place, place + 3)
    if word_is(line, place, "nó") and (
        line.marked[place] == "nó" or after in ("gia", "bao", "con", "co", "size", "mau", "the", "lam", "bi", "dung")
    ):
        return _ref("it", place, place + 1)
    if nouns and _just_now(line, place + 1):
        return _ref("it", place, place + _just_now(line, place + 1))
    if word in ("this", "that", "these", "those", "it") and line.marked[place] != word:
        return None  # "thật", "ít"
    last = place == len(line) - 1
    if (word == "that" and last and place) or (word in ("these", "those") and after not in ("two", "three", "ones")):
        return _ref("it", place, place + 1)
    if word in ("this", "that") and after in ("one", "item", "product"):
        return _ref("it", place, place + 2)
    if (word == "this" and after not in ("week", "month", "time", "shop", "store")) or word == "it":
        # Without its mark "ít nhất" reads "it nhat".
        return None if after in ("nhat", "hon", "qua") else _ref("it", place, place + 1)
    return None
