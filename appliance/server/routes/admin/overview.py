"""The shop at a glance, and its open problems."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import Request, get

from appliance import __version__
from appliance.issues import Issue
from appliance.messages import Locale
from appliance.runtime import Runtime
from appliance.server.admin_schemas import CatalogueOut, IngestOut, IssueList, IssueOut, OverviewOut
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.query import LocaleTag, locale_of
from appliance.server.routes.health import issue_message


@get("/overview", operation_id="getOverview", summary="The shop at a glance")
async def overview(request: Request[Any, Any, Any], locale: LocaleTag = "") -> OverviewOut:
    """Answer with sizes, states and open problems."""
    runtime = runtime_of(request)
    language = locale_of(request, locale)
    readiness = runtime.readiness()
    cards = runtime.catalogue.cards()
    model = runtime.recommender.model
    return OverviewOut(
        shop=runtime.settings.shop.name,
        version=__version__,
        ready=readiness.ready,
        safe_mode=readiness.safe_mode,
        parts={name: str(state) for name, state in readiness.parts.items()},
        catalogue=CatalogueOut(
            products=len(cards),
            published=len(runtime.catalogue),
            categories=len(runtime.catalogue.categories()),
            revision=runtime.catalogue.revision,
        ),
        ingest=await asyncio.to_thread(_ingest, runtime),
        model=None if model is None else msgspec.to_builtins(model),
        issues=_issues(runtime, language),
    )


@get("/issues", operation_id="listIssues", summary="Open problems")
async def list_issues(request: Request[Any, Any, Any], locale: LocaleTag = "") -> IssueList:
    """List the open problems; each disappears when it is cured."""
    return IssueList(items=_issues(runtime_of(request), locale_of(request, locale)))


def _issues(runtime: Runtime, locale: Locale) -> list[IssueOut]:
    return [_issue(issue, locale) for issue in runtime.issues.open()]


def _issue(issue: Issue, locale: Locale) -> IssueOut:
    return IssueOut(
        id=issue.id,
        code=issue.code,
        severity=issue.severity.value,
        part=issue.part,
        message=issue_message(issue, locale),
        fix=issue_message(issue, locale, ".fix"),
        detail=issue.detail,
        since=moment(issue.since),
    )


def _ingest(runtime: Runtime) -> IngestOut:
    logged = runtime.log.counts().events if runtime.log is not None else 0
    lag = runtime.journal.lag if runtime.journal is not None else 0
    accepted = runtime.metrics.registry.get_sample_value("appliance_ingest_events_accepted_total")
    return IngestOut(accepted=int(accepted or 0), logged=logged, lag=lag)
