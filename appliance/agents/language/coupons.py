"""Coupon codes: behind their word (``mã HE20``), or told by their capitals (``is SUMMER20 still valid``)."""

from __future__ import annotations

import re
from functools import lru_cache

from appliance.agents.language.english import english_words
from appliance.agents.language.matching import Line, data
from appliance.agents.language.syllables import is_syllable
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_COUPON = re.compile(r"(?=[A-Z0-9]*[A-Z])[A-Z0-9]{4,20}")
_CAPITALS = re.compile(r"(?=[A-Z0-9]*[A-Z])[A-Z0-9]{5,20}")
ORDER_PREFIXES = ("DH", "ORD", "HD", "OD", "SO", "VN")
_ORDER = re.compile(rf"(?:{'|'.join(ORDER_PREFIXES)})[0-9]+")
_FILLER = word_set("la gia is the nay nhap uu dai khuyen mai")
COUPON_WORDS = word_set("ma code voucher coupon giam promo vouchers discount vc")
_IN_FORCE = word_set(
    "still valid work works working expired expire expires expiring apply applied applies active usable redeem "
    "redeemed accepted han hieu ap nhap xai dung"
)
_REACH = 4


def coupons(line: Line, taken: bytearray) -> list[Mention]:
    """Return the coupon codes of a line."""
    found: list[Mention] = []
    for place in range(len(line)):
        if taken[place]:
            continue
        code, end = _coupon_code(line, place) if _after_coupon_word(line, place) else _by_capitals(line, place)
        if code and not code.startswith(("DH", "ORD")):
            found.append(Mention("coupon_code", code, place, end))
    return found


def _after_coupon_word(line: Line, place: int) -> bool:
    back = 1
    while back < 5 and line.word(place - back) in _FILLER:
        back += 1
    return line.word(place - back) in COUPON_WORDS and line.word(place - back - 1) not in ("don", "order", "van")


def _coupon_code(line: Line, place: int) -> tuple[str, int]:
    """Return the code at a place and its end: digits mixed in, or capitals among small letters."""
    raw, end = line.raw[place], place + 1
    mixed = raw.isalnum() and any(c.isdigit() for c in raw) and any(c.isalpha() for c in raw) and len(raw) >= 4
    if mixed:
        return raw.upper(), end
    if raw.isalpha() and raw.isascii() and line.is_number(end) and line.gap[end] == "":
        code = raw + line.raw[end]
        if len(raw) >= 3 or (_COUPON.fullmatch(code) and not _all_caps(line)):
            return code.upper(), end + 1
        return "", end
    return (raw, end) if _COUPON.fullmatch(raw) and not _all_caps(line) else ("", end)


def _by_capitals(line: Line, place: int) -> tuple[str, int]:
    """Return a code that is told by its capitals and a word of validity near it, and its end."""
    raw, end = line.raw[place], place + 1
    if not raw[:1].isupper() or line.shouted:
        return "", end
    if raw.isalpha() and line.is_number(end) and line.gap[end] == "":
        raw, end = raw + line.raw[end], end + 1
    if not _CAPITALS.fullmatch(raw) or _ORDER.fullmatch(raw):
        return "", end
    dated = line.folded[end : end + 3]
    if raw.isalpha() and _is_word(line.folded[place], known="han" not in dated and "hieu" not in dated):
        return "", end
    beside = (*line.folded[max(0, place - _REACH) : place], *line.folded[end : end + _REACH])
    used = not raw.isalpha() and "use" in beside  # "can i use TET50K"; "use BLUETOOTH" names no code
    return (raw, end) if used or not _IN_FORCE.isdisjoint(beside) else ("", end)


def _is_word(word: str, known: bool) -> bool:
    """Tell whether capitals spell a name, or, where words of the language are ``known`` as such, a word."""
    return word in _brands() or (known and (word in english_words() or is_syllable(word)))


@lru_cache(maxsize=1)
def _brands() -> frozenset[str]:
    """Return the names that people write large and that are no codes: ways to pay, makes, websites."""
    paying = (word for names in data("values")["payment_method"].values() for name in names for word in name.split())
    return frozenset((*paying, *data("vietnamese")["shared"].split()))


def _all_caps(line: Line) -> bool:
    return line.shouted and sum(raw.isalpha() for raw in line.raw) > 2
