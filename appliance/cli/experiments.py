"""``appliance experiment`` and ``appliance analytics``: what recommendations led to, and which strategy does better."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args
from urllib.parse import quote

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.domain import ExperimentMetric, Placement, StrategyChoice
from appliance.messages import Locale, translate

_STRATEGY = click.Choice(get_args(StrategyChoice))
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def experiment() -> None:
    """Compare two strategies on a part of the visitors each, and read which does better."""


@experiment.command()
@click.option("--name", required=True, help="What it is about.")
@click.option("--placement", type=click.Choice(get_args(Placement)), help="Where; everywhere when left out.")
@click.option("--a", "arm_a", type=_STRATEGY, default="blend", show_default=True, help="What the shop does now.")
@click.option("--b", "arm_b", type=_STRATEGY, required=True, help="What might do better.")
@click.option("--share", type=click.FloatRange(0.05, 0.95), default=0.5, show_default=True, help="Part that gets B.")
@click.option("--metric", type=click.Choice(get_args(ExperimentMetric)), default="click", show_default=True)
@json_option
@pass_session
def start(session: Session, /, **body: Any) -> None:
    """Divide the visitors from now on; every visitor keeps the same strategy to the end."""
    made = session.ask("POST", "/v1/admin/experiments", body=body)
    if session.as_json:
        output.print_json(made)
        return
    locale = session.locale
    words = {
        "placement": _placement(made, locale),
        "arm_a": translate(f"choice.{made['arm_a']}", locale),
        "arm_b": translate(f"choice.{made['arm_b']}", locale),
    }
    output.say(translate("experiment.started", locale, id=made["id"], **words))


@experiment.command(name="list")
@json_option
@pass_session
def list_(session: Session) -> None:
    """List the experiments, the newest first."""
    answer = session.ask("GET", "/v1/admin/experiments")
    if session.as_json:
        output.print_json(answer)
    elif answer["items"]:
        rows = [_row(found, session.locale) for found in answer["items"]]
        output.print_table(translate("experiment.headings", session.locale).split("|"), rows)
    else:
        output.say(translate("experiment.none", session.locale))


@experiment.command()
@click.argument("experiment_id")
@json_option
@pass_session
def show(session: Session, experiment_id: str) -> None:
    """Tell which strategy does better; look as often as you like."""
    path = f"/v1/admin/experiments/{quote(experiment_id, safe='')}"
    report = session.ask("GET", path, params={"locale": session.locale})
    if session.as_json:
        output.print_json(report)
        return
    locale, found = session.locale, report["experiment"]
    output.print_table(translate("experiment.headings", locale).split("|"), [_row(found, locale)])
    rows = [
        (
            arm["arm"].upper(),
            translate(f"choice.{arm['strategy']}", locale),
            arm["visitors"],
            arm["successes"],
            _percent(arm["rate"], locale),
        )
        for arm in report["arms"]
    ]
    output.print_table(translate("experiment.arm_headings", locale).split("|"), rows)
    output.print_line(report["verdict"]["text"])
    if report["verdict"]["warning"]:
        output.print_line(report["verdict"]["warning"])


@experiment.command()
@click.argument("experiment_id")
@json_option
@pass_session
def stop(session: Session, experiment_id: str) -> None:
    """End an experiment for good; EXPERIMENT_ID is the one that `list` shows."""
    ended = session.ask("POST", f"/v1/admin/experiments/{quote(experiment_id, safe='')}/stop")
    if session.as_json:
        output.print_json(ended)
        return
    output.say(translate("experiment.stopped", session.locale, id=ended["id"]))


@click.group()
def analytics() -> None:
    """Tell how the shop's recommendations do."""


@analytics.command()
@click.option("--from", "since", type=_DAY, metavar="DAY", help="First day, as 2026-01-31; else 30 days ago.")
@click.option("--to", "until", type=_DAY, metavar="DAY", help="Last day, included; else today.")
@click.option(
    "--by", type=click.Choice(["placement", "strategy", "arm", "day"]), default="placement", show_default=True
)
@click.option("--daily", is_flag=True, help="Tell the days of each group apart too.")
@json_option
@pass_session
def recommendations(session: Session, since: datetime | None, until: datetime | None, by: str, daily: bool) -> None:
    """Show clicks, carts, purchases and revenue that recommendations led to."""
    days = {"from": since, "to": until}
    params: dict[str, object] = {name: day.date().isoformat() for name, day in days.items() if day is not None}
    params |= {"by": by, "daily": daily, "locale": session.locale}
    found = session.ask("GET", "/v1/admin/analytics/recommendations", params=params)
    if session.as_json:
        output.print_json(found)
        return
    locale, period = session.locale, {"since": found["from"], "until": found["to"]}
    if not found["items"]:
        output.say(translate("outcome.none", locale, **period))
        return
    has_days = daily and by != "day"
    headings = translate(
        "outcome.daily_headings" if has_days else "outcome.headings", locale, currency=found["currency"]
    )
    rows = [([item["day"]] if has_days else []) + _outcome(item, locale) for item in found["items"]]
    output.print_table(headings.split("|"), rows)
    output.say(translate("outcome.period", locale, time_zone=found["time_zone"], **period))


def _outcome(item: Mapping[str, Any], locale: Locale) -> list[object]:
    return [
        item["label"],
        item["impressions"],
        item["visitors"],
        item["clicks"],
        _percent(item["click_through"], locale),
        item["add_to_carts"],
        item["purchases"],
        _percent(item["conversion"], locale),
        item["revenue"],
    ]


def _row(found: Mapping[str, Any], locale: Locale) -> tuple[object, ...]:
    return (
        found["id"],
        found["name"],
        _placement(found, locale),
        translate(f"choice.{found['arm_a']}", locale),
        translate(f"choice.{found['arm_b']}", locale),
        _percent(found["share"], locale),
        translate(f"experiment.{found['metric']}", locale),
        translate(f"experiment.{found['state']}", locale),
        found["started_at"],
        found["ended_at"] or "",
    )


def _placement(found: Mapping[str, Any], locale: Locale) -> str:
    return translate(f"placement.{found['placement'] or 'any'}", locale)


def _percent(share: float, locale: Locale) -> str:
    """Return a share as people of a language write it."""
    text = f"{share * 100:.2f} %"
    return text.replace(".", ",") if locale == "vi" else text


COMMANDS = {"experiment": experiment, "analytics": analytics}
