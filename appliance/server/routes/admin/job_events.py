"""Changes of background jobs as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response import Stream

from appliance.errors import Busy
from appliance.jobs.queue import Job, JobQueue
from appliance.server.exchange import exchange_of
from appliance.server.routes.admin.jobs import present, queue_of

_HEARTBEAT_SECONDS = 5.0
_LONGEST_SECONDS = 900.0
"""A client connects anew after that, and shows its token again."""
_MOST_STREAMS = 32
_MOST_WAITING = 500


@get("/jobs/events", operation_id="watchJobs", summary="Watch the background jobs")
async def watch_jobs(request: Request[Any, Any, Any]) -> Stream:
    """Answer with server-sent events: a `job` event for each job that waits or runs, then for each change of any job.

    Each holds the whole job. A change that another one follows at once may be left out, the last one never is. The
    stream ends with the process, or after a quarter of an hour: connect again.
    """
    queue = queue_of(request)
    if queue.feed.listeners >= _MOST_STREAMS:
        raise Busy("Too many clients watch the jobs.", retry_after=10, hint="Ask for GET /v1/admin/jobs meanwhile.")
    return Stream(
        _events(queue, is_head=exchange_of(request).head),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _Inbox:
    """Ids of jobs that changed, handed from the queue's threads to one stream; each waits once, however often told."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._ids: dict[str, None] = {}
        self._wake = asyncio.Event()
        self.ended = False

    def put(self, job: Job | None) -> None:
        """Take a change on any thread; of too many the oldest is dropped."""
        with self._lock:
            if job is None:
                self.ended = True
            else:
                self._ids.pop(job.id, None)
                self._ids[job.id] = None
                if len(self._ids) > _MOST_WAITING:
                    self._ids.pop(next(iter(self._ids)))
        # A loop that has ended has taken the stream with it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake.set)

    async def take(self, seconds: float) -> list[str]:
        """Wait for changes, at most so long, and return the ids of the jobs."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()
        with self._lock:
            ids, self._ids = list(self._ids), {}
        return ids


async def _events(queue: JobQueue, *, is_head: bool) -> AsyncIterator[bytes]:
    yield b": hello\n\n"
    if is_head:
        return
    inbox = _Inbox()
    end = asyncio.get_running_loop().time() + _LONGEST_SECONDS
    forget = queue.feed.subscribe(inbox.put)
    try:
        for job in await asyncio.to_thread(_active, queue):
            yield _event(job)
        while not inbox.ended and asyncio.get_running_loop().time() < end:
            ids = await inbox.take(_HEARTBEAT_SECONDS)
            if not ids:
                yield b": still here\n\n"
            # Read anew: what was told on several threads may have come in any order.
            for job in await asyncio.to_thread(_read, queue, ids):
                yield _event(job)
    finally:
        forget()


def _active(queue: JobQueue) -> list[Job]:
    return [*queue.list(_MOST_WAITING, state="running"), *queue.list(_MOST_WAITING, state="queued")]


def _read(queue: JobQueue, ids: list[str]) -> list[Job]:
    return [job for job in map(queue.get, ids) if job is not None]


def _event(job: Job) -> bytes:
    """Return a job as an event; JSON has no line breaks of its own."""
    return b"event: job\ndata: " + msgspec.json.encode(present(job)) + b"\n\n"
