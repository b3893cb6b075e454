"""Merging journal rows into the log and folding them: plain SQL on one cursor, inside the caller's transaction.

Events travel as the JSON text they have in the journal and are taken apart by DuckDB, so that no Python runs for each.
``GROUP BY`` comes before every merge into the fold: two source rows with one key would count once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from appliance.domain import ProductCard
from appliance.store.journal_rows import Identification, JournalRow
from appliance.store.ownership import OWNER, owner_join

Resolve = Callable[[str], ProductCard | None]
"""Finds a product by id or handle."""

_MICROSECONDS = "least(greatest(coalesce(try_cast({0} as double), 0) * 1e6, -62135596800e6), 253402300799e6)::bigint"
_OCCURRED, _RECEIVED, _AT, _LINKED_AT = (_MICROSECONDS.format(field) for field in ("e[8]", "e[9]", "e[7]", "e[4]"))

# Every cast has a way out: one odd record must not hold up the records behind it.
_STAGE = f"""
create or replace temp table staged as
select
    coalesce(e[1], '') as event_id, coalesce(e[2], '') as user_id, coalesce(e[3], '') as session_id,
    coalesce(e[4], '') as product_id, coalesce(e[5], '') as product_handle, coalesce(e[6], '') as interaction_type,
    case when isfinite(try_cast(e[7] as double)) then e[7]::double else 0 end as weight,
    coalesce(try_cast(nullif(e[11], '') as json), '{{}}'::json) as metadata,
    make_timestamp({_OCCURRED}) as occurred_at, make_timestamp({_RECEIVED}) as received_at,
    coalesce(e[10], '') as recommendation_id, base + pos as seq, md5_number(coalesce(e[1], '')) as event_key
from (
    select base, unnest(events) as e, unnest(range(1, len(events) + 1)) as pos
    from (
        select base, from_json(payload, '[["VARCHAR"]]') as events
        from (select unnest(?::varchar[]) as payload, unnest(?::bigint[]) as base)
    )
)"""  # noqa: S608  (our own text)
_COUNT_KEYS = "select count(*), count(distinct event_key) from staged"
_DROP_REPEATS = "delete from staged where seq not in (select min(seq) from staged group by event_key)"
_KNOWN = """
create or replace temp table known as
select e.event_key from interaction_events e semi join staged s on e.event_key = s.event_key"""
_DROP_KNOWN = "delete from staged where event_key in (select event_key from known)"
_LOG = "insert into interaction_events by name select * from staged order by seq"

_REFERENCES = """
select distinct product_id, product_handle from {table} where product_id <> '' or product_handle <> ''"""
_RENAMED = """
create or replace temp table renamed as select e[1] as product_id, e[2] as product_handle, e[3] as target
from (select unnest(from_json(?, '[["VARCHAR"]]')) as e)"""
_COLUMNS = """
e.seq, e.event_id, e.user_id, e.session_id, e.product_id as named, e.product_handle, e.interaction_type, e.weight,
e.metadata, e.occurred_at"""
_SOURCE_STAGED = f"""
create or replace temp table source as select {_COLUMNS}, coalesce(r.target, e.product_id) as product_id
from staged e left join renamed r on e.product_id = r.product_id and e.product_handle = r.product_handle
where e.product_id <> '' or e.product_handle <> ''"""  # noqa: S608  (our own text)
_SOURCE_PARKED = f"""
create or replace temp table source as select {_COLUMNS}, p.target as product_id
from interaction_events e join (
    select p.seq, r.target from parked_events p
    join renamed r on p.product_id = r.product_id and p.product_handle = r.product_handle
    where r.target <> '' order by p.seq limit ?
) p on e.seq = p.seq"""  # noqa: S608  (our own text)
_PARK = """
insert into parked_events select event_id, named, product_handle, seq from source where product_id = ''"""
_UNPARK = "delete from parked_events where seq in (select seq from source)"
_RESOLVED = """
insert into event_resolutions select event_id, product_id, seq, coalesce(?, seq) from source
where product_id <> '' and product_id <> named"""

_LINKS = """
create or replace temp table links as select session_id, user_id, seq from session_links
where session_id in (select session_id from source where user_id = '' and session_id <> '')"""
_MOVED = """
create or replace temp table moved as select r.*, l.user_id as owner from rec_user_interactions r
join (select unnest(?::varchar[]) as session_id, unnest(?::varchar[]) as user_id) l on r.session_id = l.session_id
where r.user_id = ''"""
_DROP_MOVED = """
delete from rec_user_interactions where user_id = '' and session_id in (select session_id from moved)"""
_FOLD_EVENTS = f"""
select {OWNER} as owner, e.session_id, e.product_id, e.interaction_type, 1::bigint as occurrences, e.weight,
    e.occurred_at as created_at, e.occurred_at as updated_at, e.product_handle, e.metadata,
    case when e.metadata::varchar = '{{}}' then 0 else e.seq end as metadata_seq
from source e {owner_join("links")}
where e.product_id <> ''"""  # noqa: S608  (our own text)
_FOLD_MOVED = """
select owner, session_id, product_id, interaction_type, occurrences, weight, created_at, updated_at, product_handle,
    metadata, metadata_seq
from moved"""
_FOLDED = """
create or replace temp table folded as
select owner as user_id, session_id, product_id, interaction_type, sum(occurrences)::bigint as occurrences,
    sum(weight) as weight, min(created_at) as created_at, max(updated_at) as updated_at,
    max(product_handle) as product_handle, arg_max(metadata, metadata_seq) as metadata,
    max(metadata_seq) as metadata_seq,
    md5_number(concat_ws(chr(31), owner, session_id, product_id, interaction_type)) as fold_key
from ({sources}) group by owner, session_id, product_id, interaction_type"""
_FOLD = """
merge into rec_user_interactions as r using folded as f on r.fold_key = f.fold_key
when matched then update set
    occurrences = r.occurrences + f.occurrences, weight = r.weight + f.weight,
    created_at = least(r.created_at, f.created_at), updated_at = greatest(r.updated_at, f.updated_at),
    product_handle = greatest(r.product_handle, f.product_handle),
    metadata = case when f.metadata_seq > r.metadata_seq then f.metadata else r.metadata end,
    metadata_seq = greatest(r.metadata_seq, f.metadata_seq)
when not matched then insert (user_id, session_id, product_id, interaction_type, occurrences, weight, created_at,
    updated_at, product_handle, metadata, metadata_seq, fold_key)
    values (f.user_id, f.session_id, f.product_id, f.interaction_type, f.occurrences, f.weight, f.created_at,
    f.updated_at, f.product_handle, f.metadata, f.metadata_seq, f.fold_key)"""
_CATEGORIES = """
merge into category_totals as t using (
    select left(metadata->>'category', 200) as category, count(*) as occurrences, sum(weight) as weight from staged
    where coalesce(metadata->>'category', '') <> '' group by 1
) as s on t.category = s.category
when matched then update set occurrences = t.occurrences + s.occurrences, weight = t.weight + s.weight
when not matched then insert (category, occurrences, weight) values (s.category, s.occurrences, s.weight)"""

_LINKED = """
select session_id, arg_max(user_id, seq) from session_links
where session_id in (select unnest(?::varchar[])) group by session_id"""
_LINK = f"""
insert into session_links
select e[1], e[2], e[3]::bigint, make_timestamp({_LINKED_AT})
from (select unnest(from_json(?, '[["VARCHAR"]]')) as e)"""  # noqa: S608  (our own text)
_IMPRESSIONS = f"""
insert into rec_impressions by name
select coalesce(e[1], '') as recommendation_id, coalesce(e[2], '') as user_id, coalesce(e[3], '') as session_id,
    coalesce(e[4], '') as placement, coalesce(e[5], '') as strategy,
    coalesce(from_json(e[6], '["VARCHAR"]'), []) as product_ids, make_timestamp({_AT}) as shown_at,
    coalesce(e[8], '') as experiment_id, coalesce(e[9], '') as arm
from (select unnest(from_json(payload, '[["VARCHAR"]]')) as e from (select unnest(?::varchar[]) as payload))"""  # noqa: S608  (our own text)


class MergeResult(msgspec.Struct, frozen=True):
    """What became of a batch of journal rows."""

    records: int
    """Records that the rows held, repeated events and those below the watermark included."""
    events: int
    """Events that were new to the log."""


def merge_rows(cursor: Any, rows: Sequence[JournalRow], resolve: Resolve) -> MergeResult:
    """Move journal rows into the log, the fold, the links and the impressions."""
    position = _position(cursor)
    events: list[tuple[str, int]] = []
    links: list[tuple[int, Identification]] = []
    impressions: list[str] = []
    for row in rows:
        if row.kind == "events":
            events.append((row.payload, position))
        elif row.kind == "identify":
            found = msgspec.json.decode(row.payload, type=list[Identification])
            links.extend((position + ordinal, link) for ordinal, link in enumerate(found, 1))
        else:
            impressions.append(row.payload)
        position += row.records
    moved = _link(cursor, links)
    new = _merge_events(cursor, events, resolve, moved=moved) if events or moved else 0
    if impressions:
        cursor.execute(_IMPRESSIONS, [impressions])
    cursor.execute("update log_position set last_seq = ?", [position])
    return MergeResult(records=sum(row.records for row in rows), events=new)


def unpark(cursor: Any, resolve: Resolve, limit: int) -> int:
    """Fold up to ``limit`` parked events whose product has become known and return how many."""
    references = cursor.execute(_REFERENCES.format(table="parked_events")).fetchall()
    found = [(product, handle, target) for product, handle in references if (target := _find(resolve, product, handle))]
    if not found:
        return 0
    _remember_names(cursor, found)
    cursor.execute(_SOURCE_PARKED, [limit])
    count = int(cursor.execute("select count(*) from source").fetchall()[0][0])
    if count:
        position = _position(cursor) + 1
        cursor.execute("update log_position set last_seq = ?", [position])
        cursor.execute(_UNPARK)
        cursor.execute(_RESOLVED, [position])
        _fold(cursor)
    return count


def _position(cursor: Any) -> int:
    return int(cursor.execute("select last_seq from log_position").fetchall()[0][0])


def _link(cursor: Any, links: Sequence[tuple[int, Identification]]) -> dict[str, str]:
    """Record the links that say something new; return the sessions that were guests so far with their user.

    A link out of the past changes nothing for a session that is linked: importing a history again undoes no sign-in.
    """
    if not links:
        return {}
    known: dict[str, str] = dict(cursor.execute(_LINKED, [sorted({link.session_id for _, link in links})]).fetchall())
    first: dict[str, str] = {}
    new: list[tuple[str, str, int, float]] = []
    for seq, link in links:
        linked = known.get(link.session_id)
        if linked == link.user_id or (link.past and linked is not None):
            continue
        if link.session_id not in known:
            first[link.session_id] = link.user_id
        known[link.session_id] = link.user_id
        new.append((link.session_id, link.user_id, seq, link.at))
    if new:
        cursor.execute(_LINK, [msgspec.json.encode(new).decode()])
    return first


def _merge_events(cursor: Any, events: Sequence[tuple[str, int]], resolve: Resolve, *, moved: dict[str, str]) -> int:
    cursor.execute(_STAGE, [[payload for payload, _ in events], [base for _, base in events]])
    count, keys = cursor.execute(_COUNT_KEYS).fetchall()[0]
    if count != keys:
        cursor.execute(_DROP_REPEATS)
    cursor.execute(_KNOWN)
    repeated = int(cursor.execute("select count(*) from known").fetchall()[0][0])
    if repeated:
        cursor.execute(_DROP_KNOWN)
    cursor.execute(_LOG)
    references = cursor.execute(_REFERENCES.format(table="staged")).fetchall()
    named = ((product, handle, _find(resolve, product, handle)) for product, handle in references)
    _remember_names(cursor, [name for name in named if name[2] != name[0]])
    cursor.execute(_SOURCE_STAGED)
    cursor.execute(_PARK)
    cursor.execute(_RESOLVED, [None])
    _fold(cursor, moved)
    cursor.execute(_CATEGORIES)
    return int(keys) - repeated


def _find(resolve: Resolve, product: str, handle: str) -> str:
    card = (resolve(product) if product else None) or (resolve(handle) if handle else None)
    return card.id if card else ""


def _remember_names(cursor: Any, names: Sequence[tuple[str, str, str]]) -> None:
    cursor.execute(_RENAMED, [msgspec.json.encode(names).decode()])


def _fold(cursor: Any, moved: dict[str, str] | None = None) -> None:
    cursor.execute(_LINKS)
    sources = _FOLD_EVENTS
    if moved:
        cursor.execute(_MOVED, [list(moved), list(moved.values())])
        cursor.execute(_DROP_MOVED)
        sources += " union all " + _FOLD_MOVED
    cursor.execute(_FOLDED.format(sources=sources))
    cursor.execute(_FOLD)
