"""``appliance sync``: Medusa now, how far the shop is in step, and a test of the connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from appliance.cli import output
from appliance.cli.conflicts import conflicts, outbox
from appliance.cli.session import Session, json_option, pass_session
from appliance.errors import Unavailable
from appliance.messages import Locale, catalogue, translate

_PATH = "/v1/admin/sync"


@click.group()
def sync() -> None:
    """Keep the shop in step with its Medusa server."""


@sync.command()
@click.option("--full", is_flag=True, help="Copy or compare everything, as is done every night.")
@json_option
@pass_session
def now(session: Session, full: bool) -> int:
    """Read what changed in Medusa: products, prices, stock, categories, customers and orders."""
    from appliance.cli.backend import open_backend

    locale = session.locale
    with open_backend(session) as backend:
        job = backend.call("POST", _PATH, body={"mode": "full" if full else "now"})
        with output.progress(translate("sync.running", locale)) as tell:
            job = backend.finish_job(job, tell)
    report = job["result"] or {}
    if session.as_json:
        output.print_json(job)
    elif job["state"] != "done":
        raise Unavailable(job["error"] or translate("sync.not_done", locale), hint="`appliance sync status`")
    elif "requests" in report:
        _print_report(report, locale)
    else:
        output.say(translate("sync.away", locale, detail=_reason(report, locale)))
    return 0 if job["state"] == "done" and "requests" in report else 1


@sync.command()
@json_option
@pass_session
def status(session: Session) -> None:
    """Tell whether Medusa answers, when the shop was last in step, and what waits to be sent."""
    answer = session.ask("GET", _PATH)
    if session.as_json:
        output.print_json(answer)
        return
    locale, connection = session.locale, answer["connection"]
    output.print_line(f"Medusa {answer['url']}: {connection['message']}" if answer["url"] else connection["message"])
    if connection["state"] == "off":
        return
    facts = {
        "since": connection["since"],
        "last_ok": connection["last_ok_at"],
        "copied": answer["copied_at"],
        "waiting": answer["outbox"].get("waiting", 0),
        "conflicts": answer["outbox"].get("conflict", 0),
    }
    for name, value in facts.items():
        output.print_line(f"{translate(f'sync.{name}', locale)}: {output.cell_text(value)}")
    rows = [
        (last["mode"], last["at"], f"{last['seconds']:g} s", last["requests"], sum(last["changed"].values()))
        for last in answer["last"]
    ]
    if rows:
        output.print_table(translate("sync.pass_headings", locale).split("|"), rows)
    if answer["mirrored"]:
        output.print_table(translate("sync.kind_headings", locale).split("|"), sorted(answer["mirrored"].items()))


@sync.command()
@json_option
@pass_session
def test(session: Session) -> int:
    """Try the connection to Medusa and say what is wrong with it."""
    answer = session.ask("POST", f"{_PATH}/test")
    if session.as_json:
        output.print_json(answer)
    elif answer["ok"]:
        values = {"shop": answer["shop"], "currencies": ", ".join(answer["currencies"]), "region": answer["region"]}
        output.print_line(translate("sync.test_ok", session.locale, took=f"{answer['took_ms']:.0f}", **values))
    else:
        output.say(f"{answer['message']} {answer['hint']} ({answer['detail']})")
    return 0 if answer["ok"] else 1


def _reason(report: Mapping[str, Any], locale: Locale) -> str:
    """Return why Medusa could not be read, in the reader's language where there are words for it."""
    messages = catalogue(locale)
    named = (f"medusa.{report.get('state')}.{report.get('reason')}", f"issue.{report.get('reason')}")
    return next((messages[name] for name in named if name in messages), str(report.get("detail", "")))


def _print_report(report: Mapping[str, Any], locale: Locale) -> None:
    kinds = sorted({*report["read"], *report["deleted"]})
    rows = [
        (kind, report["read"].get(kind, 0), report["changed"].get(kind, 0), report["deleted"].get(kind, 0))
        for kind in kinds
    ]
    output.print_table(translate("sync.headings", locale).split("|"), rows)
    output.say(translate("sync.done", locale, requests=f"{report['requests']:,}", seconds=f"{report['seconds']:.1f}"))
    for refused in report["refused"]:
        output.say(translate("sync.refused", locale, what=refused))
    if report["renumbered"]:
        output.say(translate("sync.renumbered", locale, count=f"{report['renumbered']:,}"))


sync.add_command(conflicts)
sync.add_command(outbox)
COMMANDS = {"sync": sync}
