"""``evaluate intents``: the intent classifier, trained on a shop's own phrases.

Every label of the training file is an intent; ``NO_NODES_DETECTED`` (as in HINT3, Arora et al. 2020) or an empty
label means "out of scope". The classifier is the one of the assistant, with the shipped canonical model as its prior.

    accuracy            share of the in-scope rows whose likeliest label is right, whatever the confidence (HINT3
                        reports in-scope accuracy at a threshold of 0.1, which hardly ever refuses)
    accuracy_in_scope   the same with the decision rule: a right label that was refused counts as wrong
    accuracy_all        all rows: one out of scope is right when it is refused, another when it is right and is not
    macro_f1            mean F1 of the labels that occur in scope, by the likeliest label of the in-scope rows
    oos_precision, oos_recall   of the refusals, where rows out of scope occur

Confidence and threshold come from a cross-validation on the training file; the test file is only counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from appliance.agents.intent.classifier import Config, Decision, IntentClassifier, canonical
from appliance.errors import InvalidInput
from appliance.ops.evaluation.metrics import intervals, macro_f1, summary
from appliance.ops.evaluation.records import read_table, schema
from appliance.ops.evaluation.report import Clock, Outcome, Tell, silent

OUT_OF_SCOPE = "NO_NODES_DETECTED"
_TABLE = schema("phrases", {"text": "sentence utterance query message", "label": "intent class"})
_TEXTS = tuple(name for name, meaning in _TABLE.aliases.items() if meaning == "text")
_LABELS = tuple(name for name, meaning in _TABLE.aliases.items() if meaning == "label")


class Phrase(NamedTuple):
    """A labelled message."""

    text: str
    label: str
    """``''``: out of scope."""
    accept: tuple[str, ...] = ()
    """Further labels that count as right."""


class Answers(NamedTuple):
    """The decisions on a test file."""

    decisions: list[Decision]
    right: npt.NDArray[np.bool_]
    """Whether the likeliest label is right, by row."""


def evaluate(train: Path, *, test: Path, tell: Tell = silent) -> Outcome:
    """Train on one file and judge on the other.

    Raises ``InvalidInput`` for a file that cannot be used, with the line number where there is one.
    """
    learned, asked = read_phrases(train), read_phrases(test)
    inside = np.array([bool(phrase.label) for phrase in asked])
    if not inside.any():
        raise InvalidInput(f"{test} holds no row in scope.", hint="Write text,label and a phrase a line.")
    clock = Clock()
    tell(0.1, "fit")
    with clock.stage("fit"):
        classifier = fit(train, learned, prior=canonical())
    tell(0.5, "query")
    answers = _answered(classifier, asked, clock)
    tell(0.8, "baselines")
    plain = _answered(fit(train, learned, prior=None), asked, Clock())
    values = _measured(answers, asked, inside)
    costs = clock.costs()
    report: dict[str, Any] = {
        "rows": len(asked),
        "rows_in_scope": int(inside.sum()),
        **summary(values),
        "macro_f1": _macro_f1(answers, asked),
        **_refusals(answers, inside),
        **costs,
        "query_us": round(1000 * costs["query_p50_ms"], 1),
        "train_rows": len(learned),
        "labels": len(classifier.labels),
        "intervals": intervals(values),
        "model": {"features": len(classifier.vectoriser.keys), "prior": "canonical intents"},
        "baselines": {"without_prior": summary(_measured(plain, asked, inside))},
    }
    return Outcome(report, _predictions(asked, answers))


def read_phrases(path: Path) -> list[Phrase]:
    """Read a table with text and label (or sentence, intent …), or JSON lines, chat cases included."""
    try:
        first = path.open("rb").read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", hint="Name a file that exists.") from None
    rows = _json_lines(path) if first == b"{" else _table(path)
    found = [Phrase(row.text, "" if row.label == OUT_OF_SCOPE else row.label, row.accept) for row in rows]
    if not found:
        raise InvalidInput(f"{path} holds no phrase.", hint="Write text,label and a phrase a line.")
    return found


def fit(path: Path, phrases: Sequence[Phrase], *, prior: IntentClassifier | None) -> IntentClassifier:
    """Train on phrases; those out of scope become the label that is refused."""
    labels = [phrase.label or OUT_OF_SCOPE for phrase in phrases]
    if len(set(labels) - {OUT_OF_SCOPE}) < 2:
        raise InvalidInput(f"{path} needs at least two labels.", hint="Write text,label and a phrase a line.")
    return IntentClassifier.fit(
        [phrase.text for phrase in phrases], labels, config=Config(outside=(OUT_OF_SCOPE,)), prior=prior
    )


def _table(path: Path) -> Iterator[Phrase]:
    for _, row in read_table(path, _TABLE, blank="label"):
        yield Phrase(row["text"], row["label"])


def _json_lines(path: Path) -> Iterator[Phrase]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield _from_json(msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"), type=dict[str, Any]))
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise _bad(path, number, "it is no JSON object") from None
            except ValueError as error:
                raise _bad(path, number, str(error)) from None


def _from_json(row: dict[str, Any]) -> Phrase:
    turns = row.get("turns")
    if isinstance(turns, list) and turns and isinstance(turns[-1], dict):
        text = turns[-1].get("text")
    else:
        text = next((row[name] for name in _TEXTS if name in row), None)
    label = next((row[name] for name in _LABELS if name in row), None)
    accept = row.get("accept", [])
    if not isinstance(text, str) or not text.strip():
        raise ValueError("text is missing")
    if not isinstance(label, str) or not isinstance(accept, list):
        raise ValueError("label is missing")
    return Phrase(text, label.strip(), tuple(str(name) for name in accept))


def _answered(classifier: IntentClassifier, asked: Sequence[Phrase], clock: Clock) -> Answers:
    decisions = []
    for phrase in asked:
        with clock.query():
            decisions.append(classifier.decide(phrase.text))
    pairs = zip(asked, decisions, strict=True)
    right = [_best(decision) in (phrase.label, *phrase.accept) and bool(phrase.label) for phrase, decision in pairs]
    return Answers(decisions, np.array(right))


def _best(decision: Decision) -> str:
    """Return the likeliest label that is one: being out of scope is the decision rule's business."""
    return next(name for name, _ in decision.scores if name != OUT_OF_SCOPE)


def _measured(
    answers: Answers, asked: Sequence[Phrase], inside: npt.NDArray[np.bool_]
) -> dict[str, npt.NDArray[np.float64]]:
    taken = np.array([decision.in_scope for decision in answers.decisions])
    kept = np.where(inside, answers.right & taken, ~taken)
    return {
        "accuracy": answers.right[inside].astype(np.float64),
        "accuracy_in_scope": kept[inside].astype(np.float64),
        "accuracy_all": kept.astype(np.float64),
    }


def _macro_f1(answers: Answers, asked: Sequence[Phrase]) -> float:
    pairs = [
        (phrase.label if not right else _best(decision), _best(decision))
        for phrase, decision, right in zip(asked, answers.decisions, answers.right.tolist(), strict=True)
        if phrase.label
    ]
    return round(macro_f1(pairs), 6)


def _refusals(answers: Answers, inside: npt.NDArray[np.bool_]) -> dict[str, float]:
    if inside.all():
        return {}
    refused = np.array([not decision.in_scope for decision in answers.decisions])
    hits = float((refused & ~inside).sum())
    return {
        "oos_precision": round(hits / max(1.0, float(refused.sum())), 6),
        "oos_recall": round(hits / float((~inside).sum()), 6),
    }


def _predictions(asked: Sequence[Phrase], answers: Answers) -> Iterator[dict[str, Any]]:
    for phrase, decision in zip(asked, answers.decisions, strict=True):
        yield {
            "text": phrase.text,
            "label": phrase.label or OUT_OF_SCOPE,
            "prediction": _best(decision),
            "decision": decision.intent if decision.in_scope else OUT_OF_SCOPE,
            "confidence": round(decision.confidence, 6),
        }


def _bad(path: Path, line: int, reason: str) -> InvalidInput:
    return InvalidInput(f"{path}, line {line}: {reason}.", hint="Mend the line or take it out.")
