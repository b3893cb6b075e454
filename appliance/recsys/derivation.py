"""The whole derivation of one answer: what was known, what each candidate scored and why, and what became of it.

Candidates that lost are told as well as those that are shown: an owner asks "why not this one?" as often as "why?".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

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
    rank: int
    """Place among all candidates by score, from 1."""
    place: int | None
    """Place on the shelf, from 1."""
    fate: Fate
    rule_id: str = ""
    """The rule that excluded, pinned or moved it."""
    score: float
    components: dict[str, float]
    contributions: dict[str, float]
    """Weight times value of each component."""
    seen: bool
    evidence: list[EvidenceItem]


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
        self, request: RecommendRequest, visit: Visit, rules: Sequence[Rule], items: Sequence[Ranked], locale: str
    ) -> Derivation:
        """Return how ``items``, the answer to a request, came about."""
        pool = self._serving.pool(request, visit)
        weights = weights_for(self._serving.blend, request.placement, visit.known, request.strategy)
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
            candidates=self._candidates(pool, weights, request, visit, rules, items, locale),
        )

    def _candidates(
        self,
        pool: Pool,
        weights: Mix,
        request: RecommendRequest,
        visit: Visit,
        rules: Sequence[Rule],
        items: Sequence[Ranked],
        locale: str,
    ) -> list[CandidateTrace]:
        order = np.argsort(-pool.scores, kind="stable")
        on_shelf = {item.card.id: (place, item) for place, item in enumerate(items, 1)}
        ranks = {self._codes.id(int(pool.codes[at])): rank for rank, at in enumerate(order, 1)}
        lowest = max((ranks[name] for name in on_shelf if name in ranks), default=0)
        shown_at = np.flatnonzero(np.isin(pool.codes, [self._codes.find(name) for name in on_shelf]))
        traced = np.union1d(order[:MAX_CANDIDATES], shown_at)
        evidence = self._evidence(pool, traced, locale)
        seen = set(visit.seen.tolist())
        out: list[CandidateTrace] = []
        for at in traced[np.argsort(-pool.scores[traced], kind="stable")].tolist():
            code = int(pool.codes[at])
            card = self._cards.get(self._codes.id(code))
            if card is None:
                continue
            place, item = on_shelf.pop(card.id, (None, None))
            fate, rule_id = self._fate(card, code, ranks[card.id] <= lowest, place, item, request, visit, rules)
            values = dict(zip(COMPONENTS, pool.values[:, at].tolist(), strict=True))
            out.append(
                CandidateTrace(
                    product_id=card.id,
                    title=card.name(locale),
                    rank=ranks[card.id],
                    place=place,
                    fate=fate,
                    rule_id=rule_id,
                    score=round(float(pool.scores[at]), 6),
                    components={name: round(value, 6) for name, value in values.items() if value > 0},
                    contributions={
                        name: round(value * weight, 6)
                        for (name, value), weight in zip(values.items(), weights, strict=True)
                        if value * weight > 0
                    },
                    seen=code in seen,
                    evidence=evidence.get(at, []),
                )
            )
        out += [self._placed(item, place, locale) for place, item in on_shelf.values()]
        return sorted(out, key=lambda trace: (trace.place is None, trace.place or 0, trace.rank))

    def _placed(self, item: Ranked, place: int, locale: str) -> CandidateTrace:
        """Return a product of the shelf that no generator proposed: pinned, new, or filling the shelf."""
        return CandidateTrace(
            product_id=item.card.id,
            title=item.card.name(locale),
            rank=0,
            place=place,
            fate="shown",
            rule_id=item.rules[0] if item.rules else "",
            score=round(item.score, 6),
            components={name: round(value, 6) for name, value in item.components.items()},
            contributions={},
            seen=False,
            evidence=[],
        )

    def _fate(
        self,
        card: ProductCard,
        code: int,
        high: bool,
        place: int | None,
        item: Ranked | None,
        request: RecommendRequest,
        visit: Visit,
        rules: Sequence[Rule],
    ) -> tuple[Fate, str]:
        if place is not None:
            return "shown", item.rules[0] if item is not None and item.rules else ""
        if code in visit.barred:
            return visit.barred[code], ""
        if not card.published:
            return "unpublished", ""
        if not card.in_stock:
            return "out_of_stock", ""
        excluding = next((rule.id for rule in rules if rule.action == "exclude" and matches(rule, card)), "")
        if excluding:
            return "excluded", excluding
        if request.category and not self._in_category(request.category, code):
            return "category", ""
        return ("varied" if high else "outranked"), ""

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
