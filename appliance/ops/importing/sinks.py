"""Where imported rows go: the stores of this process, or over HTTP the process that owns them, with the same result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from appliance.domain import Interaction, Product
from appliance.errors import Busy, Conflict, Unavailable
from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.products import placeholder
from appliance.store.journal_rows import Identification

if TYPE_CHECKING:
    from appliance.store.catalogue import Catalogue
    from appliance.store.faq import FaqEntry, FaqRepository, FaqSaved
    from appliance.store.journal import Journal
    from appliance.store.orders import OrderRecord, OrderRepository, OrdersSaved

_FLUSH_TRIES = 100


class BatchResult(msgspec.Struct, kw_only=True):
    """What became of one batch."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    parked: int = 0
    """Interactions kept until the catalogue knows their product."""
    created_products: int = 0
    rejected: list[tuple[int, RowFault]] = []
    """Index in the batch, and why."""


class ImportSink(Protocol):
    """Takes batches of good rows. Errors that are not a row's own fault are raised as ``ApplianceError``."""

    batch_size: int

    def products(self, batch: Sequence[Product]) -> BatchResult:
        """Insert or update products."""
        ...

    def interactions(self, batch: Sequence[Interaction], *, create_products: bool) -> BatchResult:
        """Record interactions; ``create_products`` makes catalogue entries for products nobody knows."""
        ...

    def links(self, batch: Sequence[Identification]) -> BatchResult:
        """Link sessions of the past to their users; what is linked already stays as it is."""
        ...

    def orders(self, batch: Sequence[OrderRecord]) -> BatchResult:
        """Insert or update orders."""
        ...

    def faq(self, batch: Sequence[FaqEntry]) -> BatchResult:
        """Insert or update FAQ entries."""
        ...


class LocalSink:
    """Writes to the stores of this process."""

    batch_size = 1000

    def __init__(
        self,
        catalogue: Catalogue,
        journal: Journal | None,
        *,
        orders: OrderRepository | None = None,
        faq: FaqRepository | None = None,
        flush: Callable[[], None] | None = None,
        opted_out: Callable[[str, str], bool] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``flush`` moves the journal into the log; called when the journal has no more room.

        ``opted_out`` tells whether a session or a user (``''`` for none) must not be linked.
        """
        self._catalogue = catalogue
        self._journal = journal
        self._orders = orders
        self._faq = faq
        self._flush = flush
        self._opted_out = opted_out
        self._sleep = sleep

    def products(self, batch: Sequence[Product]) -> BatchResult:
        try:
            result = self._catalogue.upsert(batch)
        except Conflict as conflict:
            return self._one_by_one(batch, conflict)
        return BatchResult(inserted=result.inserted, updated=result.updated, unchanged=result.unchanged)

    def interactions(self, batch: Sequence[Interaction], *, create_products: bool) -> BatchResult:
        journal = self._open_journal()
        result = BatchResult()
        if create_products:
            result.created_products = self._create(batch)
        known = [self._known(interaction) for interaction in batch]
        result.parked = sum(interaction is None for interaction in known)
        rows = [good or parked for good, parked in zip(known, batch, strict=True)]
        self._append(lambda: journal.append_sync(rows))
        result.inserted = len(rows)
        return result

    def links(self, batch: Sequence[Identification]) -> BatchResult:
        journal, is_opted_out = self._open_journal(), self._opted_out
        past = [msgspec.structs.replace(link, past=True) for link in batch]
        if is_opted_out is not None:
            past = [link for link in past if not is_opted_out(link.session_id, link.user_id)]
        self._append(lambda: journal.link_sync(past))
        return BatchResult(inserted=len(past), unchanged=len(batch) - len(past))

    def orders(self, batch: Sequence[OrderRecord]) -> BatchResult:
        if self._orders is None:
            raise Unavailable("Orders are not kept here.")
        return _saved(self._orders.upsert_many(batch))

    def faq(self, batch: Sequence[FaqEntry]) -> BatchResult:
        if self._faq is None:
            raise Unavailable("FAQ entries are not kept here.")
        return _saved(self._faq.upsert_many(batch))

    def _one_by_one(self, batch: Sequence[Product], conflict: Conflict) -> BatchResult:
        """Find the products that clash; the others of the batch are kept."""
        if len(batch) == 1:
            return BatchResult(rejected=[(0, RowFault("conflict", "handle", reason=conflict.message))])
        total = BatchResult(rejected=[])
        for index, product in enumerate(batch):
            one = self.products([product])
            total.inserted += one.inserted
            total.updated += one.updated
            total.unchanged += one.unchanged
            total.rejected.extend((index, fault) for _, fault in one.rejected)
        return total

    def _create(self, batch: Sequence[Interaction]) -> int:
        resolve = self._catalogue.resolve
        wanted = dict.fromkeys(event.product_id for event in batch if event.product_id)
        unknown = [product_id for product_id in wanted if resolve(product_id) is None]
        if not unknown:
            return 0
        return self._catalogue.upsert([placeholder(product_id) for product_id in unknown]).inserted

    def _known(self, interaction: Interaction) -> Interaction | None:
        """Return the interaction with its product resolved; ``None`` when the catalogue does not know it yet."""
        named = interaction.product_id or interaction.product_handle
        if not named:
            return interaction
        card = self._catalogue.resolve(named)
        if card is None:
            return None
        if card.id == interaction.product_id and card.handle == interaction.product_handle:
            return interaction
        return msgspec.structs.replace(interaction, product_id=card.id, product_handle=card.handle)

    def _open_journal(self) -> Journal:
        if self._journal is None:
            raise Unavailable("The journal is switched off; `appliance status` says why.")
        return self._journal

    def _append(self, append: Callable[[], None]) -> None:
        """Have records journalled, making room where there is none. Raises ``Busy`` when none can be made."""
        for _ in range(_FLUSH_TRIES):
            try:
                append()
            except Busy as busy:
                if self._flush is not None:
                    self._flush()
                self._sleep(min(busy.retry_after, 1.0))
            else:
                return
        raise Busy("The journal has no more room.", retry_after=60.0, hint="`appliance status` says what is behind.")


def _saved(saved: OrdersSaved | FaqSaved) -> BatchResult:
    return BatchResult(
        inserted=saved.inserted,
        updated=saved.updated,
        unchanged=saved.unchanged,
        rejected=[(index, RowFault("refused", field, reason=reason)) for index, field, reason in saved.refused],
    )
