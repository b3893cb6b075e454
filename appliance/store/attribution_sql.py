"""The questions of ``attribution`` as SQL, with the windows in which an event counts.

Each is a few statements on one cursor, of which the first makes ``shown``, the shelves in question. Everything runs on
DuckDB 1.5.6 too.
"""

from __future__ import annotations

from appliance.store.ownership import SESSION_PREFIX, USER_PREFIX, visitor_sql

CLICK_SECONDS = 86_400
"""A shelf that is looked at a day later was left open in a tab."""
CONVERSION_SECONDS = 7 * 86_400
"""A purchase a week later has other reasons."""
SKEW_SECONDS = 300
"""A browser's clock may be slow: an event counts although it seems to come so much before the showing."""

_IS_CLICK = "in ('click', 'view')"
_WINDOW = f"case when interaction_type {_IS_CLICK} then {CLICK_SECONDS} else {CONVERSION_SECONDS} end"
_MOMENT = "make_timestamp((?::double * 1e6)::bigint)"
_PRODUCT = "coalesce(r.product_id, e.product_id)"
_EVENTS = "interaction_events e left join event_resolutions r on e.seq = r.seq"

_LINKS = "(select distinct session_id, user_id from session_links)"

_PRICE = "try_cast(e.metadata->>'price' as double)"
_QUANTITY = "coalesce(try_cast(e.metadata->>'quantity' as double), 1)"
_AMOUNT = f"""
case when e.interaction_type = 'purchase' and coalesce(e.metadata->>'currency', ?) = ?
    and {_PRICE} between 0 and 1e15 and {_QUANTITY} between 1 and 10000 then {_PRICE} * {_QUANTITY} end"""

# The steps of the outcomes, each a table of its own: as one statement DuckDB took minutes over a million events. Names
# are compared by their 64-bit hashes, which take a fraction of the memory.
SHOWN = f"""
create or replace temp table shown as
select hash(recommendation_id) as shelf, list_transform(product_ids, lambda id: hash(id)) as products, shown_at,
    placement, strategy, experiment_id, arm,
    case when user_id <> '' or session_id <> '' then hash({visitor_sql("user_id", "session_id")}) end as visitor
from rec_impressions where shown_at >= {_MOMENT} and shown_at < {_MOMENT}"""  # noqa: S608  (our own text)
COUNT_SHOWN = "select count(*), count(distinct shelf) from shown"
DROP_REPEATS = "delete from shown where rowid not in (select min(rowid) from shown group by shelf)"
_HAPPENED = f"""
select e.seq, hash(e.recommendation_id) as shelf, hash({_PRODUCT}) as product, e.interaction_type, e.user_id,
    e.session_id, e.occurred_at, {_AMOUNT} as amount
from (
    select * from interaction_events where occurred_at >= {_MOMENT} and occurred_at < {_MOMENT} and {{which}}
) e left join event_resolutions r on e.seq = r.seq"""  # noqa: S608  (our own text)
_CONVERSIONS = "interaction_type in ('add_to_cart', 'purchase')"
_WITH_ID = f"recommendation_id <> '' and (interaction_type {_IS_CLICK} or {_CONVERSIONS})"
NAMED = f"""
create or replace temp table named as
with happened as ({_HAPPENED.format(which=_WITH_ID)})
select h.*, s.shown_at from happened h join shown s on h.shelf = s.shelf
where list_contains(s.products, h.product) and h.occurred_at
    between s.shown_at - to_seconds({SKEW_SECONDS}) and s.shown_at + to_seconds({_WINDOW})"""  # noqa: S608  (our own text)
_TOUCHES = f"(select * from named where interaction_type {_IS_CLICK})"  # noqa: S608  (our own text)
LOOSE = f"""
create or replace temp table loose as
with happened as ({_HAPPENED.format(which=f"recommendation_id = '' and {_CONVERSIONS}")})
select * from happened where product in (select product from {_TOUCHES})"""  # noqa: S608  (our own text)
# A visitor is known by the customer, by the session, and a guest's session by the customers who signed in on it.
# Sorted windows stand where ASOF joins took minutes on DuckDB 1.5.
_PARTIES = f"""
select seq, shelf, product, occurred_at, shown_at, hash('{USER_PREFIX}' || user_id) as party
from {{source}} where user_id <> ''
union all
select seq, shelf, product, occurred_at, shown_at, hash('{SESSION_PREFIX}' || session_id) as party
from {{source}} where session_id <> ''
union all
select seq, shelf, product, occurred_at, shown_at, hash('{USER_PREFIX}' || l.user_id) as party
from {{source}} e join {_LINKS} l on e.session_id = l.session_id where e.user_id = ''"""  # noqa: S608  (our own text)
TOUCHES = f"create or replace temp table touches as {_PARTIES.format(source=_TOUCHES)}"
BUYS = f"""
create or replace temp table buys as select * from (
    {_PARTIES.format(source="(select *, null::timestamp as shown_at from loose)")}
) where (party, product) in (select (party, product) from touches)"""  # noqa: S608  (our own text)
LAST_TOUCH = """
create or replace temp table last_touch as
select seq, arg_max(shelf, touched_at) as shelf, arg_max(shown_at, touched_at) as shown_at from (
    select seq, is_buy, last_value(case when not is_buy then shelf end ignore nulls) over before as shelf,
        last_value(shown_at ignore nulls) over before as shown_at,
        last_value(case when not is_buy then occurred_at end ignore nulls) over before as touched_at
    from (select *, false as is_buy from touches union all select *, true as is_buy from buys)
    window before as (
        partition by party, product order by occurred_at, is_buy rows between unbounded preceding and current row
    )
) where is_buy and touched_at is not null group by seq"""
OUTCOMES = f"""
with asked as (
    select {_MOMENT} as since, {_MOMENT} as until, ?::varchar as grouped_by, ?::boolean as daily, ?::varchar as zone
),
credited as (
    select shelf, product, interaction_type, amount from named
    union all
    select t.shelf, e.product, e.interaction_type, e.amount from last_touch t join loose e on t.seq = e.seq
    where e.occurred_at <= t.shown_at + to_seconds({CONVERSION_SECONDS})
),
led_to as (
    select shelf, count(distinct product) filter (interaction_type {_IS_CLICK}) as clicks,
        count(distinct product) filter (interaction_type = 'add_to_cart') as carts,
        count(*) filter (interaction_type = 'purchase') as purchases, sum(amount) as revenue
    from credited group by shelf
),
shelves as (
    select case when daily then timezone(zone, timezone('UTC', s.shown_at))::date::varchar else '' end as day,
        case grouped_by when 'placement' then placement when 'strategy' then strategy when 'arm' then experiment_id
            else '' end as name,
        case when grouped_by = 'arm' then arm else '' end as arm,
        visitor, coalesce(clicks, 0) as clicks, coalesce(carts, 0) as carts, coalesce(purchases, 0) as purchases,
        coalesce(revenue, 0) as revenue
    from shown s left join led_to l on s.shelf = l.shelf, asked
    where s.shown_at >= since and s.shown_at < until and (grouped_by <> 'arm' or experiment_id <> '')
)
select day, name, arm, count(*), count(distinct visitor), sum(clicks)::bigint, count(*) filter (clicks > 0),
    sum(carts)::bigint, sum(purchases)::bigint, count(*) filter (purchases > 0), sum(revenue)::double
from shelves group by day, name, arm order by day, name, arm"""  # noqa: S608  (our own text)

SHOWN_PRODUCTS = f"""
create or replace temp table shown as
select hash(recommendation_id) as shelf, product_ids, shown_at from rec_impressions where shown_at >= {_MOMENT}"""  # noqa: S608  (our own text)
EXPOSURE = f"""
with asked as (select ?::boolean as everything, ?::varchar[] as products),
places as (select product_id, count(*) as shown from (select unnest(product_ids) as product_id from shown) group by 1),
clicks as (
    select product_id, count(distinct shelf) as clicked from (
        select s.shelf, {_PRODUCT} as product_id, s.product_ids, s.shown_at, e.occurred_at
        from (
            select * from interaction_events where recommendation_id <> '' and interaction_type {_IS_CLICK}
                and occurred_at >= {_MOMENT}
        ) e left join event_resolutions r on e.seq = r.seq join shown s on hash(e.recommendation_id) = s.shelf
    )
    where list_contains(product_ids, product_id)
        and occurred_at between shown_at - to_seconds({SKEW_SECONDS}) and shown_at + to_seconds({CLICK_SECONDS})
    group by product_id
)
select p.product_id, p.shown, coalesce(c.clicked, 0)
from places p left join clicks c on p.product_id = c.product_id, asked
where everything or p.product_id in (select unnest(products) from asked)"""  # noqa: S608  (our own text)

SHOWN_IN_EXPERIMENT = f"""
create or replace temp table shown as
select hash(recommendation_id) as shelf, product_ids, shown_at, arm, session_id, user_id,
    {visitor_sql("user_id", "session_id")} as unit
from rec_impressions where experiment_id = ? and arm in ('a', 'b') and (user_id <> '' or session_id <> '')"""  # noqa: S608  (our own text)
EXPERIMENT = f"""
with units as (
    select unit, arm, min(shown_at) as first_shown, any_value(session_id) filter (user_id = '') as guest
    from shown group by unit, arm
),
clicked as (
    select distinct s.unit, s.arm from shown s join (select e.*, {_PRODUCT} as product from {_EVENTS}
        where e.recommendation_id <> '' and e.interaction_type {_IS_CLICK}) e
        on hash(e.recommendation_id) = s.shelf
    where list_contains(s.product_ids, e.product) and e.occurred_at
        between s.shown_at - to_seconds({SKEW_SECONDS}) and s.shown_at + to_seconds({CLICK_SECONDS})
),
bought as (
    select user_id, session_id, occurred_at from interaction_events
    where interaction_type = 'purchase'
        and occurred_at >= (select min(first_shown) - to_seconds({SKEW_SECONDS}) from units)
        and occurred_at <= (select max(first_shown) + to_seconds({CONVERSION_SECONDS}) from units)
),
buying as (
    select occurred_at, '{USER_PREFIX}' || user_id as party from bought where user_id <> ''
    union all
    select occurred_at, '{SESSION_PREFIX}' || session_id from bought where session_id <> ''
    union all
    select occurred_at, '{USER_PREFIX}' || l.user_id from bought e join {_LINKS} l on e.session_id = l.session_id
    where e.user_id = ''
),
parties as (
    select unit, arm, first_shown, unit as party from units
    union all
    select unit, arm, first_shown, '{USER_PREFIX}' || l.user_id from units u
    join {_LINKS} l on u.guest = l.session_id
),
buyers as (
    select distinct p.unit, p.arm from parties p join buying b on p.party = b.party
    where b.occurred_at between p.first_shown - to_seconds({SKEW_SECONDS})
        and p.first_shown + to_seconds({CONVERSION_SECONDS})
)
select u.arm, count(*), count(c.unit), count(b.unit) from units u
left join clicked c on u.unit = c.unit and u.arm = c.arm
left join buyers b on u.unit = b.unit and u.arm = b.arm
group by u.arm order by u.arm"""  # noqa: S608  (our own text)
