"""Medusa as the rest of the appliance knows it: one connection, its state, and the work that keeps both in step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog

from appliance.errors import ApplianceError
from appliance.issues import IssueBoard, Severity
from appliance.medusa.client import MedusaClient
from appliance.medusa.connectivity import Connectivity
from appliance.medusa.edits import OwnerEdits
from appliance.medusa.faults import MedusaUnreachable, NoRegion
from appliance.medusa.hooks import EventIntake
from appliance.medusa.mirror import Mirror
from appliance.medusa.missed import MissedPass
from appliance.medusa.pull import COPIED, COPY, LAST, LastPass, Pull
from appliance.medusa.purchases import PurchaseRecorder
from appliance.medusa.push import Push
from appliance.medusa.reading import Reader
from appliance.medusa.reading_pass import Mode, Progress
from appliance.medusa.recommend_back import RecommendationWriter
from appliance.medusa.shop_view import region_id
from appliance.medusa.turns import Turns
from appliance.medusa.version import require_version_2
from appliance.medusa.writing import Writer
from appliance.recsys.service import RecommendationService
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.medusa_events import MedusaEventRepository
from appliance.store.mirror import MirrorRepository
from appliance.store.orders import OrderRepository
from appliance.store.outbox import OutboxRepository
from appliance.store.sqlite import SqliteStore
from appliance.store.state import StateRepository

log = structlog.get_logger(__name__)

_MODES: tuple[Mode, ...] = ("full", "changes", "stock", "sweep", "events", "now")
_SKEW_SECONDS = 120.0
"""From here on a difference of the clocks is worth telling."""


class ShopFound(msgspec.Struct, frozen=True):
    """What a test of the connection found."""

    shop: str
    currencies: tuple[str, ...]
    region: str
    """The region whose prices are shown."""


class SyncStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the two are in step. Times are Unix seconds."""

    connection: Connectivity
    copied_at: float | None
    """When a copy or full comparison was last whole."""
    copying: bool
    """Whether a first copy or a full comparison is under way, or waits to go on."""
    last: dict[str, LastPass]
    mirrored: dict[str, int]
    """Records by kind."""
    outbox: dict[str, int]
    """The owner's edits by state."""
    events_waiting: int
    requests: int
    """Sent to Medusa by this process."""
    skew_seconds: float | None
    """By how much Medusa's clock is ahead of this one's."""


class MedusaService:
    """One Medusa. Safe to use from any thread."""

    def __init__(
        self,
        store: SqliteStore,
        catalogue: Catalogue,
        orders: OrderRepository,
        settings: Settings,
        issues: IssueBoard,
        now: Callable[[], float] = time.time,
        *,
        counting: PurchaseRecorder | None = None,
        recommender: RecommendationService | None = None,
    ) -> None:
        """Open no connection yet. Raises ``InvalidSetting`` for an unusable CA file or missing credentials."""
        self._settings, self._currency = settings.medusa, settings.shop.currency
        self._issues, self._now = issues, now
        self._running = threading.local()
        self._closed = threading.Event()
        self._state = StateRepository(store, "sync_state", now)
        self._checked = False
        """Whether it is known to be Medusa 2."""
        self._missed = MissedPass()
        self.client = MedusaClient(settings.medusa, now=now, stopping=self._is_stopping)
        self.client.on_change(self._tell)
        self.reader, self.exchange = Reader(self.client), Turns()
        self.outbox, self.events = OutboxRepository(store, now), MedusaEventRepository(store, now)
        self.intake = EventIntake(self.events, settings.medusa.webhook_secret, self.medusa_time)
        self.intake.on_crowd = lambda: self._missed.note(answering=False)
        self.mirror = Mirror(catalogue, MirrorRepository(store), self._state, settings, self.medusa_time)
        self.edits = OwnerEdits(self.mirror, self.outbox, catalogue, issues, self.exchange, now)
        # A push looks before it sends again; what is written back may simply be sent again.
        writer = Writer(self.client, retry=False)
        self._push = Push(self.reader, writer, self.mirror, self.outbox, issues, settings.medusa, self.exchange, now)
        count = settings.medusa.write_recommendations
        self._writing_back: RecommendationWriter | None = None
        if recommender is not None:
            writer = Writer(self.client)
            self._writing_back = RecommendationWriter(recommender, catalogue, self.mirror, writer, self.exchange, count)
        if counting is not None:
            counting.skew = lambda: self.client.skew or 0.0
        self._pull = self._make_pull(orders, counting)

    def _make_pull(self, orders: OrderRepository, counting: PurchaseRecorder | None) -> Pull:
        return Pull(
            self.client,
            self.reader,
            self.mirror,
            orders,
            self.events,
            counting,
            self._state,
            self._settings,
            self.exchange,
            self._now,
        )

    def medusa_time(self) -> float:
        """Return what Medusa's clock shows now, as far as is known; Unix seconds."""
        return self._now() + (self.client.skew or 0.0)

    def pull(self, mode: Mode, progress: Progress, stopping: Callable[[], bool]) -> Mapping[str, Any]:
        """Do one pass and return its report; where Medusa cannot be used, return its state instead.

        What was read until then is kept, and the next pass goes on from there. Raises ``MedusaUnreachable`` when
        ``stopping`` says so, and errors of the stores.
        """
        # These need no Medusa: a sale that ends at midnight ends then, also while it is away.
        self.mirror.finish()
        self.mirror.show_prices_in_force()
        report = self._guarded(lambda: msgspec.to_builtins(self._pull.run(mode, progress, stopping)), stopping)
        if "requests" not in report:
            self._missed.note(answering=self.client.state.state == "online")
        elif mode in ("now", "full"):
            self._missed.made_up()
        return report

    @property
    def owes_pass(self) -> bool:
        """Whether a pass was missed because Medusa could not be used, and may be tried now; then ``now`` catches up.

        Not waited for are the next look at changes, and the next sweep, which is half an hour away.
        """
        return self._missed.is_due and self._settings.sync_seconds > 0 and self.client.pause <= 0

    def test(self) -> ShopFound:
        """Ask Medusa who it is. Raises any of the faults of ``appliance.medusa.faults``."""
        require_version_2(self.client)
        shop = self.reader.store()
        if self._settings.publishable_key:
            self.reader.publishable_key_channels(self._settings.publishable_key)
        regions = self.reader.regions()
        shown = region_id(regions, self._settings.region, self._currency)
        if not shown:
            wanted = self._settings.region or self._currency
            raise NoRegion(f"Medusa has no region {wanted!r}.", hint="Set medusa.region to the name of a region.")
        return ShopFound(
            shop=shop.name,
            currencies=tuple(currency.currency_code.upper() for currency in shop.supported_currencies),
            region=next(region.name for region in regions if region.id == shown),
        )

    def push(self, progress: Progress, stopping: Callable[[], bool]) -> Mapping[str, Any]:
        """Send the owner's edits that wait; what Medusa's side raises stands in the report. Raises as ``pull`` does."""

        def work() -> Mapping[str, Any]:
            at_once = self.client.state.state == "online"
            report: Mapping[str, Any] = msgspec.to_builtins(self._push.run(progress, stopping, at_once=at_once))
            return report

        return self._guarded(work, stopping)

    def is_copied(self) -> bool:
        """Tell whether everything was copied once."""
        return self._pull.is_copied()

    def push_is_due(self) -> bool:
        """Tell whether an edit waits whose time has come."""
        edit = self.outbox.next()
        return edit is not None and edit.next_attempt_at <= self._now()

    def events_wait(self) -> bool:
        """Tell whether events wait to be followed."""
        return self.events.crowd() > 0

    def write_recommendations(self, progress: Progress, stopping: Callable[[], bool]) -> Mapping[str, Any]:
        """Write similar products to Medusa's metadata where they differ. Raises as ``pull`` does."""
        writing = self._writing_back
        if writing is None:
            return {}
        return self._guarded(lambda: msgspec.to_builtins(writing.run(progress, stopping)), stopping)

    def status(self, *, mirrored: bool = True) -> SyncStatus:
        """Return how far the two are in step; without ``mirrored`` the records, of which there are many, uncounted."""
        copied = self._state.get(COPIED)
        last = {mode: self._state.get(f"{LAST}.{mode}") for mode in _MODES}
        return SyncStatus(
            connection=self.client.state,
            copied_at=float(copied) if copied else None,
            copying=copied is None or self._state.get(COPY) is not None,
            last={mode: msgspec.json.decode(text, type=LastPass) for mode, text in last.items() if text},
            mirrored=self.mirror.repository.counts() if mirrored else {},
            outbox=self.outbox.counts(),
            events_waiting=self.events.crowd(),
            requests=self.client.requests,
            skew_seconds=self.client.skew,
        )

    def stop(self) -> None:
        """End calls that wait; those who made them are told that it stops."""
        self._closed.set()

    def close(self) -> None:
        """Close the connections, once nobody uses them."""
        self.client.close()

    def _guarded(self, work: Callable[[], Mapping[str, Any]], stopping: Callable[[], bool]) -> Mapping[str, Any]:
        self._running.stopping = stopping
        try:
            self._check_version()
            done = work()
        except MedusaUnreachable as fault:
            if self._is_stopping():
                raise
            return _unfinished(self.client.state, fault)
        except ApplianceError as fault:
            if not fault.code.startswith("medusa_"):
                raise
            self._checked = False
            self._issues.report("medusa_trouble", fault.code, Severity.ERROR, "medusa", fault.message)
            return _unfinished(self.client.state, fault)
        finally:
            self._running.stopping = None
        self._issues.cure("medusa_trouble")
        self._judge()
        return done

    def _check_version(self) -> None:
        if self._checked:
            return
        wait = self.client.pause
        if wait > 0:
            raise self.client.left_alone(wait)
        require_version_2(self.client)
        self._checked = True

    def _judge(self) -> None:
        """Report what a pass showed to be wrong with the set-up."""
        skew = self.client.skew or 0.0
        if abs(skew) > _SKEW_SECONDS:
            self._issues.report("medusa_clock", "medusa_clock", Severity.WARNING, "medusa", f"{skew:+.0f} s")
        else:
            self._issues.cure("medusa_clock")
        if self.mirror.facts().region_id:
            self._issues.cure("medusa_region")
        else:
            wanted = self._settings.region or "a region in the shop's currency"
            self._issues.report("medusa_region", "medusa_region", Severity.WARNING, "medusa", wanted)

    def _tell(self, connection: Connectivity) -> None:
        log.info("medusa_state", state=connection.state, reason=connection.reason)
        if connection.state == "online":
            self._issues.cure("medusa")
        else:
            detail = f"{connection.reason}: {connection.last_error}"
            self._issues.report("medusa", f"medusa_{connection.state}", Severity.WARNING, "medusa", detail)

    def _is_stopping(self) -> bool:
        stopping: Callable[[], bool] | None = getattr(self._running, "stopping", None)
        return self._closed.is_set() or (stopping is not None and stopping())


def _unfinished(state: Connectivity, fault: ApplianceError) -> Mapping[str, Any]:
    return {"state": state.state, "reason": state.reason or fault.code, "detail": fault.message}
