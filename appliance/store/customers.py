"""Customers as far as a shop needs them here: an id, when it came, whether it has an account. No name, no contact."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from sqlite_utils import Database

from appliance.store.products import json_ids

_SAVE = """
insert into customers (id, created_at, updated_at, has_account) values (?, ?, ?, ?)
on conflict (id) do update set has_account = excluded.has_account, updated_at = excluded.updated_at
where has_account <> excluded.has_account
"""
_DROP = "delete from customers where id in (select value from json_each(?))"


class CustomerRow(msgspec.Struct, frozen=True):
    """A customer. Times are Unix seconds."""

    id: str
    created_at: float
    has_account: bool


def put_customers(db: Database, customers: Sequence[CustomerRow], now: float) -> None:
    """Insert or update customers inside the caller's transaction."""
    db.conn.executemany(_SAVE, [(one.id, one.created_at, now, int(one.has_account)) for one in customers])


def drop_customers(db: Database, ids: Collection[str]) -> None:
    """Delete customers inside the caller's transaction; their orders stay, without them."""
    db.execute(_DROP, [json_ids(list(ids))])
