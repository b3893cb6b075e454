"""One import from file to sink: finds the layout, reads the file once for damage, then converts and writes batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from appliance.domain import Interaction, InteractionType, Product
from appliance.messages import Locale
from appliance.ops.importing.columns import FAQ, INTERACTIONS, ORDERS, PRODUCTS, Schema
from appliance.ops.importing.faq import faq_from_row
from appliance.ops.importing.faults import FileFault, RowFault
from appliance.ops.importing.interactions import InteractionReader
from appliance.ops.importing.orders import order_from_row
from appliance.ops.importing.products import product_from_row
from appliance.ops.importing.readers import FormatName, Reader, open_reader
from appliance.ops.importing.rejects import Rejects
from appliance.ops.importing.report import ImportReport
from appliance.ops.importing.rows import BadRow, Row
from appliance.ops.importing.sinks import BatchResult, ImportSink
from appliance.ops.importing.source import Progress, SourceFile
from appliance.ops.importing.values import Fields
from appliance.settings import Settings
from appliance.store.faq import FaqEntry
from appliance.store.orders import OrderRecord

T = TypeVar("T")
_MAX_BATCH_CHARS = 8 << 20
"""A batch of long rows is written early, so that memory stays bounded."""


def import_products(
    path: Path,
    sink: ImportSink,
    settings: Settings,
    *,
    data_dir: Path,
    locale: Locale = "en",
    form: FormatName = "auto",
    progress: Progress | None = None,
    now: Callable[[], float] = time.time,
) -> ImportReport:
    """Insert or update the products of a file. Raises ``UnusableFile``, and then nothing was written."""

    def convert(fields: Fields) -> Product:
        return product_from_row(fields, settings.shop.currency)

    opened = _open(path, PRODUCTS, form, data_dir, locale, now())
    return _Run(opened, convert, sink.products, sink.batch_size, lambda product: product.id).report(progress, now)


def import_interactions(
    path: Path,
    sink: ImportSink,
    settings: Settings,
    *,
    data_dir: Path,
    locale: Locale = "en",
    form: FormatName = "auto",
    default_type: InteractionType = InteractionType.VIEW,
    create_products: bool = False,
    progress: Progress | None = None,
    now: Callable[[], float] = time.time,
) -> ImportReport:
    """Record the interactions of a file, each once however often it is imported.

    Raises ``UnusableFile``, and then nothing was written.
    """
    started = now()
    opened = _open(path, INTERACTIONS, form, data_dir, locale, started)
    converter = InteractionReader(
        settings.weights,
        default_type=default_type,
        now=started,
        max_future=settings.ingest.max_future_seconds,
        timeless=opened.reader.layout == "sequences",
    )

    def write(batch: Sequence[Interaction]) -> BatchResult:
        return sink.interactions(batch, create_products=create_products)

    return _Run(opened, converter.read, write, sink.batch_size).report(progress, now)


def import_orders(
    path: Path,
    sink: ImportSink,
    settings: Settings,
    *,
    data_dir: Path,
    locale: Locale = "en",
    form: FormatName = "auto",
    progress: Progress | None = None,
    now: Callable[[], float] = time.time,
) -> ImportReport:
    """Insert or update the orders of a file; rejected rows are told by line only, because they name people.

    Raises ``UnusableFile``, and then nothing was written.
    """

    def convert(fields: Fields) -> OrderRecord:
        return order_from_row(fields, settings.shop.currency)

    opened = _open(path, ORDERS, form, data_dir, locale, now())
    run = _Run(opened, convert, sink.orders, sink.batch_size, lambda order: order.id or order.display_id, private=True)
    return run.report(progress, now)


def import_faq(
    path: Path,
    sink: ImportSink,
    settings: Settings,
    *,
    data_dir: Path,
    locale: Locale = "en",
    form: FormatName = "auto",
    progress: Progress | None = None,
    now: Callable[[], float] = time.time,
) -> ImportReport:
    """Insert or update the FAQ entries of a file. Raises ``UnusableFile``, and then nothing was written."""

    def convert(fields: Fields) -> FaqEntry:
        return faq_from_row(fields, settings.shop.locale)

    opened = _open(path, FAQ, form, data_dir, locale, now())
    return _Run(opened, convert, sink.faq, sink.batch_size).report(progress, now)


class _Opened(NamedTuple):
    """A file whose layout is known, and where its bad rows go."""

    kind: str
    source: SourceFile
    reader: Reader
    rejects: Rejects


def _open(path: Path, schema: Schema, form: FormatName, data_dir: Path, locale: Locale, now: float) -> _Opened:
    source = SourceFile(path)
    reader = open_reader(source, schema, form, now=now)
    rejects = Rejects(data_dir, source.name, as_csv=reader.layout in ("delimited", "sequences"), locale=locale, now=now)
    return _Opened(schema.kind, source, reader, rejects)


class _Run(Generic[T]):
    """The loop that all imports share."""

    def __init__(
        self,
        opened: _Opened,
        convert: Callable[[Fields], T],
        write: Callable[[Sequence[T]], BatchResult],
        batch_size: int,
        identity: Callable[[T], str] | None = None,
        *,
        private: bool = False,
    ) -> None:
        """``identity`` names what must not stand twice in one batch: the later row wins.

        The text of rejected rows is not kept when they are ``private``.
        """
        self._kind, self._source, self._reader, self._rejects = opened
        self._convert = convert
        self._write = write
        self._size = batch_size
        self._identity = identity
        self._private = private
        self._batch: list[T] = []
        self._rows: list[Row] = []
        self._places: dict[str, int] = {}
        self._chars = 0

    def report(self, progress: Progress | None, now: Callable[[], float]) -> ImportReport:
        """Run the import and tell what it did."""
        started = now()
        report = ImportReport(kind=self._kind, file=self._source.name, layout=self._reader.layout)
        try:
            self._reader.check(_share(progress, 0))
            for row in self._reader.rows(_share(progress, 1)):
                report.read += 1
                self._take(row, report)
            self._flush(report)
            if report.accepted == 0:
                raise self._nothing_good()
        except BaseException:
            if report.accepted == 0:
                self._rejects.discard()
            raise
        finally:
            self._rejects.close()
        report.rejected = self._rejects.count
        report.reasons = dict(self._rejects.reasons.most_common())
        report.first_rejected = self._rejects.first
        report.rejects_file = self._rejects.path
        report.seconds = round(now() - started, 3)
        return report

    def _take(self, row: Row | BadRow, report: ImportReport) -> None:
        if isinstance(row, BadRow):
            self._reject(row)
            return
        try:
            item = self._convert(row.fields)
        except RowFault as fault:
            self._reject(BadRow(row.line, fault, _raw(row)))
            return
        if self._identity is not None:
            place = self._places.setdefault(self._identity(item), len(self._batch))
            if place < len(self._batch):
                self._replace(place, item, row, report)
                return
        self._batch.append(item)
        self._rows.append(row)
        self._chars += len(row.raw)
        if len(self._batch) >= self._size or self._chars >= _MAX_BATCH_CHARS:
            self._flush(report)

    def _replace(self, place: int, item: T, row: Row, report: ImportReport) -> None:
        report.accepted += 1
        if self._batch[place] == item:
            report.unchanged += 1
        else:
            report.updated += 1
        self._batch[place], self._rows[place] = item, row

    def _flush(self, report: ImportReport) -> None:
        if not self._batch:
            return
        result = self._write(self._batch)
        for index, fault in result.rejected:
            self._reject(BadRow(self._rows[index].line, fault, _raw(self._rows[index])))
        report.accepted += len(self._batch) - len(result.rejected)
        report.inserted += result.inserted
        report.updated += result.updated
        report.unchanged += result.unchanged
        report.parked += result.parked
        report.created_products += result.created_products
        self._batch, self._rows, self._places, self._chars = [], [], {}, 0

    def _reject(self, row: BadRow) -> None:
        self._rejects.add(row._replace(raw="") if self._private else row)

    def _nothing_good(self) -> FileFault:
        name = self._source.name
        if not self._rejects.first:
            return FileFault("no_rows", file=name)
        first = self._rejects.first[0]
        return FileFault("no_good_row", file=name, line=first.line, reason=first.reason, count=self._rejects.count)


def _raw(row: Row) -> str:
    return row.raw or str(row.fields)


def _share(progress: Progress | None, half: int) -> Progress | None:
    """Let the two readings of a file count as one: the check is the first half, the import the second."""
    if progress is None:
        return None
    return lambda done, total: progress(done + half * total, 2 * total)
