"""What the ingest tests share: an opened set of stores, and a plain Python model of the folding rule."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from appliance.domain import Interaction, Product
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.settings import Ingest as IngestSettings
from appliance.settings import Settings
from appliance.store.analytics import Analytics
from appliance.store.catalogue import Catalogue
from appliance.store.interactions import InteractionLog
from appliance.store.journal import Journal
from appliance.store.merger import Merger
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

T0 = 1_700_000_000.0


def product(number: int) -> Product:
    """Return the product that the tests call by this number."""
    return Product(id=f"prod_{number}", handle=f"tui-{number}", title=f"Túi {number}", status="published")


def interaction(event_id: str, **fields: object) -> Interaction:
    """Return a view of product 1 by session s1, with the given fields changed."""
    base: dict[str, object] = {
        "event_id": event_id,
        "user_id": "",
        "session_id": "s1",
        "product_id": "prod_1",
        "product_handle": "",
        "interaction_type": "view",
        "weight": 1.0,
        "occurred_at": T0,
        "received_at": T0,
    }
    return Interaction(**(base | fields))  # type: ignore[arg-type]


@dataclass
class Bench:
    """Real stores in a folder, without running threads except the journal's."""

    folder: Path
    limits: IngestSettings = field(default_factory=IngestSettings)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Open everything that is in the folder."""
        self.issues, self.metrics = IssueBoard(), Metrics()
        self.settings = Settings(ingest=self.limits)
        self.store = SqliteStore(self.folder / "catalogue.db", MIGRATIONS)
        self.catalogue = Catalogue(self.store)
        self.journal = Journal(self.folder / "journal.db", self.limits, self.metrics, issues=self.issues)
        self.analytics = Analytics(self.folder, self.settings.analytics, self.metrics, self.issues)
        self.log = InteractionLog(self.analytics)
        self.merger = Merger(self.journal, self.log, self.catalogue, self.settings, self.metrics, self.issues)
        self.journal.start()

    def close(self) -> None:
        """Close everything; what is not merged stays in the journal."""
        self.merger.stop()
        self.journal.close()
        self.log.close()
        self.analytics.close()
        self.store.close()

    def reopen(self) -> None:
        """Close and open again."""
        self.close()
        self.open()

    def identify(self, session_id: str, user_id: str) -> None:
        """Journal a link."""
        asyncio.run(self.journal.identify(session_id, user_id))

    def merge_without_purge(self) -> None:
        """Do what a process does that is killed after the log's commit and before the journal forgets."""
        position = self.log.watermark(self.journal.identity)
        rows = self.journal.read(position, 10_000)
        if rows:
            self.log.merge(self.journal.identity, rows, self.catalogue.resolve)

    def folded(self) -> dict[tuple[str, str, str, str], tuple[int, float, float, float, str]]:
        """Return ``rec_user_interactions`` by its key: occurrences, weight, created, updated, metadata."""
        rows = self.analytics.q(
            "test",
            "select user_id, session_id, product_id, interaction_type, occurrences, weight, epoch(created_at),"
            " epoch(updated_at), metadata::varchar from rec_user_interactions",
        )
        assert len({row[:4] for row in rows}) == len(rows), "a key of the fold is there twice"
        return {row[:4]: row[4:] for row in rows}


class FoldModel:
    """The folding rule as plain Python over the whole history."""

    def __init__(self) -> None:
        self._events: dict[str, tuple[int, Interaction]] = {}
        self._links: dict[str, list[tuple[int, str]]] = {}
        self._clock = 0

    def event(self, event: Interaction) -> None:
        """Take an event; a repeated id changes nothing."""
        self._clock += 1
        self._events.setdefault(event.event_id, (self._clock, event))

    def identify(self, session_id: str, user_id: str) -> None:
        """Link a session."""
        self._clock += 1
        self._links.setdefault(session_id, []).append((self._clock, user_id))

    def logged(self) -> set[str]:
        """Return the ids that the log must hold."""
        return set(self._events)

    def owner(self, at: int, event: Interaction) -> str:
        """Return whose event it is."""
        links = self._links.get(event.session_id, []) if event.session_id else []
        before = [user for seq, user in links if seq <= at]
        return event.user_id or (before[-1] if before else links[0][1] if links else "")

    def folded(self, catalogue: Catalogue) -> dict[tuple[str, str, str, str], tuple[int, float, float, float, str]]:
        """Return the fold that the history must lead to with the products known now."""
        rows: dict[tuple[str, str, str, str], tuple[int, float, float, float, str]] = {}
        for at, event in sorted(self._events.values(), key=lambda pair: pair[0]):
            card = None
            for name in (event.product_id, event.product_handle):
                card = card or (catalogue.resolve(name) if name else None)
            if card is None:
                continue
            key = (self.owner(at, event), event.session_id, card.id, event.interaction_type)
            count, weight, created, updated, metadata = rows.get(key, (0, 0.0, float("inf"), float("-inf"), "{}"))
            rows[key] = (
                count + 1,
                weight + event.weight,
                min(created, event.occurred_at),
                max(updated, event.occurred_at),
                event.metadata or metadata,
            )
        return rows
