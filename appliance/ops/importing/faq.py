"""Turns rows into FAQ entries: ``intent`` with ``vi`` and ``en``, or questions with their answers."""

from __future__ import annotations

import re

from appliance.messages import Locale
from appliance.ops.importing import values
from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.values import Fields
from appliance.store.faq import MAX_ANSWER, MAX_QUESTION, MAX_QUESTIONS, FaqEntry
from appliance.store.owner_text import INTENT_PATTERN, LOCALES

_INTENT = re.compile(INTENT_PATTERN)


def faq_from_row(fields: Fields, locale: Locale) -> FaqEntry:
    """Return the entry of a row; ``question`` and ``answer`` are in the shop's language. Raises ``RowFault``."""
    intent = values.line_text(fields, "intent", 40)
    if intent and _INTENT.fullmatch(intent) is None:
        raise RowFault("bad_intent", "intent", value=intent)
    answers = {name: text for name in LOCALES if (text := values.long_text(fields, name, MAX_ANSWER))}
    plain = values.long_text(fields, "answer", MAX_ANSWER)
    if plain:
        answers.setdefault(locale, plain)
    if not answers:
        raise RowFault("empty_value", "answer")
    questions = {name: _questions(fields, f"questions_{name}") for name in LOCALES}
    questions[locale] = tuple(dict.fromkeys((*_questions(fields, "question"), *questions[locale])))[:MAX_QUESTIONS]
    if not intent and not any(questions.values()):
        raise RowFault("empty_value", "question")
    enabled = values.flag(fields.get("enabled"), "enabled")
    return FaqEntry(
        id=values.identifier(fields, "id"),
        intent=intent,
        enabled=enabled is not False,
        questions={name: texts for name, texts in questions.items() if texts},
        answers=answers,
    )


def faq_row(entry: FaqEntry) -> dict[str, object]:
    """Return an entry in the JSONL form."""
    row: dict[str, object] = {"id": entry.id, "intent": entry.intent, "enabled": entry.enabled, **entry.answers}
    return row | {f"questions_{name}": list(texts) for name, texts in entry.questions.items()}


def _questions(fields: Fields, column: str) -> tuple[str, ...]:
    """Return one question or several: a JSON list, or a text parted by ``|``; commas belong to the question."""
    value = fields.get(column)
    if isinstance(value, str) and not value.lstrip().startswith("["):
        value = value.split("|")
    return values.names({column: value}, column, most=MAX_QUESTIONS, longest=MAX_QUESTION)
