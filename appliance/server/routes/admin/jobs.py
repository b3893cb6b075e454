"""Background jobs: what runs, what ran, and the start of one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import PathParameter

from appliance.domain import ID_PATTERN
from appliance.errors import InvalidInput, NotFound, Unavailable
from appliance.jobs.queue import Job, JobQueue
from appliance.server.admin_schemas import JobIn, JobList, JobOut
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.query import Limit

JobId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]


@get("/jobs", operation_id="listJobs", summary="Background jobs")
async def list_jobs(request: Request[Any, Any, Any], limit: Limit = 50) -> JobList:
    """List the newest jobs."""
    jobs = await asyncio.to_thread(_queue(request).list, limit)
    return JobList(items=[_out(job) for job in jobs])


@get("/jobs/{job_id:str}", operation_id="getJob", summary="One job")
async def read_job(request: Request[Any, Any, Any], job_id: JobId) -> JobOut:
    """Answer with a job's state and progress."""
    job = await asyncio.to_thread(_queue(request).get, job_id)
    if job is None:
        raise NotFound("There is no such job.")
    return _out(job)


@post("/jobs", status_code=202, operation_id="submitJob", summary="Start a job")
async def submit_job(request: Request[Any, Any, Any]) -> JobOut:
    """Start a job in the background; one that waits already and does all of it is the answer."""
    data = await read_body(request, JobIn)
    args = {name: value for name, value in msgspec.structs.asdict(data.args).items() if value}
    try:
        return _out(await asyncio.to_thread(_queue(request).submit, data.kind, args))
    except InvalidInput as error:
        raise NotFound(error.message, hint=error.hint) from error


def _queue(request: Request[Any, Any, Any]) -> JobQueue:
    queue = runtime_of(request).jobs
    if queue is None:
        raise Unavailable("Background jobs are switched off at the moment.", retry_after=30)
    return queue


def _out(job: Job) -> JobOut:
    return JobOut(
        id=job.id,
        kind=job.kind,
        state=job.state,
        progress=job.progress,
        message=job.message,
        created_at=moment(job.created_at),
        started_at=None if job.started_at is None else moment(job.started_at),
        ended_at=None if job.ended_at is None else moment(job.ended_at),
        attempts=job.attempts,
        error=job.error,
        result=job.result,
    )
