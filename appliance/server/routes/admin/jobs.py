"""Background jobs: what runs, what ran, and the start of one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import PathParameter, QueryParameter

from appliance.domain import ID_PATTERN
from appliance.errors import InvalidInput, NotFound, Unavailable
from appliance.jobs.queue import Job, JobQueue, JobState
from appliance.jobs.schedule import ScheduleEntry
from appliance.server.admin_schemas import JobIn, JobList, JobOut, JobSchedule, ScheduledJobOut
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.query import Limit

JobId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]
Kind = Annotated[str, QueryParameter(max_length=64, description="Only jobs of this kind.")]
State = Annotated[JobState | None, QueryParameter(name="state", description="Only jobs in this state.")]


@get("/jobs", operation_id="listJobs", summary="Background jobs")
async def list_jobs(
    request: Request[Any, Any, Any], kind: Kind = "", wanted: State = None, limit: Limit = 50
) -> JobList:
    """List the newest jobs."""
    jobs = await asyncio.to_thread(queue_of(request).list, limit, kind=kind, state=wanted)
    return JobList(items=[present(job) for job in jobs])


@get("/jobs/schedule", operation_id="getJobSchedule", summary="Jobs that start by themselves")
async def read_schedule(request: Request[Any, Any, Any]) -> JobSchedule:
    """List what is started by itself: when it last was, and when it is next due."""
    entries = await asyncio.to_thread(queue_of(request).schedule.entries)
    return JobSchedule(
        time_zone=runtime_of(request).settings.shop.timezone, items=[_scheduled(entry) for entry in entries]
    )


@get("/jobs/{job_id:str}", operation_id="getJob", summary="One job")
async def read_job(request: Request[Any, Any, Any], job_id: JobId) -> JobOut:
    """Answer with a job's state and progress."""
    job = await asyncio.to_thread(queue_of(request).get, job_id)
    if job is None:
        raise NotFound("There is no such job.")
    return present(job)


@post("/jobs", status_code=202, operation_id="submitJob", summary="Start a job")
async def submit_job(request: Request[Any, Any, Any]) -> JobOut:
    """Start a job in the background; one that waits already and does all of it is the answer."""
    data = await read_body(request, JobIn)
    args = {name: value for name, value in msgspec.structs.asdict(data.args).items() if value}
    try:
        job = await asyncio.to_thread(queue_of(request).submit, data.kind, args, priority=data.priority)
    except InvalidInput as error:
        raise NotFound(error.message, hint=error.hint) from error
    return present(job)


@post("/jobs/{job_id:str}/cancel", status_code=200, operation_id="cancelJob", summary="Call a job off")
async def cancel_job(request: Request[Any, Any, Any], job_id: JobId) -> JobOut:
    """Cancel a job: at once when it waits; one that runs is asked to end and is `cancelling` until it has."""
    return present(await asyncio.to_thread(queue_of(request).cancel, job_id))


@post("/jobs/{job_id:str}/retry", status_code=202, operation_id="retryJob", summary="Try a job again")
async def retry_job(request: Request[Any, Any, Any], job_id: JobId) -> JobOut:
    """Queue a job that failed or was cancelled once more; one that waits already and does all of it is the answer."""
    return present(await asyncio.to_thread(queue_of(request).retry, job_id))


def queue_of(request: Request[Any, Any, Any]) -> JobQueue:
    """Return the queue. Raises ``Unavailable`` while jobs are off."""
    queue = runtime_of(request).jobs
    if queue is None:
        raise Unavailable("Background jobs are switched off at the moment.", retry_after=30)
    return queue


def present(job: Job) -> JobOut:
    """Return a job as the API shows it."""
    return JobOut(
        id=job.id,
        kind=job.kind,
        args=job.args,
        state=job.state,
        cancelling=job.cancelling and job.state == "running",
        priority=job.priority,
        heavy=job.heavy,
        progress=job.progress,
        message=job.message,
        created_at=moment(job.created_at),
        started_at=None if job.started_at is None else moment(job.started_at),
        ended_at=None if job.ended_at is None else moment(job.ended_at),
        attempts=job.attempts,
        error=job.error,
        result=job.result,
    )


def _scheduled(entry: ScheduleEntry) -> ScheduledJobOut:
    periodic = entry.periodic
    return ScheduledJobOut(
        name=periodic.name,
        kind=periodic.kind,
        args=periodic.args,
        enabled=periodic.enabled,
        cron=periodic.cron,
        period=periodic.period,
        last_run_at=None if entry.last_run is None else moment(entry.last_run),
        next_due_at=None if entry.next_due is None else moment(entry.next_due),
    )
