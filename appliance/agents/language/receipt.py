"""Paying when the goods are in hand, in every order of words: ``nhận hàng rồi đưa tiền``, ``pay once it arrives``."""

from __future__ import annotations

from appliance.agents.language.matching import Line
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_GOODS = word_set("hang do don kien goi")
_COMING = word_set("toi den ve giao")
_THEN = word_set("roi moi thi xong la minh em toi se ma co the da luon tay anh chi to tui nha nhe")
_WHEN = word_set("khi luc sau ngay")
_PAID_ALONE = word_set("duoc khong ko a nha nhe sau cho thi shop luon nhi ha")
_AMISS = word_set("bi loi that chua nham")
_REACH = 5
_SPAN = 6
_ONCE = word_set("when once after upon whenever until till")
_ARRIVING = word_set(
    "arrive arrives arrived arriving delivered delivery receive received receiving get gets getting comes come here "
    "inspect inspecting check checking checked"
)
_PAYING = word_set("pay paying payment")
_MISSING = word_set("refund refunded paid failed fails error problem issue declined stuck")


def on_receipt(line: Line) -> list[Mention]:
    """Return the wish to pay when the goods are there; at most one."""
    said = line.said
    if not _PAYING.isdisjoint(said):
        span = _english(line) if _MISSING.isdisjoint(said) else None
    elif not {"tien", "tra", "toan"}.isdisjoint(said):
        span = _vietnamese(line)
    else:
        span = None
    return [Mention("payment_method", "cod", *span)] if span else []


def _english(line: Line) -> tuple[int, int] | None:
    pays = next(place for place, word in enumerate(line.folded) if word in _PAYING)
    for place, word in enumerate(line.folded):
        if word not in _ONCE:
            continue
        end = next((at for at in range(place + 1, min(place + _SPAN, line.size)) if line.folded[at] in _ARRIVING), 0)
        told_first = 0 < place - pays <= _REACH and all(line.joined(at) for at in range(pays + 1, place + 1))
        if end and (told_first or 0 < pays - end <= _REACH):
            return min(place, pays), max(end, pays) + 1
    return None


def _vietnamese(line: Line) -> tuple[int, int] | None:
    for place in range(line.size):
        received = _received(line, place)
        if received:
            end = received
            while end < line.size and end - received < _REACH and line.folded[end] in _THEN:
                end += 1
            if end > received and (paid := _paid(line, end)) and line.word(paid) not in _AMISS:
                return place, paid
        paid = _paid(line, place)
        if paid and line.word(paid) in _WHEN:
            start = paid + 1
            while line.word(start) in ("khi", "luc", "minh", "em", "toi", "da") and start - paid < _REACH:
                start += 1
            if end := _received(line, start):
                return place, end
    return None


def _received(line: Line, place: int) -> int:
    """Return the end of words for the goods being there: ``nhận được hàng``, ``hàng tới``; 0 for none."""
    word = line.word(place)
    if word == "nhan":
        end = place + 1 + (line.word(place + 1) == "duoc")
        return end + (line.word(end) in _GOODS)
    if word in _GOODS:
        end = place + 1 + (line.word(place + 1) in ("da", "duoc"))
        return end + 1 + (line.word(end + 1) == "noi") if line.word(end) in _COMING else 0
    return 0


def _paid(line: Line, place: int) -> int:
    """Return the end of words for paying; 0 for none: ``trả hàng`` gives goods back."""
    word, after = line.word(place), line.word(place + 1)
    if word in ("tra", "dua") and after == "tien":
        return place + 2 + (line.word(place + 2) == "mat")
    if word == "thanh" and after == "toan":
        return place + 2
    if word == "tra" and line.word(place - 1) in ("moi", "roi") and (after == "" or after in _PAID_ALONE):
        return place + 1
    return 0
