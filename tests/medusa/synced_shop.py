"""A real runtime beside a Medusa in memory, with a clock that the test moves; nothing runs in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fake_medusa import KEY, FakeMedusa

from appliance.domain import ProductCard
from appliance.medusa.reading_pass import Mode
from appliance.medusa.service import MedusaService
from appliance.runtime import Runtime
from appliance.settings import load_settings

T0 = 1_790_000_000.0
"""In September 2026."""
SECRET = "hook-secret-of-the-tests"


class Clock:
    """Unix seconds that stand still until they are moved."""

    def __init__(self, at: float = T0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class SyncedShop:
    """The appliance of a shop, opened on a folder; ``reopen`` is a restart."""

    def __init__(self, folder: Path, fake: FakeMedusa, clock: Clock, **medusa: object) -> None:
        self.folder, self.fake, self.clock, self.given = folder, fake, clock, medusa
        self.stages: list[str] = []
        """What the last pass told, in order."""
        self._open()

    @property
    def medusa(self) -> MedusaService:
        """The connection."""
        assert self.runtime.medusa is not None
        return self.runtime.medusa

    def pull(self, mode: Mode = "changes", *, stopping: Callable[[], bool] = lambda: False) -> Mapping[str, Any]:
        """Do one pass and return its report."""
        self.stages.clear()
        return self.medusa.pull(mode, lambda _share, stage: self.stages.append(stage), stopping)

    def card(self, product_id: str) -> ProductCard:
        """Return a card that is there."""
        found = self.runtime.catalogue.card(product_id)
        assert found is not None, f"{product_id} is not in the catalogue"
        return found

    def merge(self) -> None:
        """Take the journal into the log."""
        assert self.runtime.merger is not None
        self.runtime.merger.merge_once()

    def reopen(self, **medusa: object) -> None:
        """Restart, perhaps with other settings."""
        self.given |= medusa
        self.runtime.stop()
        self._open()

    def close(self) -> None:
        """Close the stores."""
        self.runtime.stop()

    def _open(self) -> None:
        flags: dict[str, object] = {
            "medusa.url": self.fake.url,
            "medusa.secret_key": KEY,
            "medusa.webhook_secret": SECRET,
            "server.rate_limit": "off",
        }
        flags |= {f"medusa.{name}": value for name, value in self.given.items()}
        loaded = load_settings(self.folder, environ={}, flags=flags)
        self.runtime = Runtime.open(self.folder, loaded, now=self.clock)
        if self.runtime.journal:
            self.runtime.journal.start()
