"""Tells the owner, as open problems, which edits need a decision and which came to nothing."""

from __future__ import annotations

from appliance.issues import IssueBoard, Severity
from appliance.store.outbox import OutboxRepository

_PART = "medusa"
_LOST_SECONDS = 86_400.0


def tell_owner(issues: IssueBoard, outbox: OutboxRepository, now: float) -> None:
    """Open or close the problems of the outbox; ``now`` is Unix seconds."""
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
