"""``appliance token``: who may call the API."""

from __future__ import annotations

from urllib.parse import quote

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.messages import translate

_KINDS = ("admin", "secret", "publishable")


@click.group()
def token() -> None:
    """Create, list or revoke tokens: admin (console), secret (storefront's server), publishable (browser)."""


@token.command()
@click.option("--kind", type=click.Choice(_KINDS), default="admin", show_default=True)
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@json_option
@pass_session
def create(session: Session, kind: str, name: str) -> None:
    """Make a token and print it, this once."""
    made = session.ask("POST", "/v1/admin/tokens", body={"kind": kind, "name": name})
    if session.as_json:
        output.print_json(made)
        return
    output.print_line(made["secret"])
    output.say(translate("cli.token_once", session.locale, id=made["id"]))


@token.command(name="list")
@json_option
@pass_session
def list_(session: Session) -> None:
    """List the tokens that are valid, without their secrets."""
    answer = session.ask("GET", "/v1/admin/tokens")
    if session.as_json:
        output.print_json(answer)
        return
    rows = [(one["id"], one["kind"], one["name"], one["created_at"]) for one in answer["items"]]
    if not rows:
        output.say(translate("cli.no_tokens", session.locale))
        return
    output.print_table(translate("cli.token_headings", session.locale).split("|"), rows)


@token.command()
@click.argument("token_id")
@json_option
@pass_session
def revoke(session: Session, token_id: str) -> None:
    """Revoke a token at once; TOKEN_ID is the one that `list` shows."""
    session.ask("DELETE", f"/v1/admin/tokens/{quote(token_id, safe='')}")
    if session.as_json:
        output.print_json({"revoked": token_id})
        return
    output.say(translate("cli.token_revoked", session.locale, id=output.safe(token_id)))


COMMANDS = {"token": token}
