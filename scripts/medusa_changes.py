"""Make random changes of every kind in a Medusa shop, as an owner and shoppers would; the same seed, the same changes.

    python scripts/medusa_changes.py --shop shop.json --count 200 --seed 7 [--kinds price_by_product,stock] > done.json

Prints a JSON list: number, kind, the ids that are touched, and what was done. ``shop.json`` as for
``medusa_compare.py``. The kinds take turns in a drawn order, so that each comes about equally often; one that the shop
does not allow just now (nothing left to publish, say) is passed over. Meant for a shop whose data may be spoiled.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from medusa_actions import KINDS
from medusa_compare import access_of
from medusa_shop import Shop
from medusa_truth import Access


@dataclass
class Change:
    """One change that Medusa accepted."""

    number: int
    kind: str
    ids: list[str]
    """What it touched: products first, then what else (variants, categories, orders)."""
    what: str


def make_changes(
    access: Access,
    count: int,
    seed: int,
    kinds: Iterable[str] = (),
    tell: Callable[[Change], None] = lambda change: None,
) -> list[Change]:
    """Make ``count`` changes and return them; ``tell`` hears of each at once.

    Raises ``SystemExit`` with Medusa's answer when it refuses one, and when no kind is possible any more.
    """
    wanted = list(kinds) or list(KINDS)
    shop = Shop(access, random.Random(seed))
    done: list[Change] = []
    passed = 0
    for kind in _turns(wanted, shop.draw):
        if len(done) == count:
            break
        made = KINDS[kind](shop)
        passed = 0 if made else passed + 1
        if made is not None:
            ids, what = made
            done.append(Change(len(done) + 1, kind, ids, what))
            tell(done[-1])
        elif passed > 3 * len(wanted):
            raise SystemExit(f"None of {', '.join(wanted)} is possible in this shop any more.")
    return done


def _turns(kinds: Sequence[str], draw: random.Random) -> Iterator[str]:
    while True:
        yield from draw.sample(kinds, len(kinds))


def main() -> None:
    """Read the arguments, make the changes, print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shop", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--kinds", default="", help=f"some of {', '.join(KINDS)}")
    options = parser.parse_args()
    kinds = [kind for kind in options.kinds.split(",") if kind]
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        parser.error(f"there is no kind {', '.join(unknown)}")

    def tell(change: Change) -> None:
        print(f"{change.number} {change.kind}: {change.what}", file=sys.stderr)

    made = make_changes(access_of(options.shop), options.count, options.seed, kinds, tell)
    print(json.dumps([asdict(change) for change in made], ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
