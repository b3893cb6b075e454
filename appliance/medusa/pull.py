"""The pull: the first copy that goes on where it stopped, looks at what changed, and full comparisons."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
import structlog

from appliance.medusa.client import MedusaClient
from appliance.medusa.faults import MedusaUnreachable
from appliance.medusa.follow import follow_events
from appliance.medusa.mirror import Mirror, Within
from appliance.medusa.pull_orders import (
    compare_orders,
    copy_customers,
    copy_orders,
    read_customers,
    read_orders,
    unpaid_orders,
)
from appliance.medusa.pull_products import copy_products, read_products, sweep_products
from appliance.medusa.pull_shop import read_price_lists, read_shop
from appliance.medusa.pull_stock import read_stock
from appliance.medusa.purchases import PurchaseRecorder
from appliance.medusa.reading import Reader
from appliance.medusa.reading_pass import Mode, Pass, PassReport, Progress
from appliance.medusa.turns import Turns
from appliance.settings import Medusa
from appliance.store.medusa_events import MedusaEventRepository
from appliance.store.orders import OrderRepository
from appliance.store.sqlite import Transaction
from appliance.store.state import StateRepository

log = structlog.get_logger(__name__)

COPY, SEEN, COPIED, LAST = "medusa.copy", "medusa.seen", "medusa.copied", "medusa.last"
"""Keys of the state: how far a full copy is; up to when changes were seen; when a copy was last whole; last reports."""
_WAIT_SECONDS = 0.2
_STALE_COPY = 86_400.0
"""A copy that was broken off longer ago begins anew: too much may have changed behind its place."""


class CopyPlace(msgspec.Struct):
    """How far a full copy is."""

    began: float
    """On Medusa's clock, Unix seconds."""
    stage: int = 0
    after: str = ""
    """The last id of the stage that is written."""


class Seen(msgspec.Struct):
    """Up to when changes were seen, on Medusa's clock, and when that was on ours. Unix seconds."""

    theirs: float
    ours: float


class LastPass(msgspec.Struct, frozen=True):
    """The last pass of a mode."""

    at: float
    """Unix seconds."""
    report: PassReport


class Pull:
    """Brings the mirror into step with Medusa. Passes of different modes may run at once, on any threads."""

    def __init__(
        self,
        client: MedusaClient,
        reader: Reader,
        mirror: Mirror,
        orders: OrderRepository,
        events: MedusaEventRepository,
        purchases: PurchaseRecorder | None,
        state: StateRepository,
        settings: Medusa,
        exchange: Turns,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._reader = reader
        self._mirror = mirror
        self._orders = orders
        self._events = events
        self._purchases = purchases
        self._state = state
        self._settings = settings
        self._exchange = exchange
        self._now = now
        self._copying, self._counting = threading.Lock(), threading.Lock()
        """Of these each is done by one pass at a time."""

    def run(self, mode: Mode, progress: Progress, stopping: Callable[[], bool]) -> PassReport:
        """Do one pass. Until a first copy is whole every pass goes on with that, but for events: those wait for it.

        Raises what the client raises; what was written until then is whole, and the next pass goes on from there.
        """
        started, requests = time.monotonic(), self._client.requests
        if mode == "events" and not self.is_copied():
            # Whoever follows events runs beside whoever copies, and one copy at a time is enough.
            return PassReport(mode=mode)
        with self._turn_to_copy(mode, stopping) as copies:
            report = PassReport(mode="full" if copies else mode)
            run = Pass(self._reader, self._mirror, report, self._exchange, progress, stopping)
            if copies:
                self._full(run)
        if not copies:
            self._partial(run)
        if report.mode in ("events", "changes", "now", "full"):
            # Not only when one comes: some may wait since Medusa was away.
            run.stage(0.0 if mode == "events" else 1.0, 1.0)
            follow_events(run, self._events, self._orders, self._settings, self._now())
        # Following nothing asks nothing: a new process would not know the clocks apart, but a look at changes will.
        if self._purchases is not None and (mode != "events" or self._client.skew is not None):
            with self._counting:
                report.purchases = self._purchases.record(stopping)
        report.seconds = round(time.monotonic() - started, 3)
        report.requests = self._client.requests - requests
        self._state.put(f"{LAST}.{report.mode}", msgspec.json.encode(LastPass(self._now(), report)).decode())
        log.info("medusa_pulled", mode=report.mode, seconds=report.seconds, requests=report.requests)
        return report

    def is_copied(self) -> bool:
        """Tell whether everything was copied once."""
        return self._state.get(COPIED) is not None

    @contextmanager
    def _turn_to_copy(self, mode: Mode, stopping: Callable[[], bool]) -> Iterator[bool]:
        """Wait until nobody else copies, where this pass is to copy, and say whether it still is: one that only had to
        because nothing was copied yet need not do it again."""
        if mode != "full" and self.is_copied():
            yield False
            return
        while not self._copying.acquire(timeout=_WAIT_SECONDS):
            if stopping():
                raise MedusaUnreachable("The synchronisation was stopped.", reason="stopping")
        try:
            yield mode == "full" or not self.is_copied()
        finally:
            self._copying.release()

    def _partial(self, run: Pass) -> None:
        mode = run.report.mode
        if mode in ("changes", "now"):
            run.stage(0.0, 0.4)
            self._changes(run)
        if mode in ("stock", "now"):
            run.stage(0.4, 0.6)
            read_stock(run)
            read_orders(run, self._orders, unpaid_orders(run, self._now()), self._now())
        if mode == "sweep":
            read_price_lists(run)
        if mode in ("sweep", "now"):
            run.stage(0.6, 1.0)
            sweep_products(run)

    def _changes(self, run: Pass) -> None:
        # Of price lists the sweep reads the prices too.
        read_shop(run, self._settings, prices=run.report.mode != "changes")
        theirs = self._client.server_time
        since = datetime.fromtimestamp(self._since(theirs), UTC)
        run.tell(0.75, "changes")
        changed = {change.id for change in run.reader.changed_products(since)}
        changed |= {change.product_id for change in run.reader.changed_variants(since) if change.product_id}
        read_products(run, sorted(changed))
        run.tell(0.9, "changes")
        read_customers(run, [change.id for change in run.reader.changed_customers(since)], self._now())
        read_orders(run, self._orders, [change.id for change in run.reader.changed_orders(since)], self._now())
        if theirs is not None:
            self._state.put(SEEN, msgspec.json.encode(Seen(theirs, self._now())).decode())

    def _since(self, theirs: float | None) -> float:
        """Return from when on to ask for changes, on Medusa's clock.

        Not later than the time that passed here since the last look: a clock of Medusa's that was ahead and was set
        back would otherwise hide what was changed in between.
        """
        text = self._state.get(SEEN)
        if text is None:
            return 0.0
        seen = msgspec.json.decode(text, type=Seen)
        since = seen.theirs
        if theirs is not None:
            since = min(since, theirs - max(0.0, self._now() - seen.ours))
        return max(0.0, since - self._settings.overlap_seconds)

    def _full(self, run: Pass) -> None:
        """Copy everything, stage by stage; a stage that was done before the process died is not done again."""
        run.stage(0.0, 0.05)
        read_shop(run, self._settings)
        place = self._place()
        stages: tuple[tuple[float, Callable[[], None]], ...] = (
            (0.05, lambda: read_stock(run)),
            (0.2, lambda: copy_products(run, place.after, self._mark(place))),
            (0.8, lambda: copy_customers(run, self._now())),
            (0.85, lambda: self._all_orders(run, place)),
        )
        ends = [start for start, _ in stages[1:]] + [1.0]
        for number, (start, do) in enumerate(stages):
            if number < place.stage:
                continue
            run.stage(start, ends[number])
            do()
            place.stage, place.after = number + 1, ""
            self._state.put(COPY, msgspec.json.encode(place).decode())
        self._state.put(SEEN, msgspec.json.encode(Seen(place.began, self._now())).decode())
        self._state.put(COPIED, str(self._now()))
        self._state.delete(COPY)

    def _all_orders(self, run: Pass, place: CopyPlace) -> None:
        if not self.is_copied():
            copy_orders(run, self._orders, place.after, self._mark(place), self._now())
        else:
            # Orders pile up for years; to read every one with its lines each night would take Medusa hours.
            compare_orders(run, self._orders, self._now())

    def _place(self) -> CopyPlace:
        began = self._client.server_time or self._now()
        text = self._state.get(COPY)
        known = msgspec.json.decode(text, type=CopyPlace) if text else None
        if known is None or abs(began - known.began) > _STALE_COPY:
            known = CopyPlace(began)
            self._state.put(COPY, msgspec.json.encode(known).decode())
        return known

    def _mark(self, place: CopyPlace) -> Callable[[str], Within]:
        def mark(last_id: str) -> Within:
            text = msgspec.json.encode(msgspec.structs.replace(place, after=last_id)).decode()

            def write(db: Transaction) -> None:
                self._state.put_within(db, COPY, text)

            return write

        return mark
