"""What is settable about each part of the blend, and what a fit leaves on record about its choices."""

from __future__ import annotations

import msgspec

PARTS = ("rules", "follows", "walk", "neighbours", "content", "popularity")
"""The order in which the columns of values and weights stand everywhere."""


class RulesSpec(msgspec.Struct, frozen=True):
    """Sequential rules: what was taken after an item, counted 1/distance (Ludewig & Jannach 2018, SR)."""

    decay: float = 0.6
    """What the item before is worth of the one after it, in the history that is asked about."""
    reverse: float = 0.25
    """What a count against the order is worth."""
    support: float = 0.3
    """The exponent of the target's support that counts are divided by: 0 keeps popularity, 1 takes it out."""
    shrink: float = 0.0
    """A count c is worth c / (c + shrink) of itself."""


class FollowsSpec(msgspec.Struct, frozen=True):
    """What was taken right after the newest item: a first-order Markov chain (Rendle et al. 2010, MC)."""

    decay: float = 0.0
    support: float = 0.1


class WalkSpec(msgspec.Struct, frozen=True):
    """A second step along the rules: P·R, P the row-normalised rules (item-to-item random walk, Cooper et al. 2014)."""

    decay: float = 0.6
    support: float = 0.1


class NeighboursSpec(msgspec.Struct, frozen=True):
    """Item-kNN with a damped user norm: Σ 1/|u|^damping over common users (Deshpande & Karypis 2004)."""

    decay: float = 0.8
    damping: float = 0.5
    support: float = 0.3
    shrink: float = 0.0


class ContentSpec(msgspec.Struct, frozen=True):
    """Cosine of IDF-weighted attributes, raised a little for what many take."""

    decay: float = 0.6
    idf: float = 2.0
    """The exponent of the inverse document frequency."""
    popular: float = 0.25
    """The exponent of the support by which a similarity is multiplied: it orders products that look the same."""


class Specs(msgspec.Struct, frozen=True):
    """The settings of all parts, and how their scores become values from 0 to 1."""

    rules: RulesSpec = RulesSpec()
    follows: FollowsSpec = FollowsSpec()
    walk: WalkSpec = WalkSpec()
    neighbours: NeighboursSpec = NeighboursSpec()
    content: ContentSpec = ContentSpec()
    power: float = 0.7
    """A value is (score / largest score of the request)^power: below 1 it gives weaker candidates more say."""

    def decay(self, part: str) -> float:
        """Return what an older item is worth of the next newer one; 1 for parts that do not look at the history."""
        spec = getattr(self, part, None)
        return float(getattr(spec, "decay", 1.0))


class Measured(msgspec.Struct, frozen=True):
    """One ranking of the validation cases."""

    ndcg: float
    hit: float
    low: float
    high: float
    """95 % bootstrap interval of ``ndcg``."""


class BucketChoice(msgspec.Struct, frozen=True):
    """What was learned for histories of one length."""

    longest: int
    """The longest history in the bucket; 0 for no limit."""
    cases: int
    weights: dict[str, float]
    """By part; they sum to 1."""


class Choice(msgspec.Struct, frozen=True):
    """Everything a fit chose, with the evidence; stored with the model and shown to the owner."""

    specs: Specs
    buckets: list[BucketChoice]
    floors: dict[str, float]
    """The largest score of a request counts as at least this, so that weak evidence stays weak."""
    cases: int = 0
    """Validation cases: the newest training item of a history, hidden."""
    blend: Measured | None = None
    """Out of fold: weights learned on the other cases."""
    parts: dict[str, Measured] = {}
    difference: tuple[float, float] = (0.0, 0.0)
    """95 % interval of the blend's NDCG@20 less that of the best part alone."""
    confidence: float = 0.0
    """The share of bootstrap rounds in which the blend beats the best part; where that is little, the part answers."""
    note: str = ""
