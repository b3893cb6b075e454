"""Reads single values as people and programs write them: amounts, times, lists, flags. All raise ``RowFault``."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from appliance.domain import ID_PATTERN, decimals, to_minor
from appliance.ops.importing.faults import RowFault
from appliance.text import clean, clean_line

MAX_ID = 128
EARLIEST = 631152000.0
"""1990: an earlier time is a damaged one, such as Unix seconds cut short."""
LATEST = 4102444800.0

_ID = re.compile(ID_PATTERN)
_MARKS = re.compile(r"(?i)\s|₫|đ|\$|€|£|¥|_|vnd|usd|eur")
_GROUPED = re.compile(r"-?\d{1,3}(?:\.\d{3})+|-?\d{1,3}(?:,\d{3})+")
_FLAGS = {"1": True, "true": True, "yes": True, "y": True, "on": True, "0": False, "false": False, "no": False} | {
    "n": False,
    "off": False,
    "co": True,
    "có": True,
    "khong": False,
    "không": False,
    "còn": True,
    "con": True,
    "hết": False,
    "het": False,
}
Fields = Mapping[str, Any]


def is_absent(value: object) -> bool:
    """Whether a cell holds nothing: null, blank text or the NaN of data tools."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    return isinstance(value, float) and math.isnan(value)


def scalar(value: object, column: str) -> str:
    """Return a text or number as text; whole numbers lose the ``.0`` of data tools."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise RowFault("not_text", column)
    if not isinstance(value, int) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)


def identifier(fields: Fields, column: str) -> str:
    """Return an id, or ``''`` when there is none."""
    value = fields.get(column)
    if is_absent(value):
        return ""
    text = (value if isinstance(value, str) else scalar(value, column)).strip()
    if len(text) > MAX_ID or _ID.match(text) is None:
        raise RowFault("bad_id", column, value=text)
    return text


def line_text(fields: Fields, column: str, longest: int) -> str:
    """Return a text that stands on one line, cleaned; ``''`` when there is none."""
    value = fields.get(column)
    if is_absent(value):
        return ""
    text = clean_line(scalar(value, column))
    if len(text) > longest:
        raise RowFault("text_long", column, length=len(text), limit=longest)
    return text


def long_text(fields: Fields, column: str, longest: int) -> str:
    """Return a text of several lines, cleaned; ``''`` when there is none."""
    value = fields.get(column)
    if is_absent(value):
        return ""
    text = clean(unicodedata.normalize("NFC", scalar(value, column).replace("\r\n", "\n"))).strip()
    if len(text) > longest:
        raise RowFault("text_long", column, length=len(text), limit=longest)
    return text


def amount(value: object, column: str, currency: str) -> int | None:
    """Return an amount in the smallest unit; ``None`` when there is none.

    Text may carry group separators as people write them: ``450.000`` is 450000 in a currency without decimals, and no
    amount in one with two, where it might be either.
    """
    if is_absent(value):
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise RowFault("bad_amount", column, value=str(value))
    try:
        minor = to_minor(_plain_number(value, currency) if isinstance(value, str) else value, currency)
    except (ValueError, OverflowError):
        raise RowFault("bad_amount", column, value=str(value)) from None
    if minor < 0:
        raise RowFault("bad_amount", column, value=str(value))
    return minor


def _plain_number(text: str, currency: str) -> str:
    number = _MARKS.sub("", text)
    places = decimals(currency)
    is_single = len(re.findall(r"[.,]", number)) == 1
    if _GROUPED.fullmatch(number) and (places == 0 or not is_single or (places == 2 and "," in number)):
        return number.replace(".", "").replace(",", "")
    if "," in number and "." in number:
        group = "," if number.rindex(".") > number.rindex(",") else "."
        number = number.replace(group, "")
    return number.replace(",", ".")


def whole(value: object, column: str) -> int | None:
    """Return a whole number; ``None`` when there is none."""
    if is_absent(value):
        return None
    try:
        number = Decimal(scalar(value, column).strip())
        if number != number.to_integral_value() or abs(number) > 10**12:
            raise RowFault("not_whole", column, value=str(value))
    except ArithmeticError:
        raise RowFault("not_whole", column, value=str(value)) from None
    return int(number)


def flag(value: object, column: str) -> bool | None:
    """Return yes or no; ``None`` when there is neither."""
    if is_absent(value):
        return None
    if isinstance(value, bool):
        return value
    answer = _FLAGS.get(scalar(value, column).strip().lower())
    if answer is None:
        raise RowFault("not_flag", column, value=str(value))
    return answer


def moment(value: object, column: str) -> float:
    """Return Unix seconds from RFC 3339, ISO 8601 (UTC where no zone is given), or Unix s, ms or µs."""
    try:
        seconds = _unix(value) if not isinstance(value, str) else _from_text(value.strip())
    except (ValueError, OverflowError, TypeError):
        raise RowFault("bad_time", column, value=str(value)) from None
    if not EARLIEST <= seconds <= LATEST:
        raise RowFault("time_range", column, value=str(value))
    return seconds


def _from_text(text: str) -> float:
    if text.replace(".", "", 1).isdecimal():
        return _unix(float(text))
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _unix(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise TypeError
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError
    for unit in (1e14, 1e11):
        if seconds >= unit:
            return seconds / (1e6 if unit == 1e14 else 1e3)
    return seconds


def names(fields: Fields, column: str, *, most: int, longest: int) -> tuple[str, ...]:
    """Return a list of names: a JSON list, or text parted by ``|``, else ``;``, else ``,``; repeats are dropped."""
    value = fields.get(column)
    if is_absent(value):
        return ()
    if isinstance(value, str):
        value = _listed(value, column)
    if not isinstance(value, (list, tuple)):
        value = [value]
    texts = dict.fromkeys(clean_line(scalar(part, column)) for part in value if not is_absent(part))
    texts.pop("", None)
    if len(texts) > most or any(len(text) > longest for text in texts):
        raise RowFault("list_long", column, limit=most, longest=longest)
    return tuple(texts)


def _listed(text: str, column: str) -> list[Any]:
    if text.lstrip().startswith("["):
        decoded = structure(text, column)
        if isinstance(decoded, list):
            return decoded
    separator = next((mark for mark in "|;" if mark in text), ",")
    return list(text.split(separator))


def structure(value: object, column: str) -> Any:
    """Return an object or list, decoding text as JSON; ``None`` when there is none."""
    if is_absent(value):
        return None
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RowFault("bad_json", column, reason=str(error)) from None
