"""The tokeniser's cuts: words, numbers, e-mail addresses and order codes with their places."""

from __future__ import annotations

import re
from typing import NamedTuple

from appliance.agents.language.wordlist import word_set

# One pass, one alternative a place; every repetition is bounded by what the next character may be.
_PIECE = re.compile(
    r"(?P<email>[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4})"
    r"|(?P<url>(?:https?://|www\.)[^\s]{1,2000})"
    r"|(?P<code>(?!(?:size|sz|tu|tam|duoi|tren|gia|don|order|under|over)[-_]?[0-9])[A-Za-z]{2,8}[-_]?[0-9]{3,20}(?:[-_][A-Za-z0-9]{1,20}){1,4})"
    r"|(?P<code2>(?!(?:size|sz|tu|tam|duoi|tren|gia|don|order|under|over)[-_]?[0-9])[A-Za-z]{2,8}[-_][0-9]{3,20}(?![A-Za-z0-9])|DH[0-9]{4,20}(?![A-Za-z0-9]))"
    r"|(?P<number>[0-9]+(?:\.[0-9]{1,6}(?![0-9])|,[0-9]{1,3}(?![0-9]))*)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
)
_WIDE = re.compile(r"[^\W_]")


class Piece(NamedTuple):
    """A cut of the text; ``kind`` is email, url, code, number or word."""

    kind: str
    text: str
    start: int
    end: int


# Letters that part from the digits they touch: units, and words that introduce a number.
_UNITS = word_set(
    "k tr trieu triệu ng ngan ngàn nghin nghìn m cm mm km kg kgs g gr gram ky ký kí lit lít l ml mah gb tb w "
    "v h p d đ "
    "vnd vnđ usd cu củ ti tỉ ty tỷ cai cái chiec chiếc doi đôi bo bộ hop hộp sp x ngay ngày thang tháng mil "
    "million th "
    "st nd rd inch in ft lbs lb tuoi tuổi chai canh cành xi xị toi tỏi ki kilo meter met mét size sz nghin ngìn ruoi "
    "rưỡi pm am mau mẫu mon món don đơn ạ nha nhé nhe đâu à ơi với"
)
_HEADS = word_set(
    "purchase size sz co cỡ so số don đơn order ma mã dh đh so duoi dưới tren trên tam tầm tu từ den đến gia giá "
    "under over mua "
    "lay lấy cao nang nặng x no tang sdt sđt dt đt phone tel"
)


def cut(text: str) -> list[Piece]:
    """Return the pieces of a clean text in order; punctuation and pictures lie between them. Linear in its length."""
    pieces: list[Piece] = []
    position = 0
    for match in _PIECE.finditer(text):
        kind = match.lastgroup or "word"
        piece = Piece("code" if kind == "code2" else kind, match[0], match.start(), match.end())
        # "a54" and "iphone15": digits that touch letters are one word unless the letters are a unit or a lead-in.
        if pieces and piece.start == position and not _parts(pieces[-1], piece):
            last = pieces[-1]
            piece = Piece("word", last.text + piece.text, last.start, piece.end)
            pieces[-1] = piece
        else:
            pieces.append(piece)
        position = piece.end
    return pieces


def _parts(left: Piece, right: Piece) -> bool:
    """Tell whether two touching pieces stay apart."""
    if left.kind == "number" and right.kind == "word":
        lower = right.text.lower()
        return lower in _UNITS or not _WIDE.match(right.text) or len(lower) > 3
    if left.kind == "word" and right.kind == "number":
        if left.text in ("d", "D") and right.text == "9":
            return False  # VNI for đ
        return left.text.lower() in _HEADS or left.text.lower() in _UNITS
    return not (left.kind == right.kind == "word" and left.text[-1].isdigit())
