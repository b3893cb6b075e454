"""The two children of ``power_cut.py``: one fills real stores until it is ended, one opens images and counts.

Both lines of talk are on stdout: the writer prints a line of ids for each acknowledgement, the checker one JSON object
for each folder that it reads from stdin.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from pathlib import Path

import structlog

import appliance.__main__  # noqa: F401  (swaps in the newer SQLite before anything imports sqlite3)
from appliance.domain import Interaction, Product, Variant
from appliance.errors import ApplianceError
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.settings import Analytics as AnalyticsSettings
from appliance.settings import Ingest, Settings
from appliance.store.analytics import Analytics
from appliance.store.catalogue import Catalogue
from appliance.store.interactions import InteractionLog
from appliance.store.journal import Journal
from appliance.store.merger import Merger
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore

CLIENTS = 6
_KNOWN, _LATER = 30, 10
_TYPES = ("view", "click", "add_to_cart", "purchase")

# stdout carries the talk with the parent alone.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


class Stores:
    """Everything an event touches on its way, over one folder."""

    def __init__(self, folder: Path) -> None:
        metrics, issues = Metrics(), IssueBoard()
        settings = Settings(ingest=Ingest(merge_batch=300))
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.catalogue = Catalogue(self.store)
        self.journal = Journal(folder / "journal.db", settings.ingest, metrics)
        self.analytics = Analytics(folder, AnalyticsSettings(threads=1), metrics)
        self.log = InteractionLog(self.analytics)
        self.merger = Merger(self.journal, self.log, self.catalogue, settings, metrics, issues, gather=0.05)

    def close(self) -> None:
        """Close in order."""
        self.journal.close()
        self.log.close()
        self.analytics.close()
        self.store.close()


def write(folder: Path, seconds: float, seed: int) -> None:
    """Append from several clients, upsert products meanwhile, and end without closing anything."""
    stores = Stores(folder)
    stores.catalogue.upsert([_product(number) for number in range(_KNOWN)])
    _say(f"product:p{number}" for number in range(_KNOWN))
    stores.journal.start()
    stores.merger.start()
    asyncio.run(_write(stores, time.monotonic() + seconds, seed))
    os._exit(0)


async def _write(stores: Stores, end: float, seed: int) -> None:
    clients = [_client(stores, number, end, random.Random(seed * 100 + number)) for number in range(CLIENTS)]
    await asyncio.gather(_grow(stores, end), *clients)


async def _client(stores: Stores, client: int, end: float, draw: random.Random) -> None:
    count = 0
    while time.monotonic() < end:
        batch = [_event(f"c{client}-{count + offset}", draw) for offset in range(draw.choice((1, 1, 5, 20, 60)))]
        count += len(batch)
        await stores.journal.append(batch)
        _say(event.event_id for event in batch)
        if draw.random() < 0.1:
            await stores.journal.identify(f"s{draw.randrange(40)}", f"u{draw.randrange(10)}")


async def _grow(stores: Stores, end: float) -> None:
    """Make products known that events named before, so that parked events are folded during the run."""
    for number in range(_KNOWN, _KNOWN + _LATER):
        await asyncio.sleep(min(0.2, max(0.0, end - time.monotonic())))
        await asyncio.to_thread(stores.catalogue.upsert, [_product(number)])
        _say([f"product:p{number}"])


def check(folder: Path) -> dict[str, object]:
    """Open an image, finish the merge, and return what it holds and whether it is sound."""
    stores = Stores(folder)
    stores.journal.start()
    try:
        if not stores.merger.flush(60):
            return {"error": "the merge did not end"}
        query = stores.analytics.q
        ids = [row[0] for row in query("ids", "select event_id from interaction_events")]
        (folded,) = query("folded", "select coalesce(sum(occurrences), 0)::bigint from rec_user_interactions")[0]
        indexed = sum(len(stores.log.of_session(f"s{number}", 1_000_000)) for number in range(40))
        repeated, keys = stores.log.verify()
        return {
            "ids": ids + [f"product:{product}" for product in stores.catalogue.cards()],
            "events": len(ids),
            "folded": int(folded) + stores.log.parked(),
            "indexed": indexed,
            "twice": repeated + keys,
        }
    finally:
        stores.close()


def check_all() -> None:
    """Check the folders named on stdin, one a line, until it ends."""
    for line in sys.stdin:
        try:
            found = check(Path(line.strip()))
        except ApplianceError as error:
            found = {"error": f"{type(error).__name__}: {error.message}"}
        except Exception as error:  # noqa: BLE001 - whatever it is, the image did not open: that is the finding
            found = {"error": repr(error)}
        print(json.dumps(found), flush=True)


def _event(event_id: str, draw: random.Random) -> Interaction:
    now = time.time()
    product = f"p{draw.randrange(_KNOWN + _LATER)}"
    session, kind = f"s{draw.randrange(40)}", draw.choice(_TYPES)
    return Interaction(event_id, "", session, product, "", kind, 1.0, now, now)


def _product(number: int) -> Product:
    variant = Variant(id=f"p{number}:1", price=100_000, stock=5)
    return Product(id=f"p{number}", handle=f"balo-{number}", title=f"Balo {number}", variants=(variant,))


def _say(ids: object) -> None:
    assert hasattr(ids, "__iter__")
    os.write(1, (" ".join(ids) + "\n").encode())
