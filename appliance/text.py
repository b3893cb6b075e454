"""Text folding and cleaning that search, chat and filters share.

One function decides when two spellings are the same word: ``fold``. Vietnamese letters are reduced to their base
letters (``đ`` included, which Unicode does not decompose), so ``Ba lô DA``, ``ba lo da`` and its NFD form are equal.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
# Control characters (newline and tab stay), zero-width characters and direction overrides.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SPACE = re.compile(r"\s+")
_MARKS = dict.fromkeys(range(768, 880))
_STROKE = str.maketrans({"đ": "d", "Đ": "d", "ð": "d", "Ð": "d"})


def fold(text: str) -> str:
    """Return the search form: NFD, combining marks dropped, đ to d, case folded."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text).translate(_MARKS).translate(_STROKE)
    return unicodedata.normalize("NFKC", decomposed).casefold()


def words(text: str) -> list[str]:
    """Return the folded words of a text in order; digits count as words, punctuation does not."""
    return _WORD.findall(fold(text))


def clean(text: str) -> str:
    """Replace characters that can drive a terminal or hide text; applied where text enters and where it is shown."""
    return _CONTROL.sub("\ufffd", text)


def clean_line(text: str) -> str:
    """Clean a text that must stay on one line: white space, newlines included, becomes single spaces."""
    return _SPACE.sub(" ", clean(unicodedata.normalize("NFC", text))).strip()


def slug(text: str) -> str:
    """Return a handle: folded words joined by hyphens, at most 80 characters; empty when there is no word."""
    return "-".join(words(text))[:80].strip("-")
