"""Scoring: BM25F impacts times document frequency, coverage of the query first.

Score of a product = Σ over words idf(word) · best(weight · impact of an alternative), with idf(word) =
ln(1 + (N - n + ½) / (n + ½)) over the n of N living products that have the word itself. Products that answer more of
the words come first whatever their scores.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from appliance.search.facets import BoolArray, RowArray
from appliance.search.plan import SLIP, Alternative, Plan, Slot
from appliance.search.segment import Floats
from appliance.search.state import IndexState

OPTIONAL_WEIGHT = 0.3
SOLD_OUT = 0.85
"""Factor of a product that cannot be bought now."""
_LEAST_IDF = 0.1
_SCORE_SHARE = 0.001
"""Brings every sum of scores below one, so that whole words covered decide first."""


class Matches(NamedTuple):
    """The products that answer a query: ascending rows and, for each, words covered plus a fraction of its score."""

    rows: RowArray
    relevance: NDArray[np.float64]
    scores: Floats | None = None
    """The score of every row that has any wanted word, match or not, else 0; ``None`` when no words were looked for."""


def everything(state: IndexState) -> Matches:
    """Return all products, none more relevant than another."""
    rows = state.all_rows()
    return Matches(rows, np.zeros(len(rows)))


def match(plan: Plan, state: IndexState) -> Matches:
    """Find the products that answer every known word; where none does, those that answer at least half of the best.

    Words that the index does not know are passed over. Optional words only add to the score.
    """
    score = np.zeros(len(state), dtype=np.float32)
    coverage = np.zeros(len(state), dtype=np.float32)
    known = 0.0
    for slot in plan.slots:
        impact, frequency = _slot_impacts(slot, state)
        if frequency == 0:
            _add_guesses(score, slot, state)
            continue
        idf = idf_of(frequency, state)
        if slot.required:
            known += slot.covers
            coverage += (impact > 0) * np.float32(slot.covers)
        impact *= idf if slot.required else idf * OPTIONAL_WEIGHT
        score += impact
        _add_bonus(score, slot, state, idf)
    best = float(coverage.max(initial=0.0))
    score[coverage == 0] = 0.0
    if best == 0:
        return Matches(np.zeros(0, dtype=np.intp), np.zeros(0), score)
    rows = np.flatnonzero(coverage >= (best if best == known else max(SLIP, (best + 1) // 2)))
    found = sold_out_last(score[rows].astype(np.float64), rows, state)
    return Matches(rows, coverage[rows] + found * _SCORE_SHARE, score)


def sold_out_last(scores: NDArray[np.float64], rows: RowArray, state: IndexState) -> NDArray[np.float64]:
    """Lower, in place, the scores of the rows that cannot be bought now."""
    scores[~state.in_stock[rows]] *= SOLD_OUT
    return scores


def idf_of(frequency: int, state: IndexState) -> float:
    """Return the inverse document frequency of a word that so many living products have."""
    return max(_LEAST_IDF, math.log1p((state.live - frequency + 0.5) / (frequency + 0.5)))


def _slot_impacts(slot: Slot, state: IndexState) -> tuple[Floats, int]:
    """Return the best weighted impact of each living row, and the word's document frequency."""
    impact = np.zeros(len(state), dtype=np.float32)
    for alternative in slot.own:
        _raise(impact, alternative, state)
    if slot.word.size:
        _raise_facets(impact, slot, state)
    frequency = _count(impact, state.alive)
    own_only = True
    for alternative in slot.other:
        own_only = not _raise(impact, alternative, state) and own_only
    own_only = not _raise_facets(impact, slot, state) and own_only
    if frequency == 0 and not own_only:
        frequency = _count(impact, state.alive)
    if state.alive is not None:
        impact *= state.alive
    return impact, frequency


def _raise(impact: Floats, alternative: Alternative, state: IndexState) -> bool:
    """Lift each row to the alternative's impact where that is greater; tell whether any row has it."""
    if len(alternative.terms) > 1:
        joint = _joint(alternative, state)
        np.maximum(impact, joint, out=impact)
        return bool(joint.any())
    found = False
    weight = np.float32(alternative.weight)
    for first, docs, impacts in state.postings(alternative.terms[0]):
        rows = docs + first if first else docs
        impact[rows] = np.maximum(impact[rows], impacts * weight)
        found = True
    return found


def _raise_facets(impact: Floats, slot: Slot, state: IndexState) -> bool:
    """Lift the products of a colour or size; tell whether there are any."""
    found = False
    for facet in slot.facets:
        having = state.having(facet.name, facet.keys)
        np.maximum(impact, np.float32(facet.weight), out=impact, where=having)
        found = found or bool(having.any())
    return found


def _joint(alternative: Alternative, state: IndexState) -> Floats:
    """Return the weighted least impact of several terms, zero where one is missing."""
    joint = np.full(len(state), np.inf, dtype=np.float32)
    for term in alternative.terms:
        single = np.zeros(len(state), dtype=np.float32)
        for first, docs, impacts in state.postings(term):
            single[docs + first] = impacts
        np.minimum(joint, single, out=joint)
    joint *= np.float32(alternative.weight)
    return joint


def _add_bonus(score: Floats, slot: Slot, state: IndexState, idf: float) -> None:
    for alternative in slot.bonus:
        weight = np.float32(idf * alternative.weight)
        for first, docs, impacts in state.postings(alternative.terms[0]):
            score[docs + first] += impacts * weight


def _add_guesses(score: Floats, slot: Slot, state: IndexState) -> None:
    """Let what an unknown word may have meant order the products that the other words found."""
    frequency = max((state.frequency(alternative.terms[0])[0] for alternative in slot.bonus), default=0)
    if frequency:
        _add_bonus(score, slot, state, idf_of(frequency, state) * OPTIONAL_WEIGHT)


def _count(impact: Floats, alive: BoolArray | None) -> int:
    return int(np.count_nonzero(impact if alive is None else impact[alive]))
