"""What recommendations led to, by where and how they were made."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from litestar import Request, get
from litestar.params import QueryParameter

from appliance.domain import Arm, decimals
from appliance.errors import Conflict, Unavailable
from appliance.messages import Locale, catalogue, translate
from appliance.runtime import Runtime
from appliance.server.analytics_schemas import OutcomeOut, RecommendationAnalytics
from appliance.server.exchange import runtime_of
from appliance.server.query import LocaleTag, locale_of
from appliance.store.attribution import Attribution, GroupBy, Outcomes

_PERIOD_DAYS = 30

# A query string cannot say null, so the calendar's ends stand for days that are not named.
FirstDay = Annotated[
    date, QueryParameter(name="from", description="First day, in the shop's time zone; else 30 days to the last one.")
]
LastDay = Annotated[date, QueryParameter(name="to", description="Last day, included; today at the latest.")]
Grouping = Annotated[GroupBy, QueryParameter(description="What to tell apart; `arm` those of experiments.")]
Daily = Annotated[bool, QueryParameter(description="Whether the days of each group are told apart too.")]


@get(
    "/analytics/recommendations",
    operation_id="getRecommendationAnalytics",
    summary="What recommendations led to",
)
async def recommendations(
    request: Request[Any, Any, Any],
    since: FirstDay = date.min,
    until: LastDay = date.max,
    by: Grouping = "placement",
    daily: Daily = False,
    locale: LocaleTag = "",
) -> RecommendationAnalytics:
    """Answer with clicks, carts and purchases of the shelves shown in a period, counted on the day of the showing."""
    runtime = runtime_of(request)
    shop = runtime.settings.shop
    zone = ZoneInfo(shop.timezone)
    last = min(until, datetime.fromtimestamp(runtime.now(), zone).date())
    first = since if since > date.min else _moved(last, 1 - _PERIOD_DAYS)
    if last < first:
        raise Conflict("The period ends before it begins.", hint="Give a `from` that is not after `to`.")
    found = await asyncio.to_thread(
        attribution_of(runtime).outcomes,
        _beginning(first, zone),
        _beginning(_moved(last, 1), zone),
        by,
        time_zone=shop.timezone,
        currency=shop.currency,
        daily=daily,
    )
    language = locale_of(request, locale)
    return RecommendationAnalytics(
        since=first.isoformat(),
        until=last.isoformat(),
        by=by,
        time_zone=shop.timezone,
        currency=shop.currency,
        items=[_out(runtime, outcome, by, language) for outcome in found],
    )


def attribution_of(runtime: Runtime) -> Attribution:
    """Return what answers about attribution. Raises ``Unavailable`` while the log is off."""
    if runtime.log is None:
        raise Unavailable("The interaction log is switched off at the moment.", retry_after=30)
    return runtime.log.attribution


def _out(runtime: Runtime, outcome: Outcomes, by: GroupBy, locale: Locale) -> OutcomeOut:
    currency = runtime.settings.shop.currency
    revenue = round(outcome.revenue, decimals(currency))
    arm: dict[str, Arm] = {"a": "a", "b": "b"}
    return OutcomeOut(
        day=outcome.day,
        name=outcome.name,
        arm=arm.get(outcome.arm, ""),
        label=_label(runtime, outcome, by, locale),
        impressions=outcome.impressions,
        visitors=outcome.visitors,
        clicks=outcome.clicks,
        click_through=round(outcome.click_through, 6),
        add_to_carts=outcome.add_to_carts,
        purchases=outcome.purchases,
        conversion=round(outcome.conversion, 6),
        revenue=int(revenue) if decimals(currency) == 0 else revenue,
    )


def _label(runtime: Runtime, outcome: Outcomes, by: GroupBy, locale: Locale) -> str:
    if by == "day":
        return outcome.day
    if by == "arm":
        found = next((known for known in runtime.experiments.list() if known.id == outcome.name), None)
        if found is None:
            return f"{outcome.name} {outcome.arm.upper()}"
        strategy = found.strategy("b" if outcome.arm == "b" else "a")
        return f"{found.name} {outcome.arm.upper()}: {translate(f'choice.{strategy}', locale)}"
    # The log may know strategies that this version has no more.
    return catalogue(locale).get(f"{by}.{outcome.name}", outcome.name)


def _beginning(day: date, zone: ZoneInfo) -> float:
    """Return the Unix seconds at which a day begins somewhere."""
    return datetime.combine(day, time.min, zone).timestamp()


def _moved(day: date, days: int) -> date:
    """Return the day so many days later, or the calendar's first or last one."""
    try:
        return day + timedelta(days)
    except OverflowError:
        return date.min if days < 0 else date.max
