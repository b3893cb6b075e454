"""One row of the old fold, which has counts and two times, as the events that it stands for.

The ids of the events follow from the row's key and the number of the event alone. So a row counts once however often
it is imported, from whichever source, and a row that has grown since adds the events that were not there.
"""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, tzinfo
from typing import Any

import msgspec

from appliance.domain import Interaction, InteractionType
from appliance.ops.importing import values
from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.interactions import InteractionReader, Ordinals
from appliance.ops.importing.values import Fields
from appliance.ops.importing.wire import MOST_WEIGHT
from appliance.settings import Weights

MAX_EVENTS = 50
"""A row stands for no more events than this; their weights make up the row's all the same."""
_UNITS = {kind.value: float(getattr(Weights(), kind.value)) for kind in InteractionType}
"""What one action weighed in the old stack: its defaults were the ones of this product, whatever is set here now."""


class OldInteractionReader:
    """Converts the rows of ``rec_user_interactions``."""

    def __init__(self, weights: Weights, *, now: float, max_future: float, zone: tzinfo | None = None) -> None:
        """``zone`` is what times without a time zone are in; UTC unless given. ``now`` is in Unix seconds."""
        self._reader = InteractionReader(
            weights, default_type=InteractionType.VIEW, now=now, max_future=max_future, timeless=False
        )
        self._zone = zone
        self._now = now
        self._latest = now + max_future
        self._ordinals = Ordinals()

    def read(self, fields: Fields) -> list[Interaction]:
        """Return the events of a row, oldest first. Raises ``RowFault``."""
        if values.is_absent(fields.get("interaction_type")):
            raise RowFault("empty_value", "interaction_type")
        created, updated = self._times(fields)
        # The id is given below; any other spares the reader the making of one.
        one = self._reader.read({**fields, "occurred_at": created, "event_id": "old"})
        weight = _weight(fields)
        count = _count(fields, weight, one.interaction_type, touched=updated > created)
        whole = one.weight * count if weight is None else weight
        name = self._name(one, fields, created)
        last = self._now if updated > self._latest else updated
        return [
            msgspec.structs.replace(
                one,
                event_id=f"old.{name}.{number}",
                weight=whole / count,
                occurred_at=one.occurred_at if number == 1 else last,
            )
            for number in range(1, count + 1)
        ]

    def _times(self, fields: Fields) -> tuple[float, float]:
        given = [
            self._moment(fields[column], column)
            for column in ("created_at", "updated_at")
            if not values.is_absent(fields.get(column))
        ]
        if not given:
            raise RowFault("empty_value", "created_at")
        return min(given), max(given)

    def _moment(self, value: Any, column: str) -> float:
        if self._zone is not None and isinstance(value, str):
            try:
                at = datetime.fromisoformat(value.strip())
                if at.tzinfo is None:
                    value = at.replace(tzinfo=self._zone).timestamp()
            except (ValueError, OverflowError):
                raise RowFault("bad_time", column, value=value) from None
        return values.moment(value, column)

    def _name(self, one: Interaction, fields: Fields, created: float) -> str:
        """Return what the row is known by: its unique key, where PostgreSQL holds that to be unique.

        It does not where an id is NULL: a guest has a row for each action then, told apart by the row's own id or the
        time of its making. The type counts as it is written there, since two words may mean one type here.
        """
        key = [one.user_id, one.session_id, one.product_id or one.product_handle]
        key.append(values.scalar(fields["interaction_type"], "interaction_type").strip())
        if not one.user_id or not one.session_id:
            own = fields.get("id")
            key.append(repr(created) if values.is_absent(own) else values.scalar(own, "id"))
        digest = hashlib.blake2b("\x1f".join(key).encode(), digest_size=12)
        ordinal = self._ordinals.next(digest.digest())
        if ordinal:
            digest.update(b"\x1f%d" % ordinal)
        return digest.hexdigest()


def _weight(fields: Fields) -> float | None:
    """Return a row's whole weight; ``None`` when it has none."""
    value = fields.get("weight")
    if values.is_absent(value):
        return None
    try:
        weight = float(values.scalar(value, "weight"))
    except ValueError:
        weight = math.nan
    if not abs(weight) <= MOST_WEIGHT:
        raise RowFault("bad_amount", "weight", value=str(value))
    return weight


def _count(fields: Fields, weight: float | None, kind: str, *, touched: bool) -> int:
    """Return how many actions a row counts: as it says itself, else as its weight tells.

    A row that was written again counts two at least, so that both of its times are kept.
    """
    count = values.whole(fields.get("occurrences"), "occurrences")
    if count is None:
        unit = _UNITS[kind]
        count = round(weight / unit) if weight and unit else 1
    return min(max(count, 2 if touched else 1), MAX_EVENTS)
