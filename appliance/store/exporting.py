"""What is read from the whole log at once: arrays for training, popularity, and the newest visitors' events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from appliance.domain import Interaction, InteractionType
from appliance.store.analytics import Analytics
from appliance.store.ownership import OWNER, owner_join
from appliance.store.snapshot import InteractionArrays

_SLICE = 10_000
_TYPES = [str(kind) for kind in InteractionType]

# Events with a known product; a guest without a link is known by the session.
_OWNED = f"""
create temp table owned as
select e.seq, e.session_id, coalesce(r.product_id, e.product_id) as product_id, e.interaction_type, e.weight,
    epoch_us(e.occurred_at) as occurred_us, coalesce(nullif({OWNER}, ''), e.session_id) as visitor
from interaction_events e {owner_join()}
left join event_resolutions r on e.seq = r.seq
where (e.product_id <> '' or e.product_handle <> '') and e.seq not in (select seq from parked_events)"""  # noqa: S608  (our own text)
_CODES = """
create temp table {table} as select name, (row_number() over () - 1)::integer as code
from (select distinct {column} as name from owned where {column} <> '')"""
_NAMES = "select name from {table} order by code"
_COLUMNS = """
select coalesce(v.code, -1)::integer as visitor, coalesce(s.code, -1)::integer as session,
    p.code::integer as product, (list_position(?::varchar[], o.interaction_type) - 1)::tinyint as type,
    o.weight::float as weight, o.occurred_us as occurred_us, o.seq as seq
from owned o
left join visitors v on o.visitor = v.name
left join sessions s on o.session_id = s.name
join products p on o.product_id = p.name
where list_contains(?::varchar[], o.interaction_type)"""
_POPULAR = """
select coalesce(r.product_id, e.product_id) as product, e.interaction_type,
    epoch(date_trunc('day', e.occurred_at)) as day, count(*), sum(e.weight)
from interaction_events e left join event_resolutions r on e.seq = r.seq
where e.occurred_at >= make_timestamp((?::double * 1e6)::bigint) and (e.product_id <> '' or e.product_handle <> '')
    and e.seq not in (select seq from parked_events)
group by all order by product, e.interaction_type, day"""
_FLOOR = """
select case when count(*) < ? then ? else min(newest) end from (
    select max(seq) as newest from interaction_events
    where seq > ? and received_at >= make_timestamp((?::double * 1e6)::bigint) and (user_id <> '' or session_id <> '')
    group by user_id, case when user_id = '' then session_id else '' end
    order by newest desc limit ?
)"""
_EVENTS = f"""
select e.event_id, {OWNER}, e.session_id, coalesce(r.product_id, e.product_id), e.product_handle, e.interaction_type,
    e.weight, epoch(e.occurred_at), epoch(e.received_at), e.recommendation_id,
    case when e.metadata::varchar = '{{}}' then '' else e.metadata::varchar end
from (select * from interaction_events where seq >= ? and seq < ?) e {owner_join()}
left join event_resolutions r on e.seq = r.seq
where e.received_at >= make_timestamp((?::double * 1e6)::bigint)
order by e.seq"""  # noqa: S608  (our own text)


class PopularCount(msgspec.Struct, frozen=True, gc=False):
    """How often a product met one type of interaction on one day."""

    product_id: str
    interaction_type: str
    day: float
    """Unix seconds of the day's start in UTC."""
    occurrences: int
    weight: float


def export_arrays(analytics: Analytics) -> InteractionArrays:
    """Return the whole log as arrays; strings are turned into codes by DuckDB."""
    lists: dict[str, list[str]] = {}
    with analytics.reading("export_arrays") as cursor:
        cursor.execute(_OWNED)
        for table, column in (("visitors", "visitor"), ("sessions", "session_id"), ("products", "product_id")):
            cursor.execute(_CODES.format(table=table, column=column))
            lists[table] = [row[0] for row in cursor.execute(_NAMES.format(table=table)).fetchall()]
        columns: dict[str, Any] = cursor.execute(_COLUMNS, [_TYPES, _TYPES]).fetchnumpy()
    plain = {name: np.ma.getdata(values) for name, values in columns.items()}
    order = np.lexsort((plain["seq"], plain["occurred_us"]))
    return InteractionArrays(
        visitor=plain["visitor"][order].astype(np.int32, copy=False),
        session=plain["session"][order].astype(np.int32, copy=False),
        product=plain["product"][order].astype(np.int32, copy=False),
        type=plain["type"][order].astype(np.int8, copy=False),
        weight=plain["weight"][order].astype(np.float32, copy=False),
        occurred_at=plain["occurred_us"][order].astype(np.float64) / 1e6,
        visitors=lists["visitors"],
        sessions=lists["sessions"],
        product_ids=lists["products"],
    )


def popular(analytics: Analytics, since: float) -> list[PopularCount]:
    """Return the counts by product, type and UTC day of what occurred since a moment (Unix seconds)."""
    return [PopularCount(*row) for row in analytics.q("popular", _POPULAR, [since])]


def recent_events(analytics: Analytics, visitors: int, each: int, since: float) -> Iterator[list[Interaction]]:
    """Yield the newest events in order of arrival: back to where so many visitors were seen, ``each`` on average."""
    last = int(analytics.q("position", "select last_seq from log_position")[0][0])
    bottom = max(0, last - visitors * each)
    begin = int(analytics.q("recent_floor", _FLOOR, [visitors, bottom + 1, bottom, since, visitors])[0][0])
    for lower in range(begin, last + 1, _SLICE):
        rows = analytics.q("recent_events", _EVENTS, [lower, min(lower + _SLICE, last + 1), since])
        if rows:
            yield [Interaction(*row) for row in rows]
