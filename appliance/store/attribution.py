"""What recommendations led to: clicks, carts and purchases tied to the impression that they follow from.

An event counts for a recommendation when the product stood in its list and the event came in time: a click within
``CLICK_SECONDS`` of the showing, an add-to-cart or a purchase within ``CONVERSION_SECONDS``. A ``view`` that carries
the recommendation's id is the opened product page and counts as its click; one product of one recommendation is clicked
once.
"""

from __future__ import annotations

from collections.abc import Collection

from appliance.store.analytics import Analytics

CLICK_SECONDS = 86_400.0
"""A shelf that is looked at a day later was left open in a tab."""
CONVERSION_SECONDS = 7 * 86_400.0
"""A purchase a week later has other reasons."""
SKEW_SECONDS = 300.0
"""A browser's clock may be slow: an event counts although it seems to come so much before the showing."""

# A journal that was put back from a copy has its impressions merged again.
_SHOWN = """
select * from rec_impressions where shown_at >= make_timestamp((?::double * 1e6)::bigint)
qualify row_number() over (partition by recommendation_id order by shown_at) = 1"""
_EXPOSURE = f"""
with shown as ({_SHOWN}),
listed as (select recommendation_id, shown_at, unnest(list_distinct(product_ids)) as product_id from shown),
wanted as (select unnest(?::varchar[]) as product_id),
places as (select l.* from listed l where ? or l.product_id in (select product_id from wanted)),
clicked as (
    select distinct e.recommendation_id, coalesce(r.product_id, e.product_id) as product_id, e.occurred_at
    from interaction_events e left join event_resolutions r on e.seq = r.seq
    where e.recommendation_id <> '' and e.interaction_type in ('click', 'view')
        and e.occurred_at >= make_timestamp((?::double * 1e6)::bigint)
),
counted as (
    select distinct p.recommendation_id, p.product_id from places p
    join clicked c on p.recommendation_id = c.recommendation_id and p.product_id = c.product_id
    where c.occurred_at between p.shown_at - to_seconds(?::double) and p.shown_at + to_seconds(?::double)
)
select p.product_id, count(*), count(c.product_id) from places p
left join counted c on p.recommendation_id = c.recommendation_id and p.product_id = c.product_id
group by p.product_id"""  # noqa: S608  (our own text)


class Attribution:
    """Asks the log what came of recommendations. Raises ``StoreError`` while DuckDB cannot be used."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    def product_exposure(
        self, since: float = 0.0, product_ids: Collection[str] | None = None
    ) -> dict[str, tuple[int, int]]:
        """Return how often each product was shown since a moment (Unix seconds), and clicked: id → (shown, clicked).

        A product that was never shown is left out; ``product_ids`` narrows the answer to some.
        """
        rows = self._analytics.q(
            "product_exposure",
            _EXPOSURE,
            [since, list(product_ids or ()), product_ids is None, since - SKEW_SECONDS, SKEW_SECONDS, CLICK_SECONDS],
        )
        return {product_id: (shown, clicked) for product_id, shown, clicked in rows}
