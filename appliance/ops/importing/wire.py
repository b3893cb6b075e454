"""Batches of an import on the wire: the rows of the JSONL form, judged one by one by the converters of files.

``POST /v1/admin/import/products`` takes ``{"products": [row, …]}``, ``POST /v1/admin/import/interactions`` takes
``{"interactions": [row, …], "create_products": false}``, ``import/links``, ``import/orders`` and ``import/faq``
``{"links": [row, …]}``, ``{"orders": [row, …]}`` and ``{"faq": [row, …]}``; all answer a ``BatchReply``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from appliance.domain import Interaction, InteractionType, Product, to_main
from appliance.messages import Locale
from appliance.ops.importing import values
from appliance.ops.importing.columns import FAQ, INTERACTIONS, LINKS, ORDERS, PRODUCTS, Schema
from appliance.ops.importing.faq import faq_from_row
from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.interactions import InteractionReader
from appliance.ops.importing.orders import order_from_row
from appliance.ops.importing.products import product_from_row
from appliance.ops.importing.readers import canonical_fields
from appliance.ops.importing.sinks import BatchResult, ImportSink
from appliance.settings import Settings
from appliance.store.faq import FaqEntry
from appliance.store.journal_rows import Identification
from appliance.store.orders import OrderRecord

MAX_BATCH = 500
MOST_WEIGHT = 1e7
"""No event weighs more than this, for or against."""
T = TypeVar("T")


class ProductsBody(msgspec.Struct, forbid_unknown_fields=True):
    """The request of ``import/products``."""

    products: list[msgspec.Raw]


class InteractionsBody(msgspec.Struct, forbid_unknown_fields=True):
    """The request of ``import/interactions``; a row may state its ``weight``, else its type's weight counts."""

    interactions: list[msgspec.Raw]
    create_products: bool = False


class LinksBody(msgspec.Struct, forbid_unknown_fields=True):
    """The request of ``import/links``; a row has ``session_id``, ``user_id`` and the Unix seconds ``at``."""

    links: list[msgspec.Raw]


class OrdersBody(msgspec.Struct, forbid_unknown_fields=True):
    """The request of ``import/orders``."""

    orders: list[msgspec.Raw]


class FaqBody(msgspec.Struct, forbid_unknown_fields=True):
    """The request of ``import/faq``."""

    faq: list[msgspec.Raw]


class RejectedRow(msgspec.Struct):
    """A row that was not taken: its index in the batch, and why."""

    index: int
    code: str
    column: str
    message: str
    values: dict[str, str | int] = {}


class BatchReply(msgspec.Struct, kw_only=True):
    """What became of a batch; the same counts as in an import's report."""

    accepted: int
    inserted: int
    updated: int
    unchanged: int
    parked: int
    created_products: int
    rejected: list[RejectedRow]


def apply_products(body: ProductsBody, sink: ImportSink, settings: Settings, locale: Locale) -> BatchReply:
    """Insert or update a batch of product rows."""

    def convert(fields: dict[str, Any]) -> Product:
        return product_from_row(fields, settings.shop.currency)

    return _apply(body.products, PRODUCTS, convert, sink.products, locale)


def apply_interactions(
    body: InteractionsBody, sink: ImportSink, settings: Settings, locale: Locale, now: float
) -> BatchReply:
    """Record a batch of interaction rows; ``now`` is Unix seconds."""
    reader = InteractionReader(
        settings.weights,
        default_type=InteractionType.VIEW,
        now=now,
        max_future=settings.ingest.max_future_seconds,
        timeless=False,
    )

    def convert(fields: dict[str, Any]) -> Interaction:
        return _weighted(reader.read(fields), fields.get("weight"))

    def write(batch: Sequence[Interaction]) -> BatchResult:
        return sink.interactions(batch, create_products=body.create_products)

    return _apply(body.interactions, INTERACTIONS, convert, write, locale, keep=("weight",))


def apply_links(body: LinksBody, sink: ImportSink, settings: Settings, locale: Locale) -> BatchReply:
    """Link a batch of sessions of the past to their users."""

    def convert(fields: dict[str, Any]) -> Identification:
        session, user = values.identifier(fields, "session_id"), values.identifier(fields, "user_id")
        if not session or not user:
            raise RowFault("empty_value", "user_id" if session else "session_id")
        return Identification(session, user, values.moment(fields.get("at"), "at"))

    return _apply(body.links, LINKS, convert, sink.links, locale)


def apply_orders(body: OrdersBody, sink: ImportSink, settings: Settings, locale: Locale) -> BatchReply:
    """Insert or update a batch of order rows."""

    def convert(fields: dict[str, Any]) -> OrderRecord:
        return order_from_row(fields, settings.shop.currency)

    return _apply(body.orders, ORDERS, convert, sink.orders, locale)


def apply_faq(body: FaqBody, sink: ImportSink, settings: Settings, locale: Locale) -> BatchReply:
    """Insert or update a batch of FAQ rows."""

    def convert(fields: dict[str, Any]) -> FaqEntry:
        return faq_from_row(fields, settings.shop.locale)

    return _apply(body.faq, FAQ, convert, sink.faq, locale)


def product_row(product: Product) -> dict[str, object]:
    """Return a product in the JSONL form, prices in main units."""
    currency = product.currency
    row = msgspec.to_builtins(product)
    row["variants"] = [
        {
            **msgspec.to_builtins(variant),
            "price": None if variant.price is None else to_main(variant.price, currency),
        }
        for variant in product.variants
    ]
    row["currency"] = currency
    if not product.created_at:
        row.pop("created_at", None)
    return dict(row)


def interaction_row(interaction: Interaction) -> dict[str, object]:
    """Return an interaction in the JSONL form, times in Unix seconds."""
    fields = type(interaction).__struct_fields__
    row = {name: getattr(interaction, name) for name in fields if getattr(interaction, name) != ""}
    del row["received_at"]
    return row


def link_row(link: Identification) -> dict[str, object]:
    """Return a link of a session to a user in the JSONL form, its time in Unix seconds."""
    return {"session_id": link.session_id, "user_id": link.user_id, "at": link.at}


def _weighted(interaction: Interaction, weight: object) -> Interaction:
    if weight is None:
        return interaction
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not abs(weight) <= MOST_WEIGHT:
        raise RowFault("bad_amount", "weight", value=str(weight))
    return msgspec.structs.replace(interaction, weight=float(weight)) if math.isfinite(weight) else interaction


def _apply(
    rows: Sequence[msgspec.Raw],
    schema: Schema,
    convert: Callable[[dict[str, Any]], T],
    write: Callable[[Sequence[T]], BatchResult],
    locale: Locale,
    keep: tuple[str, ...] = (),
) -> BatchReply:
    good: list[T] = []
    places: list[int] = []
    faults: list[tuple[int, RowFault]] = []
    for index, raw in enumerate(rows):
        try:
            good.append(convert(_fields(raw, schema, keep)))
            places.append(index)
        except RowFault as fault:
            faults.append((index, fault))
    result = write(good) if good else BatchResult()
    faults.extend((places[index], fault) for index, fault in result.rejected)
    return BatchReply(
        accepted=len(good) - len(result.rejected),
        inserted=result.inserted,
        updated=result.updated,
        unchanged=result.unchanged,
        parked=result.parked,
        created_products=result.created_products,
        rejected=[
            RejectedRow(index, fault.code, fault.column, fault.text(locale), dict(fault.values))
            for index, fault in sorted(faults, key=lambda entry: entry[0])
        ],
    )


def _fields(raw: msgspec.Raw, schema: Schema, keep: tuple[str, ...]) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RowFault("not_json", reason=str(error)) from None
    if not isinstance(value, dict):
        raise RowFault("not_object")
    return canonical_fields(value, schema) | {name: value[name] for name in keep if name in value}
