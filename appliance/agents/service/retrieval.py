"""Finds the owner's entry whose question a message repeats in other words. Numpy over an inverted table, no model.

A question is three blocks of features: words, pairs of neighbouring words and letter trigrams, all folded, so that a
message without diacritics finds as well as one with; pairs and trigrams leave the words of grammar out. Features weigh
by inverse document frequency (Sparck Jones 1972); the score is the weighted sum of the blocks' cosines. Besides, half
of what the message is about must be in the question and the other way round: "the shipping fee" is not "the shipping
fee to Con Dao".
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from appliance.agents.service.words import service_words
from appliance.agents.types import Utterance
from appliance.store.faq import FaqEntry, FaqRepository
from appliance.text import fold, words

THRESHOLD = 0.56
"""Score from which an entry answers; chosen on the questions in ``tests/agents/service/test_faq_retrieval.py``."""
ANSWER_COVERAGE = 0.6
"""Share of a question's content that an answer itself must name to be found without a question of its own."""
MAX_WORDS = 40
"""Words of a message that are compared; a longer message tells a story and repeats no question."""
_BLOCKS = {"w": 0.45, "p": 0.2, "c": 0.35}
_GRAMMAR_WEIGHT = 0.2
_COMMON_SHARE, _COMMON_LEAST = 0.1, 40
"""A feature in more than this share of the questions, and at least so many, tells nothing and is left out."""
_OTHER_PLACE = 0.6
"""Factor for a question that does not name the place of the message."""
_MARKS_BONUS = 0.03
_CANDIDATES = 4
_COVERED = 0.5
_NEAR = 0.15
"""Score from which an entry is worth a look."""
_STEM = 4
_NONE = -1

Floats = npt.NDArray[np.float32]


class FaqHit(msgspec.Struct, frozen=True):
    """An entry that answers a message, or comes near one."""

    entry: FaqEntry
    question: str
    """The owner's wording that came nearest."""
    score: float
    """0 to 1; at least ``THRESHOLD`` where it answers."""


class _Question(msgspec.Struct, frozen=True):
    entry: FaqEntry
    text: str
    folded: str
    content: tuple[str, ...]
    marked: frozenset[str]


class FaqIndex:
    """The questions of the entries in force at one time. Immutable: a change of the entries makes a new one."""

    def __init__(self, entries: Iterable[FaqEntry]) -> None:
        kept = [entry for entry in entries if entry.enabled]
        self.by_id: Mapping[str, FaqEntry] = {entry.id: entry for entry in kept}
        self.by_intent: Mapping[str, FaqEntry] = _by_intent(kept)
        self._questions = [_question(entry, text) for entry in kept for text in _texts(entry)]
        self._exact = {question.folded: row for row, question in reversed(list(enumerate(self._questions)))}
        bags = [_features(question.folded.split()) for question in self._questions]
        frequency = Counter(feature for bag in bags for feature in bag)
        self._total = len(bags)
        most = max(_COMMON_LEAST, _COMMON_SHARE * self._total)
        self._common = frozenset(feature for feature, count in frequency.items() if count > most)
        self._weight = {feature: self._idf(feature, count) for feature, count in frequency.items()}
        self._postings = self._table(bags)
        self._answers = [
            (entry, frozenset(word for answer in entry.answers.values() for word in words(answer))) for entry in kept
        ]

    def best(
        self, folded: Sequence[str], marked: frozenset[str] = frozenset(), places: Sequence[str] = ()
    ) -> FaqHit | None:
        """Return the entry whose question these words repeat, or ``None``.

        ``marked`` are the words with diacritics, which decide between questions that differ in nothing else; of
        ``places`` (folded names) a question has to name one.
        """
        if not self._questions or not folded or len(folded) > MAX_WORDS:
            return None
        exact = self._exact.get(" ".join(folded), _NONE)
        scores = self._scores(folded)
        rows = _first(scores, _CANDIDATES)
        asked = _content(folded)
        ranked = [
            (self._judged(row, float(scores[row]), marked, places), -row) for row in rows if self._alike(row, asked)
        ]
        if exact != _NONE:
            ranked.append((self._judged(exact, 1.0, marked, ()), -exact))
        score, row = max(ranked, default=(0.0, 0))
        if score < THRESHOLD:
            return None
        question = self._questions[-row]
        return FaqHit(question.entry, question.text, min(score, 1.0))

    def near(self, folded: Sequence[str], limit: int) -> tuple[FaqHit, ...]:
        """Return the entries whose questions come nearest, each by its best one, near enough to answer or not."""
        if not self._questions or not folded:
            return ()
        scores = self._scores(folded[:MAX_WORDS])
        found: dict[str, FaqHit] = {}
        for row in _first(scores, len(self._questions)):
            question, score = self._questions[row], float(scores[row])
            if score < _NEAR or len(found) == limit:
                break
            found.setdefault(question.entry.id, FaqHit(question.entry, question.text, round(min(score, 1.0), 4)))
        return tuple(found.values())

    def naming(self, asked: Sequence[str]) -> FaqEntry | None:
        """Return the entry whose answer names most of what a question is about, or ``None``."""
        grammar = service_words().grammar
        content = {word for word in asked[:MAX_WORDS] if word not in grammar}
        if not content:
            return None
        shares = [(len(content & said) / len(content), entry) for entry, said in self._answers]
        share, entry = max(shares, key=lambda pair: pair[0], default=(0.0, None))
        return entry if share >= ANSWER_COVERAGE else None

    def _alike(self, row: int, asked: Sequence[str]) -> bool:
        content = self._questions[row].content
        return _covered(asked, content) >= _COVERED and _covered(content, asked) >= _COVERED

    def _judged(self, row: int, score: float, marked: frozenset[str], places: Sequence[str]) -> float:
        question = self._questions[row]
        if places and not any(f" {place} " in f" {question.folded} " for place in places):
            score *= _OTHER_PLACE
        return score + _MARKS_BONUS * (len(marked & question.marked) / len(marked) if marked else 0.0)

    def _scores(self, folded: Sequence[str]) -> Floats:
        bag = _features(folded)
        weights = {
            feature: count * (self._weight.get(feature) or self._idf(feature, 0))
            for feature, count in bag.items()
            if feature not in self._common
        }
        norms = _norms(weights)
        rows, values = [], []
        for feature, weight in weights.items():
            posting = self._postings.get(feature)
            if posting is not None:
                rows.append(posting[0])
                values.append(posting[1] * (weight * _BLOCKS[feature[0]] / norms[feature[0]]))
        if not rows:
            return np.zeros(self._total, dtype=np.float32)
        found = np.bincount(np.concatenate(rows), np.concatenate(values), minlength=self._total)
        return found.astype(np.float32)

    def _table(self, bags: Sequence[Mapping[str, int]]) -> dict[str, tuple[npt.NDArray[np.int32], Floats]]:
        lists: dict[str, tuple[list[int], list[float]]] = {}
        for row, bag in enumerate(bags):
            weights = {name: count * self._weight[name] for name, count in bag.items() if name not in self._common}
            norms = _norms(weights)
            for feature, weight in weights.items():
                rows, values = lists.setdefault(feature, ([], []))
                rows.append(row)
                values.append(weight / norms[feature[0]])
        return {
            feature: (np.array(rows, dtype=np.int32), np.array(values, dtype=np.float32))
            for feature, (rows, values) in lists.items()
        }

    def _idf(self, feature: str, count: int) -> float:
        weight = math.log((1 + self._total) / (1 + count)) + 1
        return weight * _GRAMMAR_WEIGHT if feature[0] == "w" and feature[2:] in service_words().grammar else weight


class FaqSearch:
    """The index of a repository's entries, made anew when they have changed. Safe to use from any thread."""

    def __init__(self, repository: FaqRepository) -> None:
        self._repository = repository
        self._current = (repository.revision, FaqIndex(repository.entries()))

    @property
    def index(self) -> FaqIndex:
        """The index of the entries as they are now. Two threads may both make it; either is right."""
        revision, index = self._current
        if revision == self._repository.revision:
            return index
        revision = self._repository.revision
        index = FaqIndex(self._repository.entries())
        self._current = (revision, index)
        return index

    def best(self, utterance: Utterance) -> FaqHit | None:
        """Return the entry whose question a message repeats, or ``None``."""
        tokens = utterance.core or utterance.tokens
        if len(tokens) > MAX_WORDS:
            return None
        marked = frozenset(token.marked for token in tokens if token.marked != token.folded)
        places = [
            " ".join(token.folded for token in utterance.tokens[mention.start : mention.end])
            for mention in utterance.mentions
            if mention.slot == "location"
        ]
        return self.index.best([token.folded for token in tokens], marked, places)

    def near(self, utterance: Utterance, limit: int) -> tuple[FaqHit, ...]:
        """Return the entries whose questions come nearest to a message, near enough to answer or not."""
        return self.index.near([token.folded for token in utterance.core or utterance.tokens], limit)

    def about(self, question: str) -> FaqEntry | None:
        """Return the entry for a question that a language model asks: by its questions, else by its answer's words."""
        asked = words(question)[:MAX_WORDS]
        hit = self.index.best(asked)
        return hit.entry if hit else self.index.naming(asked)


def _first(scores: Floats, count: int) -> list[int]:
    rows: list[int] = np.argsort(-scores, kind="stable")[:count].tolist()
    return rows


def _by_intent(entries: Sequence[FaqEntry]) -> dict[str, FaqEntry]:
    """Map each intent to its own answer; one that has only entries with questions gets the oldest of them."""
    found: dict[str, FaqEntry] = {}
    for entry in sorted(entries, key=lambda one: one.asks):
        if entry.intent:
            found.setdefault(entry.intent, entry)
    return found


def _texts(entry: FaqEntry) -> list[str]:
    return [text for texts in entry.questions.values() for text in texts]


def _question(entry: FaqEntry, text: str) -> _Question:
    folded = words(text)[:MAX_WORDS]
    marked = frozenset(word for word in text.lower().replace("?", " ").split() if word != fold(word))
    return _Question(entry, text, " ".join(folded), tuple(_content(folded)), marked)


def _features(folded: Sequence[str]) -> Counter[str]:
    content = _content(folded) or folded
    text = f" {' '.join(content)} "
    bag = Counter(f"w:{_stem(word)}" for word in folded)
    bag.update(f"p:{first} {second}" for first, second in pairwise(content))
    bag.update(f"c:{text[place : place + 3]}" for place in range(len(text) - 2))
    return bag


def _content(folded: Sequence[str]) -> list[str]:
    grammar = service_words().grammar
    return [_stem(word) for word in folded if word not in grammar]


def _stem(word: str) -> str:
    """Return an English word without its commonest endings; no Vietnamese syllable has them."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) >= len(ending) + _STEM - 1 and not word.endswith("ss"):
            stem = word[: -len(ending)]
            return stem[:-1] if ending != "s" and stem[-1] == stem[-2] else stem
    return word


def _covered(content: Sequence[str], other: Sequence[str]) -> float:
    """Return the share of some words that others repeat, a long one also with another ending."""
    if not content:
        return 1.0
    stems = {word[:_STEM] for word in other if len(word) >= _STEM}
    known = set(other)
    return sum(1 for word in content if word in known or word[:_STEM] in stems) / len(content)


def _norms(weights: Mapping[str, float]) -> dict[str, float]:
    squares = dict.fromkeys(_BLOCKS, 0.0)
    for feature, weight in weights.items():
        squares[feature[0]] += weight * weight
    return {block: math.sqrt(square) or 1.0 for block, square in squares.items()}
