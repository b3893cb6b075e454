"""The whole derivation of one answer: what was known, what each candidate scored and why, and what became of it.

Candidates that lost are told as well as those that are shown: an owner asks "why not this one?" as often as "why?".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from appliance.domain import ProductCard, Rule
from appliance.recsys.base import RecommendRequest
from appliance.recsys.blend import COMPONENTS, Bucket, Mix, weights_for
from appliance.recsys.codes import ProductCodes
from appliance.recsys.ranking import Pool
from appliance.recsys.rules import Ranked, matches
from appliance.recsys.serving import Serving
from appliance.recsys.visits import Visit

MAX_CANDIDATES = 200
MAX_EVIDENCE = 5

Fate = Literal[
    "shown", "outranked", "varied", "page", "cart", "bought", "category", "excluded", "out_of_stock", "unpublished"
]
"""What became of a candidate: ``outranked`` scored too little, ``varied`` scored enough but is too like what is shown
or gave way to the owner's rules and to new products."""


class EvidenceItem(msgspec.Struct, frozen=True):
    """One product that speaks for a candidate: the visitor looked at it, or the page is about it."""

    product_id: str
    title: str
    source: str
    """The component in which it speaks the loudest."""
    share: float
    """Its part of the candidate's evidence, from 0 to 1."""


class CandidateTrace(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate. ``score`` is Σ contributions, lowered for what was seen already and by the popularity damping."""

    product_id: str
    title: str
    rank: int = 0
    """Place among all candidates by score, from 1; 0 for what no component proposed."""
    place: int | None
    """Place on the shelf, from 1."""
    fate: Fate
    rule_id: str = ""
    """The rule that excluded, pinned or moved it."""
    score: float
    components: dict[str, float]
    contributions: dict[str, float] = {}
    """Weight times value of each component."""
    seen: bool = False
    evidence: list[EvidenceItem] = []


class Derivation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one answer was made from."""

    known: int
    """Distinct products that the visitor, the page and the cart speak of."""
    history: list[str]
    """The visitor's products, the newest first."""
    session: list[str]
    bucket: Bucket
    """The learned weights for what is known, with their evidence."""
    weights: dict[str, float]
    """The weights of this request: the bucket's, as the placement leans and the strategy allows."""
    trust: dict[str, float]
    """How far the evidence of a component carries, where it depends on how much others looked at the same."""
    generated: dict[str, int]
    """Candidates by component."""
    rules: list[str]
    """Ids of the owner's rules that hold here."""
    candidates: list[CandidateTrace]
    """The shelf first, then those that lost, by score."""


class _Shelf(NamedTuple):
    """The answer that is derived, and what it was an answer to."""

    request: RecommendRequest
    visit: Visit
    rules: Sequence[Rule]
    items: Mapping[str, Ranked]
    """By product id, in the order of the shelf."""

    def place(self, product_id: str) -> int | None:
        """Return where a product stands on the shelf, from 1."""
        return list(self.items).index(product_id) + 1 if product_id in self.items else None


class Deriver:
    """Derives answers of one state of the shop."""

    def __init__(
        self,
        serving: Serving,
        codes: ProductCodes,
        cards: Mapping[str, ProductCard],
        in_category: Callable[[str, int], bool],
    ) -> None:
        self._serving = serving
        self._codes = codes
        self._cards = cards
        self._in_category = in_category

    def derive(
        self, request: RecommendRequest, visit: Visit, rules: Sequence[Rule], items: Sequence[Ranked]
    ) -> Derivation:
        """Return how ``items``, the answer to a request, came about."""
        pool = self._serving.pool(request, visit)
        weights = weights_for(self._serving.blend, request.placement, visit.known, request.strategy)
        shelf = _Shelf(request, visit, rules, {item.card.id: item for item in items})
        return Derivation(
            known=visit.known,
            history=[self._codes.id(code) for code in visit.trail[::-1].tolist()],
            session=[self._codes.id(code) for code in visit.session[::-1].tolist()],
            bucket=self._serving.blend.bucket(visit.known),
            weights=_named(weights),
            trust={name: round(value, 4) for name, value in self._serving.trust(visit).items()},
            generated={
                name: int((pool.values[place] > 0).sum()) for place, name in enumerate(COMPONENTS) if weights[place]
            },
            rules=[rule.id for rule in rules],
            candidates=self._candidates(pool, weights, shelf),
        )

    def _candidates(self, pool: Pool, weights: Mix, shelf: _Shelf) -> list[CandidateTrace]:
        order = np.argsort(-pool.scores, kind="stable")
        ranks = {int(at): rank for rank, at in enumerate(order, 1)}
        on_shelf = [self._codes.find(name) for name in shelf.items]
        shown = np.flatnonzero(np.isin(pool.codes, on_shelf))
        traced = np.union1d(order[:MAX_CANDIDATES], shown)
        lowest = max((ranks[at] for at in shown.tolist()), default=0)
        evidence = self._evidence(pool, traced, shelf.request.locale)
        out = []
        for at in traced.tolist():
            card = self._cards.get(self._codes.id(int(pool.codes[at])))
            if card is not None:
                trace = self._trace(pool, at, card, weights, shelf, is_high=ranks[at] <= lowest)
                out.append(msgspec.structs.replace(trace, rank=ranks[at], evidence=evidence.get(at, [])))
        proposed = {trace.product_id for trace in out}
        out += [self._placed(name, shelf) for name in shelf.items if name not in proposed]
        return sorted(out, key=lambda trace: (trace.place is None, trace.place or 0, trace.rank))

    def _trace(
        self, pool: Pool, at: int, card: ProductCard, weights: Mix, shelf: _Shelf, *, is_high: bool
    ) -> CandidateTrace:
        values = list(zip(COMPONENTS, pool.values[:, at].tolist(), weights, strict=True))
        fate, rule_id = self._fate(card, int(pool.codes[at]), shelf, is_high=is_high)
        return CandidateTrace(
            product_id=card.id,
            title=card.name(shelf.request.locale),
            place=shelf.place(card.id),
            fate=fate,
            rule_id=rule_id,
            score=round(float(pool.scores[at]), 6),
            components={name: round(value, 6) for name, value, _ in values if value > 0},
            contributions={name: round(value * weight, 6) for name, value, weight in values if value * weight > 0},
            seen=bool((shelf.visit.seen == pool.codes[at]).any()),
        )

    def _placed(self, product_id: str, shelf: _Shelf) -> CandidateTrace:
        """Return a product of the shelf that no generator proposed: pinned, new, or filling the shelf."""
        item = shelf.items[product_id]
        return CandidateTrace(
            product_id=product_id,
            title=item.card.name(shelf.request.locale),
            place=shelf.place(product_id),
            fate="shown",
            rule_id=item.rules[0] if item.rules else "",
            score=round(item.score, 6),
            components={name: round(value, 6) for name, value in item.components.items()},
        )

    def _fate(self, card: ProductCard, code: int, shelf: _Shelf, *, is_high: bool) -> tuple[Fate, str]:
        item = shelf.items.get(card.id)
        if item is not None:
            return "shown", item.rules[0] if item.rules else ""
        if code in shelf.visit.barred:
            return shelf.visit.barred[code], ""
        if not card.published:
            return "unpublished", ""
        if not card.in_stock:
            return "out_of_stock", ""
        excluding = next((rule.id for rule in shelf.rules if rule.action == "exclude" and matches(rule, card)), "")
        if excluding:
            return "excluded", excluding
        category = shelf.request.category
        if category and not self._in_category(category, code):
            return "category", ""
        return ("varied" if is_high else "outranked"), ""

    def _evidence(self, pool: Pool, traced: np.typing.NDArray[np.int64], locale: str) -> dict[int, list[EvidenceItem]]:
        out: dict[int, list[EvidenceItem]] = {}
        for at, weighed in pool.evidence.weighed(traced).items():
            total = sum(contribution for _, anchor, contribution in weighed) or 1.0
            out[at] = [
                EvidenceItem(card.id, card.name(locale), COMPONENTS[source], round(contribution / total, 4))
                for source, anchor, contribution in weighed[:MAX_EVIDENCE]
                if anchor >= 0 and (card := self._cards.get(self._codes.id(anchor))) is not None
            ]
        return out


def _named(mix: Mix) -> dict[str, float]:
    return {name: round(weight, 4) for name, weight in zip(COMPONENTS, mix, strict=True) if weight > 0}
