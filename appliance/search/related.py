"""What to show after the last match, when a page is not full: products that answer the query in part.

A product's score is Σ over the words of idf(word) · best impact, as for matches, where words that are spelt like a word
of the query stand in for it with their likeness as weight (the soft TF-IDF of Cohen, Ravikumar and Fienberg 2003).
Whole words covered do not come first here: one rare word says more than two common ones.
"""

from __future__ import annotations

import numpy as np

from appliance.search.plan import Plan, Slot
from appliance.search.scoring import Matches, idf_of, sold_out_last
from appliance.search.segment import Floats
from appliance.search.state import IndexState

RELATED_MAX = 20
"""Beyond so many, what is left has little to do with the query."""
LIKENESS = 0.55
"""The least likeness of a word that stands in for another."""
_SHORTEST = 5
"""Letters; shorter words, most Vietnamese syllables among them, are other words when they differ at all."""
_MOST_WORDS = 12


def related(plan: Plan, matches: Matches, state: IndexState) -> Matches:
    """Return the products outside ``matches`` that answer at least a part of some wanted word."""
    if matches.scores is None:
        return Matches(matches.rows[:0], matches.relevance[:0])
    scores = matches.scores.copy()
    for slot in plan.slots:
        if slot.required and (like := _alike(slot, state)):
            scores += _stand_ins(like, state)
    if state.alive is not None:
        scores *= state.alive
    scores[matches.rows] = 0.0
    rows = np.flatnonzero(scores > 0)
    return Matches(rows, sold_out_last(scores[rows].astype(np.float64), rows, state))


def _alike(slot: Slot, state: IndexState) -> list[tuple[str, float]]:
    """Return the living words that are spelt like a slot's, with their likeness; none that the slot has already."""
    word = slot.word.folded
    if not word.isalpha() or len(word) < _SHORTEST or slot.word.size or len(slot.word.parts) > 1:
        return []
    found: dict[str, float] = {}
    for part in state.parts:
        found.update(part.segment.spellings.near(word, LIKENESS))
    for alternative in (*slot.own, *slot.other):
        for term in alternative.terms:
            found.pop(term, None)
    usable = [pair for pair in found.items() if state.frequency(pair[0])[1]]
    return sorted(usable, key=lambda pair: (-pair[1], pair[0]))[:_MOST_WORDS]


def _stand_ins(like: list[tuple[str, float]], state: IndexState) -> Floats:
    """Return for each row the best of likeness · idf · impact over the words, dead rows too."""
    best = np.zeros(len(state), dtype=np.float32)
    for word, likeness in like:
        weight = np.float32(likeness * idf_of(state.frequency(word)[0], state))
        for first, docs, impacts in state.postings(word):
            rows = docs + first if first else docs
            best[rows] = np.maximum(best[rows], impacts * weight)
    return best
