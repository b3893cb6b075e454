"""``appliance sync outbox`` and ``sync conflicts``: the owner's changes on their way to Medusa, and decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args
from urllib.parse import quote

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.messages import Locale, translate
from appliance.store.outbox import EditState

_OUTBOX, _CONFLICTS = "/v1/admin/sync/outbox", "/v1/admin/sync/conflicts"
_LONGEST = 60


@click.command()
@click.option("--keep", type=click.Choice(["here", "medusa"]), help="Whose version holds; needs ID.")
@click.argument("edit_id", metavar="[ID]", required=False)
@json_option
@pass_session
def conflicts(session: Session, keep: str | None, edit_id: str | None) -> None:
    """List changes that were made both here and in Medusa, or decide one: `--keep here ID` or `--keep medusa ID`.

    `--keep medusa` also gives up a change that waits to be sent; `appliance sync outbox` names it.
    """
    if (keep is None) != (edit_id is None):
        raise click.UsageError("--keep and ID go together.")
    if edit_id is None:
        _print(session, session.ask("GET", _CONFLICTS), "edit.none")
        return
    settled = session.ask("POST", f"{_CONFLICTS}/{quote(edit_id, safe='')}", body={"keep": keep})
    if session.as_json:
        output.print_json(settled)
        return
    field = translate(f"edit.field.{settled['field']}", session.locale)
    output.say(translate(f"edit.kept_{keep}", session.locale, title=settled["product_title"], field=field))


@click.command()
@click.option("--state", type=click.Choice(get_args(EditState)), help="Only changes in this state.")
@click.option("--limit", type=click.IntRange(1, 100), default=50, show_default=True, help="How many at most.")
@json_option
@pass_session
def outbox(session: Session, state: str | None, limit: int) -> None:
    """List what was changed here and what became of it in Medusa, the newest first."""
    _print(session, session.ask("GET", _OUTBOX, params={"state": state, "limit": limit}), "edit.empty")


def _print(session: Session, answer: Mapping[str, Any], nothing: str) -> None:
    if session.as_json:
        output.print_json(answer)
    elif answer["items"]:
        rows = [_row(edit, session.locale) for edit in answer["items"]]
        output.print_table(translate("edit.headings", session.locale).split("|"), rows)
        for edit in answer["items"]:
            if edit["last_error"]:
                output.print_line(f"{edit['id']}: {edit['last_error']}")
    else:
        output.say(translate(nothing, session.locale))


def _row(edit: Mapping[str, Any], locale: Locale) -> Sequence[object]:
    named = (translate(f"edit.field.{edit['field']}", locale), edit["variant_title"], edit["part"])
    there = edit["theirs"] if edit["state"] == "conflict" else edit["base"]
    return (
        edit["id"],
        edit["product_title"],
        " · ".join(name for name in named if name),
        _said(edit["value"], locale),
        _said(there, locale),
        translate(f"edit.state.{edit['state']}", locale),
        edit["created_at"],
    )


def _said(value: Any, locale: Locale) -> str:
    if value in (None, "", []):
        return translate("edit.nothing", locale)
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
