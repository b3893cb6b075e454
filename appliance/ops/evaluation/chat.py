"""``evaluate chat``: labelled conversations answered by the whole assistant, and scored.

Each case is a fresh conversation that leaves no trace. Earlier turns of the shopper are answered, what the case has the
assistant say is put in the place of our answer, and the last turn is judged:

    intent_accuracy    share of cases whose intent is the expected one or among ``accept``
    macro_f1           mean over the expected intents of F1 = 2TP / (2TP + FP + FN)
    slot_f1            micro F1 over the critical slots (name and value, folded)
    joint_accuracy     intent right and critical slots exactly right
    out_of_scope       precision and recall of ``out_of_scope``
    rules_share        share answered by rules with an answer, not with "I did not understand"
"""

from __future__ import annotations

import collections
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from appliance.agents.pipeline import Assistant, TurnInput, TurnResult
from appliance.agents.types import DialogueState, SlotValue
from appliance.ops.evaluation.chat_cases import ChatCase, read_cases, seeded
from appliance.ops.evaluation.metrics import macro_f1
from appliance.ops.evaluation.report import Outcome, Tell, silent
from appliance.text import fold

CRITICAL = frozenset(
    (
        *("category", "color", "size", "price_min", "price_max", "price_about", "quantity", "sort", "modifier"),
        *("order_id", "phone", "email", "location", "coupon_code", "payment_method", "ref", "refs"),
        *("height_cm", "weight_kg", "foot_cm"),
    )
)
"""Slots whose values must be right for an answer to be right."""
_EVENING = 1_767_175_200.0
"""Unix seconds at which every case is asked: answers must not depend on the hour of the evaluation."""


class Answered(NamedTuple):
    """A case and what the assistant made of its last turn."""

    case: ChatCase
    result: TurnResult
    took_ms: float

    @property
    def right(self) -> bool:
        return self.result.interpretation.intent in {self.case.intent, *self.case.accept}

    @property
    def slots_right(self) -> bool:
        return critical(self.case.slots) == critical(self.result.interpretation.slots)


def evaluate(
    cases: Path, assistant: Assistant, *, currency: str, ids: Mapping[str, str], tell: Tell = silent
) -> Outcome:
    """Answer every case of a file and score it. Raises ``InvalidInput`` for a file that cannot be used."""
    asked = read_cases(cases)
    # Word lists and grammar are read with the first turn; a process has read them before its first shopper comes.
    answer(assistant, asked[0], currency=currency, ids=ids)
    answered = []
    for number, case in enumerate(asked):
        answered.append(answer(assistant, case, currency=currency, ids=ids))
        tell((number + 1) / len(asked), "turns")
    return Outcome(report(answered), (prediction(one) for one in answered))


def answer(assistant: Assistant, case: ChatCase, *, currency: str, ids: Mapping[str, str]) -> Answered:
    """Play one case and return the answer to its last turn."""
    state = DialogueState()
    now = _EVENING
    for turn in case.turns[:-1]:
        if turn.role == "user":
            state = assistant.turn(TurnInput(message=turn.text, state=state, session_id=case.id, now=now)).state
        else:
            state = seeded(state, turn, currency, ids)
        now += 1
    began = time.perf_counter()
    result = assistant.turn(TurnInput(message=case.turns[-1].text, state=state, session_id=case.id, now=now))
    return Answered(case, result, (time.perf_counter() - began) * 1000)


def prediction(one: Answered) -> dict[str, Any]:
    """Return what was answered, in the form that scorers read."""
    found = one.result.interpretation
    return {
        "id": one.case.id,
        "intent": found.intent,
        "intents": list(found.intents),
        "slots": found.slots,
        "confidence": round(found.confidence, 4),
        "action": one.result.action,
        "handled_by": one.result.handled_by,
        "took_ms": round(one.took_ms, 3),
        "reply": one.result.reply.text,
        "reply_lang": one.result.locale,
        "rule": found.rule,
    }


def report(answered: Sequence[Answered]) -> dict[str, Any]:
    """Return the measures of some answered cases."""
    judged = [one for one in answered if one.case.intent]
    took = np.array([one.took_ms for one in answered])
    found: dict[str, Any] = {"cases": len(answered)}
    if judged:
        found |= _understanding(judged)
    by_rules = [one for one in answered if one.result.handled_by != "llm" and not _is_fallback(one)]
    found |= {
        "rules_share": _share(answered, lambda one: one.result.handled_by != "llm" and not _is_fallback(one)),
        "rules_right": _share([one for one in by_rules if one.case.intent], lambda one: one.right),
        "handoff_rate": _share(answered, lambda one: one.result.handled_by == "handoff"),
        "grounding_violations": sum(bool(one.result.unfounded) for one in answered) + sum(map(_violates, answered)),
        "turn_p50_ms": round(float(np.quantile(took, 0.5)), 3),
        "turn_p95_ms": round(float(np.quantile(took, 0.95)), 3),
        "turn_p99_ms": round(float(np.quantile(took, 0.99)), 3),
        "baselines": {},
    }
    if judged:
        found["slots"] = _by_slot(judged)
        found["confusion"] = _confusion(judged)
    return found


def critical(slots: Mapping[str, SlotValue]) -> set[tuple[str, str]]:
    """Return the critical slots in the form in which they are compared."""
    return {
        (name, json.dumps(_canonical(value), ensure_ascii=False))
        for name, value in slots.items()
        if name in CRITICAL and value not in ("", [])
    }


def _canonical(value: SlotValue) -> SlotValue:
    return " ".join(fold(value).split()) if isinstance(value, str) else value


def _understanding(judged: Sequence[Answered]) -> dict[str, Any]:
    wanted = [critical(one.case.slots) for one in judged]
    got = [critical(one.result.interpretation.slots) for one in judged]
    with_action = [one for one in judged if one.case.expect_action]
    found: dict[str, Any] = {"intent_accuracy": _share(judged, lambda one: one.right)}
    for language in sorted({one.case.lang for one in judged}):
        found[f"intent_accuracy_{language}"] = _share(
            [one for one in judged if one.case.lang == language], lambda one: one.right
        )
    found |= {
        "macro_f1": _macro_f1(judged),
        "slot_f1": _f1(wanted, got),
        "joint_accuracy": _share(judged, lambda one: one.right and one.slots_right),
        "action_accuracy": _share(with_action, lambda one: one.result.action == one.case.expect_action),
        "reply_language": _share(
            [one for one in judged if one.case.reply_lang], lambda one: one.result.locale == one.case.reply_lang
        ),
    }
    is_out = [one.case.intent == "out_of_scope" for one in judged]
    said_out = [one.result.interpretation.intent == "out_of_scope" for one in judged]
    both = sum(a and b for a, b in zip(is_out, said_out, strict=True))
    found["out_of_scope_precision"] = round(both / max(sum(said_out), 1), 4)
    found["out_of_scope_recall"] = round(both / max(sum(is_out), 1), 4)
    return found


def _is_fallback(one: Answered) -> bool:
    """Tell whether the answer is but "I did not understand", to a message that meant something."""
    return not one.result.answered and one.result.action == "clarify" and one.result.interpretation.intent == "unclear"


def _violates(one: Answered) -> bool:
    """Tell whether the reply lacks what it must contain or holds what it must not."""
    text = one.result.reply.text
    missing = any(not any(choice in text for choice in choices) for choices in one.case.must_contain)
    return missing or any(re.search(pattern, text) for pattern in one.case.must_not_match)


def _macro_f1(judged: Sequence[Answered]) -> float:
    """Return the macro F1; an intent that counts as right counts as the expected one."""
    expected = [one.case.intent for one in judged]
    got = [one.case.intent if one.right else one.result.interpretation.intent for one in judged]
    return round(macro_f1(list(zip(expected, got, strict=True))), 4)


def _by_slot(judged: Sequence[Answered]) -> dict[str, float]:
    names = sorted({name for one in judged for name in (*one.case.slots, *one.result.interpretation.slots)} & CRITICAL)
    pairs = [(critical(one.case.slots), critical(one.result.interpretation.slots)) for one in judged]
    return {
        name: _f1(
            [{slot for slot in wanted if slot[0] == name} for wanted, _ in pairs],
            [{slot for slot in got if slot[0] == name} for _, got in pairs],
        )
        for name in names
    }


def _f1(wanted: Iterable[set[tuple[str, str]]], got: Iterable[set[tuple[str, str]]]) -> float:
    hits = extra = missed = 0
    for want, have in zip(wanted, got, strict=True):
        hits, extra, missed = hits + len(want & have), extra + len(have - want), missed + len(want - have)
    return round(2 * hits / max(2 * hits + extra + missed, 1), 4)


def _confusion(judged: Sequence[Answered]) -> dict[str, dict[str, int]]:
    """Return, for each expected intent, what it was taken for; only what went wrong."""
    table: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for one in judged:
        if not one.right:
            table[one.case.intent][one.result.interpretation.intent] += 1
    return {intent: dict(row.most_common()) for intent, row in sorted(table.items())}


def _share(of: Sequence[Answered], holds: Callable[[Answered], bool]) -> float:
    return round(sum(map(holds, of)) / len(of), 4) if of else 0.0
