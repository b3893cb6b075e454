"""What `appliance import postgres` says at its end: each table, what became of it, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.cli import output
from appliance.cli.session import Session
from appliance.messages import Locale, translate

if TYPE_CHECKING:
    from appliance.ops.importing.oldstack import OldStackReport, TableReport


def print_old_stack(session: Session, report: OldStackReport) -> None:
    """Tell what an import of the old stack did."""
    if session.as_json:
        output.print_json(report)
        return
    locale: Locale = session.locale
    output.print_line(
        translate(
            "oldstack.done",
            locale,
            source=report.source,
            read=f"{report.read:,}",
            accepted=f"{report.accepted:,}",
            events=f"{report.events:,}",
            rejected=f"{report.rejected:,}",
            seconds=report.seconds,
        )
    )
    for table in report.tables:
        _print_table(table, locale)
    if report.links:
        output.say(translate("oldstack.links", locale, links=f"{report.links:,}"))
    if report.parked:
        output.say(translate("cli.parked", locale, parked=f"{report.parked:,}"))
    if report.created_products:
        output.say(translate("cli.created_products", locale, count=f"{report.created_products:,}"))
    output.say(translate("cli.after_import" if report.accepted else "oldstack.nothing", locale))


def _print_table(table: TableReport, locale: Locale) -> None:
    if table.treatment != "loaded":
        name = table.table or table.where
        output.say(translate("oldstack.left", locale, table=name, rows=f"{table.read:,}", why=table.why))
        return
    if table.rejected:
        output.say(
            translate("oldstack.rejected", locale, table=table.table, where=table.where, rejected=f"{table.rejected:,}")
        )
        for row in table.first_rejected:
            output.say(translate("cli.rejected_row", locale, line=row.line, reason=output.safe(row.reason)))
        output.say(translate("cli.rejects_file", locale, path=table.rejects_file))
