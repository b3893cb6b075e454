"""A real catalogue in a scratch directory beside a journal that keeps what it is given in a list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from appliance.domain import Interaction, InteractionType
from appliance.ops.importing import ImportReport, import_interactions, import_products
from appliance.ops.importing.readers import FormatName
from appliance.ops.importing.sinks import LocalSink
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from appliance.store.journal import Journal

NOW = 1_760_000_000.0


class RecordingJournal:
    """Takes interactions as the journal does."""

    def __init__(self) -> None:
        self.rows: list[Interaction] = []
        self.keep = True
        self.appended = 0

    def append_sync(self, records: Sequence[Interaction]) -> None:
        """Keep the records."""
        self.appended += len(records)
        if self.keep:
            self.rows.extend(records)


class ImportShop:
    """Everything an import touches, and a picture of its state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.catalogue = Catalogue(self.store)
        self.journal = RecordingJournal()
        self.sink = LocalSink(self.catalogue, cast("Journal", self.journal))

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

    def state(self) -> tuple[int, dict[str, str], int, list[str]]:
        """Return all that an import could have changed: revision, products, journalled events, reject files."""
        titles = {card.id: card.title for card in self.catalogue.cards().values()}
        rejects = sorted(path.name for path in (self.folder / "import-rejects").glob("*"))
        return self.catalogue.revision, titles, self.journal.appended, rejects

    def close(self) -> None:
        """Close the catalogue."""
        self.store.close()
