"""Messages that are no request: attacks on the assistant, insults, spam and noise. Precise rather than wide."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from appliance.agents.language.abbreviations import known_short
from appliance.agents.language.english import english_words
from appliance.agents.language.lexicon import ShopLexicon
from appliance.agents.language.matching import Found, Line, Table, data, phrase_table
from appliance.agents.language.syllables import is_syllable
from appliance.agents.types import Mention, Screen

_REACH = 6
_CODE = re.compile(
    r"<\|[a-z_]{2,20}\|>|\[/?inst\]|</?(?:system|tool_call|tool_response|script|iframe)\b|\"(?:arguments|tool_calls?)\"\s{0,4}:"
    r"|\"role\"\s{0,4}:\s{0,4}\"(?:system|tool)|\bunion\s{1,4}(?:all\s{1,4})?select\b|\bdrop\s{1,4}(?:table|database)\b"
    r"|\bselect\s{1,4}[\w*, ]{1,40}\sfrom\s{1,4}\w|\binsert\s{1,4}into\s|\bdelete\s{1,4}from\s"
    r"|'\s{0,4}or\s{1,4}'?1'?\s{0,4}=\s{0,4}'?1"
    r"|'\s{0,4};\s{0,4}--|\$\{[^}]{1,80}\}|\{\{[^}]{1,80}\}\}|\bon(?:error|load)\s{0,2}=|javascript:|###\s{0,3}(?:system|instruction)"
)
_LONELY = 4
_REPEATS = 6
_LONG = 12
_THUMBS = frozenset("👍👌👎❌👋❤🥰😍🙏✅")


class Screening(NamedTuple):
    """The verdict on a message."""

    screen: Screen
    angry: bool


class _Tables(NamedTuple):
    phrases: Table
    objects: Table
    secrets: Table
    personal: Table
    others: Table
    price: Table
    insults: Table
    innocent: Table
    anger: Table
    spam: Table
    words: dict[str, frozenset[str]]
    marked_only: frozenset[str]
    rows: tuple[str, ...]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    read: dict[str, Any] = data("screen")
    attack, abuse = read["injection"], read["abuse"]

    words = {name: frozenset(attack[name].split()) for name in ("actions", "reveal", "excused", "set", "cheap")}
    words["filler"] = frozenset(abuse["filler"].split())
    words["requests"] = frozenset(abuse["requests"].split())
    words["interjections"] = frozenset(read["noise"]["interjections"].split())
    return _Tables(
        phrases=phrase_table("", attack["phrases"]),
        objects=phrase_table("", attack["objects"]),
        secrets=phrase_table("", attack["secrets"]),
        personal=phrase_table("", attack["personal"]),
        others=phrase_table("", attack["others"]),
        price=phrase_table("", attack["price"]),
        insults=phrase_table("", abuse["insults"]),
        innocent=phrase_table("", abuse["innocent"]),
        anger=phrase_table("", abuse["anger"]),
        spam=phrase_table("", read["spam"]["words"]),
        words=words,
        marked_only=frozenset(abuse["marked_only"]),
        rows=tuple(read["noise"]["rows"]),
    )


def screen(
    line: Line, text: str, found: tuple[Mention, ...], polite: tuple[int, ...], lexicon: ShopLexicon
) -> Screening:
    """Return what a message as a whole is and whether its writer is angry."""
    tables = _tables()
    if attack(line, text, tables):
        return Screening("injection", False)
    insults = _insults(line, tables)
    if insults:
        covered = {place for item in insults for place in range(item.start, item.end)}
        rest = [place for place in range(len(line)) if place not in covered and place not in polite]
        asks = any(mention.certain and mention.start not in covered for mention in found)
        content = [place for place in rest if line.folded[place] not in tables.words["filler"]]
        asks = asks or any(line.folded[place] in tables.words["requests"] for place in content)
        return Screening("", True) if asks or len(content) > 1 else Screening("abuse", True)
    angry = any(item.exact or item.end - item.start > 1 for item in tables.anger.scan(line))
    if _spam(line, tables):
        return Screening("spam", angry)
    if not found and _noise(line, text, lexicon, tables):
        return Screening("noise", False)
    return Screening("", angry)


def attack(line: Line, text: str, tables: _Tables) -> bool:
    """Tell whether a message tries to change the rules, forge data or reach other people's."""
    if _CODE.search(text.lower()):
        return True
    if any(tables.phrases.at(line, place) for place in range(len(line))):
        return not _excused_phrase(line)
    near = _near(line, tables.objects, tables.words["actions"], _REACH) or _near(
        line, tables.secrets, tables.words["reveal"], _REACH
    )
    return near or _others(line, tables) or _forged_price(line, tables)


def _excused_phrase(line: Line) -> bool:
    """Tell whether an attack's words are a shopper's own worry about their data."""
    return not {"bao", "secure", "privacy"}.isdisjoint(line.said) and "mat" in line.folded


def _near(line: Line, targets: Table, verbs: frozenset[str], reach: int) -> bool:
    """Tell whether one of the verbs stands shortly before one of the targets."""
    for place in range(len(line)):
        if targets.at(line, place) and not verbs.isdisjoint(line.folded[max(0, place - reach) : place]):
            return True
    return False


def _others(line: Line, tables: _Tables) -> bool:
    places = range(len(line))
    if not any(tables.others.at(line, place) for place in places):
        return False
    if not tables.words["excused"].isdisjoint(line.said):
        return False
    return any(tables.personal.at(line, place) for place in places)


def _forged_price(line: Line, tables: _Tables) -> bool:
    for place in range(len(line)):
        found = tables.price.at(line, place)
        if found and not tables.words["set"].isdisjoint(line.folded[max(0, place - _REACH) : place]):
            value = line.word(found.end)
            if value in tables.words["cheap"] and line.word(found.end + 1) not in ("trieu", "tr", "cu", "million", "m"):
                return True
    return False


def _insults(line: Line, tables: _Tables) -> list[Found]:
    safe = {place for item in tables.innocent.scan(line) for place in range(item.start, item.end)}
    found: list[Found] = []
    for item in tables.insults.scan(line):
        unmarked = not item.exact and any(not word.isascii() for word in item.phrase.marked)
        bare = item.phrase.value in tables.marked_only or item.end - item.start == 1
        if item.start in safe or (unmarked and bare):
            continue
        if item.phrase.value in ("ngu", "đồ ngu") and not item.exact:
            continue
        if item.phrase.value == "ngu" and line.marked[item.start] != line.raw[item.start].lower():
            continue
        if item.phrase.value == "ngu" and not _foolish(line, item):
            continue
        found.append(item)
    return found


def _foolish(line: Line, item: Found) -> bool:
    """Tell whether ``ngu`` is the insult and not ``ngủ`` without its mark (``do ngu nu`` is nightwear)."""
    if line.marks:
        return line.word(item.start - 1) not in ("den",)
    company = {"qua", "the", "vl", "may", "nhu", "vay", "lam", "bot", "thang", "vai", "nguoi"}
    return not company.isdisjoint(line.said) and line.word(item.start - 1) not in ("do", "den", "di")


def _spam(line: Line, tables: _Tables) -> bool:
    links = sum(word.startswith(("http://", "https://", "www.")) for word in line.folded)
    if links > 2 or ((links or len(line) >= _LONG) and any(tables.spam.at(line, place) for place in range(len(line)))):
        return True
    if len(line) >= _LONG and len(line.said) * 4 <= len(line):
        return True
    run = 1
    for before, after in zip(line.folded, line.folded[1:], strict=False):
        run = run + 1 if before == after else 1
        if run >= _REPEATS:
            return True
    return False


def _noise(line: Line, text: str, lexicon: ShopLexicon, tables: _Tables) -> bool:
    if not len(line):
        return not any(letter in _THUMBS for letter in text)
    if len(line) > _LONELY:
        return False
    return all(
        word in tables.words["interjections"]
        or (line.folded[place] in tables.words["interjections"] and word.isascii())
        or _mash(word, lexicon, tables.rows)
        for place, word in enumerate(line.marked)
    )


def _mash(word: str, lexicon: ShopLexicon, rows: tuple[str, ...]) -> bool:
    """Tell whether a word was hit at random on the keyboard."""
    if len(word) < _LONELY or not word.isalpha() or not word.isascii() or is_syllable(word):
        return False
    if word in english_words() or word in lexicon.vocabulary or known_short(word):
        return False
    runs = sum(any(word[i : i + 3] in row for row in rows) for i in range(len(word) - 2))
    vowels = sum(letter in "aeiouy" for letter in word)
    return runs * 2 >= len(word) - 2 or vowels * 5 < len(word) or _clusters(word)


def _clusters(word: str) -> bool:
    return bool(re.search(r"[bcdfghjklmnpqrstvwxz]{5}", word)) or len(set(word)) * 3 <= len(word)
