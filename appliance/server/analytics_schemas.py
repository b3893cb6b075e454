"""What the admin routes about recommendations' success and about experiments take and give."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from appliance.domain import Arm, ExperimentMetric, Placement, StrategyChoice
from appliance.server.admin_schemas import Name
from appliance.server.schemas import Amount, In, Out
from appliance.store.attribution import GroupBy
from appliance.store.experiments import MAX_SHARE, MIN_SHARE


class OutcomeOut(Out, frozen=True, kw_only=True):
    """What came of a group of shelves; rates are from 0 to 1."""

    day: str
    """The day of the showing in the shop's time zone; empty when days are not told apart."""
    name: str
    """Placement, strategy or the experiment's id; empty when only days are told apart."""
    arm: Arm | Literal[""]
    label: str
    """The name as a person says it: for an arm the experiment's name and what the arm shows."""
    impressions: int
    """Shelves shown."""
    visitors: int
    """Different visitors; shelves that are the same for everybody have none."""
    clicks: int
    """Products clicked, each once a shelf."""
    click_through: float
    """The part of the shelves in which something was clicked."""
    add_to_carts: int
    """Products put into the cart, each once a shelf."""
    purchases: int
    """Purchase events, one a product of an order."""
    conversion: float
    """The part of the shelves that led to a purchase."""
    revenue: Amount
    """Of the purchases with a price in the shop's currency."""


class RecommendationAnalytics(Out, frozen=True, kw_only=True):
    """What came of the recommendations of a period, by group."""

    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    """The last day, included."""
    by: GroupBy
    time_zone: str
    currency: str
    items: list[OutcomeOut]


class ExperimentIn(In, frozen=True, kw_only=True):
    """Two strategies to compare."""

    name: Name
    placement: Placement | None = None
    """``null``: every placement."""
    arm_a: StrategyChoice = "blend"
    arm_b: StrategyChoice
    share: Annotated[float, msgspec.Meta(ge=MIN_SHARE, le=MAX_SHARE)] = 0.5
    """The part of the visitors who get ``arm_b``."""
    metric: ExperimentMetric = "click"


class ExperimentOut(Out, frozen=True, kw_only=True):
    """An experiment."""

    id: str
    name: str
    placement: Placement | None
    arm_a: StrategyChoice
    arm_b: StrategyChoice
    share: float
    metric: ExperimentMetric
    state: Literal["running", "ended"]
    started_at: str
    ended_at: str | None


class ExperimentList(Out, frozen=True, kw_only=True):
    """All experiments, the newest first."""

    items: list[ExperimentOut]


class ArmOut(Out, frozen=True, kw_only=True):
    """What the visitors of one arm did."""

    arm: Arm
    strategy: StrategyChoice
    visitors: int
    successes: int
    """Visitors who clicked in one of its shelves, or who bought something, as the experiment's metric says."""
    rate: float


class VerdictOut(Out, frozen=True, kw_only=True):
    """Which arm is better as far as can be told. It may be read at any time without growing less reliable."""

    outcome: Literal["a", "b", "none"]
    difference: float
    """Rate of b minus rate of a."""
    low: float
    high: float
    """Where the true difference lies, with ``confidence`` at every look together."""
    confidence: float
    p_value: float
    mismatch: bool
    """Whether the visitors are not divided as they should be."""
    text: str
    warning: str


class ExperimentReport(Out, frozen=True, kw_only=True):
    """An experiment with what is known so far."""

    experiment: ExperimentOut
    arms: list[ArmOut]
    verdict: VerdictOut
