"""``appliance rules``: what the owner pins, boosts, buries and excludes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args
from urllib.parse import quote

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.domain import Placement, RuleAction, RuleTarget
from appliance.messages import Locale, translate

_DAY = "%Y-%m-%d"
_WHEN = click.DateTime([_DAY, "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])


@click.group()
def rules() -> None:
    """List, add or remove merchandising rules: pin, boost, bury, exclude."""


@rules.command(name="list")
@json_option
@pass_session
def list_(session: Session) -> None:
    """List all rules, the oldest first; of two pins for one place the older has it."""
    answer = session.ask("GET", "/v1/admin/rules")
    if session.as_json:
        output.print_json(answer)
        return
    if not answer["items"]:
        output.say(translate("cli.no_rules", session.locale))
        return
    rows = [_row(rule, session.locale) for rule in answer["items"]]
    output.print_table(translate("cli.rule_headings", session.locale).split("|"), rows)


@rules.command()
@click.argument("action", type=click.Choice(get_args(RuleAction)))
@click.argument("target", type=click.Choice(get_args(RuleTarget)))
@click.argument("value")
@click.option("--placement", type=click.Choice(get_args(Placement)), help="Where it holds. [default: everywhere]")
@click.option("--position", type=click.IntRange(1, 100), default=1, show_default=True, help="For pin: the place.")
@click.option("--strength", type=click.FloatRange(1, 100), default=2.0, show_default=True, help="For boost and bury.")
@click.option("--from", "starts_at", type=_WHEN, help="First day or moment, in the shop's time zone.")
@click.option("--until", "ends_at", type=_WHEN, help="Last day, or the moment at which it ends.")
@click.option("--off", is_flag=True, help="Keep it switched off.")
@json_option
@pass_session
def add(session: Session, /, **params: Any) -> None:
    """Make a rule that counts from the next recommendation on.

    VALUE is a product's id or handle, a category, a tag, a range of prices in main units (200000..500000, ..500000,
    1000000..) or a range of margins (">=30%", 10%..25%).
    """
    body = {key: value for key, value in params.items() if key not in ("starts_at", "ends_at", "off")}
    body |= {"enabled": not params["off"], **_span(session, params["starts_at"], params["ends_at"])}
    made = session.ask("POST", "/v1/admin/rules", body=body)
    if session.as_json:
        output.print_json(made)
        return
    output.print_line(made["id"])
    told = "cli.rule_added" if made["products"] else "cli.rule_added_for_none"
    output.say(translate(told, session.locale, products=made["products"]))


@rules.command()
@click.argument("rule_id")
@json_option
@pass_session
def remove(session: Session, rule_id: str) -> None:
    """Remove a rule at once; RULE_ID is the one that `list` shows."""
    session.ask("DELETE", f"/v1/admin/rules/{quote(rule_id, safe='')}")
    if session.as_json:
        output.print_json({"removed": rule_id})
        return
    output.say(translate("cli.rule_removed", session.locale, id=output.safe(rule_id)))


def _row(rule: dict[str, Any], locale: Locale) -> tuple[object, ...]:
    """Return what a person needs to know of a rule: only what counts for its action."""
    size = {"pin": f"#{rule['position']}", "exclude": ""}.get(rule["action"], f"× {rule['strength']:g}")
    if rule["action"] == "bury":
        size = f"÷ {rule['strength']:g}"
    return (
        rule["id"],
        translate(f"rule_action.{rule['action']}", locale),
        translate(f"rule_target.{rule['target']}", locale),
        rule["value"],
        size,
        translate(f"placement.{rule['placement'] or 'any'}", locale),
        rule["starts_at"],
        rule["ends_at"],
        translate("cli.rule_on" if rule["enabled"] else "cli.rule_off", locale),
    )


def _span(session: Session, starts_at: datetime | None, ends_at: datetime | None) -> dict[str, str]:
    """Return the moments as the API takes them. A last day that is named without a time counts to its end."""
    from zoneinfo import ZoneInfo

    if starts_at is None and ends_at is None:
        return {}
    zone = ZoneInfo(session.load().settings.shop.timezone)
    if ends_at is not None and ends_at.time() == datetime.min.time():
        ends_at += timedelta(days=1)
    moments = (("starts_at", starts_at), ("ends_at", ends_at))
    return {name: when.replace(tzinfo=zone).isoformat() for name, when in moments if when is not None}


COMMANDS = {"rules": rules}
