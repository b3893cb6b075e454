"""What recommendations led to: clicks, carts and purchases tied to the impression that they follow from.

An event counts for a recommendation when the product stood in its list and the event came in time, counted from the
showing: a click within ``CLICK_SECONDS``, an add-to-cart or a purchase within ``CONVERSION_SECONDS``. A ``view`` that
carries the recommendation's id is the opened product page and counts as its click. An add-to-cart or purchase that
names no recommendation belongs to the last one in which the same visitor clicked the product. Everything is counted on
the day of the showing, so that the rates of a day compare what was shown with what came of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

import msgspec

from appliance.domain import Arm
from appliance.store.analytics import Analytics, fetched
from appliance.store.attribution_sql import (
    BUYS,
    CLICK_SECONDS,
    CONVERSION_SECONDS,
    COUNT_SHOWN,
    DROP_REPEATS,
    EXPERIMENT,
    EXPOSURE,
    LAST_TOUCH,
    LOOSE,
    NAMED,
    OUTCOMES,
    SHOWN,
    SHOWN_IN_EXPERIMENT,
    SHOWN_PRODUCTS,
    SKEW_SECONDS,
    TOUCHES,
)

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
        # Shelves around the period are read too: a visitor's last click before a purchase may lie in one of them.
        first, last = since - CLICK_SECONDS, until + CONVERSION_SECONDS
        period = [currency, currency, first - SKEW_SECONDS, last + CONVERSION_SECONDS]
        with self._analytics.reading("recommendation_outcomes") as cursor:
            _show(cursor, SHOWN, [first, last])
            cursor.execute(NAMED, period)
            cursor.execute(LOOSE, period)
            for step in (TOUCHES, BUYS, LAST_TOUCH):
                cursor.execute(step)
            found = cursor.execute(OUTCOMES, [since, until, by, daily or by == "day", time_zone])
            return [Outcomes(*row) for row in found.fetchall()]

    def experiment(self, experiment_id: str) -> list[ArmOutcome]:
        """Return what the visitors of an experiment did, by arm; nobody's shelves belong to no arm.

        Purchases count whether or not a shelf led to them: crediting them to shelves would favour the arm that shows
        what would have been bought anyway.
        """
        with self._analytics.reading("experiment_outcomes") as cursor:
            _show(cursor, SHOWN_IN_EXPERIMENT, [experiment_id])
            return [ArmOutcome(*row) for row in cursor.execute(EXPERIMENT).fetchall()]

    def product_exposure(
        self, since: float = 0.0, product_ids: Collection[str] | None = None
    ) -> dict[str, tuple[int, int]]:
        """Return how often each product was shown since a moment (Unix seconds), and clicked: id → (shown, clicked).

        A product that was never shown is left out; ``product_ids`` narrows the answer to some.
        """
        with self._analytics.reading("product_exposure") as cursor:
            _show(cursor, SHOWN_PRODUCTS, [since])
            cursor.execute(EXPOSURE, [product_ids is None, list(product_ids or ()), since - SKEW_SECONDS])
            return {product_id: (shown, clicked) for product_id, shown, clicked in fetched(cursor)}


def _show(cursor: Any, sql: str, parameters: Sequence[object]) -> None:
    """Gather the shelves in question, each once: a journal put back from a copy has its impressions merged again."""
    cursor.execute(sql, list(parameters))
    rows, different = cursor.execute(COUNT_SHOWN).fetchall()[0]
    if rows != different:
        cursor.execute(DROP_REPEATS)
