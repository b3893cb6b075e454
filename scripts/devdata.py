"""Turn the three public development sets into files that ``appliance import`` reads.

    python scripts/devdata.py FOLDER OUT

FOLDER holds ``amazon_toys``, ``bundle_food`` and ``yoochoose_100k`` (any of them) in the layouts in which they are
published: purchase sequences with attribute ids; titles, categories and timed purchases; click sessions. For each set
that is there, OUT/<set>/products.jsonl and OUT/<set>/interactions.csv are written.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import html
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

HEADER = ("user_id", "session_id", "product_id", "interaction_type", "occurred_at")
Event = tuple[str, str, str, str, str]
_LAST_PURCHASE = datetime(2024, 12, 31, tzinfo=UTC).timestamp()
"""Where the made-up times of sequences without times end."""
_STEP_SECONDS = 3600.0


def amazon_toys(folder: Path) -> tuple[Iterator[dict[str, object]], Iterator[Event]]:
    """``user item item …`` oldest first, and item → ids of categories and brand; there are no titles and no times."""
    attributes: dict[str, list[int]] = json.loads(_text(folder / "item_attributes.json.gz"))

    def products() -> Iterator[dict[str, object]]:
        for item, ids in attributes.items():
            names = [f"attribute {number}" for number in ids]
            yield {"id": item, "title": f"Toy {item}", "categories": names[:1], "tags": names[1:]}

    def events() -> Iterator[Event]:
        for line in _lines(folder / "sequences.txt.gz"):
            user, *items = line.split()
            for age, item in zip(range(len(items) - 1, -1, -1), items, strict=True):
                yield user, "", item, "purchase", _time(_LAST_PURCHASE - age * _STEP_SECONDS)

    return products(), events()


def bundle_food(folder: Path) -> tuple[Iterator[dict[str, object]], Iterator[Event]]:
    """Titles, category paths, and purchases: the items of each session, whose user and Unix time stand elsewhere."""
    sessions = {session: (user, at) for user, session, at in _table(folder / "user_session.csv.gz")}
    paths = dict(_table(folder / "item_categories.csv.gz"))

    def products() -> Iterator[dict[str, object]]:
        titles = dict(_table(folder / "item_titles.csv.gz"))
        untitled = dict.fromkeys(item for _, item in _table(folder / "session_item.csv.gz") if item not in titles)
        for item in (*titles, *untitled):
            title = html.unescape(titles.get(item, "")).strip() or f"Item {item}"
            yield {"id": item, "title": title, "categories": _category_path(paths.get(item, ""))}

    def events() -> Iterator[Event]:
        for session, item in _table(folder / "session_item.csv.gz"):
            if session in sessions:
                user, at = sessions[session]
                yield user, session, item, "purchase", _time(float(at))

    return products(), events()


def yoochoose_100k(folder: Path) -> tuple[Iterator[dict[str, object]], Iterator[Event]]:
    """SessionId, ItemId, Time: clicks of sessions; items have no titles. The test part is left out."""

    def clicks() -> Iterator[list[str]]:
        return _table(folder / "train_full.tsv.gz", "\t")

    def products() -> Iterator[dict[str, object]]:
        for item in dict.fromkeys(item for _, item, _ in clicks()):
            yield {"id": item, "title": f"Item {item}"}

    def events() -> Iterator[Event]:
        for session, item, at in clicks():
            yield "", session, item, "view", _time(float(at))

    return products(), events()


SETS: dict[str, Callable[[Path], tuple[Iterator[dict[str, object]], Iterator[Event]]]] = {
    "amazon_toys": amazon_toys,
    "bundle_food": bundle_food,
    "yoochoose_100k": yoochoose_100k,
}


def convert(folder: Path, out: Path) -> list[str]:
    """Write the import files of every set found in ``folder``; return the names of the sets."""
    found = [name for name in SETS if (folder / name).is_dir()]
    for name in found:
        products, events = SETS[name](folder / name)
        target = out / name
        target.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            catalogue = stack.enter_context((target / "products.jsonl").open("w", encoding="utf-8"))
            for product in products:
                catalogue.write(json.dumps(product, ensure_ascii=False) + "\n")
            log = stack.enter_context((target / "interactions.csv").open("w", encoding="utf-8", newline=""))
            writer = csv.writer(log)
            writer.writerow(HEADER)
            writer.writerows(events)
    return found


def _category_path(text: str) -> list[str]:
    """``[[Grocery,Beverages,Coffee, Tea & Cocoa]]`` → the path to each level; a comma and a space belong to a name."""
    levels = [level.strip() for level in re.split(r",(?! )", text.strip("[]").partition("],")[0]) if level.strip()]
    return [" > ".join(level.replace(">", "›") for level in levels[:6])] if levels else []


def _table(path: Path, delimiter: str = ",") -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter=delimiter)
        next(rows, None)
        yield from rows


def _lines(path: Path) -> Iterable[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from file


def _text(path: Path) -> str:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.read()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    found = convert(arguments.folder, arguments.out)
    if not found:
        print(f"{arguments.folder} holds none of: {', '.join(SETS)}", file=sys.stderr)
        return 2
    for name in found:
        print(f"{arguments.out / name}: products.jsonl, interactions.csv")
    return 0


if __name__ == "__main__":
    sys.exit(main())
