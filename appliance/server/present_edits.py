"""How the owner's changes on their way to Medusa are shown."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from appliance.medusa.edits import OwnerEdits
from appliance.server.outbox_schemas import EditOut
from appliance.server.present import moment
from appliance.store.outbox import Edit


def edits_out(edits: OwnerEdits, found: Iterable[Edit]) -> list[EditOut]:
    """Return edits as they are on the wire."""
    return [_edit_out(edits, edit) for edit in found]


def _edit_out(edits: OwnerEdits, edit: Edit) -> EditOut:
    view = edits.view(edit)
    fields = {
        "id": edit.id,
        "product_id": edit.product_id,
        "product_title": view.product_title,
        "field": edit.field,
        "variant_id": edit.variant_id,
        "variant_title": view.variant_title,
        "part": view.part,
        "base": view.base,
        "value": view.value,
        "theirs": view.theirs,
        "state": edit.state,
        "outcome": edit.outcome,
        "attempts": edit.attempts,
        "last_error": edit.last_error,
        "created_at": moment(edit.created_at),
        "settled_at": None if edit.settled_at is None else moment(edit.settled_at),
    }
    return msgspec.convert(fields, EditOut)
