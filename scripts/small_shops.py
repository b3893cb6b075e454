"""How the blend does on shops of every size: mean HR@20 and NDCG@20 over random small shops, beside each part alone.

    python scripts/small_shops.py SEQUENCES [ATTRIBUTES] [--users 100,300,1000,3000] [--seeds 10]

SEQUENCES is `user item item …`, oldest first; a shop of N users is drawn at random, its catalogue is what they have.
The interval is that of the mean difference between the blend and the best part over the shops' users (bootstrap);
which part is best is decided by its mean over all shops of a size.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from appliance.ops.evaluation import metrics
from appliance.ops.evaluation.next_item import Study, study

METRICS = ("hr@20", "ndcg@20")


def main() -> None:
    """Print one row a size and method, and JSON with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sequences", type=Path)
    parser.add_argument("attributes", type=Path, nargs="?")
    parser.add_argument("--users", default="100,300,1000,3000")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [
        shops_of(options.sequences, options.attributes, int(users), options.seeds) for users in options.users.split(",")
    ]
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        print_table(rows)


def shops_of(sequences: Path, attributes: Path | None, users: int, seeds: int) -> dict[str, Any]:
    """Return the means over the shops of one size."""
    shops: list[Study] = []
    for seed in range(seeds):
        shops.append(study(sequences, attributes=attributes, users=users, seed=seed))
        print(f"{users} users, shop {seed + 1} of {seeds}", file=sys.stderr)
    row: dict[str, Any] = {"users": users, "shops": seeds}
    for name in METRICS:
        blend = np.concatenate([shop.blend[name] for shop in shops])
        parts = {part: np.concatenate([shop.parts[part][name] for shop in shops]) for part in shops[0].parts}
        best = max(parts, key=lambda part: float(parts[part].mean()))
        row[name] = {
            "blend": round(float(blend.mean()), 4),
            **{part: round(float(values.mean()), 4) for part, values in parts.items()},
            "best": best,
            "difference": [round(bound, 4) for bound in metrics.bootstrap_difference(blend, parts[best])],
        }
    return row


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print a Markdown table for each metric."""
    for name in METRICS:
        columns = [column for column in rows[0][name] if column not in ("best", "difference")]
        print(f"\n| {name}, users | {' | '.join(columns)} | blend − best part |")
        print("| --- |" + " --- |" * (len(columns) + 1))
        for row in rows:
            low, high = row[name]["difference"]
            values = " | ".join(f"{row[name][column]:.4f}" for column in columns)
            print(f"| {row['users']} | {values} | {low:+.4f} to {high:+.4f} ({row[name]['best']}) |")


if __name__ == "__main__":
    main()
