"""Turns rows into interactions with ids that stay the same however often the rows are imported."""

from __future__ import annotations

import difflib
import hashlib
from typing import Any

import msgspec

from appliance.domain import EVENT_ALIASES, PRODUCTLESS, Interaction, InteractionType
from appliance.ops.importing import values
from appliance.ops.importing.columns import normalise
from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.values import Fields
from appliance.settings import Weights
from appliance.store.event_in import share_of_quantity

MAX_METADATA_BYTES = 4096
MAX_QUANTITY = 10_000
_REMEMBERED = 1 << 15

_TYPES: dict[str, InteractionType] = (
    {kind.value: kind for kind in InteractionType}
    | EVENT_ALIASES
    | {
        "pageview": InteractionType.VIEW,
        "page_view": InteractionType.VIEW,
        "viewed": InteractionType.VIEW,
        "detail": InteractionType.VIEW,
        "pv": InteractionType.VIEW,
        "clicked": InteractionType.CLICK,
        "fav": InteractionType.WISHLIST,
        "favorite": InteractionType.WISHLIST,
        "favourite": InteractionType.WISHLIST,
        "like": InteractionType.WISHLIST,
        "addtocart": InteractionType.ADD_TO_CART,
        "cart": InteractionType.ADD_TO_CART,
        "cart_add": InteractionType.ADD_TO_CART,
        "removefromcart": InteractionType.REMOVE_FROM_CART,
        "cart_remove": InteractionType.REMOVE_FROM_CART,
        "buy": InteractionType.PURCHASE,
        "bought": InteractionType.PURCHASE,
        "order": InteractionType.PURCHASE,
        "purchased": InteractionType.PURCHASE,
        "transaction": InteractionType.PURCHASE,
        "checkout": InteractionType.BEGIN_CHECKOUT,
        "return": InteractionType.REFUND,
    }
)


def interaction_type(text: str) -> InteractionType:
    """Return the type that a word means: ours, GA4's or a common one. Raises ``RowFault``."""
    kind = _TYPES.get(text) or _TYPES.get(normalise(text))
    if kind is not None:
        return kind
    near = difflib.get_close_matches(normalise(text), _TYPES, n=1, cutoff=0.6)
    known = near or [kind.value for kind in InteractionType]
    raise RowFault("bad_type", "interaction_type", value=text, known=", ".join(known))


class Ordinals:
    """Counts how often a content came before, among the last 32,768 to 65,536 distinct ones: memory is bounded."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._older: dict[bytes, int] = {}

    def next(self, key: bytes) -> int:
        """Return 0 for a new content, then 1, 2 and so on."""
        ordinal = self._counts.get(key, -1)
        if ordinal < 0:
            ordinal = self._older.get(key, -1)
        ordinal += 1
        if len(self._counts) >= _REMEMBERED:
            self._older, self._counts = self._counts, {}
        self._counts[key] = ordinal
        return ordinal


class InteractionReader:
    """Converts the rows of one file.

    A row without an ``event_id`` gets one from its content, so a file counts once however often, or in however many
    parts, it is imported. Equal rows get different ids by their ordinal; equal rows further apart than ``Ordinals``
    remembers count as one event.
    """

    def __init__(
        self, weights: Weights, *, default_type: InteractionType, now: float, max_future: float, timeless: bool
    ) -> None:
        """``timeless``: the times are made up, so ids must not depend on them."""
        self._weights = {kind: float(getattr(weights, kind.value)) for kind in InteractionType}
        self._default = default_type
        self._now = now
        self._latest = now + max_future
        self._timeless = timeless
        self._ordinals = Ordinals()

    def read(self, fields: Fields) -> Interaction:
        """Return the interaction of a row; raises ``RowFault``."""
        named = fields.get("interaction_type")
        kind = self._default if values.is_absent(named) else interaction_type(values.scalar(named, "interaction_type"))
        user, session = values.identifier(fields, "user_id"), values.identifier(fields, "session_id")
        product, handle = values.identifier(fields, "product_id"), values.line_text(fields, "product_handle", 200)
        if not user and not session:
            raise RowFault("no_visitor", "user_id")
        if not product and not handle and kind not in PRODUCTLESS:
            raise RowFault("empty_value", "product_id")
        if values.is_absent(fields.get("occurred_at")):
            raise RowFault("empty_value", "occurred_at")
        at = values.moment(fields["occurred_at"], "occurred_at")
        quantity = _quantity(fields)
        given = values.identifier(fields, "event_id")
        recommendation = values.identifier(fields, "recommendation_id")
        metadata = _metadata(fields)
        if not given:
            moment = "" if self._timeless else repr(at)
            parts = (user, session, product, handle, kind.value, moment, str(quantity), recommendation, metadata)
            given = self._event_id("\x1f".join(parts))
        return Interaction(
            event_id=given,
            user_id=user,
            session_id=session,
            product_id=product,
            product_handle=handle,
            interaction_type=kind.value,
            weight=self._weights[kind] * share_of_quantity(quantity),
            # A time that lies ahead is a wrong clock, not a reason to lose the event.
            occurred_at=self._now if at > self._latest else at,
            received_at=self._now,
            recommendation_id=recommendation,
            metadata=metadata,
        )

    def _event_id(self, content: str) -> str:
        digest = hashlib.blake2b(content.encode(), digest_size=12)
        ordinal = self._ordinals.next(digest.digest())
        if ordinal:
            digest.update(b"\x1f%d" % ordinal)
        return f"imp.{digest.hexdigest()}"


def _quantity(fields: Fields) -> int:
    number = values.whole(fields.get("quantity"), "quantity")
    if number is None:
        return 1
    if not 1 <= number <= MAX_QUANTITY:
        raise RowFault("bad_quantity", "quantity", value=str(number), limit=MAX_QUANTITY)
    return number


def _metadata(fields: Fields) -> str:
    content: Any = values.structure(fields.get("metadata"), "metadata")
    if content is None or content == {}:
        return ""
    if not isinstance(content, dict):
        raise RowFault("not_object")
    text = msgspec.json.encode(content, order="sorted").decode()
    if len(text.encode()) > MAX_METADATA_BYTES:
        raise RowFault("text_long", "metadata", length=len(text), limit=MAX_METADATA_BYTES)
    return text
