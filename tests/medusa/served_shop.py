"""A served appliance in this process: real sockets, jobs and threads, beside a Medusa in memory."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from fake_medusa import KEY, FakeMedusa

from appliance.ops.process import ProcessLock, RunningProcess, write_process_file
from appliance.runtime import Runtime
from appliance.server.serve import make_server
from appliance.settings import load_settings

SECRET = "hook-secret-of-the-tests"
PASSWORD = "password-of-the-tests"


class Served:
    """A runtime, and a client of it with an admin's token."""

    def __init__(self, runtime: Runtime, url: str, fake: FakeMedusa) -> None:
        self.runtime, self.fake = runtime, fake
        self.client = httpx.Client(base_url=url, timeout=20, trust_env=False)
        self.owner = {"Authorization": f"Bearer {runtime.local_token}"}

    def admin(self, method: str, path: str, **options: Any) -> Any:
        """Return the decoded answer to the owner."""
        answer = self.client.request(method, f"/v1/admin{path}", headers=self.owner, **options)
        assert answer.is_success, answer.text
        return answer.json()


@contextlib.contextmanager
def serving(folder: Path, fake: FakeMedusa, **medusa: object) -> Iterator[Served]:
    """Serve a data directory; nothing is synchronised by itself."""
    flags: dict[str, object] = {"server.rate_limit": "off", "server.port": 0, "recommender.retrain_hours": 0}
    given = {"url": fake.url, "secret_key": KEY, "webhook_secret": SECRET, "admin_password": PASSWORD}
    given |= {"sync_seconds": 0, "stock_minutes": 0, "sweep_minutes": 0, "reconcile_at": ""} | medusa
    flags |= {f"medusa.{name}": value for name, value in given.items()}
    with ProcessLock(folder):
        runtime = Runtime.open(folder, load_settings(folder, environ={}, flags=flags))
        ready = threading.Event()
        urls: list[str] = []

        def listening(host: str, port: int) -> None:
            urls.append(f"http://{host}:{port}")
            write_process_file(folder, RunningProcess(1, urls[0], runtime.local_token))
            ready.set()

        server = make_server(runtime, on_ready=listening)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            assert ready.wait(30)
            served = Served(runtime, urls[0], fake)
            yield served
            served.client.close()
        finally:
            server.should_exit = True
            thread.join(20)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> float:
    """Wait until a condition holds and return how long that took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "it never came to hold"
        time.sleep(0.01)
    return time.monotonic() - start
