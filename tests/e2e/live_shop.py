"""The real process on a prepared shop: started, asked, stopped, killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from appliance.ops.process import read_running

PRODUCTS, EVENTS = 60, 3000
QUIET = {"APPLIANCE_RATE_LIMIT": "off", "APPLIANCE_RECOMMENDER_RETRAIN_HOURS": "0"}
"""No limits for a test's client, and no training by itself, which would mend what a test damaged."""
READY_SECONDS = 60.0


def prepare(folder: Path, products: int = PRODUCTS, events: int = EVENTS) -> Path:
    """Fill a data directory with a trained demo shop."""
    sizes = ["--products", str(products), "--events", str(events)]
    command = [sys.executable, "-m", "appliance", "--data", str(folder), "demo", "--prepare-only", "--json", *sizes]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | QUIET, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def copied(shop: Path, folder: Path) -> Path:
    """Return a copy of a prepared shop."""
    return Path(shutil.copytree(shop, folder))


class LiveShop:
    """One serving process; a context manager that ends it whatever happens."""

    def __init__(self, data: Path, *, port: int = 0, **environment: str) -> None:
        self.data = data
        self._port = str(port)
        self.output = data.parent / f"{data.name}.log"
        self._environment = os.environ | QUIET | environment
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(timeout=20)
        self.ready_after = 0.0
        """Seconds from the start of the process to the first answer."""

    def __enter__(self) -> LiveShop:
        self.spawn()
        self.wait_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def spawn(self) -> None:
        """Start the process without waiting for it; its output goes to a file beside the data directory."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance", "--data", str(self.data), "serve", "--port", self._port, "--json"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        self._spawned = time.monotonic()

    def wait_ready(self) -> None:
        """Wait until it says where it listens and answers there."""
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self._running.poll() is None:
            url = self._announced()
            if url and httpx.get(f"{url}/healthz", timeout=20).status_code == 200:
                self.client.base_url = httpx.URL(url)
                self.ready_after = time.monotonic() - self._spawned
                return
            time.sleep(0.02)
        raise AssertionError(f"not ready, exit {self._running.poll()}: {self.log()[-3000:]}")

    def wait_starting(self, crashes: int) -> None:
        """Wait until ``starts.json`` says that a start has begun after so many crashes in a row."""
        expected = {"phase": "starting", "crashes": crashes}
        self.until(lambda: json.loads((self.data / "starts.json").read_text()) == expected, "the start")

    def until(self, condition: Any, what: str, seconds: float = READY_SECONDS) -> float:
        """Wait for a condition and return how long it took; what it raises counts as not yet."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            try:
                if condition():
                    return time.monotonic() - began
            except (OSError, httpx.TransportError):
                pass
            time.sleep(0.02)
        raise AssertionError(f"waited {seconds} s for {what}: {self.log()[-3000:]}")

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self._running.send_signal(signal.SIGTERM)
        return self._running.wait(timeout=30)

    def kill(self) -> None:
        """Send SIGKILL to the process and what it started in its session."""
        os.killpg(self._running.pid, signal.SIGKILL)
        self._running.wait()

    def log(self) -> str:
        """Return what the process wrote."""
        return self.output.read_text(errors="replace")

    def readyz(self) -> dict[str, Any]:
        """Return the readiness."""
        answer = self.client.get("/readyz")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def issue_codes(self) -> set[str]:
        """Return the codes of the open problems."""
        return {issue["code"] for issue in self.readyz()["issues"]}

    def send(self, *event_ids: str, product: str = "", session: str = "s1") -> httpx.Response:
        """Send a view for each id."""
        about = {"product_id": product} if product else {"product_handle": self.handles()[0]}
        events = [{"event_id": name, "type": "view", "session_id": session, **about} for name in event_ids]
        return self.client.post("/v1/events", json={"events": events})

    def handles(self) -> list[str]:
        """Return the handles of the shop's products."""
        found: list[str] = json.loads((self.data / "demo.json").read_text())["handles"]
        return found

    def overview(self) -> dict[str, Any]:
        """Return the admin overview, with the process's own token."""
        return self.admin("GET", "/v1/admin/overview").json()  # type: ignore[no-any-return]

    def admin(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send an admin request."""
        running = read_running(self.data)
        assert running is not None
        return self.client.request(method, path, headers={"Authorization": f"Bearer {running.token}"}, **options)

    def assert_shelves_answer(self) -> None:
        """Search, similar, popular, product and recommendations answer with something to show."""
        handle = self.handles()[0]
        for path in (
            "/v1/search?q=balo&limit=3",
            f"/v1/products/{handle}/similar?limit=3",
            "/v1/products/popular?limit=3",
            "/v1/recommendations?session_id=s1&limit=3",
        ):
            answer = self.client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.json()["items"], path
        product = self.client.get(f"/v1/products/{handle}")
        assert (product.status_code, product.json()["handle"]) == (200, handle)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process

    def _announced(self) -> str:
        """Return the address from the JSON on standard output; the log lines around it are JSON too."""
        for line in self.log().splitlines():
            if line.startswith("{") and '"claim_code"' in line:
                return str(json.loads(line)["url"])
        return ""


def logged_ids(data: Path) -> list[str]:
    """Return the event ids of the log of a stopped shop."""
    import duckdb

    with duckdb.connect(str(data / "analytics.duckdb"), read_only=True) as log:
        return [row[0] for row in log.execute("select event_id from interaction_events").fetchall()]
