"""A shop with every store that an import of the old stack reaches, up to the log and its fold."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec

from appliance.domain import Product, Variant
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.ops.importing.http_sink import HttpSink
from appliance.ops.importing.oldstack import OldStackReport, import_postgres
from appliance.ops.importing.sinks import ImportSink, LocalSink
from appliance.ops.importing.wire import InteractionsBody, LinksBody, apply_interactions, apply_links
from appliance.settings import Settings
from appliance.store.analytics import Analytics
from appliance.store.catalogue import Catalogue
from appliance.store.interactions import InteractionLog
from appliance.store.journal import Journal
from appliance.store.merger import Merger
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

NOW = 1_760_000_000.0
Folded = dict[tuple[str, str, str, str], tuple[int, float, float, float]]
_FOLD = """
select user_id, session_id, product_id, interaction_type, occurrences, weight, epoch(created_at), epoch(updated_at)
from rec_user_interactions"""


class OldStackShop:
    """Real stores in a folder, with the products p1 and p2; nothing runs but the journal's thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        metrics, issues, settings = Metrics(), IssueBoard(), Settings()
        self.catalogue_store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.catalogue = Catalogue(self.catalogue_store)
        self.journal = Journal(folder / "journal.db", settings.ingest, metrics)
        self.analytics = Analytics(folder, settings.analytics, metrics, issues)
        self.log = InteractionLog(self.analytics)
        self.merger = Merger(self.journal, self.log, self.catalogue, settings, metrics, issues)
        self.journal.start()
        self.local = LocalSink(self.catalogue, self.journal)
        self.sink: ImportSink = self.local
        if not self.catalogue.cards():
            known = (("p1", "tui", "Túi"), ("p2", "ao", "Áo"))
            self.catalogue.upsert(
                [
                    Product(id=one, handle=handle, title=title, variants=(Variant(id="v"),))
                    for one, handle, title in known
                ]
            )

    def through_a_process(self) -> None:
        """Post from now on to something that answers as the admin routes do."""

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/links"):
                links = msgspec.json.decode(request.content, type=LinksBody)
                reply = apply_links(links, self.local, Settings(), "en")
            else:
                events = msgspec.json.decode(request.content, type=InteractionsBody)
                reply = apply_interactions(events, self.local, Settings(), "en", NOW)
            return httpx.Response(200, content=msgspec.json.encode(reply))

        self.sink = HttpSink(httpx.Client(base_url="http://box", transport=httpx.MockTransport(answer)))

    def take(self, source: object, **options: object) -> OldStackReport:
        """Import, and move what was journalled into the log."""
        report = import_postgres(
            str(source),
            self.sink,
            Settings(),
            data_dir=self.folder,
            now=lambda: NOW,
            **options,  # type: ignore[arg-type]
        )
        assert self.merger.flush()
        return report

    def events(self) -> list[tuple[object, ...]]:
        """Return the log but for its numbers, ordered by id."""
        return self.analytics.q(
            "test",
            "select event_id, user_id, session_id, product_id, product_handle, interaction_type, weight,"
            " metadata::varchar, epoch(occurred_at) from interaction_events order by event_id",
        )

    def folded(self) -> Folded:
        """Return the fold by its key: occurrences, weight, created, updated."""
        return {row[:4]: row[4:] for row in self.analytics.q("test", _FOLD)}

    def links(self) -> list[tuple[str, str]]:
        """Return every link that was made, in order."""
        return self.analytics.q("test", "select session_id, user_id from session_links order by seq")

    def close(self) -> None:
        """Close the stores."""
        self.merger.stop()
        self.journal.close()
        self.log.close()
        self.analytics.close()
        self.catalogue_store.close()
