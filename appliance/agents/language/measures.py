"""Body measures; sizes are read after them, so that 165 is a height first."""

from __future__ import annotations

from appliance.agents.language.matching import Line, claim, whole
from appliance.agents.language.numbers import digit, number, word_is
from appliance.agents.language.sizes import counted, near, sizes
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_HEIGHTS = range(60, 221)
_TALL = word_set("tall girl guy boy man woman person lady")
_STATURES = (1.2, 2.2)
"""Metres that a grown body is tall."""
_KILOS = word_set("kg kgs ky ki kilo kilos kilogram kilograms nang lbs pounds weigh weighs weight")
_WEIGHTS = range(3, 201)
_FEET = range(10, 34)
_BODY = word_set("cao nang kg ky height tall be chieu weigh weight")
_PERSON = word_set(
    "cao minh em toi tui to anh chi be con chau chong vo ban nguoi tall height am my he she "
    "someone somebody person guy girl boy husband wife son daughter him her"
)
_PRICE_LEADS = word_set(
    "duoi tren tam gia khoang under over below around about tu den toi from than max budget sach chung for up hon qua"
)
_GOODS = word_set("ban ghe tham chan day cap goi men rem tu ke den desk table chair rug cable cord lamp blanket")
_WEIGHED = word_set("kg nang ky minh em toi weigh weight")
_PARCEL = word_set("ship giao hang tui thung kien phi hop goi parcel package bag")
_SEX = word_set("male female nam nu size man woman")
_RANGE_WORDS = word_set("and to den toi va or hoac")
_MONEY_UNITS = word_set("nghin k ngan trieu tr m ruoi")


def measures(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    """Return the measures and sizes of a line and mark their words as taken."""
    found: list[Mention] = []
    for reader in (_heights, _weights, _feet, sizes):
        for mention in reader(line, taken, expects):
            if not any(taken[mention.start : mention.end]):
                claim(taken, mention)
                found.append(mention)
    return found


def _heights(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    found: list[Mention] = []
    for place in range(len(line)):
        if taken[place]:
            continue
        read = _metres(line, place) or _centimetres(line, place, expects) or _feet_inches(line, place)
        if read and read[0] in _HEIGHTS:
            found.append(Mention("height_cm", read[0], place, read[1]))
    return found


def _metres(line: Line, place: int) -> tuple[int, int] | None:
    """Read ``1m6``, ``1m65``, ``1 m 65``, ``1.65m``, ``mét sáu lăm``, ``một mét bảy``."""
    if _priced(line, place) or _of_goods(line, place):
        return None
    start = place
    if (
        line.word(place) == "m"
        and line.is_number(place + 1)
        and line.gap[place + 1] == ""
        and not line.is_number(place - 1)
    ):
        # "m65 50kg"
        weighed = len(line) <= 4 and _is_weight(line, place + 2)
        bodily = len(line) == 2 or weighed or not _BODY.isdisjoint(line.said)
        return _short_height(line, place) if bodily else None
    if word_is(line, place, "mét") or word_is(line, place, "thước"):
        metres, place = 1.0, place
    elif line.is_number(place) or digit(line, place):
        raw = line.folded[place].replace(",", ".")
        if raw.count(".") == 1 and line.is_number(place):
            return _decimal_metres(line, place, raw)
        if raw not in ("1", "2", "mot", "hai"):
            return None
        metres, place = (1.0 if raw in ("1", "mot") else 2.0), place + 1
    else:
        return None
    if not (line.word(place) == "m" or word_is(line, place, "mét", "thước", "met")):
        return None
    if start == place and not (near(line, start, 3, "cao", "minh", "em", "toi") or digit(line, place + 1)):
        return None
    rest = _decimals(line, place + 1)
    if rest is None:
        return (
            (round(metres * 100), place + 1)
            if near(line, start, 3, "cao", "tall", "height") and start != place
            else None
        )
    return round(metres * 100) + rest[0], rest[1]


def _decimal_metres(line: Line, place: int, raw: str) -> tuple[int, int] | None:
    """Read ``1.65m`` of a person, and ``1.65`` alone."""
    if line.word(place + 1) not in ("m", "met", "meter", "meters"):
        return _bare_metres(line, place, raw)
    bodily = not (_PERSON.isdisjoint(line.said) and _BODY.isdisjoint(line.said)) or len(line) == 2
    bodily = bodily or _weighed(line) or "mac" in line.said
    return (round(float(raw) * 100), place + 2) if bodily and 0.5 <= float(raw) <= 2.3 else None


def _bare_metres(line: Line, place: int, raw: str) -> tuple[int, int] | None:
    """Read metres without their unit where a body is spoken of: ``cao 1.7``, ``someone 1.60``, ``1.75 tall``."""
    value, after = float(raw), line.word(place + 1)
    if not _STATURES[0] <= value <= _STATURES[1] or after in _MONEY_UNITS or line.gap[place + 1][:1] in ("%", "/"):
        return None
    if near(line, place, 3, "gia", "price"):
        return None
    told = near(line, place, 2, "cao", "tall", "height", "someone", "somebody", "person", "who") or after in _TALL
    named = line.word(place - 1) in ("am", "he", "she", "is", "minh", "em", "toi") or _weighed(line)
    weighed = named and (_weighed(line) or line.word(place - 1) == "am" or line.word(place - 2) in ("he", "she"))
    return (round(value * 100), place + 1) if told or weighed else None


def _weighed(line: Line) -> bool:
    """Tell whether somebody's weight is in the message and no parcel's."""
    return not _KILOS.isdisjoint(line.said) and _PARCEL.isdisjoint(line.said) and _GOODS.isdisjoint(line.said)


def _short_height(line: Line, place: int) -> tuple[int, int] | None:
    rest = _decimals(line, place + 1)
    return (100 + rest[0], rest[1]) if rest else None


def _decimals(line: Line, place: int) -> tuple[int, int] | None:
    if line.is_number(place) and whole(line.folded[place]) and len(line.folded[place]) <= 2:
        digits = line.folded[place]
        return int(digits) * (10 if len(digits) == 1 else 1), place + 1
    if word_is(line, place, "rưỡi"):
        return 50, place + 1
    first = digit(line, place) or (4 if word_is(line, place, "tư") else 0)
    if not first:
        return None
    if word_is(line, place + 1, "mươi"):
        place += 1
    second = digit(line, place + 1, later=True)
    return (10 * first + second, place + 2) if second else (10 * first, place + 1)


def _of_goods(line: Line, place: int) -> bool:
    """Tell whether furniture, cables or parcels are measured: ``bàn dài 1m2``, ``thảm 1m6``, ``ship 3kg``."""
    if not _WEIGHED.isdisjoint(line.said) or line.word(place + 3) == "x" or line.word(place - 1) == "x":
        return line.word(place + 3) == "x" or line.word(place - 1) == "x"
    before = range(max(0, place - 3), place)
    return any(line.folded[at] in _GOODS and line.marked[at] not in ("bạn", "chân") for at in before)


def _priced(line: Line, place: int) -> bool:
    """Tell whether a price stands here and nobody speaks of a body: ``dưới 1m5``, ``800k - 1m2``, ``budget 1.2m``."""
    if not _BODY.isdisjoint(line.said):
        return False
    before = line.word(place - 1)
    if before in _PRICE_LEADS or line.gap[place].strip().endswith(("<", ">")):
        return True
    back = place - 1 - (before in _RANGE_WORDS)
    return (back < place - 1 or line.gap[place].strip() in ("-", "~")) and line.word(back) in _MONEY_UNITS


def _centimetres(line: Line, place: int, expects: str) -> tuple[int, int] | None:
    raw = line.folded[place]
    if not (whole(raw) and len(raw) <= 3):
        read = number(line, place)
        if not read or not read.value.is_integer() or not (near(line, place, 2, "cao") and 100 < read.value < 220):
            return None
        return int(read.value), read.end + (line.word(read.end) in ("cm", "phan"))
    value = int(raw)
    unit = line.word(place + 1) in ("cm", "centimet", "xen", "phan", "centimeters", "cms")
    if _of_goods(line, place):
        return None
    tall = near(line, place, 3, "cao", "tall", "height") and not near(line, place, 1, "nang", "size", "gia", "weight")
    if (
        unit
        and (tall or 120 <= value <= 210 or (value >= 70 and near(line, place, 3, "be", "con", "chau")))
        and not near(line, place, 3, "dai", "rong", "chan", "foot", "feet", "ngang", "day", "vong")
    ):
        return value, place + 2
    if tall and 50 <= value <= 215 and not unit and line.word(place + 1) not in ("k", "nghin", "kg", "ky"):
        return value, place + 1
    if expects in ("measures", "height") and 120 <= value <= 210:
        return value, place + 1 + unit
    # "165 50kg": a height goes without its unit beside a weight
    if 130 <= value <= 200 and not unit and _weight_unit(line, place + 2) and line.is_number(place + 1):
        return value, place + 1
    if 140 <= value <= 200 and line.gap[place + 1].strip() == "/" and _is_weight(line, place + 1):
        return value, place + 1
    if (
        140 <= value <= 200
        and _is_weight(line, place + 1)
        and line.size == place + 2
        and not _SEX.isdisjoint(line.said)
    ):
        return value, place + 1  # "male 180 80"
    if 130 <= value <= 200 and line.word(place + 1) == "nang":
        return value, place + 1
    return None


def _feet_inches(line: Line, place: int) -> tuple[int, int] | None:
    raw = line.folded[place]
    if raw not in ("4", "5", "6"):
        return None
    gap = line.gap[place + 1] if place + 1 <= len(line) else ""
    if gap.strip().startswith("'") and line.is_number(place + 1) and whole(line.folded[place + 1]):
        return round(int(raw) * 30.48 + int(line.folded[place + 1]) * 2.54), place + 2
    if line.word(place + 1) in ("ft", "feet", "foot"):
        inches = line.folded[place + 2] if line.is_number(place + 2) and whole(line.folded[place + 2]) else ""
        end = place + 2 + bool(inches) + (line.word(place + 3) in ("in", "inch", "inches") if inches else False)
        return round(int(raw) * 30.48 + int(inches or 0) * 2.54), end
    return None


def _weight_unit(line: Line, place: int) -> bool:
    if line.word(place) == "can":
        # "5 cần" is no weight; without marks it is one only at a person's weight.
        return line.marked[place] == "cân" or (line.marked[place] == "can" and _is_weight(line, place - 1))
    return line.word(place) in ("kg", "kgs", "ky", "ki", "kilo", "kilos", "kilogram", "kilograms")


def _weights(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    found: list[Mention] = []
    for place in range(len(line)):
        read = None if taken[place] else number(line, place)
        if read is None or read.value > 450:
            continue
        end, value = read.end, read.value
        if _PERSON.isdisjoint(line.said) and near(line, place, 2, *_PARCEL):
            continue
        heavy = _heavy(line, place) and not near(line, place, 1, "cao")
        if _weight_unit(line, end):
            end += 1
            if line.is_number(end) and line.gap[end] == "" and len(line.folded[end]) == 1:
                value, end = value + int(line.folded[end]) / 10, end + 1
            elif word_is(line, end, "rưỡi"):
                value, end = value + 0.5, end + 1
        elif line.word(end) in ("lbs", "lb", "pounds"):
            value, end = value * 0.4536, end + 1
        elif (
            (
                not ((heavy or _after_height(line, place, taken)) and 20 <= value <= 150)
                and not (expects in ("measures", "weight") and 30 <= value <= 119)
            )
            or line.word(end) in ("k", "nghin", "trieu", "cm", "m", "ngan")
            or (read.hundreds and value >= 100)
        ):
            continue
        if round(value) in _WEIGHTS:
            found.append(Mention("weight_kg", round(value), place, end))
    return found


def _heavy(line: Line, place: int) -> bool:
    """Tell whether weighing is spoken of right before: ``nặng``, not ``chống nắng``."""
    if near(line, place, 3, "weigh", "weight", "weighs"):
        return True
    return any(word_is(line, at, "nặng") and line.word(at - 1) != "chong" for at in range(max(0, place - 3), place))


def _is_weight(line: Line, place: int) -> bool:
    """Tell whether a plain number can be somebody's weight: ``165/60``."""
    return line.is_number(place) and whole(line.folded[place]) and 35 <= int(line.folded[place]) <= 130


def _after_height(line: Line, place: int, taken: bytearray) -> bool:
    """Tell whether a height was read right before: ``1m7 60``."""
    paired = line.gap[place].strip() == "/" or not _SEX.isdisjoint(line.said)
    if place > 0 and taken[place - 1] and paired and _is_weight(line, place):
        return True
    tall = place > 0 and taken[place - 1] and not line.gap[place].strip(" ,-")
    return bool(
        tall and line.is_number(place) and not counted(line, place) and "m" in line.folded[max(0, place - 3) : place]
    )


def _feet(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    found: list[Mention] = []
    for place in range(len(line)):
        if taken[place] or not line.is_number(place):
            continue
        read = number(line, place)
        unit = line.word(place + 1) in ("cm", "phan", "centimet")
        named = near(line, place, 4, "chan", "foot", "feet") and not near(line, place, 4, "vay")
        if read and round(read.value) in _FEET and (named and (unit or near(line, place, 2, "dai", "long", "is"))):
            found.append(Mention("foot_cm", round(read.value), place, place + 1 + unit))
    return found
