"""From what came in to clean text: one Unicode form, no hidden characters, single spaces, bounded length."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS = 10_000
"""More is cut off before anything looks at it."""

# Controls, zero-width characters, direction marks, variation selectors, soft hyphen, word joiner, tags.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_SPACE = re.compile(r"\s+")
_FORMS = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "–": "-", "—": "-", "−": "-", "Ð": "Đ", "ð": "đ"})
_REPEATED = re.compile(r"([^\W\d_])\1{2,}")


def clean_text(text: str) -> str:
    """Return the text as ``Utterance.text`` holds it: NFC, nothing hidden, white space single, bounded."""
    cut = text[: 4 * MAX_CHARACTERS]
    if not cut.isascii():
        cut = unicodedata.normalize("NFC", cut).translate(_FORMS)
    if not cut.isprintable():
        cut = _HIDDEN.sub("", cut)
    return _SPACE.sub(" ", cut).strip()[:MAX_CHARACTERS].rstrip()


def squeeze(word: str) -> str:
    """Return a word with letters that stand three times or more in a row once: ``alooo`` as ``alo``."""
    return _REPEATED.sub(r"\1", word)
