"""What the shop's Medusa says: its records as documents, by kind and id, and which products hang on which record.

The functions that write run inside the transaction of whoever writes the page, so that records, catalogue and the
place where the reading stopped never tell different stories.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlite_utils import Database

from appliance.store.products import json_ids
from appliance.store.sqlite import SqliteStore

_GET = "select id, body from medusa_records where kind = ? and id in (select value from json_each(?))"
_ALL = "select id, body from medusa_records where kind = ?"
_UNPAID = """
select id from medusa_records indexed by medusa_unpaid_orders
where kind = 'order' and body ->> 'unpaid' = 1 and body ->> 'created_at' >= ?
order by body ->> 'created_at' desc limit ?
"""
_IDS = "select id from medusa_records where kind = ?"
_COUNT = "select kind, count(*) from medusa_records group by kind"
_PUT = """
insert into medusa_records (kind, id, body) values (?, ?, ?) on conflict (kind, id) do update set body = excluded.body
"""
_DROP = "delete from medusa_records where kind = ? and id in (select value from json_each(?))"
_UNLINK = "delete from medusa_links where product_id in (select value from json_each(?))"
_LINK = "insert into medusa_links (kind, id, product_id) values (?, ?, ?) on conflict do nothing"
_USING = "select distinct product_id from medusa_links where kind = ? and id in (select value from json_each(?))"

_HOLDING = """
select r.id from medusa_records r where r.kind = ? and exists (
    select 1 from json_each(?) wanted where instr(r.body, '"' || wanted.value || '"') > 0)
"""
_LOCATION = """
insert into stock_locations (id, name) values (?, ?) on conflict (id) do update set name = excluded.name
"""


Link = tuple[str, str]
"""Kind and id of a record that a product hangs on: what it becomes changes when the record does."""


class MirrorRepository:
    """Reads the mirror. Safe to use from any thread."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def get(self, kind: str, ids: Sequence[str]) -> dict[str, bytes]:
        """Return those of the records that are there, as JSON by id."""
        with self._store.reading() as db:
            return read_records(db, kind, ids)

    def all(self, kind: str) -> dict[str, bytes]:
        """Return every record of a kind, as JSON by id."""
        with self._store.reading() as db:
            return {id_: body.encode() for id_, body in db.execute(_ALL, [kind])}

    def ids(self, kind: str) -> set[str]:
        """Return the ids of a kind."""
        with self._store.reading() as db:
            return {row[0] for row in db.execute(_IDS, [kind])}

    def unpaid_orders(self, since: float, limit: int) -> list[str]:
        """Return the ids of the newest orders created since a moment (Unix seconds) that wait for their payment."""
        with self._store.reading() as db:
            return [row[0] for row in db.execute(_UNPAID, [since, limit])]

    def has(self, kind: str, record_id: str) -> bool:
        """Tell whether a record is there."""
        return bool(self.get(kind, [record_id]))

    def holding(self, kind: str, ids: Collection[str]) -> list[str]:
        """Return the ids of the records that name any of these ids anywhere; reads every record of the kind."""
        if not ids:
            return []
        with self._store.reading() as db:
            return [row[0] for row in db.execute(_HOLDING, [kind, json_ids(list(ids))])]

    def counts(self) -> dict[str, int]:
        """Return how many records of each kind there are."""
        with self._store.reading() as db:
            return {str(kind): int(count) for kind, count in db.execute(_COUNT)}

    def products_using(self, kind: str, ids: Collection[str]) -> list[str]:
        """Return the ids of the products that hang on any of these records."""
        with self._store.reading() as db:
            return [row[0] for row in db.execute(_USING, [kind, json_ids(list(ids))])]


def read_records(db: Database, kind: str, ids: Sequence[str]) -> dict[str, bytes]:
    """Return those of the records that are there, as JSON by id, as this transaction sees them."""
    return {id_: body.encode() for id_, body in db.execute(_GET, [kind, json_ids(ids)])}


def put_records(db: Database, kind: str, records: Mapping[str, bytes]) -> None:
    """Insert or replace records of a kind."""
    db.conn.executemany(_PUT, [(kind, id_, body.decode()) for id_, body in records.items()])


def name_locations(db: Database, names: Mapping[str, str]) -> None:
    """Give stock locations their names."""
    db.conn.executemany(_LOCATION, list(names.items()))


def drop_records(db: Database, kind: str, ids: Collection[str]) -> None:
    """Forget records of a kind."""
    if ids:
        db.execute(_DROP, [kind, json_ids(list(ids))])


def link_products(db: Database, links: Mapping[str, Iterable[Link]]) -> None:
    """Say anew, for each product id, which records the product hangs on; no links forget it."""
    db.execute(_UNLINK, [json_ids(list(links))])
    rows = [(kind, id_, product_id) for product_id, named in links.items() for kind, id_ in named]
    db.conn.executemany(_LINK, rows)
