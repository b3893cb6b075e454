"""Writes similar products into Medusa's metadata, for storefronts that read Medusa alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
import structlog
from msgspec.structs import replace

from appliance.medusa import records
from appliance.medusa.faults import MedusaRefused
from appliance.medusa.mirror import Mirror
from appliance.medusa.projection import OURS
from appliance.medusa.reading_pass import Progress
from appliance.medusa.turns import Turns
from appliance.medusa.writing import Writer
from appliance.recsys.service import RecommendationService
from appliance.store.catalogue import Catalogue

log = structlog.get_logger(__name__)

SIMILAR = f"{OURS}similar"
"""The entry of a product's metadata: handles of similar products, the most similar first."""
_PAUSE = 0.25
"""Seconds between two writes: Medusa does one thing at a time, and its shoppers come first."""


class WrittenBack(msgspec.Struct, kw_only=True):
    """What was written."""

    products: int = 0
    """Products looked at."""
    written: int = 0
    refused: int = 0
    stopped: bool = False


class RecommendationWriter:
    """Keeps the recommendations in Medusa's metadata in step with the model. One run at a time is the caller's duty."""

    def __init__(
        self,
        recommender: RecommendationService,
        catalogue: Catalogue,
        mirror: Mirror,
        writer: Writer,
        exchange: Turns,
        count: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``count``: how many similar products each product gets; at 0 nothing is written."""
        self._recommender, self._catalogue, self._mirror = recommender, catalogue, mirror
        self._writer, self._exchange, self._count, self._sleep = writer, exchange, count, sleep

    def run(self, progress: Progress, stopping: Callable[[], bool]) -> WrittenBack:
        """Write what differs from what Medusa has; a run that was broken off goes on by that alone.

        A product that Medusa refuses is left out. Raises the other faults of ``appliance.medusa.faults``.
        """
        report = WrittenBack()
        if self._count <= 0 or self._recommender.model is None:
            return report
        ids = sorted(self._mirror.repository.ids("product"))
        for product_id, handles in self._wanted(ids):
            if stopping():
                report.stopped = True
                break
            report.products += 1
            if not self._has(product_id, handles):
                self._write(product_id, handles, report)
                self._sleep(_PAUSE)
            progress(report.products / len(ids), "recommendations")
        log.info("medusa_recommendations_written", written=report.written, refused=report.refused)
        return report

    def _wanted(self, ids: list[str]) -> Iterator[tuple[str, list[str]]]:
        for product_id in ids:
            card = self._catalogue.card(product_id)
            if card is None or not card.published:
                continue
            cards = map(self._catalogue.card, self._recommender.alike(product_id, self._count))
            yield product_id, [other.handle for other in cards if other is not None]

    def _has(self, product_id: str, handles: list[str]) -> bool:
        product = self._mirror.some(records.Product, [product_id]).get(product_id)
        return product is None or (product.metadata.get(SIMILAR) or []) == handles

    def _write(self, product_id: str, handles: list[str], report: WrittenBack) -> None:
        with self._exchange:
            try:
                metadata = self._writer.set_metadata(product_id, {SIMILAR: handles or ""})
            except MedusaRefused as refused:
                log.warning("medusa_recommendations_refused", product=product_id, error=refused.message)
                report.refused += 1
                return
            product = self._mirror.some(records.Product, [product_id]).get(product_id)
            if product is not None:
                self._mirror.write_products([replace(product, metadata=metadata)])
        report.written += 1
