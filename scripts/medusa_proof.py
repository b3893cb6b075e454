"""Copy a real Medusa shop, change it in every way, and see which pass brings which kind of change.

    python scripts/medusa_proof.py [--shop shop.json] [--count 200] [--seed 7] [--json]

Starts a Medusa of its own, or spoils ``--shop``, as for ``medusa_compare.py``. The first copy is compared with Medusa
field by field; then come ``--count`` random changes (``medusa_changes.py``), and after each pass, the incremental one
first, both sides are compared again: a change was brought when nothing that it touched differs any more. Nothing else
may use the shop meanwhile. The exit code is 1 when the copy, or the mirror in the end, is not equal.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from medusa_box import BY_REQUEST, Box, Row, first_differences, table, values
from medusa_changes import Change, make_changes
from medusa_compare import Report, access_of
from medusa_faults import shop_of
from medusa_truth import Access

MODES = ("changes", "stock", "sweep", "full")
"""The passes after the changes, the cheapest first."""
RENAMES = {"tag_renamed": "tags", "category_renamed": "categories"}
"""Changes that show on many products, and in which of their fields."""
OWN_OF = {
    "tags": ("tags", "created", "restored"),
    "categories": ("categories_set", "category_joined", "created", "restored"),
}
"""The changes that set such a field of one product."""


@dataclass
class Stage:
    """One pass and what differed after it."""

    name: str
    seconds: float
    requests: int
    read: dict[str, int]
    changed: dict[str, int]
    compared: int
    different: int
    brought: dict[str, int] = field(default_factory=dict)
    """Changes by kind of which nothing differs any more since this pass."""
    first: list[str] = field(default_factory=list)
    """The first differences that are left."""


@dataclass
class Proof:
    """Everything that was seen."""

    stages: list[Stage] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)
    changing_seconds: float = 0.0
    left: dict[str, int] = field(default_factory=dict)
    """Changes by kind that no pass brought."""


def prove(access: Access, data: Path, count: int, seed: int) -> Proof:
    """Do everything."""
    proof = Proof()
    box = Box(data, access, **BY_REQUEST)
    with box.running():
        copied = first_copy(box)
        proof.stages.append(stage("first copy", copied, box.compare()))
        tell(proof.stages[-1])
        began = time.monotonic()
        waiting = make_changes(access, count, seed)
        proof.changing_seconds = round(time.monotonic() - began, 1)
        proof.made = by_kind(waiting)
        for mode in MODES:
            done = box.sync(mode)
            report = box.compare()
            proof.stages.append(stage(mode, done, report))
            brought, waiting = sorted_out(waiting, report)
            proof.stages[-1].brought = by_kind(brought)
            tell(proof.stages[-1])
        proof.left = by_kind(waiting)
    return proof


def first_copy(box: Box) -> Row:
    """Return the report of the copy that an empty appliance begins by itself."""
    while not (found := [job for job in box.ask("GET", "/v1/admin/jobs")["items"] if job["kind"] == "sync"]):
        time.sleep(0.05)
    report: Row = box.finish(found[0]["id"], 3600)["result"]
    if "requests" not in report:
        raise SystemExit(f"The copy was not whole: {report}")
    return report


def stage(name: str, done: Row, report: Report) -> Stage:
    """Return a pass and its comparison together."""
    return Stage(
        name=name,
        seconds=done["seconds"],
        requests=done["requests"],
        read=done["read"],
        changed=done["changed"],
        compared=values(report),
        different=len(report.differences) + len(report.not_read),
        first=first_differences(report, 12),
    )


def sorted_out(changes: Sequence[Change], report: Report) -> tuple[list[Change], list[Change]]:
    """Return the changes that were brought, and the others.

    A product's tags and categories differ for a renamed tag or category as well, which names no product: a rename is
    brought when they differ on no product but those whose own were changed.
    """
    differing: dict[str, set[str]] = {}
    for one in report.differences:
        differing.setdefault(one.id, set()).add(one.field)
    left = []
    for change in changes:
        if change.kind in RENAMES:
            about = RENAMES[change.kind]
            own = {id_ for other in changes if other.kind in OWN_OF[about] for id_ in other.ids}
            wrong = any(about in fields and id_ not in own for id_, fields in differing.items())
            wrong = wrong or change.ids[0] in differing
        else:
            others = {about for about in OWN_OF if change.kind not in OWN_OF[about]}
            wrong = any(differing.get(id_, set()) - others for id_ in change.ids)
        if wrong:
            left.append(change)
    return [change for change in changes if change not in left], left


def by_kind(changes: Sequence[Change]) -> dict[str, int]:
    """Return how many changes there are of each kind."""
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.kind] = counts.get(change.kind, 0) + 1
    return dict(sorted(counts.items()))


def tell(one: Stage) -> None:
    """Say on standard error what a pass did."""
    print(
        f"{one.name}: {one.seconds} s, {one.requests} requests; {one.compared} compared, {one.different} different",
        file=sys.stderr,
        flush=True,
    )


def lines(proof: Proof) -> Iterator[str]:
    """Yield what to print."""
    rows: list[list[object]] = [
        [one.name, one.seconds, one.requests, sum(one.read.values()), one.compared, one.different]
        for one in proof.stages
    ]
    yield table(["pass", "seconds", "requests", "records read", "values compared", "different"], rows)
    yield f"\n{sum(proof.made.values())} changes in {proof.changing_seconds} s; brought by which pass:"
    passes = proof.stages[1:]
    by_pass: list[list[object]] = [
        [kind, made, *(one.brought.get(kind, "") for one in passes), proof.left.get(kind, "")]
        for kind, made in proof.made.items()
    ]
    totals: list[object] = ["all", sum(proof.made.values()), *(sum(one.brought.values()) for one in passes)]
    yield table(["kind", "made", *MODES, "never"], [*by_pass, [*totals, sum(proof.left.values())]])
    for one in (proof.stages[0], proof.stages[-1]):
        yield from (f"after {one.name}: {difference}" for difference in one.first)


def main() -> None:
    """Read the arguments, prove, print, and exit with 1 when the two are not equal where they must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shop", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, shop_of(options.shop, Path(name)) as shop:
        proof = prove(access_of(shop), Path(name) / "data", options.count, options.seed)
    print(json.dumps(asdict(proof), ensure_ascii=False) if options.json else "\n".join(lines(proof)))
    sys.exit(1 if proof.stages[0].different or proof.stages[-1].different else 0)


if __name__ == "__main__":
    main()
