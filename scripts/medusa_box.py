"""The appliance as a process of its own beside a Medusa: started, asked, killed and compared by the other scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from medusa_compare import Report, compare, with_api
from medusa_mirror import read_api, read_tables
from medusa_truth import Access, Medusa, read_truth

Row = dict[str, Any]

BY_REQUEST = {"sync_seconds": 0, "stock_minutes": 0, "sweep_minutes": 0, "reconcile_at": ""}
"""Settings with which nothing is read of Medusa but on request."""
ENDED = frozenset({"done", "failed", "dead", "cancelled"})


class Box:
    """One data directory and the process that serves it. ``url`` is where it finds Medusa; settings are its own."""

    def __init__(self, data: Path, access: Access, url: str = "", **settings: object) -> None:
        self.data, self.access = data, access
        self.settings: dict[str, object] = {
            "url": url or access.base_url,
            "secret_key": access.secret_key,
            "publishable_key": access.publishable_key,
            "region": access.region_id,
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self._client = httpx.Client(timeout=60)

    @property
    def log(self) -> Path:
        """Where the process's output goes."""
        return self.data / "box.log"

    def start(self, seconds: float = 90) -> None:
        """Start the process and wait until it is ready. Raises ``SystemExit`` with its last words when it is not."""
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "process.json").unlink(missing_ok=True)
        command = [sys.executable, "-m", "appliance", "--data", str(self.data), "serve", "--port", "0"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self._environment(), start_new_session=True
            )
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                running = httpx.Response(200, content=(self.data / "process.json").read_bytes()).json()
                if httpx.get(f"{running['url']}/readyz", timeout=5).status_code == 200:
                    self.url = running["url"]
                    self._client.headers["Authorization"] = f"Bearer {running['token']}"
                    return
            except (OSError, ValueError, httpx.TransportError):
                time.sleep(0.05)
        self.kill()
        raise SystemExit(f"The appliance did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """End the process in order."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)
            self.process = None

    def kill(self, *, children: bool = True) -> None:
        """End the process with SIGKILL, and what it started; or leave its children behind, as the system may."""
        if self.process is not None:
            if children:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
            self.process.wait()
            self.process = None

    @contextmanager
    def running(self) -> Iterator[Box]:
        """Have the process run within the block."""
        self.start()
        try:
            yield self
        finally:
            self.kill()

    def ask(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Send a request as the owner and return the decoded answer; an error status is an ``HTTPStatusError``."""
        answer = self._client.request(method, self.url + path, json=body, params=params)
        return answer.raise_for_status().json() if answer.content else None

    def state(self) -> Row:
        """Return what readiness says of Medusa."""
        answer: Row = self.ask("GET", "/readyz", locale="en")["medusa"]
        return answer

    def submit(self, kind: str, args: Mapping[str, Any] | None = None) -> Row:
        """Start a job and return it."""
        job: Row = self.ask("POST", "/v1/admin/jobs", {"kind": kind, "args": dict(args or {})})
        return job

    def begin_sync(self, mode: str) -> Row:
        """Start a pass and return its job."""
        job: Row = self.ask("POST", "/v1/admin/sync", {"mode": mode})
        return job

    def job(self, job_id: str) -> Row:
        """Return a job as it is now."""
        job: Row = self.ask("GET", f"/v1/admin/jobs/{job_id}")
        return job

    def finish(self, job_id: str, seconds: float = 600) -> Row:
        """Wait for the end of a job and return it; ``SystemExit`` when it does not come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.job(job_id)
            if job["state"] in ENDED:
                return job
            time.sleep(0.1)
        raise SystemExit(f"A job did not end within {seconds:.0f} s: {job}")

    def sync(self, mode: str, seconds: float = 1800) -> Row:
        """Do a pass and return its report. Raises ``SystemExit`` when it was not whole."""
        job = self.finish(self.begin_sync(mode)["id"], seconds)
        report: Row = job["result"] or {}
        if job["state"] != "done" or "requests" not in report:
            raise SystemExit(f"A pass was not whole: {job}")
        return report

    def copy(self, seconds: float = 1800) -> None:
        """Wait for the first copy, which an empty appliance begins by itself; ``SystemExit`` when it does not end."""
        end = time.monotonic() + seconds
        while self.ask("GET", "/v1/admin/sync")["copying"]:
            if time.monotonic() > end:
                raise SystemExit(f"The first copy did not end within {seconds:.0f} s.")
            time.sleep(0.1)

    def compare(self) -> Report:
        """Compare Medusa, asked directly, with the tables here and, while the process runs, its admin API."""
        medusa = Medusa(self.access)
        truth = read_truth(medusa)
        mirror = read_tables(self.data, medusa.currency)
        if self.process is not None:
            with httpx.Client(base_url=self.url, headers=self._client.headers, timeout=60) as owner:
                mirror |= read_api(owner, medusa.currency)
        return compare(with_api(truth, mirror), mirror)

    def _environment(self) -> dict[str, str]:
        medusa = {f"APPLIANCE_MEDUSA_{name.upper()}": str(value) for name, value in self.settings.items()}
        return os.environ | {"APPLIANCE_RATE_LIMIT": "off", "APPLIANCE_RECOMMENDER_RETRAIN_HOURS": "0"} | medusa


def values(report: Report) -> int:
    """Return how many values were compared."""
    return sum(count.equal + count.different for fields in report.counts.values() for count in fields.values())


def first_differences(report: Report, count: int = 3) -> list[str]:
    """Return the first differences as lines."""
    found = [
        f"{one.kind} {one.id} {one.field}: {one.medusa!r:.80} / {one.appliance!r:.80}" for one in report.differences
    ]
    return found[:count] + [f"{kind} not read" for kind in report.not_read]


def table(headings: list[str], rows: list[list[object]]) -> str:
    """Return rows as aligned text."""
    cells = [headings, *([("" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
