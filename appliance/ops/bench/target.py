"""The process under test: ``appliance serve`` in a scratch data directory, started and stopped for one benchmark."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from appliance.errors import Unavailable
from appliance.ops.process import RunningProcess, read_running


@dataclass(frozen=True)
class Target:
    """A running appliance."""

    process: subprocess.Popen[bytes]
    running: RunningProcess
    ready_seconds: float
    """From the start of the process to the first ready answer."""

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.running.url.rsplit(":", 1)[1])

    def rss_mb(self) -> float:
        """Resident memory in MiB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20


@contextmanager
def serving(data_dir: Path, *, noop: bool = False, wait: float = 60.0) -> Iterator[Target]:
    """Start the appliance on a free port without rate limits; stop it at the end.

    Raises ``Unavailable`` when it is not ready within ``wait`` seconds.
    """
    command = [sys.executable, "-m", "appliance", "--data", str(data_dir), "serve", "--port", "0"]
    command += ["--noop"] if noop else []
    environ = os.environ | {"APPLIANCE_RATE_LIMIT": "off", "APPLIANCE_SERVER_LOG_LEVEL": "error"}
    started = time.perf_counter()
    log = (data_dir / "bench.log").open("ab")
    process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        running = _wait_ready(process, data_dir, wait)
        yield Target(process, running, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _wait_ready(process: subprocess.Popen[bytes], data_dir: Path, wait: float) -> RunningProcess:
    end = time.monotonic() + wait
    while time.monotonic() < end and process.poll() is None:
        running = read_running(data_dir)
        if running is not None and running.pid == process.pid and _answers(running.url):
            return running
        time.sleep(0.02)
    raise Unavailable(
        f"The appliance did not get ready within {wait:.0f} s.", hint=f"Its output is in {data_dir / 'bench.log'}."
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
