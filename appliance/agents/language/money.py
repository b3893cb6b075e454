"""Amounts of money and what bounds them, as shoppers say them.

A reading starts at a number and runs as far as it makes sense (``hai triệu ba trăm rưỡi``); then the words before and
after say whether it is a lower bound, an upper bound or about that much. Heights, sizes, telephone numbers, dates and
capacities are claimed by other readers first or excluded by what stands beside the number.
"""

from __future__ import annotations

from typing import NamedTuple

from appliance.agents.language.bounds import CONTEXT, OTHER, TO, Bound, bound_after, bound_before, ends_with, matches
from appliance.agents.language.matching import Line, agrees, claim, data, whole
from appliance.agents.language.numbers import Number, digit, number, word_is
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_DATA = data("money")
_COUNTED = frozenset(_DATA["counted"].split())
_CAPACITY = frozenset(_DATA["capacity"].split())
_MEASURED = word_set("dai rong cao day cap kho eo nguc vong chieu long length cable cord wide tall height ")
_MILLION, _THOUSAND, _HUNDRED_K = 1e6, 1e3, 1e5
_SCALES: dict[str, tuple[tuple[str, float], ...]] = {
    "nghin": (("nghìn", 1e3),), "ngan": (("ngàn", 1e3),), "ngin": (("ngìn", 1e3),), "canh": (("cành", 1e3),),
    "k": (("k", 1e3),), "ka": (("ka", 1e3),), "thousand": (("thousand", 1e3),), "grand": (("grand", 1e3),),
    "trieu": (("triệu", 1e6),), "tr": (("tr", 1e6),), "trieuj": (("trieuj", 1e6),), "million": (("million", 1e6),),
    "mil": (("mil", 1e6),), "mill": (("mill", 1e6),), "mio": (("mio", 1e6),),
    "ty": (("tỷ", 1e9),), "ti": (("tỉ", 1e9),), "billion": (("billion", 1e9),),
    "cu": (("củ", 1e6),), "chai": (("chai", 1e6),), "m": (("m", 1e6),), "toi": (("tỏi", 1e9),),
    "lit": (("lít", 1e5),), "xi": (("xị", 1e5),), "loet": (("loét", 1e5),),
}  # fmt: skip
_SLANG = frozenset(("cu", "chai", "m", "toi", "lit", "ty", "ti", "xi", "canh"))
_DONG = frozenset(("dong", "d", "vnd", "bac"))
_DOLLARS = frozenset(("usd", "dollar", "dollars", "bucks", "buck"))
_PLAIN_MONEY = 10_000
_TOP = 1e11


class Amount(NamedTuple):
    """An amount, or a number that can become one beside another amount."""

    value: float
    start: int
    end: int
    scale: float
    """The unit said first; 0 when none was."""
    bare: float
    """The number before that unit."""
    grouped: bool = False
    hundreds: bool = False


def money(line: Line, taken: bytearray, currency: str = "VND") -> list[Mention]:
    """Return the price mentions of a line and mark their words as taken."""
    found: list[Mention] = []
    place = 0
    while place < len(line):
        mentions = [] if taken[place] else _at(line, place, taken, currency)
        if any(any(taken[mention.start : mention.end]) for mention in mentions):
            mentions = []
        for mention in mentions:
            found.append(mention)
            claim(taken, mention)
        place = mentions[-1].end if mentions else place + 1
    return found


def _at(line: Line, place: int, taken: bytearray, currency: str) -> list[Mention]:
    first = amount(line, place, taken)
    if first is None:
        return []
    before = bound_before(line, place)
    second = _second(line, first, taken)
    if second:
        pair = _pair(line, first, second, before, currency)
        if pair:
            return pair
    if not first.scale:
        value = _bare_value(line, first, before, currency)
        if not value:
            return []
        first = first._replace(value=value)
    elif line.marked[first.end - 1] == "ngan" and first.bare < 10 and not before.kind:
        return []  # "balo 2 ngan": compartments
    elif first.scale in (_MILLION, _HUNDRED_K) and not _slang_is_money(line, first, before):
        return []
    return [_single(line, first, before)]


def _single(line: Line, read: Amount, before: Bound) -> Mention:
    after = bound_after(line, read.end)
    kind, start, end = before.kind or "about", before.place if before.kind else read.start, read.end
    if after.kind and not (after.kind == "about" and before.kind):
        kind, end = after.kind, after.place
    elif line.gap[read.end].startswith("+"):
        kind = "min"
    elif before.kind in ("", "about") and line.gap[read.start].rstrip("= ").endswith("<"):
        kind = "max"
    elif before.kind in ("", "about") and line.gap[read.start].rstrip("= ").endswith(">"):
        kind = "min"
    kind = "about" if kind == "between" else kind
    certain = not ends_with(line, start, OTHER)
    return Mention(f"price_{kind}", round(read.value), start, end, certain)


def _second(line: Line, first: Amount, taken: bytearray) -> Amount | None:
    """Return the other end of a range."""
    place = first.end
    if place >= len(line):
        return None
    gap = line.gap[place].strip().rstrip("$₫").rstrip()
    if gap in ("-", "~", "->", "=>", ">", "--", "...", ".."):
        return amount(line, place, taken)
    if gap:
        return None
    for length in (3, 2, 1):
        if matches(line, place, length, TO):
            return amount(line, place + length, taken)
    if first.hundreds is False and not line.is_number(first.start) and not first.scale:
        # "hai ba trăm", "năm sáu triệu"
        return amount(line, place, taken)
    return None


def _pair(line: Line, first: Amount, second: Amount, before: Bound, currency: str) -> list[Mention]:
    low, high = first.value, second.value
    adjacent = first.end == second.start and not line.gap[second.start].strip()
    if adjacent and second.bare // (100 if second.hundreds else 1) != first.bare + 1:
        return []
    if not second.scale and not first.scale:
        if before.kind not in ("between", "min", "about"):
            return []
        low, high = _bare_value(line, first, before, currency), _bare_value(line, second, before, currency)
        if not (low and high) or _is_date(line, first) or line.word(second.end) in _COUNTED:
            return []
    elif not first.scale:
        if not _slang_is_money(line, second, before):
            return []
        low = _shared(first, second)
    elif not second.scale:
        high = second.bare * first.scale if second.bare < 1000 and line.word(second.end) not in _COUNTED else 0.0
        if not first.bare < second.bare:
            return []
    if not 0 < low < high:
        return []
    start = before.place if before.kind else first.start
    end = second.end
    return [
        Mention("price_min", round(low), start, first.end),
        Mention("price_max", round(high), first.end, end),
    ]


def _shared(first: Amount, second: Amount) -> float:
    """Return the first end of a range whose unit was said with the second: ``2 đến 3 triệu``."""
    if first.hundreds:
        return first.value * (1.0 if first.scale else 1000.0)
    if second.hundreds and first.bare < 10:
        return first.bare * 100 * second.scale
    value = first.bare * second.scale
    if value >= second.value and 100 <= first.bare < 1000 and second.scale >= _MILLION:
        return first.bare * _THOUSAND
    return value


def _bare_value(line: Line, read: Amount, before: Bound, currency: str) -> float:
    """Return what a number without a unit is worth; 0 when it is no amount."""
    if read.scale:
        return read.value
    if line.word(read.end) in _COUNTED or _is_date(line, read) or line.gap[read.end][:1] in ("%", "/", "″", '"'):
        return 0.0
    if _symbol(line, read):
        return read.bare
    context = before.kind and _has_context(line, before, read)
    if currency != "VND":
        return read.bare if context else 0.0
    if read.hundreds:
        return read.bare * _THOUSAND if context or read.bare >= 100 else 0.0
    if read.grouped and read.bare >= _PLAIN_MONEY / 10:
        return read.bare if read.bare >= _PLAIN_MONEY or context else 0.0
    context = context or (bound_after(line, read.end).kind in ("min", "max") and read.bare >= 100)
    if not read.bare.is_integer():
        return 0.0
    if context and 100 <= read.bare <= 999:
        return read.bare * _THOUSAND
    if context and read.bare >= _PLAIN_MONEY and read.bare % 1000 == 0:
        return read.bare
    if context and 1000 <= read.bare < _PLAIN_MONEY and read.bare % 50 == 0 and not 1990 <= read.bare <= 2035:
        return read.bare * _THOUSAND
    if _PLAIN_MONEY <= read.bare < 1e9 and read.bare % 1000 == 0 and len(line) <= 8:
        return read.bare if not _names_order(line, read.start) else 0.0
    return 0.0


def _names_order(line: Line, place: int) -> bool:
    return line.word(place - 1) in ("don", "order", "ma", "so", "code", "purchase") or line.gap[place].endswith("#")


def _has_context(line: Line, before: Bound, read: Amount) -> bool:
    """Tell whether the bound is one after which a bare number is a price; ``có 300`` and ``for 300`` are not."""
    return any(
        matches(line, start, length, CONTEXT)
        for start in range(before.place, read.start)
        for length in range(1, read.start - start + 1)
    )


def _symbol(line: Line, read: Amount) -> bool:
    """Tell whether the number carries a currency sign."""
    return line.gap[read.start][-1:] in ("$", "₫") or line.gap[read.end][:1] in ("$", "₫")


def _is_date(line: Line, read: Amount) -> bool:
    return "/" in line.gap[read.start][-1:] or "/" in line.gap[read.end][:1] or ":" in line.gap[read.end][:1]


def _slang_is_money(line: Line, read: Amount, before: Bound) -> bool:
    """Tell whether ``lít``, ``chai``, ``m``, ``củ`` are slang for money here."""
    said = line.folded[read.start : read.end]
    unit = next((word for word in said if word in _SLANG), "")
    if unit not in _SLANG:
        return True
    if unit in ("ty", "ti", "xi", "canh"):
        return True
    near = set(line.folded[max(0, read.start - 5) : read.start]) | set(line.folded[read.end : read.end + 2])
    if unit == "lit":
        return read.bare <= 9 and read.bare.is_integer() and near.isdisjoint(_CAPACITY)
    if unit == "cu":
        return line.word(read.end) not in ("sac", "khoai", "tai", "hanh", "gung")
    if unit == "m":
        if not near.isdisjoint(_MEASURED) or line.word(read.start - 1) in ("size", "cao"):
            return False
        return bool(before.kind) or bound_after(line, read.end).kind in ("min", "max")
    return bool(before.kind) or (read.end == len(line) and read.start == 0)


def amount(line: Line, place: int, taken: bytearray) -> Amount | None:
    """Return the amount that starts at a word, or the bare number when no unit follows."""
    if place >= len(line) or taken[place]:
        return None
    first = number(line, place)
    if first is None:
        return _unit_alone(line, place)
    if first.digits.startswith("0") and len(first.digits) > 1 and "." not in first.digits and "," not in first.digits:
        return None
    if any(taken[place : first.end]):
        return None
    scale = _scale(line, first.end)
    if not scale:
        return _unscaled(line, place, first)
    return _compound(line, place, first, scale)


def _unscaled(line: Line, place: int, first: Number) -> Amount | None:
    end = first.end
    if line.word(end) in _DONG and end < len(line) and (line.word(end) != "d" or line.gap[end] in ("", " ")):
        return Amount(first.value * (1000 if first.hundreds else 1), place, end + 1, 1.0, first.value, first.grouped)
    if line.gap[end][:1] == "₫":
        return Amount(first.value, place, end, 1.0, first.value, first.grouped)
    if line.word(end) in _DOLLARS:
        return Amount(first.value, place, end + 1, 1.0, first.value, first.grouped)
    if line.word(end) == "do" and line.word(end + 1) == "la":
        return Amount(first.value, place, end + 2, 1.0, first.value, first.grouped)
    if line.gap[place][-1:] == "$" or line.gap[end][:1] == "$":
        return Amount(first.value, place, end, 1.0, first.value, first.grouped)
    if first.hundreds and first.value >= 100 and line.word(end) not in _COUNTED and line.gap[end][:1] != "%":
        return Amount(first.value * _THOUSAND, place, end, _THOUSAND, first.value, hundreds=True)
    return Amount(first.value, place, end, 0.0, first.value, first.grouped, first.hundreds)


def _compound(line: Line, place: int, first: Number, scale: float) -> Amount | None:
    """Read on after the first unit: ``2 triệu rưỡi``, ``2tr350``, ``hai triệu ba trăm nghìn``."""
    total, end, last = first.value * scale, first.end + 1, scale
    while True:
        if word_is(line, end, "rưỡi", "rưởi", "rười") or line.word(end) == "ruoi":
            total, end = total + last / 2, end + 1
            break
        if word_is(line, end, "lẻ", "linh") and number(line, end + 1):
            end += 1
        more = number(line, end)
        if more is None or not line.joined(end):
            break
        smaller = _scale(line, more.end)
        if smaller and smaller < last and not more.grouped:
            total, end, last = total + more.value * smaller, more.end + 1, smaller
            continue
        if smaller or (line.word(more.end) in _COUNTED and line.gap[end]):
            break
        part = _tail(line, more, end, last)
        if part is not None:
            total, end = total + part, more.end
        break
    if line.word(end) in _DONG and line.word(end) != "bac":
        end += 1
    if total > _TOP:
        return None
    return Amount(total, place, end, scale, first.value, first.grouped, first.hundreds)


def _tail(line: Line, more: Number, place: int, unit: float) -> float | None:
    """Return what a number right after a unit adds: tenths, hundredths or thousandths of it; ``None`` for nothing."""
    if unit < _THOUSAND or more.grouped:
        return None
    if more.digits:
        glued = line.gap[place] == ""
        if not whole(more.digits) or len(more.digits) > 3 or (not glued and len(more.digits) not in (1, 3)):
            return None
        if unit == _THOUSAND and not glued:
            return None
        if not glued and line.gap[place + 1][:1] in ("/", "%", "-"):
            return None
        return float(more.value * unit / 10 ** len(more.digits))
    if more.hundreds:
        return more.value * _THOUSAND if unit >= _MILLION else more.value
    if more.value < 10 and digit(line, place, later=True):
        return more.value * unit / 10
    return more.value * _THOUSAND if unit == _MILLION else None


def _unit_alone(line: Line, place: int) -> Amount | None:
    """Return ``triệu rưỡi``, ``củ rưỡi``, ``triệu hai``, ``nửa triệu``."""
    if word_is(line, place, "nửa") and _scale(line, place + 1) >= _MILLION:
        scale = _scale(line, place + 1)
        return Amount(scale / 2, place, place + 2, scale, 0.5)
    scale = _scale(line, place)
    if scale < _HUNDRED_K or line.word(place) in ("m", "ti", "ty", "toi", "mil"):
        return None
    if line.word(place - 1) in ("vai", "may", "tien", "chuc", "tram", "hang", "bac", "sac"):
        return None
    if word_is(line, place + 1, "rưỡi", "rưởi"):
        return Amount(scale * 1.5, place, place + 2, scale, 1.0)
    low = digit(line, place + 1, later=True)
    if line.word(place) in ("trieu", "cu") and low and line.word(place + 2) not in _COUNTED:
        more = number(line, place + 1)
        if more and more.hundreds:
            return Amount(scale + more.value * _THOUSAND, place, more.end, scale, 1.0)
        return Amount(scale * (1 + low / 10), place, place + 2, scale, 1.0)
    return None


def _scale(line: Line, place: int) -> float:
    """Return the worth of a unit of money; 0 when the word is none or stands in another clause."""
    if not 0 <= place < len(line) or not line.joined(place):
        return 0.0
    return next((worth for word, worth in _SCALES.get(line.folded[place], ()) if agrees(line.marked[place], word)), 0.0)
