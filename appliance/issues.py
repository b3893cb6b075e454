"""Problems as records: raised by the part in trouble, shown by readiness, console and doctor, gone when cured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How much of the shop a problem takes away."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One problem. The owner's words are the messages ``issue.<code>`` and ``issue.<code>.fix``."""

    id: str
    """Stable while the problem lasts, for example ``search_index`` or ``job:train``."""
    code: str
    severity: Severity
    part: str
    """The part that is switched off or degraded: catalogue, search, recommender, cache, analytics, ingest, jobs."""
    detail: str = ""
    """What was observed, for the technician; not translated."""
    since: float = 0.0
    """Unix seconds."""


class IssueBoard:
    """The open problems of this process. Safe to use from any thread."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._open: dict[str, Issue] = {}

    def report(self, issue_id: str, code: str, severity: Severity, part: str, detail: str = "") -> None:
        """Open a problem, or update it in place keeping the time at which it began."""
        with self._lock:
            known = self._open.get(issue_id)
            since = known.since if known else self._now()
            self._open[issue_id] = Issue(
                id=issue_id, code=code, severity=severity, part=part, detail=detail, since=since
            )

    def cure(self, issue_id: str) -> None:
        """Close a problem; closing one that is not open does nothing."""
        with self._lock:
            self._open.pop(issue_id, None)

    def open(self) -> list[Issue]:
        """Return the open problems, the gravest and oldest first."""
        rank = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
        with self._lock:
            return sorted(self._open.values(), key=lambda issue: (rank[issue.severity], issue.since, issue.id))
