"""Tells the owner, as open problems, which edits need a decision, which came to nothing and which are stuck."""

from __future__ import annotations

from appliance.issues import IssueBoard, Severity
from appliance.store.outbox import OutboxRepository

_PART = "medusa"
_LOST_SECONDS = 86_400.0
_STUCK_SECONDS, _STUCK_TRIES = 86_400.0, 20


def tell_owner(issues: IssueBoard, outbox: OutboxRepository, now: float, *, reached: bool = False) -> None:
    """Open or close the problems of the outbox; ``now`` is Unix seconds.

    ``reached`` says that a push has just had an answer of Medusa: what waits for long is stuck only then. While Medusa
    is away, that is what the owner is told.
    """
    counts = outbox.counts()
    found = {
        "medusa_conflicts": (counts.get("conflict", 0), Severity.WARNING),
        "medusa_edits_refused": (counts.get("refused", 0), Severity.WARNING),
        "medusa_edits_lost": (outbox.lost(now - _LOST_SECONDS), Severity.INFO),
    }
    for code, (count, severity) in found.items():
        if count:
            issues.report(code, code, severity, _PART, str(count))
        else:
            issues.cure(code)
    _tell_stuck(issues, outbox, now, reached)


def _tell_stuck(issues: IssueBoard, outbox: OutboxRepository, now: float, reached: bool) -> None:
    """Report the edit that all others wait for."""
    code, edit = "medusa_edits_stuck", outbox.next()
    if edit is None or (edit.attempts < _STUCK_TRIES and now - edit.created_at <= _STUCK_SECONDS):
        issues.cure(code)
    elif reached:
        issues.report(code, code, Severity.WARNING, _PART, f"{edit.id}: {edit.last_error}")
