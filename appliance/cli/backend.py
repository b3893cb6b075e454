"""Where a command's answer comes from: the process that runs, or the stores opened here. Commands cannot tell.

Both speak the HTTP contract, so a command prints the same either way; beside no running process the application
answers in this process without a socket.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import httpx

from appliance.cli.session import Session
from appliance.errors import ApplianceError, InvalidInput, Unavailable
from appliance.ops.importing.http_sink import HttpSink
from appliance.ops.importing.sinks import ImportSink
from appliance.ops.process import ProcessLock, RunningProcess, read_running

Tell = Callable[[float, str], None]
"""Told a fraction and what is done now."""

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_POLL_SECONDS = 0.5


class Backend(Protocol):
    """What commands ask for."""

    running: RunningProcess | None
    """The process that answers, when it is another one."""

    def call(self, method: str, path: str, *, params: Mapping[str, object] | None = None, body: object = None) -> Any:
        """Return the decoded JSON of an answer; parameters that are ``None`` or ``''`` are left out.

        Raises ``ApplianceError`` with the answer's code, message and hint.
        """
        ...

    def sink(self) -> ImportSink:
        """Return where imported rows go."""
        ...

    def settle(self, tell: Tell) -> None:
        """Wait until what was imported can be trained on."""
        ...

    def train(self, *, search_only: bool, tell: Tell) -> dict[str, Any]:
        """Build the models and return the report."""
        ...

    def evaluate(self, *, k: int, predictions: bool, tell: Tell) -> dict[str, Any]:
        """Judge the recommender on the shop's own log; return ``report`` and, if asked for, ``predictions``."""
        ...

    def finish_job(self, job: dict[str, Any], tell: Tell) -> dict[str, Any]:
        """Follow a submitted job to its end, doing it here where no process runs, and return it."""
        ...


class RemoteProblem(ApplianceError):
    """An error that the HTTP API answered."""

    def __init__(self, answer: httpx.Response) -> None:
        problem = _problem(answer)
        super().__init__(str(problem.get("detail") or problem.get("title") or answer.reason_phrase))
        self.hint = str(problem.get("hint") or "")
        self.code = str(problem.get("code") or "internal")
        self.status = answer.status_code
        self.exit_code = InvalidInput.exit_code if answer.status_code in (400, 404, 422) else 1


class HttpBackend:
    """Calls the HTTP API through a client that carries the base address and the local token."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def call(self, method: str, path: str, *, params: Mapping[str, object] | None = None, body: object = None) -> Any:
        """Return the decoded JSON of an answer. Raises ``ApplianceError``."""
        given = {key: _parameter(value) for key, value in (params or {}).items() if value is not None and value != ""}
        try:
            answer = self._client.request(method, path, params=given, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The running appliance does not answer: {error}.", hint="`appliance status` tells more."
            ) from None
        if not answer.is_success:
            raise RemoteProblem(answer)
        return answer.json() if answer.content else None


class RemoteBackend(HttpBackend):
    """Asks the running process."""

    def __init__(
        self, client: httpx.Client, running: RunningProcess, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(client)
        self.running: RunningProcess | None = running
        self._sleep = sleep

    def sink(self) -> ImportSink:
        """Return a sink that posts to the admin API."""
        return HttpSink(self._client)

    def settle(self, tell: Tell) -> None:
        """The running process merges by itself; training waits for it there."""

    def train(self, *, search_only: bool, tell: Tell) -> dict[str, Any]:
        """Submit a training and follow it to its end."""
        return self._job("train", {"search_only": search_only}, tell)

    def evaluate(self, *, k: int, predictions: bool, tell: Tell) -> dict[str, Any]:
        """Submit an evaluation and follow it to its end."""
        return self._job("evaluate", {"k": k, "predictions": predictions}, tell)

    def finish_job(self, job: dict[str, Any], tell: Tell) -> dict[str, Any]:
        """Follow a job to its end and return it."""
        while job["state"] in ("queued", "running"):
            tell(float(job["progress"]), str(job["message"]))
            self._sleep(_POLL_SECONDS)
            job = self.call("GET", f"/v1/admin/jobs/{job['id']}")
        return job

    def _job(self, kind: str, args: Mapping[str, object], tell: Tell) -> dict[str, Any]:
        job = self.call("POST", "/v1/admin/jobs", body={"kind": kind, "args": args})
        job = self.finish_job(job, tell)
        if job["state"] == "cancelled":
            raise ApplianceError("The job was cancelled.", hint=f"`appliance jobs retry {job['id']}` starts it again.")
        if job["state"] != "done":
            raise ApplianceError(f"The job failed: {job['error']}", hint="`appliance status` tells more.")
        return dict(job["result"] or {})


@contextmanager
def open_backend(session: Session) -> Iterator[Backend]:
    """Hand out the backend for a data directory. Raises ``AlreadyRunning`` while another command uses it."""
    from appliance.cli.logs import configure

    data_dir = session.prepare()
    loaded = session.load()
    configure(loaded.settings.server, quiet=True)
    running = read_running(data_dir)
    if running is not None:
        with remote_client(running, session.locale) as client:
            yield RemoteBackend(client, running)
        return
    with ProcessLock(data_dir):
        from appliance.cli.local import LocalBackend

        with LocalBackend.open(data_dir, loaded, session.locale) as backend:
            yield backend


def remote_client(running: RunningProcess, locale: str) -> httpx.Client:
    """Return a client of the running process; never through a proxy."""
    headers = {"Authorization": f"Bearer {running.token}", "Accept-Language": locale}
    return httpx.Client(base_url=running.url, headers=headers, timeout=_TIMEOUT, trust_env=False)


def _parameter(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
