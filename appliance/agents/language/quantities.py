"""How many pieces are wanted."""

from __future__ import annotations

from functools import lru_cache

from appliance.agents.language.english import function_words
from appliance.agents.language.matching import Line, claim, data, whole
from appliance.agents.language.numbers import Number, digit, number, word_is
from appliance.agents.language.tints import SHOES, shoe_size
from appliance.agents.language.wordlist import word_set
from appliance.agents.types import Mention

_TINTS = word_set(
    "black white red blue navy green yellow pink purple grey gray brown beige orange leather cotton large small"
)
_CLASSIFIERS = word_set(
    "cai chiec doi bo hop combo cap mon sp tui chai lo tuyp goi con cay quyen cuon thung set items item "
    "pieces piece product products pcs pair pairs units unit suat san bich"
)
_MARKED_CLASSIFIERS = word_set(
    "cái chiếc đôi bộ hộp cặp món sản túi lọ lô tuýp gói cây quyển cuốn thùng suất bịch chái cai"
)
_BUYING = word_set(
    "mua lay dat order them buy get want need put grab just take add chot gom ban nhan muon so luong sl quantity qty"
)
_LEADING = word_set(
    "put send grab give gives giving bring reserve make made sell ship deliver return exchange swap cancel remove keep "
    "plus order ordered bought purchase purchased wanted needed getting buying taking adding total only "
    "like love try choose pick have had got bag basket cart oh um so well then now hi hello hey please "
    "them vao gio bo vo chong ba me con chau ban anh chi em be co chu bac ong bo shop ad oi gui dum gium giup ho voi "
    "tang kem cung chac them dang vua len bay do la ok oke u uh va cong mix set trang den hong tim vang xam nau cam "
    "kem mot bon sau bay tam chin muoi tong het ca nhung cac moi khoang tam chung lan nhe nha nhi dat san "
    "tuoi tre em nguoi khach lop doi nhom gia dinh"
)
_BUYING_ONE = _BUYING | word_set("me us have and plus")
_CHANGE_REACH = 7
_NO_COUNT = word_set("size sz order don number so option mau cai address ngay date gia")
_FEW = 20
"""A number set without saying of what is a quantity up to here; above it is a size or a price."""
_MOST = 999
_NAMED_BY_NUMBER = word_set("thu so size ma don order cai mau chiec number the iphone galaxy tang free")
_COUNTING = word_set("hai two three four five six seven eight nine ten eleven twelve")
_POINTING = word_set("these those them the this that number it each option")
_SIZED = word_set("size sz giay dep quan jean jeans shoes sneakers sneaker")
_STOCK = word_set("size sz khong ko k hang mau cai nao loai o tai shop ban chi ad con thi")
_GOODS_VETO = word_set(
    "ngay tuan thang nam gio lan nguoi tuoi mau size loai kieu phut tieng sao tang ngan lop cong chieu lit l ml inch "
    "slot port days weeks months hours people times years"
)


def quantities(line: Line, taken: bytearray, goods: set[int], numbered: frozenset[str] = frozenset()) -> list[Mention]:
    """Return how many pieces are wanted.

    ``goods`` are the places where a product group is named, ``numbered`` the word and number pairs of titles.
    """
    found: list[Mention] = []
    if numbered:
        # "2 wave 3": a title's words are goods.
        goods = goods | {at for at in range(len(line) - 1) if f"{line.folded[at]} {line.folded[at + 1]}" in numbered}
    for place in range(len(line)):
        mention = None if taken[place] or _of_title(line, place, numbered) else _quantity(line, place, taken, goods)
        if mention and not any(taken[mention.start : mention.end]):
            claim(taken, mention)
            found.append(mention)
    return found


def _quantity(line: Line, place: int, taken: bytearray, goods: set[int]) -> Mention | None:
    fixed = _times(line, place)
    if fixed:
        return fixed
    read = number(line, place)
    if read is None or not read.value.is_integer() or not 1 <= read.value <= _MOST or any(taken[place : read.end]):
        return None
    if place and not line.gap[place] and line.word(place - 1) not in ("x", "sl"):
        return None  # "w32"
    signed = line.gap[read.end][:1] in ("%", "/", ":") or line.gap[place][-1:] in ("/", "#", "$")
    before = line.word(place - 1)
    named = _names_goods(line, read.end, goods) or line.word(read.end) in _CLASSIFIERS or _of_these(line, read)
    ordered = before == "order" and read.value < 100 and named
    if read.digits.startswith("0") or signed or (before in _NAMED_BY_NUMBER and not ordered):
        return None
    value, after = int(read.value), line.word(read.end)
    if _new_count(line, place, value):
        return _count(value, place, read.end)
    if line.marks and not read.digits and line.marked[place] in ("sau", "nam", "tam", "bay"):
        return None  # "1 tháng sau": who marks words marks these
    if after in _CLASSIFIERS and _counts(line, read.end) and (after != "con" or _animal(line, place, read.end)):
        end = read.end + (2 if after == "san" else 1)
        end = read.end if any(taken[read.end : end]) else end  # "1 túi tote": the classifier is the product
        return _count(value, place, end)
    if _surely_number(line, place, read) and _names_goods(line, read.end, goods):
        return None if read.digits and ends_name(line, place) else _count(value, place, read.end)
    wanted = _bought(line, place, read) or _of_these(line, read)
    return _count(value, place, read.end) if wanted else None


def _of_these(line: Line, read: Number) -> bool:
    """Tell whether goods pointed at are counted: ``2 of these``; ``one of them`` is a choice."""
    pointed = line.word(read.end) == "of" and line.word(read.end + 1) in _POINTING
    return pointed and line.word(read.end - 1) != "one"


def _of_title(line: Line, place: int, numbered: frozenset[str]) -> bool:
    """Tell whether a number stands behind the word that it follows in a title of the shop."""
    before = line.word(place - 1)
    return f"{before} {line.folded[place]}" in numbered and before not in _BUYING and before not in _CLASSIFIERS


def ends_name(line: Line, place: int) -> bool:
    """Tell whether a number ends a model's name: it stands straight behind a word that can introduce none."""
    if place == 0 or line.gap[place] != " " or line.is_number(place - 1):
        return False
    before = line.folded[place - 1]
    return line.marked[place - 1] == before and before.isalpha() and before not in _introducing()


@lru_cache(maxsize=1)
def _introducing() -> frozenset[str]:
    """Return the words that a quantity can follow: verbs, prepositions, articles, pronouns, conjunctions, people."""
    return (
        _BUYING
        | _CLASSIFIERS
        | _TINTS
        | _LEADING
        | function_words()
        | frozenset(data("vietnamese")["function"].split())
    )


def _new_count(line: Line, place: int, value: int) -> bool:
    """Tell whether a number is what a quantity is set to: ``quantity to 3``, ``make it two``, ``2 instead of 1``."""
    left, before, after = line.word(place - 2), line.word(place - 1), line.word(place + 1)
    if before in ("to", "thanh", "len", "xuong", "la", "is", "con") and left in (
        "quantity",
        "qty",
        "luong",
        "sl",
        "count",
    ):
        return True
    if value > _FEW or after in _GOODS_VETO:
        return False
    if before in ("it", "that") and left in ("make", "making"):
        return True
    if before in ("to", "thanh", "len", "sang", "con") and _old_count(line, place):
        return after == "" or after in _STOCK or after in ("please", "nha", "nhe", "a", "giup", "instead")
    if before in ("hang", "cart", "basket", "gio") and (before == "gio" or left in ("gio", "my", "the", "to")):
        return after == "" or after in _STOCK
    if (after, line.word(place + 2)) not in (("instead", "of"), ("rather", "than"), ("thay", "vi")):
        return False
    return (line.is_number(place) or line.word(place) in _COUNTING or line.word(place) == "one") and (
        line.is_number(place + 3) or line.word(place + 3) in ("one", "mot", *_COUNTING)
    )


def _counts(line: Line, place: int) -> bool:
    """Tell whether a classifier was typed as one: ``đôi``, not ``đổi``."""
    typed = line.marked[place]
    return typed.isascii() or typed in _MARKED_CLASSIFIERS


def _animal(line: Line, place: int, end: int) -> bool:
    """Tell whether ``con`` after a number is the classifier and not ``còn``: ``street 2 con size 40``."""
    if line.marked[end] == "còn" or line.word(end + 1) in _STOCK:
        return False
    return place == 0 or line.word(place - 1) in _BUYING


def _times(line: Line, place: int) -> Mention | None:
    """Read ``x2``, ``2x``, ``a pair``, ``mua 1 tá``."""
    word, after = line.word(place), line.word(place + 1)
    model = place > 0 and line.raw[place] == "X"  # "Runner X2"
    if word == "x" and line.is_number(place + 1) and whole(after) and not (model or line.is_number(place - 1)):
        return _count(int(after), place, place + 2)
    if line.is_number(place) and after == "x" and whole(word) and not line.is_number(place + 2):
        return _count(int(word), place, place + 2)
    if after == "dozen" and word in ("a", "one", "1"):
        return _count(12, place, place + 2)
    if word == "a" and after in ("pair", "couple"):
        return _count(1 if after == "pair" else 2, place, place + 2)
    if word_is(line, place, "tá") and line.word(place - 1) in ("mua", "lay", "1", "mot"):
        return _count(12, place, place + 1)
    return None


def _surely_number(line: Line, place: int, read: Number) -> bool:
    """Tell whether a word is a number; unmarked "nam", "ba", "sau" are men, a bag's half and "after" more often."""
    marked = line.marked[place] != line.folded[place]
    return bool(read.digits) or marked or line.word(place) in _COUNTING or _one(line, place)


def _one(line: Line, place: int) -> bool:
    """Tell whether ``one`` counts: ``one hoodie``, not ``the black one``."""
    return line.word(place) in ("one", "mot") and (place == 0 or line.word(place - 1) in _BUYING_ONE)


def _bought(line: Line, place: int, read: Number) -> bool:
    """Tell whether a plain number stands behind a word of buying: ``lấy 3``."""
    after = line.word(read.end)
    if 26 <= read.value <= 47 and not _SIZED.isdisjoint(line.folded[:place]):
        return False  # "quần số 28, giờ muốn 29"
    if SHOES.start <= read.value < SHOES.stop and any(shoe_size(line, at) for at in range(max(0, place - 6), place)):
        return False  # "i ordered 40 but need 41"
    if (line.word(place - 2), line.word(place - 1)) == ("would", "like"):
        return after == "" or after in ("please", "of")
    if line.word(place - 1) not in _BUYING or after in _GOODS_VETO or line.marked[place - 1] in ("bàn", "bạn", "gỗm"):
        return False
    if read.digits:
        return True
    doubtful = line.word(place) in ("nam", "sau", "tam", "ba", "bay") and bool(digit(line, place))
    return line.word(place) != "mot" and not doubtful


def _old_count(line: Line, place: int) -> bool:
    """Tell whether a count that is to change stands before its new one: ``change 1 to 2``, ``đổi 2 áo thành 3``."""
    before = range(max(0, place - _CHANGE_REACH), place)
    changing = any(
        line.folded[at] in ("change", "increase", "reduce", "update", "raise")
        or word_is(line, at, "đổi", "sửa", "tăng", "giảm")
        for at in before
    )
    vetoed = not _NO_COUNT.isdisjoint(line.folded[before.start : place]) and "luong" not in line.said
    if not changing or vetoed:
        return False
    counted = any(line.is_number(at) and len(line.folded[at]) < 3 for at in before)
    return counted or word_is(line, place - 2, "tăng", "giảm") or line.word(place - 2) in ("increase", "reduce")


def _names_goods(line: Line, place: int, goods: set[int]) -> bool:
    """Tell whether goods follow, at most one word of description between: ``2 áo thun``, ``3 black t-shirts``."""
    if place in goods or line.word(place) in ("ao", "quan"):
        return line.joined(place)
    return place + 1 in goods and (
        line.word(place) in _TINTS or (line.joined(place + 1) and line.word(place).isalpha())
    )


def _count(value: int, start: int, end: int) -> Mention | None:
    return Mention("quantity", value, start, end) if 0 < value <= _MOST else None
