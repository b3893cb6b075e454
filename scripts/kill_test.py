"""Kill the appliance with SIGKILL at random moments while events pour in, restart it, and compare.

Every acknowledged event must be in the log once, none twice, and both databases must open:

    python scripts/kill_test.py --rounds 200 --seed 7

Prints one JSON object; the exit code is 1 when anything was lost, counted twice or unreadable.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx

PRODUCTS = [f"p{number}" for number in range(50)]
TYPES = ("view", "click", "add_to_cart", "purchase", "wishlist")


@dataclass
class Outcome:
    """What all rounds together showed."""

    rounds: int = 0
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    fold_differs: int = 0
    failed_starts: int = 0
    kills_before_ready: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the promise held."""
        return not (self.lost or self.twice or self.fold_differs or self.failed_starts)


class Sender(threading.Thread):
    """One client: posts batches until the server dies, and remembers which events were acknowledged."""

    def __init__(self, url: str, prefix: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.url, self.prefix, self.draw = url, prefix, random.Random(seed)
        self.acknowledged: list[str] = []

    def run(self) -> None:
        count = 0
        with httpx.Client(base_url=self.url, timeout=10) as client:
            while True:
                batch = self.draw.choice((1, 1, 5, 20))
                ids = [f"{self.prefix}-{count + offset}" for offset in range(batch)]
                count += batch
                events = [self._event(event_id) for event_id in ids]
                try:
                    answer = client.post("/v1/events", json={"events": events})
                except httpx.TransportError:
                    return
                if answer.status_code == 202 and answer.json()["accepted"] == batch:
                    self.acknowledged += ids

    def _event(self, event_id: str) -> dict[str, str]:
        return {
            "event_id": event_id,
            "type": self.draw.choice(TYPES),
            "product_id": self.draw.choice(PRODUCTS),
            "session_id": f"s{self.draw.randrange(40)}",
        }


def start(data: Path) -> subprocess.Popen[bytes]:
    """Start the appliance on a free port with its output in a file."""
    (data / "process.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "appliance", "--data", str(data), "serve", "--port", "0"]
    with (data / "kill-test.log").open("ab") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"APPLIANCE_RATE_LIMIT": "off"}, start_new_session=True
        )


def wait_ready(process: subprocess.Popen[bytes], data: Path, seconds: float = 60) -> dict[str, str] | None:
    """Return the process file once the server answers, or ``None`` when it ended or took too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            running = json.loads((data / "process.json").read_text())
            if httpx.get(f"{running['url']}/readyz", timeout=2).status_code == 200:
                return running
        except (OSError, ValueError, httpx.TransportError):
            time.sleep(0.01)
    return None


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL the whole process group."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def round_of_kill(data: Path, number: int, draw: random.Random, outcome: Outcome, acknowledged: set[str]) -> None:
    """Start, send, kill at a random moment; one round in eight is killed while it still starts."""
    process = start(data)
    outcome.rounds += 1
    if draw.random() < 0.125:
        time.sleep(draw.uniform(0.1, 1.2))
        outcome.kills_before_ready += 1
        kill(process)
        return
    running = wait_ready(process, data)
    if running is None:
        outcome.failed_starts += 1
        outcome.notes.append(f"round {number}: not ready, exit {process.poll()}")
        kill(process)
        return
    senders = [Sender(running["url"], f"r{number}c{client}", number * 100 + client) for client in range(6)]
    for sender in senders:
        sender.start()
    time.sleep(draw.uniform(0.05, 1.5))
    kill(process)
    for sender in senders:
        sender.join(timeout=15)
        acknowledged.update(sender.acknowledged)


def settle(data: Path, outcome: Outcome) -> None:
    """Start once more, let the merger finish and stop gracefully."""
    process = start(data)
    running = wait_ready(process, data)
    if running is None:
        outcome.failed_starts += 1
        kill(process)
        return
    headers = {"Authorization": f"Bearer {running['token']}"}
    end = time.monotonic() + 120
    while time.monotonic() < end:
        overview = httpx.get(f"{running['url']}/v1/admin/overview", headers=headers, timeout=10).json()
        if overview["ingest"]["lag"] == 0:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)


def compare(data: Path, outcome: Outcome, acknowledged: set[str]) -> None:
    """Open both databases without the appliance and count."""
    import duckdb
    import pysqlite3

    with duckdb.connect(str(data / "analytics.duckdb"), read_only=True) as log:
        ids = [row[0] for row in log.execute("select event_id from interaction_events").fetchall()]
        folded = log.execute("select coalesce(sum(occurrences), 0)::bigint from rec_user_interactions").fetchall()[0][0]
    with pysqlite3.connect(data / "journal.db") as journal:
        if journal.execute("pragma integrity_check").fetchone()[0] != "ok":
            outcome.notes.append("journal.db failed its integrity check")
            outcome.failed_starts += 1
    outcome.acknowledged = len(acknowledged)
    outcome.lost = len(acknowledged - set(ids))
    outcome.twice = len(ids) - len(set(ids))
    outcome.fold_differs = abs(folded - len(set(ids)))


def seed_catalogue(data: Path) -> None:
    """Import the products that the events name."""
    file = data / "products.jsonl"
    rows = [{"id": product, "title": f"Balo {product}", "price": 100000, "currency": "VND"} for product in PRODUCTS]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    command = [sys.executable, "-m", "appliance", "--data", str(data), "import", "products", str(file)]
    subprocess.run(command, check=True, capture_output=True)


def run(rounds: int, seed: int, *, check_every: int = 10) -> Outcome:
    """Run the rounds in a temporary data directory."""
    draw, outcome, acknowledged = random.Random(seed), Outcome(), set[str]()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        seed_catalogue(data)
        for number in range(rounds):
            round_of_kill(data, number, draw, outcome, acknowledged)
            if (number + 1) % check_every == 0 or number + 1 == rounds:
                settle(data, outcome)
                compare(data, outcome, acknowledged)
                state = f"{outcome.acknowledged} acknowledged, lost {outcome.lost}, twice {outcome.twice}"
                print(f"round {number + 1}: {state}", file=sys.stderr)
                if not outcome.good:
                    outcome.notes.append((data / "kill-test.log").read_text(errors="replace")[-2000:])
                    break
    return outcome


def main() -> None:
    """Read the arguments, run, print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    outcome = run(arguments.rounds, arguments.seed)
    print(json.dumps(asdict(outcome)))
    sys.exit(0 if outcome.good else 1)


if __name__ == "__main__":
    main()
