"""Feeds products that came or changed after training to the tail: a few at once, a large import in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import structlog

from appliance.domain import ProductCard
from appliance.issues import IssueBoard, Severity
from appliance.recsys.base import CatalogueView
from appliance.recsys.codes import ProductCodes
from appliance.recsys.serving import Serving

INLINE = 16
"""Changes that are taken in before ``take`` returns; a few milliseconds each on a large catalogue."""
BREATH = 0.001
"""Seconds that the background rests after each product, so that requests keep their share of the interpreter."""
_ISSUE = "recommender_tail"

log = structlog.get_logger(__name__)


class Freshness:
    """Keeps the content neighbours of the present model up to date with the catalogue."""

    def __init__(self, catalogue: CatalogueView, codes: ProductCodes, issues: IssueBoard) -> None:
        self._catalogue = catalogue
        self._codes = codes
        self._issues = issues
        self._lock = threading.Lock()
        self._serving: Serving | None = None
        self._pending: dict[int, None] = {}
        self._worker: threading.Thread | None = None
        self._closed = threading.Event()

    def follow(self, serving: Serving, cards: Mapping[str, ProductCard]) -> None:
        """Serve a new model: take in what it does not know or may know in an old state."""
        self._issues.cure(_ISSUE)
        with self._lock:
            self._serving = serving
            self._pending.clear()
        if serving.model is None:
            return
        known, revision = serving.model.row, serving.model.info.revision
        ids = [card.id for card in list(cards.values()) if card.published]
        codes = [code for code in self._codes.number(ids) if known(code) < 0]
        if revision >= 0:
            changed = self._catalogue.changes_since(revision).changed
            codes += self._codes.number(product_id for product_id in changed if product_id in cards)
        self._queue(codes)

    def take(self, codes: Iterable[int]) -> None:
        """Take in changed products."""
        self._queue(list(codes))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for background work to end; whether it did."""
        worker = self._worker
        if worker is not None:
            worker.join(timeout)
        return worker is None or not worker.is_alive()

    def close(self) -> None:
        """Stop background work."""
        self._closed.set()
        self.wait(5.0)

    def _queue(self, codes: list[int]) -> None:
        with self._lock:
            if self._serving is None or self._serving.tail is None:
                self._pending.clear()
                return
            self._pending.update(dict.fromkeys(codes))
            if not self._pending or self._closed.is_set():
                return
            if self._worker is not None and self._worker.is_alive():
                return
            background = len(self._pending) > INLINE
            if background:
                self._start()
        if not background:
            self._work()
            with self._lock:
                tail = self._serving.tail if self._serving is not None else None
                idle = self._worker is None or not self._worker.is_alive()
                if tail is not None and tail.waiting and idle and not self._closed.is_set():
                    self._start()  # the encoder takes too long for whoever changed a product to wait for

    def _start(self) -> None:
        self._worker = threading.Thread(target=self._work, name="recommender-tail", daemon=True)
        self._worker.start()

    def _work(self) -> None:
        try:
            while (step := self._next()) is not None:
                step()
                if threading.current_thread() is self._worker:
                    self._closed.wait(BREATH)
        except Exception as error:  # noqa: BLE001 - the edge of a thread; the shop goes on without the newest products
            log.warning("recommender_tail_failed", error=repr(error))
            self._issues.report(_ISSUE, "recommender_stale", Severity.WARNING, "recommender", repr(error))

    def _next(self) -> Callable[[], object] | None:
        with self._lock:
            worker = threading.current_thread() is self._worker
            serving = self._serving
            if serving is not None and not self._closed.is_set():
                if self._pending:
                    code = next(iter(self._pending))
                    del self._pending[code]
                    return partial(self._add, serving, code)
                if worker and serving.tail is not None and serving.tail.waiting:
                    return serving.tail.enrich
            # Cleared under the lock: whoever queues next starts a worker of their own.
            self._worker = None if worker else self._worker
            return None

    def _add(self, serving: Serving, code: int) -> None:
        if serving.tail is None:
            return
        product = self._catalogue.product(self._codes.id(code))
        if product is not None and not serving.tail.add(code, product):
            with self._lock:
                self._pending.clear()
            self._issues.report(
                _ISSUE, "recommender_stale", Severity.INFO, "recommender", f"more than {len(serving.tail)} products"
            )
