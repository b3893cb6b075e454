"""Put every fault a connection can have between a real Medusa and the appliance, while shoppers ask.

    python scripts/medusa_faults.py [--shop shop.json] [--seconds 30] [--only hang,html] [--json]

Starts a Medusa of its own (``tests/medusa/server``; its data may be spoiled), or uses ``--shop``, as for
``medusa_compare.py``, with an admin's e-mail and password for the log-in. For each fault: shoppers ask for a while
without it; then it is put in, Medusa is changed behind it, shoppers ask on; then it is taken out, and the time runs
until the mirror equals Medusa field by field. Prints what the state said, the seconds to catch up, p99 of all shopper
routes before and during, and answers from 500 on. The exit code is 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from medusa_box import Box, first_differences, table
from medusa_changes import make_changes
from medusa_compare import access_of
from medusa_load import MACHINE, ROUTES, Answers, Load

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "medusa"))

import faults
from fault_proxy import Answer, Exchange, Fault, FaultProxy
from live_medusa import LiveMedusa, ShopInfo

P99_RATIO = 1.5
P99_SLACK_MS = 5.0
"""A difference below this is the machine's noise whatever the ratio."""
CATCH_UP_SECONDS = 60.0
CHANGES = ("price_by_product", "stock", "title", "category_joined", "created", "deleted", "order_placed", "sale_price")
"""Kinds of change made behind a fault; most of them do not move a product's time of change."""


@dataclass(frozen=True)
class Case:
    """One fault and what the state may say while it lasts."""

    name: str
    fault: Fault
    says: frozenset[str]
    """States with reasons, as ``offline timeout``; a passing one of the same family is as good."""
    path: str = "*"
    probability: float = 1.0
    problem: str = ""
    """The code of a problem that the owner must be shown."""
    login: bool = False
    """Whether the appliance uses an admin's log-in instead of the key."""
    catch_up: float = CATCH_UP_SECONDS


@dataclass
class Outcome:
    """What one fault did."""

    name: str
    spoiled: int = 0
    """Requests that met the fault."""
    sent: int = 0
    """Requests that the appliance sent while it lasted."""
    states: dict[str, int] = field(default_factory=dict)
    """What readiness said, and how often of the times it was asked."""
    words: str = ""
    problems: list[str] = field(default_factory=list)
    """Codes of the problems that the owner was shown."""
    equal: bool = False
    differences: list[str] = field(default_factory=list)
    catch_up_seconds: float = 0.0
    before: tuple[float, float] = (0.0, 0.0)
    during: tuple[float, float] = (0.0, 0.0)
    """Spans of the monotonic clock."""
    requests: int = 0
    p99_before: float = 0.0
    p99_during: float = 0.0
    late_before: float = 0.0
    late_during: float = 0.0
    """p99 of how late the asking process itself woke up: what the machine was late by, not the appliance."""
    server_faults: int = 0
    missed: list[str] = field(default_factory=list)


def offline(*reasons: str) -> frozenset[str]:
    """Return the words of a Medusa that cannot be reached for one of some reasons, or is left alone for it."""
    return frozenset(f"offline {reason}" for reason in reasons)


def wrong_shape() -> Fault:
    """Answer 200 with JSON that is no answer of Medusa's."""
    answer = Answer(200, [("Content-Type", "application/json")], b'{"products": 5, "count": "many", "stores": {}}')

    def act(exchange: Exchange) -> bool:
        exchange.send(answer)
        return True

    return act


def tokens_end(after: float = 4) -> Fault:
    """Refuse every log-in's token some seconds after its first use, as one that has expired; a new one works again."""
    first: dict[str, float] = {}

    def act(exchange: Exchange) -> bool:
        seen = exchange.seen
        since = first.setdefault(seen.headers.get("authorization", ""), seen.at)
        return seen.at > since + after and faults.expired_token()(exchange)

    return act


CASES = (
    Case("dropped before it is forwarded", faults.drop_before(), offline("dropped")),
    Case("dropped after it is forwarded", faults.drop_after(), offline("dropped")),
    Case("flapping: every second one dropped", faults.drop_before(), offline("dropped") | {"online"}, probability=0.5),
    Case("500", faults.status(500), offline("server_error")),
    Case("429 with Retry-After 10", faults.rate_limited(10), offline("rate_limited")),
    Case("hang 30 s", faults.hang(30), offline("timeout")),
    Case("truncated JSON", faults.truncated(), offline("garbage")),
    Case("body cut short", faults.cut_short(), offline("dropped")),
    Case("garbage JSON", faults.garbage(), offline("garbage")),
    Case("JSON of another shape", wrong_shape(), frozenset({"online"}), problem="medusa_changed"),
    Case("HTML with 200", faults.html(), offline("html")),
    Case("100 MB body", faults.huge(), offline("too_large")),
    Case("100 MB body, length not told", faults.huge(declared=False), offline("too_large")),
    Case("redirect loop", faults.redirect_loop(), offline("redirect")),
    Case("slow drip", faults.slow_drip(120, 240), offline("timeout")),
    Case("wrong key", faults.wrong_key(), offline("unauthorised_perhaps"), path="/admin/*", catch_up=120.0),
    Case("database away (401 for all)", faults.wrong_key(), offline("database_away"), catch_up=120.0),
    Case("clock two hours ahead", faults.wrong_clock(7200), frozenset({"online"}), problem="medusa_clock"),
    Case("clock two hours behind", faults.wrong_clock(-7200), frozenset({"online"}), problem="medusa_clock"),
    Case("expired tokens", tokens_end(), frozenset({"online"}), login=True),
)


class Trial:
    """One appliance behind one proxy, and the cases it goes through."""

    def __init__(self, shop: Path, folder: Path, proxy: FaultProxy, options: argparse.Namespace) -> None:
        self._shop, self._folder, self._proxy = json.loads(shop.read_text()), folder, proxy
        self._access = access_of(shop)
        self._seconds, self._pace, self._seed = options.seconds, options.per_second, options.seed
        self._rhythm = {"sync_seconds": options.sync_seconds, "timeout_seconds": options.timeout}
        self._rhythm |= {"stock_minutes": 0.5, "sweep_minutes": 0.5}

    def run(self, cases: Sequence[Case]) -> list[Outcome]:
        """Go through cases that prove themselves in one way, and return what they did."""
        found = []
        for login in (False, True):
            chosen = [case for case in cases if case.login is login]
            if chosen:
                with self._box(login=login).running() as box:
                    box.copy()
                    found += self._all(box, chosen)
        return found

    def _box(self, *, login: bool) -> Box:
        box = Box(self._folder / "data", self._access, self._proxy.url, **self._rhythm)
        if login:
            box.settings |= {
                "secret_key": "",
                "admin_email": self._shop["admin_email"],
                "admin_password": self._shop["admin_password"],
            }
        return box

    def _all(self, box: Box, cases: Sequence[Case]) -> list[Outcome]:
        products = box.ask("GET", "/v1/admin/products", limit=50)["items"]
        load = Load(box.url, self._folder, self._pace, [product["handle"] for product in products])
        outcomes = [self._one(box, case) for case in cases]
        answers = load.stop()
        for case, outcome in zip(cases, outcomes, strict=True):
            judge(case, outcome, answers)
        pooled(outcomes, answers)
        return outcomes

    def _one(self, box: Box, case: Case) -> Outcome:
        outcome = Outcome(case.name)
        print(f"{case.name} …", end=" ", flush=True, file=sys.stderr)
        began = time.monotonic()
        time.sleep(self._seconds)
        outcome.before = (began, time.monotonic())
        self._proxy.forget()
        rule = self._proxy.add(case.fault, path=case.path, probability=case.probability, seed=self._seed)
        began = time.monotonic()
        self._seed += 1
        with ThreadPoolExecutor(1) as beside:
            changing = beside.submit(make_changes, self._access, len(CHANGES), self._seed, CHANGES)
            states = self._watch(box, began + self._seconds, changing, outcome)
            changing.result()
        outcome.during = (began, time.monotonic())
        outcome.spoiled, outcome.sent = rule.applied, len(self._proxy.seen())
        outcome.states = dict(states.most_common())
        self._proxy.clear()
        self._catch_up(box, outcome, case.catch_up * 3)
        print(f"{', '.join(states)}; in step after {outcome.catch_up_seconds:.1f} s", file=sys.stderr)
        return outcome

    def _watch(self, box: Box, until: float, changing: Future[Any], outcome: Outcome) -> Counter[str]:
        states: Counter[str] = Counter()
        while time.monotonic() < until or not changing.done():
            ready = box.ask("GET", "/readyz", locale="en")
            said, kept = ready["medusa"], box.ask("GET", "/v1/admin/sync", locale="en")["connection"]
            if (said["state"], said["since"]) == (kept["state"], kept["since"]):
                states[f"{said['state']} {said['reason']}".strip()] += 1
            if said["state"] != "online" or not outcome.words:
                outcome.words = said["message"]
            found = {issue["code"] for issue in ready["issues"] if issue["code"].startswith("medusa")}
            outcome.problems = sorted({*outcome.problems, *found})
            time.sleep(0.5)
        return states

    def _catch_up(self, box: Box, outcome: Outcome, seconds: float) -> None:
        """Wait until the mirror equals Medusa, by the appliance's own doing."""
        began = time.monotonic()
        while not outcome.equal and time.monotonic() < began + seconds:
            asked = time.monotonic()
            try:
                report = box.compare()
            except SystemExit as moved:
                # It saw the mirror change while it read: what it found tells nothing.
                outcome.differences = [str(moved)]
                continue
            outcome.equal = report.is_equal and box.state()["state"] == "online"
            outcome.differences = first_differences(report)
            # A comparison reads for seconds; what it finds equal was so when it began, or soon after.
            outcome.catch_up_seconds = round(asked - began, 1)
            if not outcome.equal:
                time.sleep(0.5)


def judge(case: Case, outcome: Outcome, answers: Answers) -> None:
    """Fill in the figures, and which bars were missed."""
    before, during = (answers.between(*span) for span in (outcome.before, outcome.during))
    outcome.requests, outcome.p99_before, outcome.p99_during = during.count, before.p99, during.p99
    outcome.late_before, outcome.late_during = (
        answers.between(*span, MACHINE).p99 for span in (outcome.before, outcome.during)
    )
    outcome.server_faults = answers.between(outcome.before[0], outcome.during[1]).faults
    told = set(outcome.states)
    if not told & case.says:
        outcome.missed.append(f"the state never said {' or '.join(sorted(case.says))}")
    if case.problem and case.problem not in outcome.problems:
        outcome.missed.append(f"the owner was not shown {case.problem}")
    if not outcome.spoiled:
        outcome.missed.append("the fault met no request")
    if not outcome.equal:
        outcome.missed.append("not equal afterwards")
    if outcome.catch_up_seconds > case.catch_up:
        outcome.missed.append(f"took more than {case.catch_up:.0f} s to catch up")
    if outcome.server_faults:
        outcome.missed.append(f"{outcome.server_faults} answers from 500 on")


def pooled(outcomes: Sequence[Outcome], answers: Answers) -> None:
    """Judge latency: during a fault against the slower of just before it and all calm spans of the run together."""
    calm = median([outcome.p99_before for outcome in outcomes])
    for outcome in outcomes:
        bound = max(outcome.p99_before, calm)
        if outcome.p99_during > max(bound * P99_RATIO, bound + P99_SLACK_MS):
            outcome.missed.append(f"p99 {outcome.p99_during} ms against {bound} ms")
    for route in ("", *ROUTES, "machine"):
        spans = [
            median([answers.between(*getattr(outcome, name), route).p99 for outcome in outcomes])
            for name in ("before", "during")
        ]
        print(f"p99 of {route or 'all routes'}, median of the spans: {spans[0]} ms, {spans[1]} ms", file=sys.stderr)


def median(numbers: Sequence[float]) -> float:
    """Return the middle one."""
    return sorted(numbers)[len(numbers) // 2]


def lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield what to print."""
    rows: list[list[object]] = [
        [
            one.name,
            ", ".join(
                f"{state} {round(100 * count / sum(one.states.values()))} %" for state, count in one.states.items()
            ),
            ", ".join(one.problems),
            f"{one.spoiled} of {one.sent}",
            "yes" if one.equal else "NO",
            one.catch_up_seconds,
            f"{one.p99_before} ({one.late_before})",
            f"{one.p99_during} ({one.late_during})",
            one.server_faults,
        ]
        for one in outcomes
    ]
    headings = [
        "fault",
        "state",
        "problems",
        "met",
        "equal",
        "catch-up s",
        "p99 before (machine)",
        "p99 during (machine)",
        "5xx",
    ]
    yield table(headings, rows)
    for one in outcomes:
        yield f"{one.name}: {one.words}"
    for one in outcomes:
        for missed in one.missed:
            yield f"MISSED {one.name}: {missed}"
        yield from (f"  {difference}" for difference in one.differences)


@contextmanager
def shop_of(path: Path | None, folder: Path) -> Iterator[Path]:
    """Have a shop: the one of a file, or a server of one's own."""
    if path is not None:
        yield path
        return
    server = LiveMedusa()
    try:
        server.start(fresh=True)
        yield write_shop(server.info, folder / "shop.json")
    finally:
        server.wipe()


def write_shop(info: ShopInfo, path: Path) -> Path:
    """Write what a server said of itself into a file, and return the file."""
    path.write_bytes(msgspec.json.encode(info))
    return path


def main() -> None:
    """Read the arguments, go through the cases, print, and exit with 1 when a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shop", type=Path)
    parser.add_argument("--seconds", type=float, default=30.0, help="of asking before and during each fault")
    parser.add_argument("--per-second", type=float, default=15.0, help="questions a second to each of four routes")
    parser.add_argument("--sync-seconds", type=float, default=5.0, help="medusa.sync_seconds")
    parser.add_argument("--timeout", type=float, default=5.0, help="medusa.timeout_seconds")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the changes made in Medusa")
    parser.add_argument("--only", default="", help="words of names, separated by commas")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    words = [word for word in options.only.split(",") if word]
    cases = [case for case in CASES if not words or any(word in case.name for word in words)]
    with (
        tempfile.TemporaryDirectory() as name,
        shop_of(options.shop, Path(name)) as shop,
        FaultProxy(access_of(shop).base_url) as proxy,
    ):
        outcomes = Trial(shop, Path(name), proxy, options).run(cases)
    print(
        json.dumps([asdict(one) for one in outcomes], ensure_ascii=False)
        if options.json
        else "\n".join(lines(outcomes))
    )
    sys.exit(1 if any(one.missed for one in outcomes) else 0)


if __name__ == "__main__":
    main()
