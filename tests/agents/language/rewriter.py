"""Rewrites a message into the ways in which the same thing is typed; deterministic, for tests of invariance.

Every rewriting keeps the meaning: Unicode form, capitals, spacing, tone placement, missing marks, chat spelling, polite
wrapping. ``rewrite`` returns those that apply to a text, by name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_DROP = dict.fromkeys(range(768, 880))
_PLACEMENT = {
    "hòa": "hoà",
    "hóa": "hoá",
    "thúy": "thuý",
    "hủy": "huỷ",
    "khỏe": "khoẻ",
    "tòa": "toà",
    "ủy": "uỷ",
    "túy": "tuý",
}
_CHAT = {
    "không": "k",
    "được": "đc",
    "bao nhiêu": "bnhiu",
    "gì": "j",
    "vậy": "z",
    "rồi": "r",
    "với": "vs",
    "muốn": "mún",
    "thích": "thik",
    "số điện thoại": "sđt",
    "chuyển khoản": "ck",
    "sản phẩm": "sp",
    "hôm nay": "hnay",
    "biết": "bik",
    "quá": "qá",
    "mình": "mk",
    "triệu": "tr",
    "nghìn": "k",
    "size": "sz",
    "đơn hàng": "đh",
    "please": "pls",
    "thanks": "thx",
}


def nfd(text: str) -> str:
    """Return the decomposed form, as macOS and some phones send it."""
    return unicodedata.normalize("NFD", text)


def upper(text: str) -> str:
    """Return the text in capitals."""
    return text.upper()


def spaced(text: str) -> str:
    """Return the text with careless spacing, a zero-width and a no-break space."""
    return "  " + text.replace(" ", " \u00a0 ", 1).replace(" ", "\u200b ", 1) + " \t"


def newer_tones(text: str) -> str:
    """Return the text with the newer tone placement: hoà, thuý."""
    return re.sub("|".join(_PLACEMENT), lambda match: _PLACEMENT[match[0]], text)


def unmarked(text: str) -> str:
    """Return the text without diacritics."""
    return unicodedata.normalize("NFD", text).translate(_DROP).replace("đ", "d").replace("Đ", "D")


def teencode(text: str) -> str:
    """Return the text with chat abbreviations; only whole words."""
    pattern = "|".join(sorted(map(re.escape, _CHAT), key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", lambda match: _CHAT[match[0]], text)


def polite_vi(text: str) -> str:
    """Return the text in a polite Vietnamese wrapping."""
    return f"dạ shop ơi cho mình hỏi {text} ạ"


def polite_en(text: str) -> str:
    """Return the text in a polite English wrapping."""
    return f"hi there, {text} please"


def emoji(text: str) -> str:
    """Return the text with pictures around it."""
    return f"😊 {text} 🙏🏻❤️"


def punctuated(text: str) -> str:
    """Return the text with marks of excitement."""
    return f"{text}!!! ???"


REWRITINGS: dict[str, Callable[[str], str]] = {
    "nfd": nfd,
    "upper": upper,
    "spaced": spaced,
    "newer_tones": newer_tones,
    "unmarked": unmarked,
    "teencode": teencode,
    "polite_vi": polite_vi,
    "polite_en": polite_en,
    "emoji": emoji,
    "punctuated": punctuated,
}
_LANGUAGES = {"unmarked": "vi", "teencode": "vi", "polite_vi": "vi", "newer_tones": "vi", "polite_en": "en"}


def rewrite(text: str, locale: str) -> dict[str, str]:
    """Return the rewritings of a text that differ from it and suit its language, by their names."""
    found: dict[str, str] = {}
    for name, change in REWRITINGS.items():
        if _LANGUAGES.get(name, locale) == locale and (changed := change(text)) != text:
            found[name] = changed
    return found
