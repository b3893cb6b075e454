"""``appliance status``: how the shop does."""

from __future__ import annotations

from typing import Any

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.messages import translate


@click.command()
@json_option
@pass_session
def status(session: Session) -> None:
    """Tell whether the shop runs, how large it is, and what is wrong with it."""
    from appliance.cli.backend import open_backend

    with open_backend(session) as backend:
        overview = backend.call("GET", "/v1/admin/overview", params={"locale": session.locale})
        running = backend.running
    process = None if running is None else {"pid": running.pid, "url": running.url}
    found: dict[str, Any] = {"running": running is not None, "process": process, "data": str(session.data_dir)}
    found |= overview
    if session.as_json:
        output.print_json(found)
        return
    _print(session, found)


def _print(session: Session, found: dict[str, Any]) -> None:
    locale, process = session.locale, found["process"]
    if process is None:
        output.print_line(translate("cli.not_running", locale, shop=found["shop"], data=found["data"]))
    else:
        output.print_line(translate("cli.running", locale, shop=found["shop"], url=process["url"], pid=process["pid"]))
    catalogue, ingest = found["catalogue"], found["ingest"]
    output.print_line(
        translate(
            "cli.sizes",
            locale,
            products=f"{catalogue['published']:,}",
            events=f"{ingest['logged']:,}",
            waiting=f"{ingest['lag']:,}",
        )
    )
    parts = [(translate(f"part.{part}", locale), f"part_state.{state}") for part, state in found["parts"].items()]
    output.print_line("  ".join(f"{part}: {translate(state, locale)}" for part, state in parts))
    for issue in found["issues"]:
        severity = translate(f"severity.{issue['severity']}", locale)
        output.print_line(f"[{severity}] {issue['message']} {issue['fix']}")


COMMANDS = {"status": status}
