"""Whether a value that a phrase names is meant: what stands around it says so or says no."""

from __future__ import annotations

from appliance.agents.language.matching import Found, Line
from appliance.agents.language.wordlist import word_set

_PAYING = word_set("pay paying payment transfer tra chuyen thanh toan ck by via through using use accept take money")
_ONE_PERSON = frozenset(("lady", "woman", "man", "gentleman", "bà bầu", "mẹ bầu"))
_GIVING = word_set("gift gifts present presents giving qua tang bieu")
_SHORT = 3
_LONE = frozenset(("more", "next", "tiếp", "nữa", "khác"))
"""Words that ask for other goods only when they are the whole message."""
_BESIDE_TRANSFER = word_set("cod cash card pay payment bank money momo")
_OPENING = word_set("open opens opened opening close closes closed hours branch atm cua")
_SWAPPING = word_set("swap exchange change replace replaced thay switch")


def value_likely(line: Line, item: Found) -> bool:
    """Tell whether a named value is meant and no everyday word or look-alike of it."""
    words = " ".join(item.phrase.marked)
    left, right = line.word(item.start - 1), line.word(item.end)
    if words == "nam":
        if line.marked[item.start] != "nam":
            return False
        after_number = line.is_number(item.start - 1) or left in (
            "hai",
            "ba",
            "mot",
            "may",
            "hang",
            "bao",
            "thang",
            "trong",
        )
        return not (
            line.is_number(item.end)
            or after_number
            or right in ("nay", "ngoai", "sau", "moi", "tram", "muoi", "trieu", "nghin", "ngay", "chuc", "cai")
        )
    if words in ("cho con", "trẻ con"):
        return (
            right not in ("cho",) and line.marked[item.end - 1] != "còn" and right not in ("meo", "vat", "gai", "trai")
        )
    if words in ("ảnh", "vải", "hình", "ủi") and line.marked[item.start] != words:
        return False
    if words == "pin":
        return right not in ("code", "du", "sac")
    if words in ("thẻ", "card", "cards") and right in ("bao", "nho", "cao"):
        return False
    if words in ("thẻ", "góp") and line.marked[item.start] != words:
        return left in ("bang", "quet", "ca", "qua", "tra", "dung") or (words == "góp" and left == "mua")
    return _value_fits(line, item, words)


def _value_fits(line: Line, item: Found, words: str) -> bool:
    """Tell whether the whole message lets a value stand: no bank's opening hours, no swap of one thing for another."""
    slot, value = item.phrase.slot, item.phrase.value
    if slot == "payment_method":
        return _pays(line, item, words)
    if slot == "attribute":
        return _asks(line, item, words, value)
    if slot == "gender" and words in _ONE_PERSON and not _GIVING.isdisjoint(line.said):
        return False  # whom a gift is for says nothing of the goods
    if words == "man":
        return line.word(item.start - 1) in ("", "for", "a", "the", "my", "young", "old", "adult")
    if slot == "modifier":
        if words in _LONE:
            return len(line) <= 2
        return value != "other" or not _exchanged(line, item.start)
    return True


def _pays(line: Line, item: Found, words: str) -> bool:
    right = line.word(item.end)
    if words == "transfer":
        return len(line) == 1 or not _BESIDE_TRANSFER.isdisjoint(line.said)
    if words in ("bank", "ngân hàng"):
        # The bank as a company: "is the bank open".
        if right == "name" or not _OPENING.isdisjoint(line.said):
            return False
        return words != "bank" or len(line) <= _SHORT or not _PAYING.isdisjoint(line.said)
    if words in ("credit", "debit", "master"):
        return right not in ("for", "note", "notes", "on", "my", "to", "you", "limit", "bureau")
    return True


def _asks(line: Line, item: Found, words: str, value: str) -> bool:
    left, right, typed = line.word(item.start - 1), line.word(item.end), line.marked[item.start]
    if words in ("weigh", "length"):
        return left not in ("i", "foot", "feet")  # the shopper's own measures
    if words.startswith("nặng ") and left == "da":
        return typed != "nang"  # "da nang khong"
    if words == "phai màu" and left == "khong":
        return typed != "phai" or right in ("", "khong", "dau")  # "khong phai mau do"
    if words == "colors":
        return len(line) <= _SHORT
    if words == "connect to":
        return right not in ("agent", "human", "person", "a", "an", "someone", "support", "staff", "real", "you")
    if words == "đựng được" and typed == "dung":
        return right in ("laptop", "macbook", "ipad", "bao", "may", "gi", "nhieu", "dien")
    if value == "color_options" and "khác" in item.phrase.marked:
        return typed != "mau" or "sắc" in item.phrase.marked  # without marks "mau khac" is another model
    return True


def _exchanged(line: Line, place: int) -> bool:
    """Tell whether one thing is to be swapped for another, which asks to see nothing."""
    before = line.folded[:place]
    if not _SWAPPING.isdisjoint(before):
        return True
    return any(
        word == "doi" and line.marked[at] in ("đổi", "doi") and line.word(at + 1) not in ("nao", "nay")
        for at, word in enumerate(before)
    )
