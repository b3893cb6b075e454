"""Whether the process lives, whether the shop can be served, and the metrics."""

from __future__ import annotations

import asyncio
from typing import Any, get_args

from litestar import Request, Response, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from appliance import __version__
from appliance.issues import Issue, Severity
from appliance.medusa.service import SyncStatus
from appliance.messages import Locale, catalogue
from appliance.metrics import Metrics
from appliance.runtime import Runtime
from appliance.server.exchange import runtime_of
from appliance.server.present_medusa import connection_out
from appliance.server.query import LocaleTag, locale_of
from appliance.server.schemas import HealthOut, MedusaState, PublicIssue, ReadyOut
from appliance.store.outbox import EditState


@get("/healthz", operation_id="health", summary="Liveness")
async def healthz() -> HealthOut:
    """Answer as long as the process can answer."""
    return HealthOut(status="ok", version=__version__)


@get("/readyz", operation_id="readiness", summary="Readiness with reasons")
async def readyz(request: Request[Any, Any, Any], locale: LocaleTag = "") -> Response[ReadyOut]:
    """Answer 200 when the shop can be served, also with parts switched off, else 503; name what is off."""
    runtime = runtime_of(request)
    language = locale_of(request, locale)
    readiness = runtime.readiness()
    body = ReadyOut(
        ready=readiness.ready,
        safe_mode=readiness.safe_mode,
        parts={name: str(state) for name, state in readiness.parts.items()},
        issues=[_public(issue, language) for issue in runtime.issues.open()],
        medusa=_medusa(runtime, language),
    )
    headers = {"Cache-Control": "no-store"} | ({} if readiness.ready else {"Retry-After": "1"})
    return Response(body, status_code=200 if readiness.ready else 503, headers=headers)


@get("/metrics", operation_id="metrics", summary="Prometheus metrics", media_type="text/plain")
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer in Prometheus's text format."""
    runtime = runtime_of(request)
    await asyncio.to_thread(_refresh, runtime)
    return Response(
        generate_latest(runtime.metrics.registry),
        headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
    )


def issue_message(issue: Issue, locale: Locale, suffix: str = "") -> str:
    """Return the owner's words for an issue; its code where the catalogue has none."""
    return catalogue(locale).get(f"issue.{issue.code}{suffix}", "" if suffix else issue.code)


def _public(issue: Issue, locale: Locale) -> PublicIssue:
    return PublicIssue(
        id=issue.id,
        code=issue.code,
        severity=issue.severity.value,
        part=issue.part,
        message=issue_message(issue, locale),
    )


def _medusa(runtime: Runtime, locale: Locale) -> MedusaState:
    connection = connection_out(runtime, locale)
    return MedusaState(
        state=connection.state, reason=connection.reason, since=connection.since, message=connection.message
    )


def _refresh(runtime: Runtime) -> None:
    """Set the gauges that are read off at scrape time."""
    runtime.metrics.products.set(len(runtime.catalogue))
    open_issues = runtime.issues.open()
    for severity in Severity:
        count = sum(issue.severity is severity for issue in open_issues)
        runtime.metrics.issues.labels(severity.value).set(count)
    if runtime.medusa is not None:
        _refresh_medusa(runtime.metrics, runtime.medusa.status(mirrored=False), runtime.now())


def _refresh_medusa(metrics: Metrics, status: SyncStatus, now: float) -> None:
    metrics.medusa_up.set(status.connection.state == "online")
    metrics.medusa_requests.set(status.requests)
    metrics.medusa_events_waiting.set(status.events_waiting)
    for state in get_args(EditState):
        metrics.medusa_outbox.labels(state).set(status.outbox.get(state, 0))
    for mode, last in status.last.items():
        metrics.medusa_pass_seconds.labels(mode).set(last.report.seconds)
        metrics.medusa_pass_age_seconds.labels(mode).set(max(0.0, now - last.at))
