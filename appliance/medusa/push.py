"""The push: sends the owner's edits to Medusa in their order, each once, and keeps what was changed on both sides."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
import structlog

from appliance.errors import ApplianceError
from appliance.issues import IssueBoard
from appliance.medusa import records
from appliance.medusa.faults import MedusaChanged, MedusaDenied, MedusaRefused, MedusaTooOld, MedusaUnreachable
from appliance.medusa.mirror import Mirror
from appliance.medusa.outbox_issues import tell_owner
from appliance.medusa.overlay import same, value_of
from appliance.medusa.projection import stock_items
from appliance.medusa.reading import Reader
from appliance.medusa.reading_pass import Progress
from appliance.medusa.sending import is_there, send
from appliance.medusa.turns import Turns
from appliance.medusa.undecided import GONE, revise_undecided
from appliance.medusa.wishes import thing_of
from appliance.medusa.writing import Writer
from appliance.settings import Medusa
from appliance.settings.sections import ConflictRule
from appliance.store.outbox import Edit, EditState, OutboxRepository, read_open, rebase_edit, settle_edit
from appliance.store.sqlite import Transaction

log = structlog.get_logger(__name__)

_FIRST_WAIT, _LONGEST_WAIT = 5.0, 300.0
"""Seconds before an edit that did not get through is tried again; doubled with every try."""
_KEPT_SECONDS = 90 * 86_400.0
"""How long settled edits can be looked up."""
_MOST_FAILURES = 5
"""How often Medusa may fail at an edit, while it answers what it has of the product, before the owner is to decide."""
_BROKEN = frozenset({"dropped", "garbage"})
_STOPS = (MedusaUnreachable, MedusaDenied, MedusaChanged, MedusaTooOld)


class PushReport(msgspec.Struct, kw_only=True):
    """What a push did."""

    sent: int = 0
    already: int = 0
    """Edits whose value Medusa had already: sent before a break, or set there by hand."""
    conflicts: int = 0
    refused: int = 0
    dropped: int = 0
    """Given up by the rule of their field, or superseded by a later edit."""
    gone: int = 0
    """Edits of products or variants that Medusa no longer has."""
    waiting: int = 0
    """Edits that are still to be sent."""
    stopped: str = ""
    """Why not all were: a reason of ``MedusaUnreachable``, or the code of another fault; empty: they were."""
    error: str = ""
    retry_in: float | None = None
    """Seconds after which the next push can do more; ``None``: nothing waits."""
    seconds: float = 0.0


class _Sight(NamedTuple):
    """What Medusa has at this moment."""

    product: records.Product
    items: Mapping[str, records.InventoryItem]


class Push:
    """Empties the outbox. One push at a time is the caller's duty."""

    def __init__(
        self,
        reader: Reader,
        writer: Writer,
        mirror: Mirror,
        outbox: OutboxRepository,
        issues: IssueBoard,
        settings: Medusa,
        exchange: Turns,
        now: Callable[[], float] = time.time,
        dice: random.Random | None = None,
    ) -> None:
        """``exchange`` is the lock that the pull holds while it reads and writes a page.

        ``writer`` must not send again by itself (``retry=False``): after a break the push looks first.
        """
        self._reader, self._writer, self._mirror, self._outbox = reader, writer, mirror, outbox
        self._issues, self._settings, self._exchange, self._now = issues, settings, exchange, now
        self._dice = dice or random.Random()
        self._failing, self._failures = "", 0
        """The edit at which Medusa failed last, and how often; a new process counts anew."""
        self._reached = False
        """Whether Medusa answered in this push."""

    def run(
        self,
        progress: Progress = lambda _share, _stage: None,
        stopping: Callable[[], bool] = lambda: False,
        *,
        at_once: bool = False,
    ) -> PushReport:
        """Send what waits, the oldest edit first; none overtakes another.

        ``at_once`` does not wait for the time of the next try: Medusa is known to be back. What Medusa's side raises
        ends the push and stands in the report; errors of the store are raised.
        """
        began, report = time.monotonic(), PushReport()
        self._reached = False
        self._mirror.finish()
        total = self._waiting()
        try:
            while not stopping():
                edit = self._outbox.next()
                if edit is None or not self._is_due(edit, report, at_once):
                    break
                if not self._do(edit, report):
                    break
                progress(min(1.0, 1 - self._waiting() / max(total, 1)), "push")
            revise_undecided(self._mirror, self._outbox)
            self._outbox.prune(self._now() - _KEPT_SECONDS)
        finally:
            tell_owner(self._issues, self._outbox, self._now(), reached=self._reached)
        report.waiting = self._waiting()
        report.seconds = round(time.monotonic() - began, 3)
        if total:
            log.info("medusa_pushed", sent=report.sent, waiting=report.waiting, stopped=report.stopped)
        return report

    def _is_due(self, edit: Edit, report: PushReport, at_once: bool) -> bool:
        wait = edit.next_attempt_at - self._now()
        # A time further ahead than any wait was set by a clock that has been corrected since.
        if at_once or wait <= 0 or wait > 2 * _LONGEST_WAIT:
            return True
        report.retry_in, report.stopped, report.error = wait, "waiting", edit.last_error
        return False

    def _do(self, edit: Edit, report: PushReport) -> bool:
        """Deal with one edit and return whether to go on."""
        try:
            outcome = self._deal_with_soon(edit)
        except _STOPS as fault:
            self._note(edit, fault, report)
            return False
        setattr(report, outcome, getattr(report, outcome) + 1)
        return True

    def _deal_with_soon(self, edit: Edit) -> str:
        """Bring one edit to its end; a connection that broke is made again once, and what arrived is looked at."""
        try:
            with self._exchange:
                return self._deal_with(edit)
        except MedusaUnreachable as fault:
            if fault.reason not in _BROKEN:
                raise
        with self._exchange:
            return self._deal_with(edit)

    def _note(self, edit: Edit, fault: ApplianceError, report: PushReport) -> None:
        reason = fault.reason if isinstance(fault, MedusaUnreachable) else fault.code
        self._reached = self._reached or isinstance(fault, MedusaChanged)
        wait = _FIRST_WAIT * 2.0 ** min(edit.attempts, 10) * (0.5 + self._dice.random())
        wait = max(min(wait, _LONGEST_WAIT), getattr(fault, "retry_after", 0.0) if reason == "rate_limited" else 0.0)
        if reason != "stopping":
            self._outbox.try_later(edit.id, fault.message, wait)
        report.stopped, report.error, report.retry_in = reason, fault.message, wait

    def _deal_with(self, edit: Edit) -> str:
        """Bring one edit to its end and return under what it is counted in the report."""
        for is_last in (False, True):
            sight = self._look(edit)
            if sight is None:
                return self._gone(edit.product_id)
            if not is_there(*sight, edit):
                return self._settle(edit, sight, "dropped", "gone", error=GONE)
            current = value_of(*sight, edit)
            if same(edit, current, edit.value):
                return self._settle(edit, sight, "sent", "already")
            if not same(edit, current, edit.base):
                rule = self._rule(edit)
                if rule == "ask":
                    return self._settle(edit, sight, "conflict", "", theirs=current)
                if rule == "medusa":
                    return self._settle(edit, sight, "dropped", "rule", theirs=current)
            if edit.id == self._failing and self._failures >= _MOST_FAILURES:
                # Those behind it shall not wait for ever.
                told = f"Medusa failed at this change {self._failures} times. {edit.last_error}"
                return self._settle(edit, sight, "refused", "", error=told)
            try:
                self._send(sight.product, edit)
            except MedusaRefused as refused:
                if refused.status == 404 and not is_last:
                    # Deleted since the look: the next one will show it.
                    continue
                return self._settle(edit, sight, "refused", "", error=refused.message)
            break
        after = self._look(edit)
        return self._gone(edit.product_id) if after is None else self._settle(edit, after, "sent", "sent")

    def _send(self, product: records.Product, edit: Edit) -> None:
        """Send an edit and count it when Medusa fails at it; a line that breaks or is slow says nothing of the edit."""
        self._outbox.begin(edit.id)
        try:
            send(self._writer, product, edit)
        except (MedusaUnreachable, MedusaChanged) as fault:
            if isinstance(fault, MedusaChanged) or fault.reason == "server_error":
                self._failures = self._failures + 1 if self._failing == edit.id else 1
                self._failing = edit.id
            raise

    def _look(self, edit: Edit) -> _Sight | None:
        """Read an edit's product with the stock items that matter now; ``None`` when it is gone."""
        found = self._reader.read_products([edit.product_id])
        self._reached = True
        if found.gone:
            return None
        if not found.products:
            raise MedusaUnreachable("The product was being changed in Medusa while it was read.", reason="garbage")
        product = found.products[0]
        named = stock_items([product])
        known = {} if edit.field == "stock" else self._mirror.repository.get("inventory_item", named)
        items = self._reader.inventory_items([id_ for id_ in named if id_ not in known])
        return _Sight(product, {item.id: item for item in items})

    def _settle(
        self, edit: Edit, sight: _Sight, state: EditState, outcome: str, *, theirs: object = None, error: str = ""
    ) -> str:
        """Write what Medusa has and what became of the edit in one transaction.

        Where an edit does not arrive, the next one of the same thing takes its place: what the owner wanted last is
        what is compared, and decided about.
        """
        settled: list[tuple[EditState, str]] = []

        def within(db: Transaction) -> None:
            later = [one for one in read_open(db, [edit.product_id]) if one.number > edit.number]
            heirs = [one for one in later if one.state == "waiting" and thing_of(one) == thing_of(edit)]
            fate = (state, outcome)
            if heirs and state != "sent":
                rebase_edit(db, heirs[0].id, edit.base)
                if state in ("conflict", "refused") or outcome == "rule":
                    fate = ("dropped", "superseded")
            settle_edit(db, edit.id, *fate, self._now(), theirs=theirs, error=error)
            settled[:] = [fate]

        self._mirror.write_product(*sight, within)
        self._failing, self._failures = "", 0
        ((state, outcome),) = settled
        log.info("medusa_edit_settled", edit=edit.id, field=edit.field, state=state, outcome=outcome)
        if outcome in ("sent", "already", "gone"):
            return outcome
        return {"conflict": "conflicts", "refused": "refused"}.get(state, "dropped")

    def _gone(self, product_id: str) -> str:
        """Forget a product that Medusa no longer has, with all that was still to be changed of it."""

        def within(db: Transaction) -> None:
            for edit in read_open(db, [product_id]):
                settle_edit(db, edit.id, "dropped", "gone", self._now(), error=GONE)

        self._mirror.write_products([], [product_id], within=within)
        log.info("medusa_edits_of_gone_product", product=product_id)
        return "gone"

    def _rule(self, edit: Edit) -> ConflictRule:
        rules = self._settings
        match edit.field:
            case "price":
                return rules.conflict_price
            case "stock":
                return rules.conflict_stock
            case "status":
                return rules.conflict_status
            case "title" | "description":
                return rules.conflict_text
            case "tags":
                return rules.conflict_tags
            case "categories":
                return rules.conflict_categories
            case "metadata":
                return "here"

    def _waiting(self) -> int:
        return self._outbox.counts().get("waiting", 0)
