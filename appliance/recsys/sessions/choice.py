"""What the session model is tuned by, and the evidence that its tuning leaves behind."""

from __future__ import annotations

from typing import Literal

import msgspec

VOICES = ("after", "next", "before", "rules", "companions", "walk", "returning", "current", "popular")
"""The parts that are mixed, in the order of every array with an axis for them.

``after``, ``next`` and ``before`` come from the nearest sessions: what followed the item in common at any distance,
directly, and what preceded it. ``rules`` counts what follows the newest items in all sessions, ``companions`` is the
cosine of common sessions, ``walk`` goes two steps along both, ``returning`` are the session's own items, ``current`` is
the newest of them, ``popular`` the demand of late.
"""
AFTER, NEXT, BEFORE, RULES, COMPANIONS, WALK, RETURNING, CURRENT, POPULAR = range(len(VOICES))

Repeats = Literal["all", "not_current", "none"]
"""Which items of the session itself may be proposed again."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """The shape of the parts. The defaults stand where a shop has too few sessions to choose from."""

    neighbours: int = 500
    """Nearest sessions that speak (k of V-SKNN)."""
    sample: int = 2500
    """Newest sessions looked at: of one item, and of all items together twice as many (m of V-SKNN)."""
    memory: int = 10
    """Distinct items of the session looked at, the newest first."""
    position_decay: float = 4.0
    """Steps back in the session after which an item weighs 1/e (λ₁ of STAN)."""
    recency: float = 0.4
    """Share of the time that the sessions span after which a session weighs 1/e, as a neighbour (λ₂ of STAN) and in
    every count; 0 for no decay."""
    distance_decay: float = 4.0
    """Steps from the item in common after which a neighbour's item weighs 1/e (λ₃ of STAN)."""
    length_norm: float = 0.5
    """Power of a neighbour's length that divides its weight; 0.5 makes the cosine of STAN."""
    rule_decay: float = 0.3
    """Factor by which the rules of an item weigh less than those of the next newer one."""
    return_decay: float = 3.0
    """Steps back after which an item of the session itself weighs 1/e."""
    sharpness: float = 1.0
    """Power of the scores inside a part: 1, 1.5 or 2."""
    repeats: Repeats = "all"


DEFAULT_WEIGHTS = (0.15, 0.05, 0.15, 0.15, 0.1, 0.2, 0.1, 0.05, 0.05)
"""Shares of the parts where a shop has too few sessions to learn them, in the order of ``VOICES``."""


class Trial(msgspec.Struct, frozen=True):
    """One setting that was tried: the name of the parameter, its value, and what it reached on the validation split."""

    parameter: str
    value: float | str
    reached: float
    """Of the choice's ``metric``."""
    hr: float
    mrr: float


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen for a shop and why; stored with the model and shown to its owner."""

    parameters: Parameters = Parameters()
    weights: dict[str, float] = msgspec.field(default_factory=lambda: dict(zip(VOICES, DEFAULT_WEIGHTS, strict=True)))
    """Share of each part, summing to 1."""
    metric: str = "mean of -log2(place), places counted to 200"
    value: float = 0.0
    """What the choice reached of ``metric``."""
    hr: float = 0.0
    mrr: float = 0.0
    interval: tuple[float, float] = (0.0, 0.0)
    """95 % interval of ``hr`` over the validation cases, by the normal approximation."""
    cases: int = 0
    """Next clicks predicted to choose; 0 when there were too few sessions and the defaults stand."""
    sessions: int = 0
    """Sessions that the validation fitted on."""
    trials: tuple[Trial, ...] = ()
