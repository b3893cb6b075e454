"""What the routes about the owner's changes on their way to Medusa take and give."""

from __future__ import annotations

from typing import Any, Literal

from appliance.server.schemas import In, Out

EditState = Literal["waiting", "sent", "conflict", "refused", "dropped"]


class EditOut(Out, frozen=True, kw_only=True):
    """A change of one thing of a product. Prices are texts in main units; categories are paths."""

    id: str
    product_id: str
    product_title: str
    field: Literal["title", "description", "status", "tags", "categories", "price", "stock", "metadata"]
    variant_id: str
    variant_title: str
    part: str
    """The currency of a price, the location of stock, the key of metadata."""
    base: Any
    """What Medusa had when the change was made; ``null``: nothing."""
    value: Any
    """What the owner wants."""
    theirs: Any
    """What Medusa has instead of ``base``, where both sides changed it."""
    state: EditState
    outcome: Literal["", "sent", "already", "here", "medusa", "rule", "gone", "superseded"]
    """``medusa``, ``here``: whose the owner kept; ``rule``: Medusa's was kept by the rule of the field."""
    attempts: int
    last_error: str
    created_at: str
    settled_at: str | None


class EditList(Out, frozen=True, kw_only=True):
    """Changes, the newest first."""

    items: list[EditOut]


class DecisionIn(In, frozen=True, kw_only=True):
    """Whose version holds."""

    keep: Literal["here", "medusa"]
    """``here``: send the change after all; ``medusa``: give it up, also while it waits to be sent."""
