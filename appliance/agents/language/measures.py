"""Body measures, sizes and quantities."""

from __future__ import annotations

from appliance.agents.language.matching import Line, whole
from appliance.agents.language.numbers import digit, number, word_is
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_LETTER_SIZES = word_set("XXS XS S M L XL XXL XXXL 2XL 3XL 4XL 5XL 6XL XXXXL")
_PLAIN_LETTERS = word_set("S M L")
_SIZE_WORDS = word_set("size sz sizes  siz")
_TINTS = word_set(
    "black white red blue navy green yellow pink purple grey gray brown beige orange leather cotton large small"
)
_FREE = (("free", "size"), ("freesize",), ("one", "size"), ("onesize",))
_SHOES = range(26, 48)
_HEIGHTS = range(60, 221)
_WEIGHTS = range(3, 201)
_FEET = range(10, 34)
_CLASSIFIERS = word_set(
    "cai chiec doi bo hop combo cap mon sp tui chai lo tuyp goi con cay quyen cuon thung set items item "
    "pieces piece pcs pair "
    "pairs units unit suat san  bich    "
)
_BUYING = word_set("mua lay dat order them buy get want need take add chot gom ban nhan muon so luong sl quantity qty")
_GOODS_VETO = word_set("ngay tuan thang nam gio lan nguoi tuoi mau size loai kieu  % phut tieng sao")


def measures(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    """Return the measures, sizes and quantities of a line and mark their words as taken."""
    found: list[Mention] = []
    for reader in (_heights, _weights, _feet, _sizes):
        for mention in reader(line, taken, expects):
            if not any(taken[mention.start : mention.end]):
                taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
                found.append(mention)
    return found


def quantities(line: Line, taken: bytearray, goods: set[int]) -> list[Mention]:
    """Return how many pieces are wanted; ``goods`` are the places where a product group is named."""
    found: list[Mention] = []
    for place in range(len(line)):
        mention = None if taken[place] else _quantity(line, place, taken, goods)
        if mention and not any(taken[mention.start : mention.end]):
            taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
            found.append(mention)
    return found


def _near(line: Line, place: int, reach: int, *words: str) -> bool:
    return not set(words).isdisjoint(line.folded[max(0, place - reach) : place])


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
    if _priced(line, place):
        return None
    start = place
    if (
        line.word(place) == "m"
        and line.is_number(place + 1)
        and line.gap[place + 1] == ""
        and not line.is_number(place - 1)
    ):
        # "m65 50kg"
        return _short_height(line, place) if {"kg", "cao", "nang", "ky"} & set(line.folded) else None
    if word_is(line, place, "mét") or word_is(line, place, "thước"):
        metres, place = 1.0, place
    elif line.is_number(place) or digit(line, place):
        raw = line.folded[place].replace(",", ".")
        if raw.count(".") == 1 and line.is_number(place) and line.word(place + 1) in ("m", "met", "meter", "meters"):
            return (round(float(raw) * 100), place + 2) if 0.5 <= float(raw) <= 2.3 else None
        if raw not in ("1", "2", "mot", "hai"):
            return None
        metres, place = (1.0 if raw in ("1", "mot") else 2.0), place + 1
    else:
        return None
    if not (line.word(place) == "m" or word_is(line, place, "mét", "thước", "met")):
        return None
    if start == place and not (_near(line, start, 3, "cao", "minh", "em", "toi") or digit(line, place + 1)):
        return None
    rest = _decimals(line, place + 1)
    if rest is None:
        return (
            (round(metres * 100), place + 1)
            if _near(line, start, 3, "cao", "tall", "height") and start != place
            else None
        )
    return round(metres * 100) + rest[0], rest[1]


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


def _priced(line: Line, place: int) -> bool:
    """Tell whether a price bound stands right before and nobody speaks of a body: ``dưới 1m5``."""
    bound = line.word(place - 1) in (
        "duoi",
        "tren",
        "tam",
        "gia",
        "khoang",
        "under",
        "over",
        "below",
        "around",
        "tu",
        "den",
    )
    body = {"cao", "nang", "kg", "ky", "height", "tall", "be", "chieu"}
    return bound and body.isdisjoint(line.folded)


def _centimetres(line: Line, place: int, expects: str) -> tuple[int, int] | None:
    raw = line.folded[place]
    if not (whole(raw) and len(raw) <= 3):
        read = number(line, place)
        if not read or not read.value.is_integer() or not (_near(line, place, 2, "cao") and 100 < read.value < 220):
            return None
        return int(read.value), read.end + (line.word(read.end) in ("cm", "phan"))
    value = int(raw)
    unit = line.word(place + 1) in ("cm", "centimet", "xen", "phan", "centimeters", "cms")
    tall = _near(line, place, 3, "cao", "tall", "height") and not _near(line, place, 1, "nang", "size", "gia")
    if (
        unit
        and (tall or 120 <= value <= 210)
        and not _near(line, place, 3, "dai", "rong", "chan", "foot", "feet", "ngang", "day", "vong")
    ):
        return value, place + 2
    if tall and 50 <= value <= 215 and not unit and line.word(place + 1) not in ("k", "nghin", "kg", "ky"):
        return value, place + 1
    if expects in ("measures", "height") and 120 <= value <= 210:
        return value, place + 1 + unit
    # "165 50kg": a height goes without its unit beside a weight
    if 130 <= value <= 200 and not unit and _weight_unit(line, place + 2) and line.is_number(place + 1):
        return value, place + 1
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
    return line.word(place) in ("kg", "kgs", "ky", "ki", "kilo", "kilos", "kilogram", "can")


def _weights(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    found: list[Mention] = []
    for place in range(len(line)):
        read = None if taken[place] else number(line, place)
        if read is None or read.value > 450:
            continue
        end, value = read.end, read.value
        heavy = _near(line, place, 3, "nang", "weigh", "weight", "weighs") and not _near(line, place, 1, "cao")
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


def _after_height(line: Line, place: int, taken: bytearray) -> bool:
    """Tell whether a height was read right before: ``1m7 60``."""
    tall = place > 0 and taken[place - 1] and not line.gap[place].strip(" ,-")
    return bool(
        tall and line.is_number(place) and not _counted(line, place) and "m" in line.folded[max(0, place - 3) : place]
    )


def _feet(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    found: list[Mention] = []
    for place in range(len(line)):
        if taken[place] or not line.is_number(place):
            continue
        read = number(line, place)
        unit = line.word(place + 1) in ("cm", "phan", "centimet")
        named = _near(line, place, 4, "chan", "foot", "feet") and not _near(line, place, 4, "vay")
        if read and round(read.value) in _FEET and (named and (unit or _near(line, place, 2, "dai", "long", "is"))):
            found.append(Mention("foot_cm", round(read.value), place, place + 1 + unit))
    return found


def _sizes(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    found: list[Mention] = []
    for place in range(len(line)):
        if taken[place]:
            continue
        for words in _FREE:
            if tuple(line.folded[place : place + len(words)]) == words:
                found.append(Mention("size", "FREE", place, place + len(words)))
                break
        else:
            mention = _size(line, place, expects)
            if mention:
                found.append(mention)
    return found


def _size(line: Line, place: int, expects: str) -> Mention | None:
    upper = line.raw[place].upper()
    named = _size_named(line, place)
    start = (
        place - 1 if named and (line.word(place - 1) in _SIZE_WORDS or word_is(line, place - 1, "cỡ", "số")) else place
    )
    if upper in _LETTER_SIZES:
        if named or upper not in _PLAIN_LETTERS or _letter_alone(line, place, expects):
            return Mention("size", _size_name(upper), start, place + 1)
        return None
    if line.is_number(place) and whole(line.folded[place]):
        value = int(line.folded[place])
        if (
            value in _SHOES
            and (named or (expects == "size") or _shoe_number(line, place))
            and not _counted(line, place)
        ):
            return Mention("size", str(value), start, place + 1)
        if named and line.word(place - 1) in _SIZE_WORDS and 0 < value < 60:
            return Mention("size", str(value), start, place + 1)
    if named and line.word(place) in ("small", "medium", "large"):
        return Mention("size", {"small": "S", "medium": "M", "large": "L"}[line.word(place)], start, place + 1)
    if line.word(place) in ("small", "medium", "large") and (
        line.word(place + 1) == "size" or line.word(place - 1) in ("a", "in")
    ):
        return Mention("size", {"small": "S", "medium": "M", "large": "L"}[line.word(place)], place, place + 1)
    return None


def _size_name(upper: str) -> str:
    return {"XXXL": "3XL", "XXXXL": "4XL", "2XL": "XXL"}.get(upper, upper)


def _counted(line: Line, place: int) -> bool:
    return line.word(place + 1) in (
        "k",
        "nghin",
        "ngan",
        "cm",
        "kg",
        "ngay",
        "cai",
        "doi",
        "tuoi",
        "trieu",
        "ky",
        "chiec",
    )


def _size_named(line: Line, place: int) -> bool:
    """Tell whether a size word introduces this place: ``size M``, ``cỡ L``, ``size M hay L``, ``M size``."""
    before = line.word(place - 1)
    if before in _SIZE_WORDS or word_is(line, place - 1, "cỡ"):
        return True
    if before in ("so",) and line.is_number(place) and word_is(line, place - 1, "số"):
        return (
            _near(line, place, 5, "giay", "dep", "sandal", "sneaker", "quan", "doi", "size")
            and int(_digits(line, place)) in _SHOES
        )
    if before in (
        "la",
        "is",
        "in",
        "the",
        "a",
        "nao",
        "mac",
        "di",
        "to",
        "sang",
        "con",
        "hay",
        "or",
        "hoac",
        "va",
        "qua",
        "thanh",
    ) and _near(line, place, 6, "size", "sz", "co_"):
        return line.raw[place].upper() in _LETTER_SIZES or line.is_number(place)
    return line.word(place + 1) == "size" and line.raw[place].upper() in _LETTER_SIZES


def _digits(line: Line, place: int) -> str:
    return line.folded[place] if whole(line.folded[place]) else "0"


def _letter_alone(line: Line, place: int, expects: str) -> bool:
    """Tell whether a bare S, M or L is a size: written large, or asked for."""
    before, after = line.word(place - 1), line.word(place + 1)
    if line.is_number(place - 1) and line.gap[place] == "":
        return False
    if expects in ("size", "details", "choice") and len(line) <= 3:
        return True
    upper = line.raw[place].isupper() and not all(raw.isupper() for raw in line.raw if raw.isalpha() and len(raw) > 1)
    if upper and len(line) == 1:
        return True
    if upper and not line.is_number(place - 1) and not line.gap[place].endswith("'"):
        return True
    leads = ("con", "lay", "mac", "in", "a", "hay", "or", "ao", "mau", "het", "co", "sang", "thanh", "order", "la")
    return before in leads and after in (
        "khong",
        "ko",
        "k",
        "hay",
        "or",
        "",
        "a",
        "nha",
        "nhe",
        "shop",
        "thi",
        "please",
        "duoc",
    )


def _shoe_number(line: Line, place: int) -> bool:
    """Tell whether a bare number beside shoes or trousers is their size: ``giày 39 còn không``."""
    leads = {
        "giay",
        "dep",
        "sneaker",
        "sneakers",
        "sandal",
        "sandals",
        "shoes",
        "shoe",
        "boots",
        "boot",
        "got",
        "quan",
        "jean",
        "jeans",
    }
    before = line.word(place - 1)
    wearing = before in ("mang", "di", "con", "size", "co", "chan", "doi") and not leads.isdisjoint(line.folded)
    return (before in leads or wearing or line.word(place - 2) in leads) and not line.gap[place].endswith(("#", "$"))


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
