"""``appliance train``: builds every model now."""

from __future__ import annotations

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.messages import translate


@click.command()
@click.option("--search-only", is_flag=True, help="Build the search index alone.")
@json_option
@pass_session
def train(session: Session, search_only: bool) -> None:
    """Build the recommender and the search index; the running process swaps to them when they are whole."""
    from appliance.cli.backend import open_backend

    with open_backend(session) as backend, output.progress(translate("cli.training", session.locale)) as tell:
        report = backend.train(search_only=search_only, tell=tell)
    if session.as_json:
        output.print_json(report)
        return
    locale = session.locale
    for kind, version in report.get("published", {}).items():
        output.print_line(translate("cli.trained", locale, kind=kind, version=version))
    output.say(
        translate(
            "cli.trained_from",
            locale,
            products=f"{report.get('products', 0):,}",
            interactions=f"{report.get('interactions', 0):,}",
            seconds=f"{report.get('seconds', 0):.1f}",
        )
    )


COMMANDS = {"train": train}
