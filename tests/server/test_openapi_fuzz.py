"""Every operation of the OpenAPI document against generated input: no 5xx, no undocumented code, no wrong answer.

``SCHEMATHESIS_EXAMPLES`` is the number of generated cases an operation (500 for the full run).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from server_shop import products

from appliance.runtime import Runtime
from appliance.server.serve import make_server
from appliance.settings import load_settings

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(3600)]

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "30")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Runtime]]:
    """A shop behind a real server without rate limits."""
    folder = tmp_path_factory.mktemp("fuzz")
    flags: dict[str, object] = {"server.rate_limit": "off", "server.port": 0}
    runtime = Runtime.open(folder, load_settings(folder, environ={}, flags=flags))
    runtime.catalogue.upsert(products())
    ready, found = threading.Event(), []

    def listening(host: str, port: int) -> None:
        found.append(f"http://{host}:{port}")
        ready.set()

    server = make_server(runtime, on_ready=listening)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(30)
    yield found[0], runtime
    server.should_exit = True
    thread.join(20)


@pytest.mark.parametrize("who", ["browser", "owner"])
def test_the_document_holds(served: tuple[str, Runtime], who: str, tmp_path: Path) -> None:
    url, runtime = served
    headers = {"browser": "Origin: https://shop.example", "owner": f"Authorization: Bearer {runtime.local_token}"}
    part = ["--exclude-path-regex", "^/v1/admin"] if who == "browser" else ["--include-path-regex", "^/v1/admin"]
    part += ["--exclude-path", "/v1/admin/jobs/events"] * (who == "owner")  # a stream without an end
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/schema/openapi.json", *part]
    command += ["--header", headers[who], "--max-examples", EXAMPLES, "--seed", "1", "--no-color"]
    command += ["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--generation-database", "none"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
