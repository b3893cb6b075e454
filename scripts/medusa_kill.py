"""Kill the appliance with SIGKILL amid long work beside a real Medusa, and see it end as if nothing had been.

    python scripts/medusa_kill.py [--shop shop.json] [--rounds 20] [--only copy,push,train] [--seed 7] [--json]

Starts a Medusa of its own, or uses ``--shop``, as for ``medusa_compare.py``; ``push`` changes its titles and prices. A
round of ``copy``
begins with an empty data directory, kills the process one to three times at random moments of its first copy, lets it
end, and compares the mirror with Medusa field by field, the orders one by one and the purchases in the log by product.
A round of ``push`` kills while the owner's edits go to Medusa, through a proxy that notes every write. A round of
``train`` kills a training in a shop with visitors. The exit code is 1 when anything was lost, doubled or
left undone.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
from medusa_box import BY_REQUEST, Box, first_differences, table
from medusa_compare import access_of
from medusa_faults import shop_of
from medusa_kill_push import push_rounds
from medusa_rounds import MOST_KILLS, Killer, Round, differences, jobs, settle
from medusa_truth import Access, Medusa, read_people

BATCH = 500
EVENTS = 20_000
"""Visits that the shop of a training has seen: enough for it to take seconds."""


def copy_rounds(access: Access, rounds: int, draw: random.Random, tell: Callable[[Round], None]) -> list[Round]:
    """Kill first copies."""
    expected = purchases_of(access)
    whole = 0.0
    found = []
    for number in range(rounds + 1):
        done = Round("copy", number)
        with tempfile.TemporaryDirectory() as folder:
            box = Box(Path(folder) / "data", access, **BY_REQUEST)
            kills = draw.randint(1, MOST_KILLS) if number else 0
            _copy(box, Killer(draw), kills, whole, done)
            _judge_copy(box, expected, done)
        if number:
            found.append(done)
            tell(done)
        else:
            # Nothing was killed in this one: it tells how long a copy takes.
            whole = done.seconds
    return found


def _copy(box: Box, killer: Killer, kills: int, seconds: float, done: Round) -> None:
    killed = ""
    for _ in range(kills):
        box.start()
        killed = killer.during(box, sync_job(box), seconds, done) or killed
    began = time.monotonic()
    box.start()
    pending = [job for job in jobs(box) if job["state"] in ("queued", "running")]
    ended = [box.finish(job["id"]) for job in pending]
    done.seconds = round(time.monotonic() - began, 1)
    done.requests = sum((job["result"] or {}).get("requests", 0) for job in ended)
    _resumed(box, killed, done)
    done.problems += [f"a job ended {job['state']}: {job['error']}" for job in ended if job["state"] != "done"]


def _judge_copy(box: Box, expected: Mapping[str, int], done: Round) -> None:
    report = box.compare()
    if not report.is_equal:
        done.problems += ["the mirror differs", *first_differences(report)]
    settle(box)
    box.stop()
    done.problems += differences(expected, logged(box, "purchase"), "purchases")


def train_rounds(access: Access, rounds: int, draw: random.Random, tell: Callable[[Round], None]) -> list[Round]:
    """Kill trainings of one shop."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        box = Box(Path(folder) / "data", access, **BY_REQUEST)
        box.start()
        box.copy()
        visit(box, draw)
        began = time.monotonic()
        box.finish(box.submit("train")["id"])
        whole = time.monotonic() - began
        settle(box)
        box.stop()
        before = {kind: logged(box, kind) for kind in ("purchase", "view")}
        for number in range(1, rounds + 1):
            done = Round("train", number)
            _train(box, Killer(draw), whole, done)
            for kind, counts in before.items():
                done.problems += differences(counts, logged(box, kind), kind)
            found.append(done)
            tell(done)
    return found


def _train(box: Box, killer: Killer, seconds: float, done: Round) -> None:
    box.start()
    killed = killer.during(box, box.submit("train")["id"], seconds, done)
    began = time.monotonic()
    box.start()
    for job in jobs(box):
        if job["state"] in ("queued", "running"):
            box.finish(job["id"])
    done.seconds = round(time.monotonic() - began, 1)
    _resumed(box, killed, done)
    ready = box.ask("GET", "/readyz")
    if ready["parts"]["recommender"] != "ok":
        done.problems.append(f"the recommender is {ready['parts']['recommender']}")
    if box.ask("GET", "/v1/recommendations", placement="home", session_id="khach-1")["fallback"]:
        done.problems.append("recommendations are fallbacks")
    box.stop()
    left = [str(path.name) for path in (box.data / "training").glob("*")]
    if left:
        done.problems.append(f"left behind: {left}")


def _resumed(box: Box, killed: str, done: Round) -> None:
    """Note what became of the job that was killed."""
    if killed:
        job = box.job(killed)
        done.attempts = job["attempts"]
        if job["state"] != "done" or job["attempts"] < 2:
            done.problems.append(f"the killed job is {job['state']} after {job['attempts']} attempts: {job['error']}")


def sync_job(box: Box) -> str:
    """Return the pass that began by itself, or that goes on."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = [job for job in jobs(box) if job["kind"] == "sync"]
        if found:
            return next((job["id"] for job in found if job["state"] in ("queued", "running")), found[0]["id"])
        time.sleep(0.02)
    raise SystemExit("No pass began.")


def visit(box: Box, draw: random.Random) -> None:
    """Let shoppers come."""
    products = [item["product_id"] for item in box.ask("GET", "/v1/products/popular", limit=50)["items"]]
    for start in range(0, EVENTS, BATCH):
        events = [
            {
                "event_id": f"e{number}",
                "type": draw.choice(("view", "view", "view", "add_to_cart", "wishlist")),
                "product_id": draw.choice(products),
                "session_id": f"khach-{number // 7}",
            }
            for number in range(start, start + BATCH)
        ]
        box.ask("POST", "/v1/events", {"events": events})


def logged(box: Box, kind: str) -> Counter[str]:
    """Return how many events of a kind the log holds of each product; the process must not run."""
    with duckdb.connect(str(box.data / "analytics.duckdb"), read_only=True) as log:
        sql = "select product_id, count(*) from interaction_events where interaction_type = ? group by 1"
        return Counter(dict(log.execute(sql, [kind]).fetchall()))


def purchases_of(access: Access) -> Counter[str]:
    """Return how often each product was bought: an order's product once, whatever its variants and pieces."""
    medusa = Medusa(access)
    region = medusa.get(f"/admin/regions/{access.region_id}", fields="currency_code")["region"]
    medusa.currency = region["currency_code"].upper()
    bought: Counter[str] = Counter()
    for order in read_people(medusa)["order"].values():
        if order["status"] != {"canceled"}:
            bought.update({item[0] for item in order["items"] if item[0]})
    return bought


WORK: dict[str, Callable[..., list[Round]]] = {"copy": copy_rounds, "push": push_rounds, "train": train_rounds}


def main() -> None:
    """Read the arguments, kill, print, and exit with 1 when a round had a problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shop", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default=",".join(WORK))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    def tell(done: Round) -> None:
        print(f"{done.work} {done.number}: {'; '.join(done.problems) or 'good'}", file=sys.stderr, flush=True)

    found: list[Round] = []
    with tempfile.TemporaryDirectory() as name, shop_of(options.shop, Path(name)) as shop:
        for work in options.only.split(","):
            found += WORK[work](access_of(shop), options.rounds, random.Random(options.seed), tell)
    print(json.dumps([asdict(one) for one in found]) if options.json else text(found))
    sys.exit(1 if any(one.problems for one in found) else 0)


def text(found: Iterable[Round]) -> str:
    """Return the rounds as a table."""
    rows: list[list[Any]] = [
        [
            one.work,
            one.number,
            " | ".join(one.killed_at),
            one.attempts,
            one.seconds,
            one.requests,
            "; ".join(one.problems),
        ]
        for one in found
    ]
    return table(["work", "round", "killed at", "attempts", "seconds", "requests", "problems"], rows)


if __name__ == "__main__":
    main()
