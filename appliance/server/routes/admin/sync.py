"""Medusa: whether it answers, how far the shop is in step, and the start of a pass."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from litestar import Request, get, post

from appliance.errors import ApplianceError, NotFound
from appliance.jobs.synchronising import COPY, FOLLOW, SYNC
from appliance.medusa.pull import LastPass
from appliance.medusa.service import MedusaService
from appliance.runtime import Runtime
from appliance.server.admin_schemas import JobOut
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.present_medusa import connection_out, said_of
from appliance.server.query import LocaleTag, locale_of
from appliance.server.routes.admin.jobs import present, queue_of
from appliance.server.sync_schemas import ConnectionTestOut, PassOut, SyncIn, SyncOut


@get("/sync", operation_id="getSync", summary="How far the shop is in step with Medusa")
async def read_sync(request: Request[Any, Any, Any], locale: LocaleTag = "") -> SyncOut:
    """Answer with the connection, the last passes, and what waits."""
    runtime = runtime_of(request)
    language = locale_of(request, locale)
    if runtime.medusa is None:
        return SyncOut(
            url=runtime.settings.medusa.url, connection=connection_out(runtime, language), mirrored={}, outbox={}
        )
    status = await asyncio.to_thread(runtime.medusa.status)
    return SyncOut(
        url=runtime.settings.medusa.url,
        connection=connection_out(runtime, language),
        copied_at=None if status.copied_at is None else moment(status.copied_at),
        copying=status.copying,
        last=tuple(_pass_out(mode, last) for mode, last in status.last.items()),
        mirrored=status.mirrored,
        outbox=status.outbox,
        events_waiting=status.events_waiting,
        skew_seconds=status.skew_seconds,
    )


@post("/sync", status_code=202, operation_id="startSync", summary="Synchronise with Medusa")
async def start_sync(request: Request[Any, Any, Any]) -> JobOut:
    """Start a pass in the background; one that waits already and does all of it is the answer."""
    data = await read_body(request, SyncIn)
    runtime = runtime_of(request)
    _connected(runtime)
    kind = {"events": FOLLOW, "full": COPY}.get(data.mode, SYNC)
    args = {"mode": data.mode} if kind == SYNC else {}
    return present(await asyncio.to_thread(queue_of(request).submit, kind, args))


@post("/sync/test", status_code=200, operation_id="testSync", summary="Test the connection to Medusa")
async def test_sync(request: Request[Any, Any, Any], locale: LocaleTag = "") -> ConnectionTestOut:
    """Ask Medusa who it is, with the settings in force, and say what is wrong."""
    medusa, language = _connected(runtime_of(request)), locale_of(request, locale)
    started = time.perf_counter()

    def took() -> float:
        return round((time.perf_counter() - started) * 1000, 1)

    try:
        found = await asyncio.to_thread(medusa.test)
    except ApplianceError as error:
        message, hint = said_of(error, language)
        return ConnectionTestOut(
            ok=False, code=error.code, message=message, hint=hint, detail=error.message, took_ms=took()
        )
    return ConnectionTestOut(ok=True, shop=found.shop, currencies=found.currencies, region=found.region, took_ms=took())


def _connected(runtime: Runtime) -> MedusaService:
    if runtime.medusa is None:
        raise NotFound("No Medusa is connected.", hint="Set medusa.url and medusa.secret_key, then restart.")
    return runtime.medusa


def _pass_out(mode: str, last: LastPass) -> PassOut:
    report = last.report
    return PassOut(
        mode=mode,
        at=moment(last.at),
        seconds=report.seconds,
        requests=report.requests,
        read=report.read,
        changed=report.changed,
        deleted=report.deleted,
        refused=report.refused[:100],
        renumbered=report.renumbered,
        purchases=report.purchases,
    )
