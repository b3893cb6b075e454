"""What is read from the whole log at once: arrays for training, popularity, and the newest visitors' events."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.domain import Interaction, InteractionType
from appliance.store.analytics import Analytics
from appliance.store.ownership import OWNER, owner_join, visitor_name, visitor_sql
from appliance.store.snapshot import InteractionArrays

_SLICE = 10_000
_EXPORT_SLICE = 250_000
_NAMED = ("visitor", "session", "product")
_TYPES = [str(kind) for kind in InteractionType]
_Array = np.ndarray[Any, Any]

# Events with a known product; a guest without a link is known by the session. Names travel as 64-bit keys: turning
# millions of them into codes by joins took DuckDB past its memory limit.
_PART = f"""
create or replace temp table part as
with slice as (select * from interaction_events where seq > ? and seq <= ?),
links as (select * from session_links where session_id in (select session_id from slice where user_id = '')),
parked as (select seq from parked_events where seq > ? and seq <= ?)
select e.seq, e.session_id as session, coalesce(r.product_id, e.product_id) as product, e.interaction_type, e.weight,
    epoch_us(e.occurred_at) as occurred_us, {OWNER} as owner, {visitor_sql("owner", "session")} as visitor
from slice e {owner_join("links")}
left join event_resolutions r on e.seq = r.seq
where (e.product_id <> '' or e.product_handle <> '') and e.seq not in (select seq from parked)
    and list_contains(?::varchar[], e.interaction_type)
order by e.seq"""  # noqa: S608  (our own text)
_KEYS = """
select case when visitor = '' then 0 else md5_number_lower(visitor) end::ubigint as visitor,
    case when session = '' then 0 else md5_number_lower(session) end::ubigint as session,
    md5_number_lower(product) as product, (list_position(?::varchar[], interaction_type) - 1)::tinyint as type,
    weight::float as weight, occurred_us
from part order by seq"""
_NAMES = "select distinct {column} as name, md5_number_lower({column}) as key from part where {column} <> ''"
_POPULAR = f"""
select product, interaction_type, day, sum(occurrences)::bigint, sum(weight) from (
    select coalesce(r.product_id, e.product_id) as product, e.interaction_type,
        epoch(date_trunc('day', e.occurred_at)) as day, count(*) as occurrences, max(e.weight) as weight,
        {visitor_sql("e.user_id", "e.session_id")} as visitor
    from interaction_events e left join event_resolutions r on e.seq = r.seq
    where e.occurred_at >= make_timestamp((?::double * 1e6)::bigint) and (e.product_id <> '' or e.product_handle <> '')
        and e.seq not in (select seq from parked_events)
    group by all
) group by all order by product, interaction_type, day"""  # noqa: S608  (our own text)
_FLOOR = f"""
select case when count(*) < ? then ? else min(newest) end from (
    select max(seq) as newest from interaction_events
    where seq > ? and received_at >= make_timestamp((?::double * 1e6)::bigint) and (user_id <> '' or session_id <> '')
    group by md5_number_lower({visitor_sql("user_id", "session_id")})
    order by newest desc limit ?
)"""  # noqa: S608  (our own text)
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
    """Sum over the visitors of the heaviest event of each, so that nobody counts for many."""


def export_arrays(analytics: Analytics, opted_out: Collection[tuple[str, str]] = ()) -> InteractionArrays:
    """Return the whole log as arrays, read in slices of which each needs little memory.

    The events of ``opted_out``, pairs of ``user`` or ``session`` and the id, belong to nobody.
    """
    parts: dict[str, list[_Array]] = {name: [] for name in (*_NAMED, "type", "weight", "occurred_us")}
    names: dict[str, list[dict[str, _Array]]] = {name: [] for name in _NAMED}
    with analytics.reading("export_arrays") as cursor:
        last = int(cursor.execute("select last_seq from log_position").fetchall()[0][0])
        for lower in range(0, last, _EXPORT_SLICE):
            upper = min(lower + _EXPORT_SLICE, last)
            cursor.execute(_PART, [lower, upper, lower, upper, _TYPES])
            for name, values in cursor.execute(_KEYS, [_TYPES]).fetchnumpy().items():
                parts[name].append(np.ma.getdata(values))
            for name in _NAMED:
                names[name].append(cursor.execute(_NAMES.format(column=name)).fetchnumpy())
    if not last:
        return InteractionArrays.empty()
    occurred = np.concatenate(parts["occurred_us"])
    order = np.argsort(occurred, kind="stable")
    codes, lists = {}, {}
    for name in _NAMED:
        codes[name], lists[name] = _coded(np.concatenate(parts.pop(name))[order], names.pop(name))
    if opted_out:
        _veil(codes, lists, opted_out)
    return InteractionArrays(
        visitor=codes["visitor"],
        session=codes["session"],
        product=codes["product"],
        type=np.concatenate(parts["type"])[order].astype(np.int8, copy=False),
        weight=np.concatenate(parts["weight"])[order].astype(np.float32, copy=False),
        occurred_at=occurred[order].astype(np.float64) / 1e6,
        visitors=lists["visitor"],
        sessions=lists["session"],
        product_ids=lists["product"],
    )


def _coded(keys: _Array, parts: list[dict[str, _Array]]) -> tuple[NDArray[np.int32], list[str]]:
    """Turn keys into codes and return these with the names that they number; the key 0 stands for no name."""
    known, places = np.unique(np.concatenate([np.ma.getdata(part["key"]) for part in parts]), return_index=True)
    names = np.concatenate([np.ma.getdata(part["name"]) for part in parts])[places]
    codes = np.searchsorted(known, keys).astype(np.int32)
    codes[keys == 0] = -1
    return codes, names.tolist()


def _veil(
    codes: dict[str, NDArray[np.int32]], lists: dict[str, list[str]], opted_out: Collection[tuple[str, str]]
) -> None:
    """Take visitor and session from every event of who opted out, and their names from the lists."""
    users = {subject_id for subject, subject_id in opted_out if subject == "user"}
    sessions = {subject_id for subject, subject_id in opted_out if subject == "session"}
    gone = {
        "visitor": {visitor_name(user, "") for user in users} | {visitor_name("", session) for session in sessions},
        "session": sessions,
    }
    hidden = np.zeros(len(codes["visitor"]), np.bool_)
    for kind, names in gone.items():
        hidden |= np.isin(codes[kind], [place for place, name in enumerate(lists[kind]) if name in names])
    for kind in gone:
        used, places = np.unique(np.where(hidden, -1, codes[kind]), return_inverse=True)
        unnamed = int(used[:1].sum() < 0)
        codes[kind] = (places.reshape(-1) - unnamed).astype(np.int32)
        lists[kind] = [lists[kind][place] for place in used[unnamed:].tolist()]


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
