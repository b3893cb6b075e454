"""An appliance beside a Medusa in memory, with a clock that the test moves; nothing runs in the background."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_medusa import KEY, FakeMedusa

from appliance.domain import ProductCard
from appliance.issues import IssueBoard
from appliance.medusa.reading_pass import Mode
from appliance.medusa.service import MedusaService
from appliance.ops.keys import load_keys
from appliance.runtime import Runtime
from appliance.settings import LoadedSettings, load_settings
from appliance.store.catalogue import Catalogue
from appliance.store.group_writer import GroupWriter
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.orders import OrderRepository
from appliance.store.sqlite import SqliteStore

T0 = 1_790_000_000.0
"""In September 2026."""
SECRET = "hook-secret-of-the-tests"


class Clock:
    """Unix seconds that stand still until they are moved."""

    def __init__(self, at: float = T0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@dataclass
class Stores:
    """The stores that Medusa is read into, without the rest of a runtime, which takes ten times as long to open."""

    folder: Path
    loaded: LoadedSettings
    now: Callable[[], float]
    issues: IssueBoard = field(default_factory=IssueBoard)

    def __post_init__(self) -> None:
        settings = self.loaded.settings
        self.store = SqliteStore(self.folder / "catalogue.db", MIGRATIONS, now=self.now)
        self.catalogue = Catalogue(self.store, currency=settings.shop.currency, now=self.now)
        self._writer = GroupWriter(self.store)
        self.orders = OrderRepository(self.store, self._writer, load_keys(self.folder).pseudonym, self.now)
        self.medusa = MedusaService(self.store, self.catalogue, self.orders, settings, self.issues, self.now)

    def stop(self) -> None:
        """Close everything."""
        self.medusa.close()
        self._writer.close()
        self.store.close()


class _Synced:
    """What both kinds of shop can do."""

    runtime: Any

    def __init__(self, folder: Path, fake: FakeMedusa, clock: Callable[[], float], **medusa: object) -> None:
        self.folder, self.fake, self.clock, self.given = folder, fake, clock, medusa
        self._open(self._settings())

    @property
    def medusa(self) -> MedusaService:
        """The connection."""
        found = self.runtime.medusa
        assert isinstance(found, MedusaService)
        return found

    def pull(self, mode: Mode = "changes", *, stopping: Callable[[], bool] = lambda: False) -> Mapping[str, Any]:
        """Do one pass and return its report."""
        return self.medusa.pull(mode, lambda _share, _stage: None, stopping)

    def card(self, product_id: str) -> ProductCard:
        """Return a card that is there."""
        found = self.runtime.catalogue.card(product_id)
        assert isinstance(found, ProductCard), f"{product_id} is not in the catalogue"
        return found

    def reopen(self, **medusa: object) -> None:
        """Restart, perhaps with other settings."""
        self.given |= medusa
        self.runtime.stop()
        self._open(self._settings())

    def close(self) -> None:
        """Close the stores."""
        self.runtime.stop()

    def _open(self, loaded: LoadedSettings) -> None:
        raise NotImplementedError

    def _settings(self) -> LoadedSettings:
        flags: dict[str, object] = {
            "medusa.url": self.fake.url,
            "medusa.secret_key": KEY,
            "medusa.webhook_secret": SECRET,
            "server.rate_limit": "off",
        }
        flags |= {f"medusa.{name}": value for name, value in self.given.items()}
        return load_settings(self.folder, environ={}, flags=flags)


class SyncedShop(_Synced):
    """The stores of an appliance and its connection; ``reopen`` is a restart."""

    runtime: Stores

    def _open(self, loaded: LoadedSettings) -> None:
        self.runtime = Stores(self.folder, loaded, self.clock)


class WholeShop(_Synced):
    """A whole runtime: log, journal, search and all."""

    runtime: Runtime

    def _open(self, loaded: LoadedSettings) -> None:
        self.runtime = Runtime.open(self.folder, loaded, now=self.clock)
        if self.runtime.journal:
            self.runtime.journal.start()


def copied(template: Path, folder: Path) -> Path:
    """Return a data directory whose stores have their tables already, which takes most of the time of opening them."""
    return Path(shutil.copytree(template, folder))
