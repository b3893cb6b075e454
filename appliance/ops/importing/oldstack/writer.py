"""Hands the events and links of rows to a sink in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.domain import Interaction
from appliance.ops.importing.rows import BadRow, Row
from appliance.ops.importing.sinks import ImportSink
from appliance.store.journal_rows import Identification

Refuse = Callable[[BadRow], None]
_REMEMBERED_LINKS = 1 << 16


class Writer:
    """Gathers events until a batch is full; links go before events, so that these fold to the user at once."""

    def __init__(self, sink: ImportSink, create_products: bool) -> None:
        self._sink = sink
        self._create_products = create_products
        self._size = sink.batch_size
        self._events: list[Interaction] = []
        self._rows: list[Row] = []
        self._links: list[Identification] = []
        self._linked: set[tuple[str, str]] = set()
        self._refused: int | None = None
        self.events = self.links = self.parked = self.created_products = self.refused = 0

    def add(self, row: Row, events: Sequence[Interaction], refuse: Refuse) -> None:
        """Take the events of a row; ``refuse`` is told of a row that the sink does not take."""
        self._events += events
        self._rows += [row] * len(events)
        first = events[0]
        link = (first.session_id, first.user_id)
        if all(link) and link not in self._linked:
            # Telling a link again is harmless, so the memory of those told may be bounded.
            if len(self._linked) >= _REMEMBERED_LINKS:
                self._linked.clear()
            self._linked.add(link)
            self._links.append(Identification(*link, first.occurred_at))
        while len(self._events) >= self._size:
            self._write(self._size, refuse)

    def flush(self, refuse: Refuse) -> None:
        """Write what is left."""
        while self._events:
            self._write(self._size, refuse)

    def _write(self, count: int, refuse: Refuse) -> None:
        if self._links:
            self.links += self._sink.links(self._links).inserted
            self._links = []
        batch, rows = self._events[:count], self._rows[:count]
        result = self._sink.interactions(batch, create_products=self._create_products)
        for index, fault in result.rejected:
            row = rows[index]
            # The events of one row have the same faults; it is told of once.
            if row.line != self._refused:
                self._refused = row.line
                self.refused += 1
                refuse(BadRow(row.line, fault, row.raw or str(row.fields)))
        self.events += len(batch) - len(result.rejected)
        self.parked += result.parked
        self.created_products += result.created_products
        del self._events[:count], self._rows[:count]
