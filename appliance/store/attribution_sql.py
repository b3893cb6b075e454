"""The questions of ``attribution`` as SQL, with the windows in which an event counts.

Each begins with ``asked``, one row of the parameters by name. Everything runs on DuckDB 1.5.6 too.
"""

from __future__ import annotations

from appliance.store.ownership import OWNER, SESSION_PREFIX, USER_PREFIX, owner_join, visitor_sql

CLICK_SECONDS = 86_400
"""A shelf that is looked at a day later was left open in a tab."""
CONVERSION_SECONDS = 7 * 86_400
"""A purchase a week later has other reasons."""
SKEW_SECONDS = 300
"""A browser's clock may be slow: an event counts although it seems to come so much before the showing."""

_IS_CLICK = "in ('click', 'view')"
_WINDOW = f"case when interaction_type {_IS_CLICK} then {CLICK_SECONDS} else {CONVERSION_SECONDS} end"
_MOMENT = "make_timestamp((?::double * 1e6)::bigint)"
# A journal that was put back from a copy has its impressions merged again.
_ONCE = "qualify row_number() over (partition by recommendation_id order by shown_at) = 1"
_PRODUCT = "coalesce(r.product_id, e.product_id)"
_EVENTS = "interaction_events e left join event_resolutions r on e.seq = r.seq"

_PRICE = "try_cast(e.metadata->>'price' as double)"
_QUANTITY = "coalesce(try_cast(e.metadata->>'quantity' as double), 1)"
_AMOUNT = f"""
case when e.interaction_type = 'purchase' and coalesce(e.metadata->>'currency', asked.currency) = asked.currency
    and {_PRICE} between 0 and 1e15 and {_QUANTITY} between 1 and 10000 then {_PRICE} * {_QUANTITY} end"""

EXPOSURE = f"""
with asked as (select {_MOMENT} as since, ? as everything, ?::varchar[] as products),
shown as (select i.* from rec_impressions i, asked where shown_at >= since {_ONCE}),
listed as (select recommendation_id, shown_at, unnest(list_distinct(product_ids)) as product_id from shown),
places as (
    select l.* from listed l, asked
    where everything or l.product_id in (select unnest(products) from asked)
),
clicked as (
    select distinct e.recommendation_id, {_PRODUCT} as product_id, e.occurred_at from {_EVENTS}, asked
    where e.recommendation_id <> '' and e.interaction_type {_IS_CLICK}
        and e.occurred_at >= since - to_seconds({SKEW_SECONDS})
),
counted as (
    select distinct p.recommendation_id, p.product_id from places p
    join clicked c on p.recommendation_id = c.recommendation_id and p.product_id = c.product_id
    where c.occurred_at between p.shown_at - to_seconds({SKEW_SECONDS}) and p.shown_at + to_seconds({CLICK_SECONDS})
)
select p.product_id, count(*), count(c.product_id) from places p
left join counted c on p.recommendation_id = c.recommendation_id and p.product_id = c.product_id
group by p.product_id"""  # noqa: S608  (our own text)

# Shelves before and after the period are read too: a visitor's last click before a purchase may lie in one of them.
_SHOWN = f"""
shown as (
    select i.* from rec_impressions i, asked
    where shown_at >= since - to_seconds({CLICK_SECONDS}) and shown_at < until + to_seconds({CONVERSION_SECONDS})
    {_ONCE}
)"""  # noqa: S608  (our own text)
_HAPPENED = f"""
happened as (
    select e.seq, e.recommendation_id, e.interaction_type, {_PRODUCT} as product_id, e.user_id, e.session_id,
        e.occurred_at, {_AMOUNT} as amount
    from {_EVENTS}, asked
    where e.interaction_type in ('click', 'view', 'add_to_cart', 'purchase')
        and (e.recommendation_id <> '' or e.interaction_type not {_IS_CLICK})
        and e.occurred_at >= since - to_seconds({CLICK_SECONDS + SKEW_SECONDS})
        and e.occurred_at <= until + to_seconds({2 * CONVERSION_SECONDS})
)"""  # noqa: S608  (our own text)
_NAMED = f"""
named as (
    select e.*, s.shown_at from happened e join shown s on e.recommendation_id = s.recommendation_id
    where list_contains(s.product_ids, e.product_id) and e.occurred_at between
        s.shown_at - to_seconds({SKEW_SECONDS}) and s.shown_at + to_seconds({_WINDOW})
)"""  # noqa: S608  (our own text)
# A visitor is known by the customer and by the session; either may link a purchase to an earlier click.
_LAST_TOUCH = f"""
touches as (select * from named where interaction_type {_IS_CLICK}),
loose as (
    select *, null::timestamp as shown_at from happened
    where recommendation_id = '' and product_id in (select product_id from touches)
),
parties as (
    select e.*, {OWNER} as owner from (select * from touches union all select * from loose) e {owner_join()}
),
keyed as (
    select *, unnest(['{USER_PREFIX}' || owner, '{SESSION_PREFIX}' || session_id]) as party from parties
),
clicks as (select * from keyed where recommendation_id <> '' and length(party) > 2),
buys as (select * from keyed where recommendation_id = '' and length(party) > 2),
met as (
    select b.seq, c.recommendation_id, c.occurred_at, c.shown_at from buys b
    asof join clicks c on b.party = c.party and b.product_id = c.product_id and b.occurred_at >= c.occurred_at
),
last_touch as (
    select seq, arg_max(recommendation_id, occurred_at) as recommendation_id, arg_max(shown_at, occurred_at) as shown_at
    from met group by seq
)"""  # noqa: S608  (our own text)
_LED_TO = f"""
credited as (
    select recommendation_id, product_id, interaction_type, amount from named
    union all
    select t.recommendation_id, e.product_id, e.interaction_type, e.amount from last_touch t join loose e using (seq)
    where e.occurred_at <= t.shown_at + to_seconds({CONVERSION_SECONDS})
),
led_to as (
    select recommendation_id, count(distinct product_id) filter (interaction_type {_IS_CLICK}) as clicks,
        count(distinct product_id) filter (interaction_type = 'add_to_cart') as carts,
        count(*) filter (interaction_type = 'purchase') as purchases, sum(amount) as revenue
    from credited group by recommendation_id
)"""  # noqa: S608  (our own text)
OUTCOMES = f"""
with asked as (
    select {_MOMENT} as since, {_MOMENT} as until, ?::varchar as grouped_by, ?::boolean as daily, ?::varchar as zone,
        ?::varchar as currency
),{_SHOWN},{_HAPPENED},{_NAMED},{_LAST_TOUCH},{_LED_TO},
shelves as (
    select case when daily then timezone(zone, timezone('UTC', shown_at))::date::varchar else '' end as day,
        case grouped_by when 'placement' then placement when 'strategy' then strategy when 'arm' then experiment_id
            else '' end as name,
        case when grouped_by = 'arm' then arm else '' end as arm,
        nullif({visitor_sql("user_id", "session_id")}, '') as visitor,
        coalesce(clicks, 0) as clicks, coalesce(carts, 0) as carts, coalesce(purchases, 0) as purchases,
        coalesce(revenue, 0) as revenue
    from shown left join led_to using (recommendation_id), asked
    where shown_at >= since and shown_at < until and (grouped_by <> 'arm' or experiment_id <> '')
)
select day, name, arm, count(*), count(distinct visitor), sum(clicks)::bigint, count(*) filter (clicks > 0),
    sum(carts)::bigint, sum(purchases)::bigint, count(*) filter (purchases > 0), sum(revenue)::double
from shelves group by day, name, arm order by day, name, arm"""  # noqa: S608  (our own text)

EXPERIMENT = f"""
with asked as (select ?::varchar as experiment),
shown as (
    select i.*, {visitor_sql("user_id", "session_id")} as unit from rec_impressions i, asked
    where experiment_id = experiment and arm in ('a', 'b') and (user_id <> '' or session_id <> '') {_ONCE}
),
units as (
    select unit, arm, min(shown_at) as first_shown, any_value(session_id) filter (user_id = '') as guest
    from shown group by unit, arm
),
clicked as (
    select distinct s.unit, s.arm from shown s join (select e.*, {_PRODUCT} as product from {_EVENTS}
        where e.recommendation_id <> '' and e.interaction_type {_IS_CLICK}) e
        on e.recommendation_id = s.recommendation_id
    where list_contains(s.product_ids, e.product) and e.occurred_at
        between s.shown_at - to_seconds({SKEW_SECONDS}) and s.shown_at + to_seconds({CLICK_SECONDS})
),
bought as (
    select e.occurred_at, unnest(['{USER_PREFIX}' || {OWNER}, '{SESSION_PREFIX}' || e.session_id]) as party
    from (select * from interaction_events where interaction_type = 'purchase'
        and occurred_at >= (select min(first_shown) - to_seconds({SKEW_SECONDS}) from units)
        and occurred_at <= (select max(first_shown) + to_seconds({CONVERSION_SECONDS}) from units)) e {owner_join()}
),
parties as (
    select unit, arm, first_shown, unit as party from units
    union all
    select unit, arm, first_shown, '{USER_PREFIX}' || l.user_id from units u
    join (select session_id, arg_min(user_id, seq) as user_id from session_links group by session_id) l
        on u.guest = l.session_id
),
buyers as (
    select distinct p.unit, p.arm from parties p join bought b on p.party = b.party
    where b.occurred_at between p.first_shown - to_seconds({SKEW_SECONDS})
        and p.first_shown + to_seconds({CONVERSION_SECONDS})
)
select u.arm, count(*), count(c.unit), count(b.unit) from units u
left join clicked c on u.unit = c.unit and u.arm = c.arm
left join buyers b on u.unit = b.unit and u.arm = b.arm
group by u.arm order by u.arm"""  # noqa: S608  (our own text)
