"""The stores opened by this command: the application answers in this process, without a socket.

Of the background work only the way of events into the log is started; scheduled jobs belong to the serving process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from appliance.cli.backend import HttpBackend, Tell
from appliance.errors import Unavailable
from appliance.jobs.queue import Job
from appliance.ops.importing.sinks import ImportSink, LocalSink
from appliance.ops.process import RunningProcess
from appliance.runtime import Runtime
from appliance.settings import LoadedSettings

_FLUSH_SECONDS = 600.0
_VISITORS = 20_000
_ABOUT_VISITORS = ("/v1/recommendations", "/v1/admin/recommendations")


class _InProcess(httpx.BaseTransport):
    """Hands requests to the application on an event loop of its own; both are made with the first request."""

    def __init__(self, runtime: Runtime, runner: asyncio.Runner) -> None:
        self._runtime = runtime
        self._runner = runner
        self._asgi: httpx.ASGITransport | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._runner.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if self._asgi is None:
            from appliance.server.app import create_app

            app: Any = create_app(self._runtime)
            self._asgi = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        answer = await self._asgi.handle_async_request(
            httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        )
        headers = [(name, value) for name, value in answer.headers.multi_items() if name != "content-encoding"]
        return httpx.Response(answer.status_code, headers=headers, content=await answer.aread())


class LocalBackend(HttpBackend):
    """Works on a runtime of this process."""

    running: RunningProcess | None = None

    def __init__(self, runtime: Runtime, client: httpx.Client) -> None:
        super().__init__(client)
        self.runtime = runtime
        self._is_journalling = False
        self._knows_visitors = False

    @classmethod
    @contextmanager
    def open(cls, data_dir: Path, loaded: LoadedSettings, locale: str) -> Iterator[LocalBackend]:
        """Open the stores, and close them in order at the end. The caller holds the lock of the directory."""
        runtime = Runtime.open(data_dir, loaded)
        headers = {
            "Authorization": f"Bearer {runtime.local_token}",
            "Accept-Language": locale,
            "Accept-Encoding": "identity",
        }
        with asyncio.Runner() as runner:
            transport = _InProcess(runtime, runner)
            with httpx.Client(base_url="http://localhost", headers=headers, transport=transport) as client:
                backend = cls(runtime, client)
                try:
                    yield backend
                finally:
                    backend.close()

    def call(self, method: str, path: str, *, params: Mapping[str, object] | None = None, body: object = None) -> Any:
        """Return the decoded JSON of an answer; recommendations know what was imported a moment ago."""
        if path.startswith(_ABOUT_VISITORS):
            self._learn_visitors()
        return super().call(method, path, params=params, body=body)

    def sink(self) -> ImportSink:
        """Return a sink that writes to the stores."""
        self._start_journal()
        runtime = self.runtime
        return LocalSink(
            runtime.catalogue,
            runtime.journal,
            orders=runtime.orders,
            faq=runtime.faq,
            flush=self._flush,
            opted_out=runtime.privacy.is_opted_out,
        )

    def settle(self, tell: Tell) -> None:
        """Move what was imported into the log."""
        tell(1.0, "")
        self._flush()

    def train(self, *, search_only: bool, tell: Tell, tune: bool = True) -> dict[str, Any]:
        """Build the models here; without ``tune`` first ones, ready in seconds."""
        self._flush()
        report = self.runtime.trainer.run(search_only=search_only, tune=tune, progress=tell)
        built: dict[str, Any] = msgspec.to_builtins(report)
        return built

    def evaluate(self, *, k: int, predictions: bool, tell: Tell) -> dict[str, Any]:
        """Judge the recommender here."""
        self._flush()
        return self.runtime.trainer.evaluate(k=k, progress=tell)

    def finish_job(self, job: dict[str, Any], tell: Tell) -> dict[str, Any]:
        """Do a job here, and return it as it ended."""
        self._flush()
        queue = self.runtime.jobs
        if queue is None:
            raise Unavailable("Background jobs are switched off at the moment.")

        def listen(told: Job | None) -> None:
            if told is not None and told.id == job["id"]:
                tell(told.progress, told.message)

        forget = queue.feed.subscribe(listen)
        try:
            queue.run_here(job["id"])
        finally:
            forget()
        return dict(self.call("GET", f"/v1/admin/jobs/{job['id']}"))

    def close(self) -> None:
        """Close the stores in order."""
        self.runtime.stop()

    def _start_journal(self) -> None:
        if self.runtime.journal is not None and not self._is_journalling:
            self.runtime.journal.start()
            self._is_journalling = True

    def _flush(self) -> None:
        merger = self.runtime.merger
        if merger is None:
            return
        self._start_journal()
        if not merger.flush(_FLUSH_SECONDS):
            raise Unavailable(
                "What was imported is safe in the journal, but the log did not take it yet.",
                hint="`appliance status` says why; start the appliance, and it goes on by itself.",
            )

    def _learn_visitors(self) -> None:
        if self._knows_visitors or self.runtime.log is None:
            return
        self._knows_visitors = True
        self._flush()
        for interactions in self.runtime.log.recent_visitors(_VISITORS):
            self.runtime.recommender.observe(self.runtime.privacy.veiled(interactions))
