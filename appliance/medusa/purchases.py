"""Orders become purchases in the interaction log, each once, whether or not the storefront told of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec
import structlog

from appliance.domain import Interaction, InteractionType, to_main
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.event_in import share_of_quantity
from appliance.store.interactions import InteractionLog, TrackedPurchase
from appliance.store.journal import Journal
from appliance.store.privacy import PrivacyRepository
from appliance.store.purchases import Counted, CountedPurchase, OrderLine, PurchaseRepository, UncountedOrder

SETTLE_SECONDS = 30.0
"""An order is counted when it is this old: by then the storefront's own event, with what led to it, has mostly come."""
SAME_SECONDS = 900.0
"""An order and a storefront's event of one product this close together are taken for one purchase."""
_LEDGER_SECONDS = 86_400.0

log = structlog.get_logger(__name__)


class PurchaseLedger:
    """Purchases that are known from orders alone; an event of the storefront that tells of one becomes it.

    For the event loop to ask and a job to fill; both may be at it at once.
    """

    def __init__(self, known: Iterable[CountedPurchase] = ()) -> None:
        self._lock = threading.Lock()
        self._by_product: dict[str, list[CountedPurchase]] = {}
        self._told_by: dict[str, str] = {}
        """By the id of a purchase's own event, that of the storefront's event which told of it."""
        self.add(known)

    def add(self, purchases: Iterable[CountedPurchase]) -> None:
        """Enter purchases; those older than a day are forgotten on the way."""
        with self._lock:
            for purchase in purchases:
                kept = self._by_product.setdefault(purchase.product_id, [])
                for old in [one for one in kept if one.placed_at <= purchase.placed_at - _LEDGER_SECONDS]:
                    kept.remove(old)
                    self._told_by.pop(old.event_id, None)
                kept.append(purchase)

    def recognise(self, event: Interaction) -> Interaction:
        """Return the event, under the order's id where it tells of a purchase that was counted from an order.

        Each purchase is told of by one event; that one may be sent again.
        """
        if event.interaction_type != InteractionType.PURCHASE or event.product_id not in self._by_product:
            return event
        named = _named_order(event)
        with self._lock:
            candidates = [one for one in self._by_product.get(event.product_id, []) if _tells_of(event, named, one)]
            again = (one for one in candidates if self._told_by.get(one.event_id) == event.event_id)
            first = (one for one in candidates if one.event_id not in self._told_by)
            found = next(again, None) or next(first, None)
            if found is None:
                return event
            self._told_by[found.event_id] = event.event_id
        return msgspec.structs.replace(event, event_id=found.event_id)


class PurchaseRecorder:
    """Counts orders. Every step may be repeated after a crash without counting anything twice."""

    def __init__(
        self,
        book: PurchaseRepository,
        interactions: InteractionLog,
        journal: Journal,
        catalogue: Catalogue,
        privacy: PrivacyRepository,
        settings: Settings,
        pseudonym: Callable[..., str],
        ledger: PurchaseLedger,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._book = book
        self._log = interactions
        self._journal = journal
        self._catalogue = catalogue
        self._privacy = privacy
        self._weights = settings.weights
        self._pseudonym = pseudonym
        self._ledger = ledger
        self._now = now
        self.skew: Callable[[], float] = lambda: 0.0
        """Seconds by which Medusa's clock is ahead of this one's: orders are dated by that one, events by ours."""
        ledger.add(book.untracked(now() - _LEDGER_SECONDS))

    def record(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Count what is due and take back what was canceled; returns how many purchases only Medusa knew of."""
        recorded = 0
        ahead = self.skew()
        while orders := self._book.uncounted(self._now() + ahead - SETTLE_SECONDS):
            recorded += self._count([_on_our_clock(order, ahead) for order in orders])
            if stopping():
                break
        while orders := self._book.undone():
            self._take_back(orders)
            if stopping():
                break
        return recorded

    def _count(self, orders: Sequence[UncountedOrder]) -> int:
        products = {line.product_id for order in orders for line in order.lines}
        # While Medusa was away the storefront may have told of an order, by its number, long after it was placed.
        since, until = orders[0].placed_at - SAME_SECONDS, orders[-1].placed_at + _LEDGER_SECONDS
        told = self._log.purchases(sorted(products), since, until) if products else []
        lines = {self._event_id(order, line): (order, line) for order in orders for line in order.lines}
        matches = _matched(lines, told, self._book.taken([event.event_id for event in told]))
        new = [lines[own] for own in lines if own not in matches]
        counted = [
            Counted(
                order.id,
                line.product_id,
                matches.get(own, own),
                matches.get(own, own) != own,
                placed_at=order.placed_at,
            )
            for own, (order, line) in lines.items()
        ]
        self._journal.append_sync([self._event(order, line, InteractionType.PURCHASE) for order, line in new])
        self._book.count(counted, [order.id for order in orders], self._now())
        self._ledger.add(self._counted(order, line) for order, line in new)
        return len(new)

    def _take_back(self, orders: Sequence[UncountedOrder]) -> None:
        self._journal.append_sync(
            [self._event(order, line, InteractionType.REFUND) for order in orders for line in order.lines]
        )
        self._book.refunded([order.id for order in orders])

    def _event_id(self, order: UncountedOrder, line: OrderLine) -> str:
        # An order's id opens the order in Medusa's store API, so that it must not lie about in a log.
        return f"order:{self._pseudonym('order', order.id, line.product_id)}"

    def _counted(self, order: UncountedOrder, line: OrderLine) -> CountedPurchase:
        return CountedPurchase(
            event_id=self._event_id(order, line),
            product_id=line.product_id,
            customer_id=order.customer_id,
            display_id=order.display_id,
            order_id=order.id,
            placed_at=order.placed_at,
        )

    def _event(self, order: UncountedOrder, line: OrderLine, kind: InteractionType) -> Interaction:
        is_refund = kind is InteractionType.REFUND
        user = "" if self._privacy.is_opted_out("", order.customer_id) else order.customer_id
        card = self._catalogue.card(line.product_id)
        weight = self._weights.refund if is_refund else self._weights.purchase
        facts = {
            "quantity": line.quantity,
            "price": to_main(line.total // line.quantity, order.currency),
            "currency": order.currency,
            "source": "order",
        }
        now = self._now()
        return Interaction(
            event_id=self._event_id(order, line) + (":refund" if is_refund else ""),
            user_id=user,
            session_id="",
            product_id=line.product_id,
            product_handle=card.handle if card else "",
            interaction_type=kind.value,
            weight=weight * share_of_quantity(line.quantity),
            occurred_at=now if is_refund else min(order.placed_at, now),
            received_at=now,
            metadata=msgspec.json.encode(facts).decode(),
        )


def _on_our_clock(order: UncountedOrder, ahead: float) -> UncountedOrder:
    return msgspec.structs.replace(order, placed_at=order.placed_at - ahead)


def _matched(
    lines: Mapping[str, tuple[UncountedOrder, OrderLine]], told: Sequence[TrackedPurchase], taken: Collection[str]
) -> dict[str, str]:
    """Return which events of the log tell of which lines, by the lines' own event ids.

    An event that carries our id, or names the order, is that order's. The others are told apart by buyer and time: one
    that names the buyer before one that names nobody, and whichever pair is closest together first, so that an order
    does not take the event of another buyer who ordered the same a minute later.
    """
    by_product: dict[str, list[TrackedPurchase]] = {}
    for event in told:
        by_product.setdefault(event.product_id, []).append(event)
    found: dict[str, str] = {}
    pairs: list[tuple[bool, float, str, str]] = []
    for own, (order, line) in lines.items():
        for event in by_product.get(line.product_id, ()):
            apart = abs(event.occurred_at - order.placed_at)
            if event.event_id == own or event.order.lstrip("#") in (order.id, order.display_id):
                found.setdefault(own, event.event_id)
            elif not event.order and event.user_id in ("", order.customer_id) and apart <= SAME_SECONDS:
                pairs.append((not event.user_id, apart, own, event.event_id))
    used = {*taken, *found.values()}
    for _, _, own, event_id in sorted(pairs):
        if own not in found and event_id not in used:
            found[own] = event_id
            used.add(event_id)
    return found


def _named_order(event: Interaction) -> str:
    facts = msgspec.json.decode(event.metadata) if event.metadata else {}
    named = facts.get("order_id") or facts.get("transaction_id") or ""
    return str(named).lstrip("#")


def _tells_of(event: Interaction, named: str, purchase: CountedPurchase) -> bool:
    if named:
        return named in (purchase.order_id, purchase.display_id)
    same_buyer = event.user_id in ("", purchase.customer_id)
    return same_buyer and abs(event.occurred_at - purchase.placed_at) <= SAME_SECONDS
