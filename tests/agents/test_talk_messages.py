"""The assistant's messages: each is said somewhere, each that is said exists, in both languages with its values."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import appliance
from appliance.agents.types import CONVERSATION
from appliance.messages import LOCALES, Locale, catalogue

ROOT = Path(appliance.__file__).parent
PYTHON = {path: path.read_text(encoding="utf-8") for path in (ROOT / "agents").rglob("*.py")}
WORDS = set(
    re.findall(r"\w+", "\n".join((*PYTHON.values(), *(p.read_text() for p in ROOT.glob("agents/*/data/*.toml")))))
)
BUILT = {prefix for text in PYTHON.values() for prefix in re.findall(r'f"(?:chat\.)?([a-z_.]+[._])\{', text)}
"""Beginnings of ids whose end the code fills in."""
ENDS = {end for text in PYTHON.values() for end in re.findall(r'f"\{\w+\}(_[a-z]+)"', text)}
"""Ends that the code adds to ids."""
SAID_IN_CALLS = frozenset({"part", "Part", "translate", "wordings"})


def _ids(locale: Locale) -> set[str]:
    """Return the ids below ``chat.``, wordings of one message as one."""
    return {re.sub(r"\.\d+$", "", name[5:]) for name in catalogue(locale) if name.startswith("chat.")}


def _literals() -> set[str]:
    return {
        node.value.removeprefix("chat.")
        for text in PYTHON.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _is_said(name: str, literals: set[str]) -> bool:
    if name in literals or (name.startswith("chips.") and name[6:] in literals):
        return True
    if name.startswith("talk."):
        return name[5:] in CONVERSATION
    if any(name.endswith(end) and name.removesuffix(end) in literals for end in ENDS):
        return True
    ends = (name.removeprefix(prefix) for prefix in BUILT if name.startswith(prefix))
    return any(set(re.split(r"[._]", end)) <= WORDS or end in WORDS for end in ends)


def test_every_message_is_said_somewhere() -> None:
    literals = _literals()
    assert [name for name in sorted(_ids("en")) if not _is_said(name, literals)] == []


def _said() -> Iterator[str]:
    """Yield the ids that calls name as a whole."""
    for text in PYTHON.values():
        for node in ast.walk(ast.parse(text)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAID_IN_CALLS):
                continue
            named = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "message")]
            for value in named:
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                    yield value.value.removeprefix("chat.")


def test_every_message_that_is_said_exists() -> None:
    known = _ids("en")
    said = set(_said())
    assert len(said) > 50
    assert sorted(said - known) == []


def test_every_move_of_a_conversation_has_its_words() -> None:
    assert {f"talk.{intent}" for intent in CONVERSATION} <= _ids("en")


def test_both_languages_have_the_same_messages_with_the_same_values() -> None:
    texts = {
        locale: {name: text for name, text in catalogue(locale).items() if name.startswith("chat.")}
        for locale in LOCALES
    }
    assert texts["vi"].keys() == texts["en"].keys()
    for name, text in texts["vi"].items():
        assert _values(text) == _values(texts["en"][name]), name


def _values(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


@pytest.mark.parametrize("locale", LOCALES)
def test_messages_hold_no_amount_and_no_date_of_their_own(locale: Locale) -> None:
    stated = re.compile(r"\d[\d.,]*\s?(?:đ|₫|k|nghìn|triệu|%|ngày|days?)\b|[$€£]\s?\d", re.IGNORECASE)
    wrong = [n for n, text in catalogue(locale).items() if n.startswith("chat.") and stated.search(text)]
    assert wrong == []
