"""What recommendations led to: clicks, carts and purchases tied to the impression that they follow from.

An event counts for a recommendation when the product stood in its list and the event came in time, counted from the
showing: a click within ``CLICK_SECONDS``, an add-to-cart or a purchase within ``CONVERSION_SECONDS``. A ``view`` that
carries the recommendation's id is the opened product page and counts as its click. An add-to-cart or purchase that
names no recommendation belongs to the last one in which the same visitor clicked the product. Everything is counted on
the day of the showing, so that the rates of a day compare what was shown with what came of it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

from appliance.domain import Arm
from appliance.store.analytics import Analytics
from appliance.store.attribution_sql import EXPERIMENT, EXPOSURE, OUTCOMES

GroupBy = Literal["placement", "strategy", "arm", "day"]


class Outcomes(msgspec.Struct, frozen=True):
    """What came of a group of shelves. Rates are from 0 to 1."""

    day: str
    """The day of the showing in the shop's time zone, ``2026-01-31``; ``''`` when days are not told apart."""
    name: str
    """Placement, strategy or the experiment's id; ``''`` when only days are told apart."""
    arm: str
    """``a`` or ``b`` when arms are told apart, else ``''``."""
    impressions: int
    """Shelves shown."""
    visitors: int
    """Different visitors among them; shelves that ask for nobody in particular have none."""
    clicks: int
    """Products clicked, each once a shelf."""
    clicked: int
    """Shelves with a click."""
    add_to_carts: int
    """Products put into the cart, each once a shelf."""
    purchases: int
    """Purchase events, one a product of an order."""
    converted: int
    """Shelves with a purchase."""
    revenue: float
    """Price times quantity of the purchases in the shop's currency, in its main unit; those without a price add 0."""

    @property
    def click_through(self) -> float:
        """Return the part of the shelves in which something was clicked."""
        return self.clicked / self.impressions

    @property
    def conversion(self) -> float:
        """Return the part of the shelves that led to a purchase."""
        return self.converted / self.impressions


class ArmOutcome(msgspec.Struct, frozen=True):
    """What the visitors of one arm did."""

    arm: Arm
    visitors: int
    clicked: int
    """Visitors who clicked in a shelf of the experiment."""
    bought: int
    """Visitors who bought anything within ``CONVERSION_SECONDS`` of the first shelf that they were shown."""


class Attribution:
    """Asks the log what came of recommendations. Raises ``StoreError`` while DuckDB cannot be used."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    def outcomes(
        self, since: float, until: float, by: GroupBy, *, time_zone: str, currency: str, daily: bool = False
    ) -> list[Outcomes]:
        """Return what came of the shelves shown from ``since`` to before ``until`` (Unix seconds), by group.

        ``daily`` tells the days of each group apart too. Groups come in order of their day and name; only shelves of
        an experiment have an arm.
        """
        parameters = [since, until, by, daily or by == "day", time_zone, currency]
        return [Outcomes(*row) for row in self._analytics.q("recommendation_outcomes", OUTCOMES, parameters)]

    def experiment(self, experiment_id: str) -> list[ArmOutcome]:
        """Return what the visitors of an experiment did, by arm; nobody's shelves belong to no arm.

        Purchases count whether or not a shelf led to them: crediting them to shelves would favour the arm that shows
        what would have been bought anyway.
        """
        rows = self._analytics.q("experiment_outcomes", EXPERIMENT, [experiment_id])
        return [ArmOutcome(*row) for row in rows]

    def product_exposure(
        self, since: float = 0.0, product_ids: Collection[str] | None = None
    ) -> dict[str, tuple[int, int]]:
        """Return how often each product was shown since a moment (Unix seconds), and clicked: id → (shown, clicked).

        A product that was never shown is left out; ``product_ids`` narrows the answer to some.
        """
        parameters = [since, product_ids is None, list(product_ids or ())]
        rows = self._analytics.q("product_exposure", EXPOSURE, parameters)
        return {product_id: (shown, clicked) for product_id, shown, clicked in rows}
