"""A real catalogue and a real journal in a scratch directory, and what an import did to them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from appliance.domain import Interaction, InteractionType
from appliance.metrics import Metrics
from appliance.ops.importing import ImportReport, import_interactions, import_products
from appliance.ops.importing.readers import FormatName
from appliance.ops.importing.sinks import ImportSink, LocalSink
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.journal import Journal
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

NOW = 1_760_000_000.0


class ImportShop:
    """Everything an import touches, and a picture of its state."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.catalogue = Catalogue(self.store)
        self.journal = Journal(folder / "journal.db", Settings().ingest, Metrics())
        self.journal.start()
        self.sink: ImportSink = LocalSink(self.catalogue, self.journal)

    def products(self, path: Path, form: FormatName = "auto") -> ImportReport:
        """Import products."""
        return import_products(path, self.sink, Settings(), data_dir=self.folder, form=form, now=lambda: NOW)

    def interactions(
        self,
        path: Path,
        *,
        form: FormatName = "auto",
        create_products: bool = False,
        default_type: InteractionType = InteractionType.VIEW,
    ) -> ImportReport:
        """Import interactions."""
        return import_interactions(
            path,
            self.sink,
            Settings(),
            data_dir=self.folder,
            form=form,
            create_products=create_products,
            default_type=default_type,
            now=lambda: NOW,
        )

    def journalled(self, skip: int = 0) -> list[Interaction]:
        """Return the journalled interactions in order, from the one numbered ``skip``."""
        rows = self.journal.read(0, 1 << 30)
        return [record for row in rows for record in msgspec.json.decode(row.payload, type=list[Interaction])][skip:]

    def state(self) -> tuple[int, dict[str, str], int, list[str]]:
        """Return all that an import could have changed: revision, products, journalled events, reject files."""
        titles = {card.id: card.title for card in self.catalogue.cards().values()}
        rejects = sorted(path.name for path in (self.folder / "import-rejects").glob("*"))
        return self.catalogue.revision, titles, self.journal.lag + self.journal.pending, rejects

    def close(self) -> None:
        """Close the stores."""
        self.journal.close()
        self.store.close()
