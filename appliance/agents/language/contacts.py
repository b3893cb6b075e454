"""E-mail addresses, telephone numbers, order numbers and coupon codes."""

from __future__ import annotations

import re

from appliance.agents.language.coupons import COUPON_WORDS, ORDER_PREFIXES, coupons
from appliance.agents.language.matching import Line, claim, whole
from appliance.agents.language.numbers import word_is
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_ORDER_WORDS = word_set("don order orders purchase parcel dh oder ord odr")
_ACTIONS = word_set("huy cancel return refund track tracking check exchange tra status kiem cuu")
_BETWEEN = word_set(
    "hang so ma cua id number no the is la # minh toi em my dat van num with for code ref reference nr nay co i mang"
)
_YEARS = range(1990, 2036)
_CODE = re.compile(r"[A-Za-z]{2,8}[-_]?[0-9]{2,20}(?:[-_][A-Za-z0-9]{1,20}){0,4}")
_MOBILE = re.compile(r"0[35789][0-9]{8}|02[0-9]{8,9}|(?:00)?84[235789][0-9]{8,9}|1[89]00[0-9]{4,6}")
_NOT_AFTER = word_set(
    "cai chiec doi bo ngay tuan thang nam k nghin ngan trieu tr cu kg cm gio phut lan mon sp san hop dong "
    "vnd d h ml gb m "
    "day days week weeks items item pieces trang % mau"
)


def contacts(line: Line, taken: bytearray, expects: str) -> list[Mention]:
    """Return addresses, telephone and order numbers and coupon codes of a line, and mark their words as taken."""
    found: list[Mention] = []
    for reader in (_emails, _phones, coupons):
        found.extend(_claim(reader(line, taken), taken))
    found.extend(_claim(_orders(line, taken), taken))
    if expects == "order_id" and not any(mention.slot == "order_id" for mention in found):
        found.extend(_claim(_expected_order(line, taken), taken))
    return found


def _claim(mentions: list[Mention], taken: bytearray) -> list[Mention]:
    for mention in mentions:
        claim(taken, mention)
    return mentions


def _emails(line: Line, taken: bytearray) -> list[Mention]:
    return [
        Mention("email", token.raw.lower(), place, place + 1)
        for place, token in enumerate(line.tokens)
        if "@" in token.raw
    ]


def _phones(line: Line, taken: bytearray) -> list[Mention]:
    found: list[Mention] = []
    place = 0
    while place < len(line):
        end = _digits_run(line, place, taken)
        mention = _phone(line, place, end) if end > place else None
        if mention:
            found.append(mention)
        place = mention.end if mention else place + 1
    return found


def _digits_run(line: Line, place: int, taken: bytearray) -> int:
    """Return the end of numbers that stand together as a telephone number's groups do."""
    end = place
    while end < len(line) and line.is_number(end) and not taken[end] and end - place < 6:
        if end > place and line.gap[end] not in (" ", "-", ".", " - ", ") ", ")", ". "):
            break
        end += 1
    return end


def _phone(line: Line, place: int, end: int) -> Mention | None:
    plus = line.gap[place].endswith("+")
    for stop in range(end, place, -1):
        digits = "".join(char for word in line.folded[place:stop] for char in word if char.isdigit())
        if _MOBILE.fullmatch(digits) and (not digits.startswith("84") or len(digits) >= 11):
            if digits.startswith("84") and not plus and len(digits) not in (11, 12):
                continue
            return Mention("phone", ("+" if plus and digits.startswith("84") else "") + digits, place, stop)
    return None


def _orders(line: Line, taken: bytearray) -> list[Mention]:
    found: list[Mention] = []
    for place in range(len(line)):
        if taken[place]:
            continue
        value = _order_value(line, place)
        own_name = not whole(value) and value.startswith(ORDER_PREFIXES)
        if value and (own_name or _after_order_word(line, place) or _numbered(line, place)):
            found.append(Mention("order_id", value, place, place + 1))
    return found


def _numbered(line: Line, place: int) -> bool:
    """Tell whether a number is written ``#1101`` and is not an invoice's."""
    return line.gap[place].endswith("#") and line.word(place - 1) not in ("invoice", "bill", "receipt", "ticket")


def _order_value(line: Line, place: int) -> str:
    raw = line.raw[place]
    if whole(raw):
        # The shop prints a number; zeros before it are the caller's.
        return raw.lstrip("0") if 2 <= len(raw) <= 20 and not _is_other(line, place) else ""
    return raw.upper() if _CODE.fullmatch(raw) and sum(c.isdigit() for c in raw) >= 3 else ""


def _is_other(line: Line, place: int) -> bool:
    """Tell whether a number is counted, priced or dated by what follows it."""
    after = line.word(place + 1)
    counted = after in _NOT_AFTER
    if after in ("doi", "bo"):
        # "đơn 1102 đổi sang…" against "2 đôi"; without marks after an order's number it is the verb.
        counted = word_is(line, place + 1, "đôi", "bộ") and line.marked[place + 1] != after
    return (
        counted
        or line.gap[place + 1][:1] in ("%", "/", "₫")
        or (line.gap[place + 1] == ":" and line.is_number(place + 1))
        or line.gap[place][-1:] in ("/", "$")
        or (int(line.raw[place]) in _YEARS and word_is(line, place - 1, "năm", "ngày", "in"))
    )


def _after_order_word(line: Line, place: int) -> bool:
    if whole(line.raw[place]) and len(line.raw[place]) >= 4 and _acts_on(line, place):
        return True
    for back in range(1, 6):
        word = line.word(place - back)
        if word == "order" and back == 1 and _counts_goods(line, place):
            return False
        if word in _ORDER_WORDS or (
            word == "ma" and line.marked[place - back] != "mà" and back <= 3 and not _coupon_near(line, place - back)
        ):
            between = line.folded[place - back + 1 : place]
            return all(item in _BETWEEN for item in between) and not (word == "ma" and "giam" in between)
        if word not in _BETWEEN:
            return False
    return False


def _counts_goods(line: Line, place: int) -> bool:
    """Tell whether the number after the verb ``order`` counts goods: ``order 50 tees``."""
    after = line.word(place + 1)
    plural = len(after) > 3 and after.endswith("s") and after not in ("status", "this", "does", "items")
    return len(line.raw[place]) <= 2 and (plural or line.word(place - 2) == "to")


def _acts_on(line: Line, place: int) -> bool:
    """Tell whether something is done to what the number names: ``hủy 1101``, ``a return for 1103``."""
    back = place - 1
    while back > 0 and line.word(back) in (
        "for",
        "of",
        "giup",
        "dum",
        "gium",
        "minh",
        "em",
        "the",
        "cai",
        "my",
        "on",
        "cho",
    ):
        back -= 1
    return line.word(back) in _ACTIONS


def _coupon_near(line: Line, place: int) -> bool:
    return not COUPON_WORDS.isdisjoint(line.folded[place + 1 : place + 3]) or line.word(place - 1) == "nhap"


def _expected_order(line: Line, taken: bytearray) -> list[Mention]:
    """Return the number that answers the question for the order number."""
    places = [place for place in range(len(line)) if not taken[place] and _order_value(line, place)]
    if len(places) != 1:
        return []
    return [Mention("order_id", _order_value(line, places[0]), places[0], places[0] + 1)]
