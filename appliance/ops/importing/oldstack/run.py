"""The import of the old stack: looks at everything first, then takes the interactions over and tells of the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import NamedTuple

from appliance.messages import Locale, translate
from appliance.ops.importing.faults import FileFault, RowFault
from appliance.ops.importing.oldstack.convert import OldInteractionReader
from appliance.ops.importing.oldstack.files import open_files
from appliance.ops.importing.oldstack.live import is_address, open_database
from appliance.ops.importing.oldstack.report import OldStackReport, TableReport
from appliance.ops.importing.oldstack.tables import OldTable, treatment
from appliance.ops.importing.oldstack.writer import Writer
from appliance.ops.importing.rejects import Rejects
from appliance.ops.importing.rows import BadRow
from appliance.ops.importing.sinks import ImportSink
from appliance.ops.importing.source import Progress, SourceFile
from appliance.settings import Settings

_COUNTED = ("read", "accepted", "events", "links", "rejected", "parked", "created_products")


class _Source(NamedTuple):
    """What an import reads: what it may be called, its tables, and the files beside them that are none."""

    label: str
    tables: Sequence[OldTable]
    unknown: Sequence[str]


def import_postgres(
    source: str,
    sink: ImportSink,
    settings: Settings,
    *,
    data_dir: Path,
    locale: Locale = "en",
    columns: Sequence[str] = (),
    zone: tzinfo | None = None,
    create_products: bool = False,
    progress: Progress | None = None,
    now: Callable[[], float] = time.time,
) -> OldStackReport:
    """Take over what the five-service stack knows: a file, a folder, or the address of its database.

    ``columns`` names the columns of an interactions file without a header, ``zone`` is what times without a time zone
    are in (UTC unless given). Each interaction counts once however often it is imported. Raises ``UnusableFile``: for
    files before anything is written, for a database also when it breaks off; importing again goes on from there.
    """
    started = now()
    report = OldStackReport(source="")
    # A file may hold the whole table or a part of it: each has a reader of its own, so that a row in two counts once.
    new_reader = partial(
        OldInteractionReader, settings.weights, now=started, max_future=settings.ingest.max_future_seconds, zone=zone
    )
    with _opened(source, columns, progress) as (label, tables, unknown):
        report.source = label
        loaded = [table for table in tables if treatment(table.name) == "loaded"]
        for table in tables:
            report.tables.append(one := TableReport(table.name, table.where, treatment(table.name)))
            if one.treatment != "loaded":
                one.read = table.count()
                continue
            rejects = Rejects(data_dir, f"{table.name}-{table.where}", as_csv=False, locale=locale, now=started)
            share = _part(progress, loaded.index(table), len(loaded))
            _load(table, new_reader(), Writer(sink, create_products), rejects, one, share)
        report.tables += [TableReport("", name, "unknown") for name in unknown]
    _sum_up(report, locale)
    report.seconds = round(now() - started, 3)
    return report


@contextmanager
def _opened(source: str, columns: Sequence[str], progress: Progress | None) -> Iterator[_Source]:
    if is_address(source):
        with open_database(source) as (label, live):
            yield _Source(label, live, ())
        return

    def share(file: SourceFile) -> Progress | None:
        # How many files there are is not known yet: each runs through the first half on its own.
        return None if progress is None else lambda done, total: progress(done, 2 * total)

    path = Path(source)
    files, unknown = open_files(path, columns, share)
    yield _Source(path.name or str(path), files, unknown)


def _load(
    table: OldTable,
    reader: OldInteractionReader,
    writer: Writer,
    rejects: Rejects,
    report: TableReport,
    progress: Progress | None,
) -> None:
    """Take a table over, and tell in ``report`` what became of it."""
    try:
        for row in table.rows(progress):
            report.read += 1
            if isinstance(row, BadRow):
                rejects.add(row)
                continue
            try:
                events = reader.read(row.fields)
            except RowFault as fault:
                rejects.add(BadRow(row.line, fault, row.raw or str(row.fields)))
                continue
            report.accepted += 1
            writer.add(row, events, rejects.add)
        writer.flush(rejects.add)
    finally:
        rejects.close()
    report.accepted -= writer.refused
    report.events, report.links = writer.events, writer.links
    report.parked, report.created_products = writer.parked, writer.created_products
    report.rejected = rejects.count
    report.reasons = dict(rejects.reasons.most_common())
    report.first_rejected, report.rejects_file = rejects.first, rejects.path


def _sum_up(report: OldStackReport, locale: Locale) -> None:
    """Add up the tables that were taken over and say why others were not.

    Raises ``FileFault`` when there were rows and not one of them was good.
    """
    for table in report.tables:
        table.why = "" if table.treatment == "loaded" else translate(f"oldstack.why.{table.treatment}", locale)
    loaded = [table for table in report.tables if table.treatment == "loaded"]
    for name in _COUNTED:
        setattr(report, name, sum(getattr(table, name) for table in loaded))
    if report.read and not report.accepted:
        worst = next(table for table in loaded if table.first_rejected)
        first = worst.first_rejected[0]
        raise FileFault("no_good_row", file=worst.where, line=first.line, reason=first.reason, count=report.rejected)


def _part(progress: Progress | None, place: int, parts: int) -> Progress | None:
    """Let the parts of the second half, in which rows are written, count one after the other."""
    if progress is None:
        return None
    return lambda done, total: progress(int((parts + place) * total + done), 2 * parts * total)
