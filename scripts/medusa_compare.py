"""Compare a Medusa shop with the appliance that mirrors it, field by field.

    python scripts/medusa_compare.py --shop shop.json --data DIR [--json] [--first 20]

``shop.json`` holds ``base_url``, ``secret_key``, ``publishable_key`` and ``region_id`` (what the test server's
``start.sh`` prints will do); ``--data`` is the appliance's data directory. While its process serves, the admin API is
compared as well. Run it in a quiet shop: both sides are read one after the other. The exit code is 1 when anything
differs. ``--data`` left out reads Medusa only and says what that took.

Three modules do the reading: ``medusa_truth`` (Medusa), ``medusa_mirror`` (the appliance), ``medusa_forms`` (Medusa's
records in one form). A detail of either side is changed there; this one knows only things, fields and values.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
from medusa_mirror import read_api, read_tables
from medusa_truth import Access, AnyOf, Medusa, Side, read_truth

from appliance.ops.process import read_running

EXISTS = "(is there)"
KEPT_LONGER = frozenset({"order", "customer"})
"""Kinds that the appliance may keep when Medusa has them no more."""


@dataclass
class Difference:
    """One field of one thing that the two sides tell differently."""

    kind: str
    id: str
    field: str
    medusa: Any
    appliance: Any


@dataclass
class Count:
    """How often a field was compared and with what outcome."""

    equal: int = 0
    different: int = 0


@dataclass
class Report:
    """All that was compared."""

    counts: dict[str, dict[str, Count]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)
    """Kinds that Medusa has and the appliance's side did not offer."""

    @property
    def is_equal(self) -> bool:
        """Whether every field of everything is the same on both sides."""
        return not self.differences and not self.not_read

    def note(self, difference: Difference | None, kind: str, name: str) -> None:
        """Count one comparison."""
        count = self.counts.setdefault(kind, {}).setdefault(name, Count())
        if difference is None:
            count.equal += 1
        else:
            count.different += 1
            self.differences.append(difference)


def compare(truth: Side, mirror: Side) -> Report:
    """Compare the mirror with the truth: what is there, and each field that the truth knows."""
    report = Report()
    for kind in truth:
        if kind not in mirror and truth[kind]:
            report.not_read.append(kind)
        elif kind in mirror:
            _compare_kind(report, kind, truth[kind], mirror[kind])
    return report


def _compare_kind(report: Report, kind: str, truth: dict[str, Any], mirror: dict[str, Any]) -> None:
    for id_ in sorted(truth.keys() | mirror.keys()):
        if id_ not in mirror or (id_ not in truth and kind not in KEPT_LONGER):
            report.note(Difference(kind, id_, EXISTS, id_ in truth, id_ in mirror), kind, EXISTS)
        elif id_ in truth:
            report.note(None, kind, EXISTS)
            for name, said in truth[id_].items():
                kept = mirror[id_].get(name)
                differs = Difference(kind, id_, name, said, kept)
                report.note(None if agree(said, kept) else differs, kind, name)


def agree(said: object, kept: object) -> bool:
    """Return whether the mirror's value says what the truth says."""
    if isinstance(said, AnyOf) and isinstance(kept, str):
        return kept in said
    return said == kept


def with_api(truth: Side, mirror: Side) -> Side:
    """Return the truth with what the admin API should show, so far as it was read: fewer fields of the same things."""
    added = dict(truth)
    for kind in ("product", "variant"):
        shown = mirror.get(f"API: {kind}")
        if shown is not None:
            fields = next(iter(shown.values()), {}).keys()
            added[f"API: {kind}"] = {
                id_: {name: value for name, value in record.items() if name in fields}
                for id_, record in truth[kind].items()
            }
    return added


def lines(report: Report, first: int) -> Iterator[str]:
    """Yield what to print: a table of fields, then the first differences of each field."""
    yield f"{'kind':<22} {'field':<20} {'equal':>8} {'different':>10}"
    for kind, fields in report.counts.items():
        for name, count in fields.items():
            yield f"{kind:<22} {name:<20} {count.equal:>8} {count.different:>10}"
    for kind in report.not_read:
        yield f"{kind:<22} not read on the appliance's side"
    printed: dict[tuple[str, str], int] = {}
    for one in report.differences:
        place = (one.kind, one.field)
        printed[place] = printed.get(place, 0) + 1
        if printed[place] <= first:
            yield f"\n{one.kind} {one.id}, {one.field}:"
            yield f"  Medusa    {one.medusa!r:.400}"
            yield f"  appliance {one.appliance!r:.400}"
    compared = sum(count.equal + count.different for fields in report.counts.values() for count in fields.values())
    yield f"\n{compared} values compared, {len(report.differences)} different"


def access_of(path: Path) -> Access:
    """Read where the shop is and its keys."""
    shop = json.loads(path.read_text(encoding="utf-8"))
    region = shop.get("region_id") or shop.get("region_vn_id", "")
    return Access(shop["base_url"].rstrip("/"), shop["secret_key"], shop["publishable_key"], region)


def read_mirror(data: Path, currency: str) -> Side:
    """Read the appliance's tables and, where its process runs, its admin API."""
    side = read_tables(data, currency)
    running = read_running(data)
    if running is not None:
        headers = {"Authorization": f"Bearer {running.token}"}
        with httpx.Client(base_url=running.url, headers=headers, timeout=60) as client:
            side |= read_api(client, currency)
    return side


def main() -> None:
    """Read both sides, print, and exit with 1 when they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shop", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--first", type=int, default=3, help="how many differences of each field to print")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    medusa = Medusa(access_of(options.shop))
    began = time.perf_counter()
    truth = read_truth(medusa)
    reading = {
        "requests": medusa.requests,
        "seconds": round(time.perf_counter() - began, 2),
        "megabytes": round(medusa.megabytes, 1),
        "things": {kind: len(found) for kind, found in truth.items()},
    }
    print(f"Medusa: {reading}", file=sys.stderr)
    if options.data is None:
        print(json.dumps(reading))
        return
    mirror = read_mirror(options.data, medusa.currency)
    report = compare(with_api(truth, mirror), mirror)
    if options.json:
        print(json.dumps({"equal": report.is_equal, "medusa": reading, **asdict(report)}, default=_as_json))
    else:
        print("\n".join(lines(report, options.first)))
    sys.exit(0 if report.is_equal else 1)


def _as_json(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)


if __name__ == "__main__":
    main()
