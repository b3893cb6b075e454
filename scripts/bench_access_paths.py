"""Print how the access paths of the interaction log are answered and how fast, at a million interactions.

python scripts/bench_access_paths.py [--interactions N] [--json]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec

import appliance.__main__  # noqa: F401  (swaps in the newer SQLite before anything imports sqlite3)
from appliance.ops.bench.access_paths import report


def main() -> None:
    """Run the benchmark in a scratch folder and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interactions", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = report(
            Path(folder), interactions=options.interactions, progress=lambda step: print(step, file=sys.stderr)
        )
    if options.json:
        print(msgspec.json.encode(found).decode())
        return
    print(f"{'query':36} {'path':36} {'p50 ms':>8} {'p95 ms':>8}")
    for path in found.paths:
        print(f"{path.query:36} {path.path:36} {path.p50_ms:8.3f} {path.p95_ms:8.3f}")
    print(
        f"{found.interactions} interactions: merged {found.merged_per_second:.0f}/s, indexed"
        f" {found.indexed_per_second:.0f}/s; log {found.log_mb} MB, index {found.index_mb} MB on disk;"
        f" process {found.rss_mb} MB resident"
    )


if __name__ == "__main__":
    main()
