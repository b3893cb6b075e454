"""The event as it comes over the wire, and the judgement on each: an interaction to keep, or what is wrong with it."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Annotated, Any

import msgspec

from appliance import settings
from appliance.domain import (
    CURRENCY_PATTERN,
    EVENT_ALIASES,
    ID_OR_EMPTY_PATTERN,
    PRODUCTLESS,
    Interaction,
    InteractionType,
    said_plainly,
)
from appliance.store.catalogue import Catalogue
from appliance.store.privacy import PrivacyRepository
from appliance.text import clean

MAX_METADATA_BYTES = 4096
_MAX_COUNTED = 8
"""Pieces beyond these say nothing more about taste: a reseller, a slip of the finger, or somebody pushing."""
# ``''`` stands for an absent id: templates of storefronts send it for a guest.
Id = Annotated[str, msgspec.Meta(max_length=128, pattern=ID_OR_EMPTY_PATTERN)]
_AT = re.compile(r"^(?P<reason>.*?) - at `\$(?:\[(?:\.\.\.|\d+)\])*\.?(?P<field>[^`]*)`$")
_ESCAPED_CONTROL = re.compile(r"\\u00[0189][0-9a-f]|\\u007f")


class EventIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What a visitor did. A product is named by id or handle, the visitor by session, user or both."""

    type: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """view, click, wishlist, add_to_cart, remove_from_cart, purchase, search, impression, begin_checkout, refund, or
    the name that GA4 has for it."""
    product_id: Id | None = None
    product_handle: Id | None = None
    session_id: Id | None = None
    user_id: Id | None = None
    event_id: Id | None = None
    """Repeated with the same id, an event counts once."""
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    price: Annotated[float, msgspec.Meta(ge=0, le=1e15)] | None = None
    """Of one piece, in the currency's main unit."""
    currency: Annotated[str, msgspec.Meta(pattern=CURRENCY_PATTERN)] | None = None
    recommendation_id: Id | None = None
    """The recommendation that led to this."""
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """RFC 3339; without it the time of arrival counts."""
    metadata: dict[str, Any] | None = None
    """Anything else, 4 KiB at most."""


class Rejection(msgspec.Struct, frozen=True):
    """Why an event was not kept."""

    index: int
    code: str
    """invalid_event, unknown_type, missing_product, missing_session, too_old or unauthorised."""
    message: str


class Refusal(msgspec.Struct, frozen=True):
    """A rejection whose place in the batch is not known yet."""

    code: str
    message: str


class _Names(msgspec.Struct):
    user_id: Any = None


_decode_batch = msgspec.json.Decoder(list[EventIn]).decode
_decode_event = msgspec.json.Decoder(EventIn).decode
_decode_names = msgspec.json.Decoder(_Names).decode
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_events(raw: Sequence[msgspec.Raw]) -> Sequence[EventIn | Refusal]:
    """Decode a batch in one call, and each event alone only when one of them is wrong."""
    try:
        events = _decode_batch(b"[" + b",".join(raw) + b"]")
    except _UNDECODABLE:
        events = []
    # The lengths differ for a part that was not one JSON value.
    return events if len(events) == len(raw) else [_decode_alone(event) for event in raw]


def names_user(raw: Sequence[msgspec.Raw]) -> bool:
    """Tell whether any event names a user; cheap for those that do not, and not fooled by escapes."""
    together = b",".join(raw)
    if b"user_id" not in together and b"\\u" not in together:
        return False
    return any(_names_user(event) for event in raw)


def _names_user(raw: msgspec.Raw) -> bool:
    try:
        return bool(_decode_names(raw).user_id)
    except _UNDECODABLE:
        return False


def _decode_alone(raw: msgspec.Raw) -> EventIn | Refusal:
    try:
        return _decode_event(raw)
    except msgspec.ValidationError as error:
        return Refusal("invalid_event", _plain(str(error)))
    except RecursionError:
        return Refusal("invalid_event", "the event is nested too deeply")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Refusal("invalid_event", f"not valid JSON: {error}"[:200])


def _plain(message: str) -> str:
    """Put the field first: ``quantity: expected `int` <= 10000``."""
    found = _AT.match(message)
    reason = said_plainly(found["reason"] if found else message)
    reason = clean(reason[:1].lower() + reason[1:])[:300]
    return f"{found['field']}: {reason}" if found and found["field"] else reason


def share_of_quantity(quantity: int) -> float:
    """Return what a type's weight is multiplied by: 1 + log₂(quantity), from 1 for one piece to 4 for eight and more.

    The number itself stays in the metadata.
    """
    return 1.0 + math.log2(min(quantity, _MAX_COUNTED)) if quantity > 1 else 1.0


class Judge:
    """Turns decoded events into interactions: types, weights, products, times, privacy."""

    def __init__(
        self, catalogue: Catalogue, privacy: PrivacyRepository, weights: settings.Weights, limits: settings.Ingest
    ) -> None:
        self._resolve = catalogue.resolve
        self._is_opted_out = privacy.is_opted_out
        self._max_past = limits.max_past_days * 86_400
        self._max_future = limits.max_future_seconds
        known = {kind.value: kind for kind in InteractionType} | EVENT_ALIASES
        self._kinds = {
            name: (kind.value, float(getattr(weights, kind.value)), kind not in PRODUCTLESS)
            for name, kind in known.items()
        }
        self._encode = msgspec.json.Encoder().encode
        self._prefix = secrets.token_hex(8)
        self._ordinals = count()

    def judge(
        self, event: EventIn, now: float, default_type: str | None, *, user_allowed: bool, own_user: str = ""
    ) -> Interaction | Refusal:
        """Return the interaction, received ``now``, or why it is refused; without a user it is ``own_user``'s."""
        kind = self._kinds.get(event.type or default_type or "")
        if kind is None:
            return _unknown_type(event.type, self._kinds)
        user, session = event.user_id or own_user, event.session_id or ""
        if not user and not session:
            return Refusal("missing_session", "session_id: name the session, or the user, or both")
        if user != own_user and not user_allowed:
            return Refusal("unauthorised", "user_id: only a trusted server or the signed-in shopper may name a user")
        product, handle = self._product(event)
        if kind[2] and not product and not handle:
            return Refusal("missing_product", f"product_id: {kind[0]} needs product_id or product_handle")
        occurred = self._occurred(event.occurred_at, now)
        if isinstance(occurred, Refusal):
            return occurred
        metadata = self._metadata(event)
        if isinstance(metadata, Refusal):
            return metadata
        if self._is_opted_out(session, user):
            user = session = ""
        return Interaction(
            event.event_id or f"{self._prefix}{next(self._ordinals):x}",
            user,
            session,
            product,
            handle,
            kind[0],
            kind[1] * share_of_quantity(event.quantity or 1),
            occurred,
            now,
            event.recommendation_id or "",
            metadata,
        )

    def _product(self, event: EventIn) -> tuple[str, str]:
        """Return the product's id and handle as the catalogue has them, or as they were sent."""
        product, handle = event.product_id or "", event.product_handle or ""
        card = self._resolve(product) if product else None
        if card is None and handle:
            card = self._resolve(handle)
        return (product, handle) if card is None else (card.id, card.handle)

    def _occurred(self, sent: datetime | None, now: float) -> float | Refusal:
        """Return when it happened; a moment that lies ahead is a wrong clock, so the time of arrival counts."""
        if sent is None:
            return now
        at = sent.timestamp()
        if at < now - self._max_past:
            days = self._max_past / 86_400
            return Refusal("too_old", f"occurred_at: more than {days:g} days before the event was received")
        return now if at > now + self._max_future else at

    def _metadata(self, event: EventIn) -> str | Refusal:
        """Return the metadata as JSON text, with quantity, price and currency where they were sent."""
        facts = event.metadata
        if event.quantity is not None or event.price is not None or event.currency is not None:
            facts = dict(facts or {})
            for name in ("quantity", "price", "currency"):
                value = getattr(event, name)
                if value is not None:
                    facts.setdefault(name, value)
        if not facts:
            return ""
        try:
            encoded = self._encode(facts)
            text = encoded.decode()
            if not text.isascii() or _ESCAPED_CONTROL.search(text):
                text = self._encode(_cleaned(facts)).decode()
        except (OverflowError, RecursionError, UnicodeError) as error:
            return Refusal("invalid_event", f"metadata: {error}"[:200])
        if len(encoded) > MAX_METADATA_BYTES:
            return Refusal("invalid_event", f"metadata: longer than {MAX_METADATA_BYTES} bytes")
        return text


def _unknown_type(name: str, known: dict[str, tuple[str, float, bool]]) -> Refusal:
    if not name:
        return Refusal("invalid_event", "type: is missing")
    names = ", ".join(sorted({kind[0] for kind in known.values()}))
    return Refusal("unknown_type", f"type: {clean(name)!r} is not one of {names}")


def _cleaned(value: Any) -> Any:
    """Return a JSON value whose texts cannot drive a terminal."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(part) for part in value]
    if isinstance(value, dict):
        return {clean(key): _cleaned(part) for key, part in value.items()}
    return value
