"""Sizes of clothes and shoes."""

from __future__ import annotations

from appliance.agents.language.matching import Line, whole
from appliance.agents.language.numbers import word_is
from appliance.agents.language.tints import SHOES, shoe_size, tint
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_LETTER_SIZES = word_set("XXS XS S M L XL XXL XXXL 2XL 3XL 4XL 5XL 6XL XXXXL")
_PLAIN_LETTERS = word_set("S M L")
_SIZE_WORDS = word_set("size sz sizes siz waist eu eur")
_FREE = (("free", "size"), ("freesize",), ("one", "size"), ("onesize",))
_WORDED = {"small": "S", "medium": "M", "large": "L"}
_CHANGING = word_set("swap swapped swapping exchange exchanging change changed changing switch replace")
_UNSIZED = word_set("k nghin ngan trieu tr cai chiec doi bo mau ngay kg cm mon day days new one order address date")
_WORDED_ENDS = word_set("please instead size if thanks thank or one now for sorry though in is because as")
_WEARING = word_set("wear wears wearing wore mang xo")
_FITTED = word_set(
    "giay dep sneaker sneakers sandal sandals shoes shoe boots boot trainers loafers heels got quan jean jeans pants "
    "trousers trouser chinos slacks"
)


def near(line: Line, place: int, reach: int, *words: str) -> bool:
    """Tell whether one of these folded words stands within reach before a place."""
    return not set(words).isdisjoint(line.folded[max(0, place - reach) : place])


def sizes(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    """Return the sizes of a line."""
    found: list[Mention] = []
    for place in range(len(line)):
        if taken[place]:
            continue
        for words in _FREE:
            bigger = line.word(place + len(words)) in ("bigger", "smaller", "up", "down", "larger", "too")
            if not bigger and tuple(line.folded[place : place + len(words)]) == words:
                found.append(Mention("size", "FREE", place, place + len(words)))
                break
        else:
            mention = _size(line, place, expects)
            if mention:
                found.append(mention)
    return found


def letter_size(line: Line, place: int) -> str:
    """Return the size that a word can name in letters or as small, medium, large; ``""`` for none."""
    upper = line.raw[place].upper()
    return _size_name(upper) if upper in _LETTER_SIZES else _WORDED.get(line.folded[place], "")


def _size(line: Line, place: int, expects: str) -> Mention | None:
    if line.folded[place] in ("extra", "xtra", "double") and line.word(place + 1) in ("large", "small", "xl"):
        double, letter = line.folded[place] == "double", line.word(place + 1)[0].upper()
        return Mention("size", "XXL" if double else "X" + letter.replace("X", "L"), place, place + 2)
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
        if value in SHOES and (named or (expects == "size") or _shoe_number(line, place)) and not counted(line, place):
            return Mention("size", str(value), start, place + 1)
        if value in SHOES and (
            line.word(place + 1) == "waist" or (line.word(place - 1) == "w" and not line.gap[place])
        ):
            return Mention("size", str(value), place, place + 1)
        if named and line.word(place - 1) in _SIZE_WORDS and 0 < value < 60:
            return Mention("size", str(value), start, place + 1)
    worded = _WORDED.get(line.word(place), "")
    if worded and (named or line.word(place + 1) == "size" or _worn(line, place)):
        return Mention("size", worded, start if named else place, place + 1)
    return None


def _worn(line: Line, place: int) -> bool:
    """Tell whether a size in a word is somebody's or the goods': ``in large``, ``I'm a medium``, ``wear a small``."""
    before = place - 1 - (line.word(place - 1) in ("a", "an"))
    if _swapped_to(line, place) and (place + 1 == line.size or line.word(place + 1) in _WORDED_ENDS):
        return True
    if line.word(before) == "in" or line.word(before) in _WEARING:
        return True
    return before < place - 1 and near(line, before + 1, 3, "am", "usually", "normally") and not line.word(place + 1)


def _size_name(upper: str) -> str:
    return {"XXXL": "3XL", "XXXXL": "4XL", "2XL": "XXL"}.get(upper, upper)


def counted(line: Line, place: int) -> bool:
    """Tell whether a number is counted, priced or measured by the word after it."""
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
            near(line, place, 5, "giay", "dep", "sandal", "sneaker", "quan", "doi", "size")
            and int(_digits(line, place)) in SHOES
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
    ) and near(line, place, 6, "size", "sz"):
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
    upper = line.raw[place].isupper() and not line.shouted
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
        "con",
        "size",
        "mau",
    )


def _shoe_number(line: Line, place: int) -> bool:
    """Tell whether a bare number beside shoes or trousers is their size: ``giày 39 còn không``."""
    back = place - 1
    if line.gap[place].endswith(("#", "$")):
        return False
    if line.word(back) in ("a", "an", "in", "la", "size", "so"):
        back -= 1
    fitted = not _FITTED.isdisjoint(line.said)
    if (fitted and _beside_colour(line, place)) or _swapped_to(line, place):
        return True
    if "đôi" in line.marked[:place] and not fitted and line.word(place + 1) in ("", "nha", "nhe", "a", "con", "khong"):
        return place > 1 and line.marked[place - 1] != "đôi" and not line.is_number(place - 1)
    if line.word(back) == "in":
        back -= 1
    if line.word(place - 1) in ("usually", "normally", "typically", "thuong"):
        return line.word(place + 1) not in _FITTED or fitted
    if line.word(back) in _WEARING and (line.word(place + 1) not in _FITTED or fitted):
        return True
    if word_is(line, back, "đi") and near(line, back, 4, "chan", "thuong", "hay", "minh", "em"):
        return line.word(place + 1) in ("", "khong", "thi", "size", "nha", "a") or fitted
    if line.word(place - 1) == "in" and place == 1:
        return True
    if _asked_alone(line, place):
        return True
    before = line.word(place - 1)
    wearing = before in ("mang", "di", "con", "size", "co", "chan", "doi", "in", "a") and fitted
    if before == "so" and word_is(line, place - 1, "số"):
        return not {"giay", "dep", "sandal", "sneaker"}.isdisjoint(line.said)
    return before in _FITTED or wearing or line.word(back) in _FITTED or line.word(place - 2) in _FITTED


def _beside_colour(line: Line, place: int) -> bool:
    """Tell whether a number that can be a size stands beside a colour: ``giày tây court nâu 41``."""
    return (tint(line, place - 1) or tint(line, place + 1)) and shoe_size(line, place)


def _swapped_to(line: Line, place: int) -> bool:
    """Tell whether goods are changed to what stands here: ``swap them for a 43``, ``a 43 instead``, ``đổi sang 41``."""
    before, after = line.word(place - 1), line.word(place + 1)
    if after == "instead":
        return before in ("a", "an", "the", "") or _changed(line, place)
    made = (line.word(place - 2), line.word(place - 1)) == ("make", "it")
    if made or (before in ("a", "an") and (line.word(place - 3), line.word(place - 2)) == ("make", "it")):
        return after not in _UNSIZED
    if before in ("a", "an"):
        return line.word(place - 2) in ("for", "to", "into", "with") and _changed(line, place) and after not in _UNSIZED
    if before in ("sang", "qua", "thanh", "lay") and near(line, place, 4, "doi"):
        return line.marked[place - 1] in (before, "thành", "lấy") and after not in _UNSIZED
    if before in ("need", "want", "muon", "can", "lay", "gio"):
        return shoe_size(line, place) and any(shoe_size(line, at) for at in range(max(0, place - 6), place))
    return before in ("to", "for") and _changed(line, place) and after in ("", "please")


def _changed(line: Line, place: int) -> bool:
    return not _CHANGING.isdisjoint(line.said) and not _CHANGING.isdisjoint(line.folded[:place])


def _asked_alone(line: Line, place: int) -> bool:
    """Tell whether a short question asks for nothing but a number that shoes and trousers have: ``còn 39 không``."""
    if len(line) > 5 or int(_digits(line, place)) < 28:
        return False
    if line.word(place - 1) in ("con", "co", "het") and not line.is_number(place - 2):
        return line.word(place + 1) in ("khong", "chua", "nua") or (word_is(line, place - 1, "hết") and place == 1)
    have = line.word(place - 1) == "have" or (line.word(place - 1) == "a" and line.word(place - 2) == "in")
    return have and line.word(place + 1) in ("", "left", "please", "available")
