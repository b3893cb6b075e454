"""Orders as far as the assistant may tell of them. Who ordered is kept as keyed hashes only; no name, no address."""

from __future__ import annotations

import hmac
import itertools
import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence

import msgspec
import sqlite_utils

from appliance.domain import CURRENCY_PATTERN, ID_PATTERN
from appliance.errors import InvalidInput
from appliance.store import owner_text
from appliance.store.attempts import VerificationAttempts
from appliance.store.contacts import Pseudonym, contact_hash, email_key, phone_key
from appliance.store.group_writer import GroupWriter
from appliance.store.normalise import MAX_ID, MAX_INTEGER
from appliance.store.sqlite import SqliteStore

MAX_ITEMS = 500
MAX_METADATA = 50
MAX_STATUS = 60
MAX_TITLE = 500
MAX_FACT = 1000
MAX_QUANTITY = 1_000_000
_ID = re.compile(ID_PATTERN)
_CURRENCY = re.compile(CURRENCY_PATTERN)

_FIELDS = (
    "id, display_id, customer_id, status, phone_hash, email_hash, currency, placed_at, updated_at, metadata, counting"
)
_BY_NUMBER = f"select {_FIELDS} from orders where display_id = ? collate nocase"  # noqa: S608
_BY_ID = f"select {_FIELDS} from orders where id = ?"  # noqa: S608
_OF_CUSTOMER = f"select {_FIELDS} from orders where customer_id = ? order by placed_at desc, id limit ?"  # noqa: S608
_ITEMS = """
select title, quantity, total, product_id, variant_id from order_items where order_id = ? order by position
"""
_SAVE = """
insert into orders (id, display_id, customer_id, status, phone_hash, email_hash, currency, placed_at, updated_at,
    metadata, counting)
values (:id, :display_id, :customer_id, :status, :phone_hash, :email_hash, :currency, :placed_at, :now,
    :metadata, :counting)
on conflict (id) do update set display_id = excluded.display_id, customer_id = excluded.customer_id,
    status = excluded.status, phone_hash = excluded.phone_hash, email_hash = excluded.email_hash,
    currency = excluded.currency, placed_at = excluded.placed_at, updated_at = excluded.updated_at,
    metadata = excluded.metadata, counting = iif(counting = '', excluded.counting, counting)
"""
_CUSTOMER = """
insert into customers (id, created_at, updated_at) values (?, ?, ?) on conflict (id) do nothing
"""
_IS_CUSTOMER = "select 1 from customers where id = ?"
_CLEAR_ITEMS = "delete from order_items where order_id = ?"
_ADD_ITEM = """
insert into order_items (order_id, position, title, quantity, total, product_id, variant_id)
values (?, ?, ?, ?, ?, ?, ?)
"""
_COUNT = "select count(*) from orders"
_RENUMBER = "update orders set display_id = ? where id = ?"
_OLD = "-old"
"""Ends the number of an imported order whose number is that of an order of the shop's Medusa."""


class OrderItem(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order. ``total`` is for the whole quantity, in the smallest unit."""

    title: str
    quantity: int = 1
    total: int = 0
    product_id: str = ""
    variant_id: str = ""


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a shop system gives it. ``phone`` and ``email`` are in clear here and stored as keyed hashes only."""

    display_id: str
    """The number that the shopper knows, without ``#``."""
    id: str = ""
    """``''``: the same as ``display_id``."""
    status: str = "pending"
    """pending, processing, shipped, delivered, canceled, returned, refunded, or the shop's own word, kept as it is."""
    phone: str = ""
    email: str = ""
    customer_id: str = ""
    items: tuple[OrderItem, ...] = ()
    currency: str = "VND"
    placed_at: float | None = None
    """Unix seconds; ``None``: as known before, else now."""
    metadata: dict[str, str] = {}
    """Facts such as ``tracking``, ``carrier``, ``expected_delivery``, ``payment``."""


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is kept."""

    id: str
    display_id: str
    status: str
    currency: str
    placed_at: float
    updated_at: float
    items: tuple[OrderItem, ...] = ()
    metadata: dict[str, str] = {}
    customer_id: str = ""

    @property
    def total(self) -> int:
        """Sum of the items in the smallest unit; without shipping and discounts."""
        return sum(item.total for item in self.items)


class OrdersSaved(msgspec.Struct, frozen=True):
    """What became of several orders: counts, and index, field and reason of each that was refused."""

    inserted: int
    updated: int
    unchanged: int
    refused: tuple[tuple[int, str, str], ...] = ()
    renumbered: int = 0
    """Imported orders whose number went to one of Medusa's; they are kept, under a number that ends in ``-old``."""


class Verification(msgspec.Struct, frozen=True):
    """The outcome of one try. Neither says which of number and contact was wrong."""

    order: OrderView | None
    wait_seconds: float = 0.0
    """Above 0: nothing was compared, there were too many wrong answers; try again after so many seconds."""


class OrderRepository:
    """Orders on disk. Safe to use from any thread."""

    def __init__(
        self, store: SqliteStore, writer: GroupWriter, pseudonym: Pseudonym, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._pseudonym = pseudonym
        self._now = now
        self._decoy = secrets.token_bytes(16)
        self._trying = threading.Lock()
        self.attempts = VerificationAttempts(store, writer, pseudonym, now())

    def __len__(self) -> int:
        with self._store.reading() as db:
            return int(db.execute(_COUNT).fetchone()[0])

    def upsert_many(
        self,
        orders: Sequence[OrderRecord],
        *,
        mirrored: bool = False,
        within: Callable[[sqlite_utils.Database, Sequence[int]], object] | None = None,
    ) -> OrdersSaved:
        """Insert or replace orders in one transaction; one whose number belongs to another order is refused.

        ``mirrored``: they are those of the shop's Medusa, which are to be counted as purchases. Of them an imported
        order does not keep a number: shoppers give Medusa's, and the imported one is found with ``-old`` behind it.
        And they make no customer: one that is not known was deleted in Medusa, and the order is nobody's from then on.
        ``within`` writes more in the same transaction; it is given the places of the orders that were refused.
        """
        counts = {"inserted": 0, "updated": 0, "unchanged": 0, "renumbered": 0}
        refused: list[tuple[int, str, str]] = []
        with self._store.write() as db:
            for index, order in enumerate(orders):
                try:
                    checked = _checked(order)
                    counts["renumbered"] += _make_way(db, checked, mirrored)
                    counts[self._save(db, checked, mirrored)] += 1
                except InvalidInput as error:
                    refused.append((index, *(error.fields[0] if error.fields else ("", error.message))))
            if within is not None:
                within(db, [index for index, _, _ in refused])
        return OrdersSaved(**counts, refused=tuple(refused))

    def verify(self, display_id: str, contact: str) -> OrderView | None:
        """Return the order with this number when the phone or e-mail is the one on it.

        The answer is ``None`` alike for an unknown number, a wrong contact and a text that is no contact, and the same
        is done in each case: one look-up, one keyed hash, comparisons in constant time. Counts no attempt; the
        assistant asks through ``try_verify``.
        """
        given = contact_hash(contact, self._pseudonym) or b""
        with self._store.reading() as db:
            row = db.execute(_BY_NUMBER, [_number(display_id)]).fetchone()
            phone, email = (row[4] or self._decoy, row[5] or self._decoy) if row else (self._decoy, self._decoy)
            matches = hmac.compare_digest(given, phone) | hmac.compare_digest(given, email)
            return _view(db, row) if matches and row else None

    def try_verify(
        self, display_id: str, contact: str, *, conversation_id: str, now: float, client: str = ""
    ) -> Verification:
        """Verify within the limits: 5 wrong answers a conversation in 15 minutes, 10 an order number in an hour,
        20 a client (its address, if given) in an hour. Tries are taken one at a time, so that none slips through."""
        number = _number(display_id)
        subjects = (("conversation", conversation_id), ("order", number), ("client", client))
        with self._trying:
            wait = self.attempts.blocked(subjects, now)
            if wait > 0:
                return Verification(None, wait)
            order = self.verify(number, contact)
            if order is None:
                self.attempts.record(subjects, now)
        return Verification(order)

    def read(self, display_id: str) -> OrderView | None:
        """Return an order by its number, unverified: for whoever has proved before that it is theirs."""
        with self._store.reading() as db:
            row = db.execute(_BY_NUMBER, [_number(display_id)]).fetchone()
            return _view(db, row) if row else None

    def of_customer(self, user_id: str, limit: int = 20) -> tuple[OrderView, ...]:
        """Return the orders of a customer who is signed in, the newest first."""
        if not user_id:
            return ()
        with self._store.reading() as db:
            return tuple(_view(db, row) for row in db.execute(_OF_CUSTOMER, [user_id, limit]).fetchall())

    def _save(self, db: sqlite_utils.Database, order: OrderRecord, mirrored: bool) -> str:
        """Write one order and say whether it was inserted, updated or unchanged. Raises ``InvalidInput``."""
        if mirrored and order.customer_id and db.execute(_IS_CUSTOMER, [order.customer_id]).fetchone() is None:
            order = msgspec.structs.replace(order, customer_id="")
        row = db.execute(_BY_ID, [order.id]).fetchone()
        phone, email = (self._hash(order.phone, phone_key), self._hash(order.email, email_key))
        now = self._now()
        placed_at = order.placed_at if order.placed_at is not None else row[7] if row else now
        view = OrderView(
            id=order.id,
            display_id=order.display_id,
            status=order.status,
            currency=order.currency,
            placed_at=placed_at,
            updated_at=row[8] if row else now,
            items=order.items,
            metadata=order.metadata,
            customer_id=order.customer_id,
        )
        is_new_here = mirrored and row is not None and not row[10]
        if row and not is_new_here and (row[4], row[5]) == (phone, email) and _view(db, row) == view:
            return "unchanged"
        if order.customer_id:
            db.execute(_CUSTOMER, [order.customer_id, now, now])
        _write(db, order, phone, email, placed_at, now, counting="due" if mirrored else "")
        return "updated" if row else "inserted"

    def _hash(self, contact: str, key: Callable[[str], str]) -> bytes | None:
        return contact_hash(contact, self._pseudonym) if key(contact) else None


def _make_way(db: sqlite_utils.Database, order: OrderRecord, mirrored: bool) -> int:
    """Return how many other orders gave up this one's number. Raises ``InvalidInput`` when one keeps it."""
    others = [row for row in db.execute(_BY_NUMBER, [order.display_id]).fetchall() if row[0] != order.id]
    if others and not (mirrored and all(not row[10] for row in others)):
        # Without the other's id, which opens an order in Medusa's store API.
        raise InvalidInput("number taken", fields=(("display_id", "is the number of another order"),))
    for row in others:
        free = (f"{row[1]}{_OLD}{count or ''}" for count in itertools.count())
        number = next(one for one in free if db.execute(_BY_NUMBER, [one]).fetchone() is None)
        db.execute(_RENUMBER, [number, row[0]])
    return len(others)


def _write(
    db: sqlite_utils.Database,
    order: OrderRecord,
    phone: bytes | None,
    email: bytes | None,
    placed_at: float,
    now: float,
    *,
    counting: str,
) -> None:
    """Insert or replace one order with its items; ``counting`` is what it begins with once it is Medusa's."""
    values = {
        "id": order.id,
        "display_id": order.display_id,
        "customer_id": order.customer_id or None,
        "status": order.status,
        "phone_hash": phone,
        "email_hash": email,
        "currency": order.currency,
        "placed_at": placed_at,
        "now": now,
        "metadata": msgspec.json.encode(order.metadata).decode(),
        "counting": counting,
    }
    db.execute(_SAVE, values)
    db.execute(_CLEAR_ITEMS, [order.id])
    rows = [
        (order.id, place, item.title, item.quantity, item.total, item.product_id, item.variant_id)
        for place, item in enumerate(order.items)
    ]
    db.conn.executemany(_ADD_ITEM, rows)


def _number(display_id: str) -> str:
    return display_id[: MAX_ID * 2].strip().lstrip("#").strip()


def _checked(order: OrderRecord) -> OrderRecord:
    """Return an order as it is kept. Raises ``InvalidInput`` that names the fault."""
    display_id = owner_text.line("display_id", _number(order.display_id), MAX_ID)
    order_id = order.id or display_id
    faults = (
        ("id", f"must be 1 to {MAX_ID} of the characters A-Z a-z 0-9 _ . : -", not _is_id(order_id)),
        ("customer_id", "has characters that no id has", bool(order.customer_id) and not _is_id(order.customer_id)),
        ("currency", "is not an ISO 4217 code of three capitals", not _CURRENCY.fullmatch(order.currency)),
        ("placed_at", "is not a time", order.placed_at is not None and not math.isfinite(order.placed_at)),
        ("items", f"are more than {MAX_ITEMS}", len(order.items) > MAX_ITEMS),
        ("metadata", f"has more than {MAX_METADATA} facts", len(order.metadata) > MAX_METADATA),
        ("phone", "is no phone number", bool(order.phone) and not phone_key(order.phone)),
        ("email", "is no e-mail address", bool(order.email) and not email_key(order.email)),
    )
    wrong = tuple((field, reason) for field, reason, failed in faults if failed)
    if wrong:
        raise InvalidInput(f"the order's {wrong[0][0]} {wrong[0][1]}", fields=wrong)
    metadata = {
        owner_text.line("metadata", key, MAX_FACT): owner_text.line("metadata", value, MAX_FACT, empty=True)
        for key, value in sorted(order.metadata.items())
    }
    return msgspec.structs.replace(
        order,
        id=order_id,
        display_id=display_id,
        status=owner_text.line("status", order.status, MAX_STATUS),
        items=tuple(_item(item) for item in order.items),
        metadata=metadata,
    )


def _is_id(text: str) -> bool:
    return len(text) <= MAX_ID and _ID.match(text) is not None


def _item(item: OrderItem) -> OrderItem:
    if not 0 < item.quantity <= MAX_QUANTITY or abs(item.total) > MAX_INTEGER:
        raise InvalidInput("bad item", fields=(("items", "have a quantity or total that cannot be right"),))
    return OrderItem(
        title=owner_text.line("items.title", item.title, MAX_TITLE),
        quantity=item.quantity,
        total=item.total,
        product_id=owner_text.line("items.product_id", item.product_id, MAX_ID, empty=True),
        variant_id=owner_text.line("items.variant_id", item.variant_id, MAX_ID, empty=True),
    )


def _view(db: sqlite_utils.Database, row: Sequence[object]) -> OrderView:
    items = [
        OrderItem(title=title, quantity=quantity, total=total, product_id=product_id, variant_id=variant_id)
        for title, quantity, total, product_id, variant_id in db.execute(_ITEMS, [row[0]])
    ]
    id_, display_id, customer_id, status, _, _, currency, placed_at, updated_at, metadata, _ = row
    return msgspec.convert(
        {
            "id": id_,
            "display_id": display_id,
            "status": status,
            "currency": currency,
            "placed_at": placed_at,
            "updated_at": updated_at,
            "items": tuple(items),
            "metadata": msgspec.json.decode(str(metadata)),
            "customer_id": customer_id or "",
        },
        OrderView,
    )
