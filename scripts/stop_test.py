"""Stop the appliance with SIGTERM while events pour in and slow clients hold connections, and compare.

Each time it must end within ten seconds with exit code 0, remove ``process.json``, leave no mark of a crash, and keep
every acknowledged event:

    python scripts/stop_test.py --rounds 50

Prints one JSON object; the exit code is 1 when any of that failed.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from kill_test import Outcome, Sender, compare, kill, seed_catalogue, settle, start, wait_ready

LONGEST = 10.0
SLOW_HEADER = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
SLOW_BODY = (
    b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 5000\r\n\r\n{"events":['
)


@dataclass
class Stops:
    """What all stops together showed."""

    stops: int = 0
    seconds: list[float] = field(default_factory=list)
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the promise held."""
        return not (self.lost or self.twice or self.faults)


@contextmanager
def slow_clients(url: str) -> Iterator[None]:
    """Hold connections open whose header or body never ends."""
    address = urlsplit(url)
    with ExitStack() as stack:
        for beginning in (SLOW_HEADER, SLOW_HEADER, SLOW_BODY, SLOW_BODY):
            connection = stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=5))
            connection.sendall(beginning)
        yield


def stop(data: Path, process: subprocess.Popen[bytes], result: Stops) -> None:
    """Send SIGTERM and look at how the process ends."""
    result.stops += 1
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(timeout=3 * LONGEST)
    except subprocess.TimeoutExpired:
        kill(process)
        result.faults.append(f"stop {result.stops}: it did not end")
        return
    seconds = time.monotonic() - began
    result.seconds.append(round(seconds, 2))
    phase = json.loads((data / "starts.json").read_text())["phase"]
    for fault, is_there in (
        (f"it took {seconds:.1f} s", seconds > LONGEST),
        (f"exit code {code}", code != 0),
        ("process.json is still there", (data / "process.json").exists()),
        (f"starts.json says {phase}", phase != "stopped"),
    ):
        if is_there:
            result.faults.append(f"stop {result.stops}: {fault}")


def round_of_stop(data: Path, number: int, draw: random.Random, result: Stops, acknowledged: set[str]) -> None:
    """Start, send from several clients, stop at a random moment; every other round has slow clients."""
    process = start(data)
    running = wait_ready(process, data)
    if running is None:
        result.faults.append(f"round {number}: not ready, exit {process.poll()}")
        kill(process)
        return
    senders = [Sender(running["url"], f"r{number}c{client}", number * 100 + client) for client in range(6)]
    with ExitStack() as stack:
        if number % 2 == 0:
            stack.enter_context(slow_clients(running["url"]))
        for sender in senders:
            sender.start()
        time.sleep(draw.uniform(0.05, 1.0))
        stop(data, process, result)
    for sender in senders:
        sender.join(timeout=15)
        acknowledged.update(sender.acknowledged)


def run(rounds: int, seed: int) -> Stops:
    """Run the rounds in a temporary data directory, then compare."""
    draw, result, acknowledged = random.Random(seed), Stops(), set[str]()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        seed_catalogue(data)
        for number in range(rounds):
            round_of_stop(data, number, draw, result, acknowledged)
        outcome = Outcome()
        settle(data, outcome)
        compare(data, outcome, acknowledged)
        result.acknowledged, result.lost = outcome.acknowledged, outcome.lost
        result.twice = outcome.twice + outcome.fold_differs
        result.faults += outcome.notes
        if outcome.failed_starts:
            result.faults.append("it did not start again")
        if result.faults:
            result.faults.append((data / "kill-test.log").read_text(errors="replace")[-2000:])
    return result


def main() -> None:
    """Read the arguments, run, print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    result = run(arguments.rounds, arguments.seed)
    print(json.dumps(asdict(result)))
    sys.exit(0 if result.good else 1)


if __name__ == "__main__":
    main()
