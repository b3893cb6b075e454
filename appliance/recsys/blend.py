"""How much each component weighs: by what is known of the visitor, as learned from the shop's own history.

    score = Σ over components of weight · value

``PRIOR`` is what an untrained shop has. A training learns the weights of each bucket of visitors (``tuning.py``) and
stores them with their evidence in the model; every placement then leans its own way (``EMPHASIS``).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import msgspec

from appliance.domain import Placement, StrategyChoice

Component = Literal["content", "collaborative", "sequential", "session", "bought_together", "popularity"]
COMPONENTS: tuple[Component, ...] = get_args(Component)


class Mix(NamedTuple):
    """A number for each component, in the order of ``COMPONENTS``."""

    content: float
    collaborative: float
    sequential: float
    session: float
    bought_together: float
    popularity: float


PRIOR = Mix(content=0.5, collaborative=0.4, sequential=0.3, session=0.3, bought_together=1.0, popularity=0.1)
UNKNOWN = Mix(0.0, 0.0, 0.0, 0.0, 0.0, 0.6)
"""For a visitor of whom nothing is known: what is in demand."""
EMPHASIS: dict[Placement, Mix] = {
    "home": Mix(1.0, 1.0, 1.0, 1.0, 0.0, 1.0),
    "product": Mix(1.0, 1.0, 0.5, 0.5, 0.2, 0.5),
    "cart": Mix(0.3, 0.7, 0.3, 0.2, 1.0, 1.0),
    "category": Mix(0.8, 0.8, 0.8, 0.8, 0.0, 2.5),
    "search": Mix(0.8, 0.8, 1.0, 1.2, 0.0, 1.5),
}
"""How a placement leans: a product page to what is like its product, a cart to what goes with it."""
_STRATEGIES: dict[StrategyChoice, frozenset[Component]] = {
    "blend": frozenset(COMPONENTS),
    "no_exploration": frozenset(COMPONENTS),
    "content": frozenset({"content", "popularity"}),
    "collaborative": frozenset({"collaborative", "sequential", "session", "bought_together", "popularity"}),
    "popular": frozenset({"popularity"}),
}
"""The components that a strategy may use; popularity stays, so that none of them can be left with an empty shelf."""


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """The weights for visitors known for at least ``known`` products, and what they rest on."""

    known: int
    weights: Mix
    cases: int = 0
    """Visits of the shop's history that the weights were judged on."""
    ndcg: float = 0.0
    """NDCG@20 with these weights on those visits."""
    prior_ndcg: float = 0.0
    """The same with the weights of an untrained shop."""
    parts: dict[str, float] = {}
    """The same with one component alone."""
    interval: tuple[float, float] = (0.0, 0.0)
    """95 % bootstrap interval of the gain over the untrained weights."""
    confidence: str = "none"
    """``none`` without cases; ``low``, ``medium`` or ``high`` by their number and the interval."""


class Decays(NamedTuple):
    """What a product of a history is worth beside the one that came after it, from 0 to 1, by component."""

    content: float = 0.7
    collaborative: float = 0.8
    sequential: float = 0.6


class Blend(msgspec.Struct, frozen=True, kw_only=True):
    """The weights of a model by bucket, the least known visitors first."""

    buckets: tuple[Bucket, ...] = (Bucket(known=0, weights=UNKNOWN), Bucket(known=1, weights=PRIOR))
    decays: Decays = Decays()
    split_at: float | None = None
    """Unix seconds: the visits after it were the judges, the models before it the judged. ``None`` without history."""

    def bucket(self, known: int) -> Bucket:
        """Return the bucket of a visitor known for some number of products."""
        return next(bucket for bucket in reversed(self.buckets) if bucket.known <= known)


def weights_for(blend: Blend, placement: Placement, known: int, strategy: StrategyChoice = "blend") -> Mix:
    """Return a request's weights; ``known`` counts the products that its visitor, page and cart speak of."""
    allowed = _STRATEGIES[strategy]
    weights = blend.bucket(known).weights
    return Mix(
        *(
            weight * lean if component in allowed else 0.0
            for component, weight, lean in zip(COMPONENTS, weights, EMPHASIS[placement], strict=True)
        )
    )
