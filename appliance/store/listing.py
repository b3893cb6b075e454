"""The owner's product list: keyset pages in a chosen order, filtered by words and status."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

import msgspec
from sqlite_utils import Database

from appliance.domain import Product
from appliance.errors import InvalidInput
from appliance.text import words

Sort = Literal["title", "-title", "price", "-price", "created_at", "-created_at", "id"]
MAX_LIMIT = 500

_PRICE = "coalesce((select min(x.amount) from prices x where x.product_id = p.id and x.currency = p.currency), {none})"
_KEYS = {
    "id": "p.id",
    "title": "p.title_key",
    "-title": "p.title_key",
    "price": _PRICE.replace("{none}", "9223372036854775807"),
    "-price": _PRICE.replace("{none}", "-1"),
    "created_at": "p.created_at",
    "-created_at": "p.created_at",
}
"""What each order sorts by; products without a price come last both ways."""
_STATUS = "(:status = '' or p.status = :status)"
_MATCH = " and p.number in (select rowid from products_fts where products_fts match :match)"
_COUNT = "select count(*) from products p where {status}{match}"
_PAGE = """
select p.id, {key} as sort_key from products p
where {status}{match}{after} order by sort_key {direction}, p.id {direction} limit :limit
"""
_AFTER = " and (sort_key, p.id) {than} (:key, :id)"


def _page_sql(sort: str, *, match: bool, after: bool) -> str:
    descending = sort.startswith("-")
    parts = {
        "{key}": _KEYS[sort],
        "{status}": _STATUS,
        "{match}": _MATCH if match else "",
        "{after}": _AFTER if after else "",
        "{than}": "<" if descending else ">",
        "{direction}": "desc" if descending else "asc",
    }
    sql = _PAGE
    for name, text in parts.items():
        sql = sql.replace(name, text)
    return sql


_PAGES = {
    (sort, match, after): _page_sql(sort, match=match, after=after)
    for sort in _KEYS
    for match in (False, True)
    for after in (False, True)
}
"""Every statement that a page can need, fixed at import: nothing that was asked becomes SQL text."""
_COUNTS = {match: _COUNT.replace("{status}", _STATUS).replace("{match}", _MATCH * match) for match in (False, True)}


class ProductPage(msgspec.Struct, frozen=True):
    """One page of the owner's product list."""

    items: list[Product]
    total: int
    """Products that match, on all pages."""
    next_cursor: str
    """Asks for the next page; ``''`` on the last one."""


class ListingQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner asked for."""

    query: str = ""
    status: str = ""
    sort: str = "id"
    limit: int = 50
    cursor: str = ""


class IdPage(msgspec.Struct, frozen=True):
    """The ids of one page, before the records are read."""

    ids: list[str]
    total: int
    next_cursor: str


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    sort: str
    key: str | int | float
    id: str


def match_expression(query: str) -> str:
    """Return an FTS5 expression that asks for all words, the last one as a prefix; ``''`` when there is no word.

    Only letters and digits of the folded query get in, each word in quotes, so no operator can.
    """
    quoted = [f'"{word}"' for word in words(query)]
    return " ".join(quoted) + "*" if quoted else ""


def list_ids(db: Database, asked: ListingQuery) -> IdPage:
    """Return one page of ids. Raises ``InvalidInput`` for an unknown order or status, a bad limit or cursor."""
    if asked.sort not in _KEYS:
        raise InvalidInput(f"unknown order {asked.sort!r}", fields=(("sort", f"use one of {', '.join(_KEYS)}"),))
    if asked.status not in ("", "published", "draft"):
        raise InvalidInput(f"unknown status {asked.status!r}", fields=(("status", "use published or draft"),))
    if not 1 <= asked.limit <= MAX_LIMIT:
        raise InvalidInput(f"limit {asked.limit} is out of range", fields=(("limit", f"use 1 to {MAX_LIMIT}"),))
    cursor = _decoded(asked) if asked.cursor else None
    match = match_expression(asked.query)
    searched = bool(asked.query.strip())
    if searched and not match:
        return IdPage([], 0, "")
    parameters: dict[str, object] = {"status": asked.status, "limit": asked.limit + 1}
    if searched:
        parameters["match"] = match
    total: int = db.execute(_COUNTS[searched], parameters).fetchone()[0]
    if cursor:
        parameters |= {"key": cursor.key, "id": cursor.id}
    rows = db.execute(_PAGES[asked.sort, searched, cursor is not None], parameters).fetchall()
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    return IdPage(
        [id_ for id_, _ in rows], total, _encoded(_Cursor(asked.sort, rows[-1][1], rows[-1][0])) if more else ""
    )


def _encoded(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _decoded(asked: ListingQuery) -> _Cursor:
    try:
        padded = asked.cursor + "=" * (-len(asked.cursor) % 4)
        cursor = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=_Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        cursor = None
    if cursor is None or cursor.sort != asked.sort or (isinstance(cursor.key, int) and abs(cursor.key) >= 2**63):
        raise InvalidInput("the cursor is not one that this list gave", fields=(("cursor", "start without it"),))
    return cursor
