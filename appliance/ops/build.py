"""The child process that builds models: ``python -m appliance.ops.build SNAPSHOT OUT --kinds recommender,search``.

It reads an exported snapshot and opens no store. numpy holds the interpreter's lock for long stretches; in a process
of its own, at low priority, that costs shoppers nothing. It prints one JSON object a line:

* ``{"progress": 0.4, "message": "search"}`` while it works,
* ``{"built": "search", "info": {…}}`` when the folder ``OUT/search`` is complete,
* ``{"error": "…"}`` before it ends with a status other than 0.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from appliance.domain import Product
from appliance.errors import ApplianceError
from appliance.settings import Recommender

KINDS = ("recommender", "search")
"""The artefact kinds, in the order in which they are built."""
EVALUATION = "evaluation"
"""Builds no artefact: judges the recommender on the snapshot's last visits and says how it did."""
PRODUCTS_FILE = "products.jsonl"
FACTS_FILE = "snapshot.json"
NICENESS = 10

Progress = Callable[[float, str], None]
Builder = Callable[[Path, Path, Progress], Mapping[str, Any]]


class SnapshotFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of ``snapshot.json``."""

    revision: int
    """The catalogue's revision before its products were read: later changes are applied to what is built."""
    products: int
    interactions: int
    recommender: Recommender = Recommender()
    tune: bool = True
    """Whether models are chosen and weighed by the shop's history, which takes its time."""
    answer_length: int = 20
    """Length of the answers that an evaluation judges."""


class BuildLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the child's output."""

    progress: float | None = None
    """0 to 1 over all kinds."""
    message: str = ""
    built: str = ""
    info: dict[str, Any] = {}
    error: str = ""


def build(snapshot: Path, out: Path, kinds: Sequence[str], say: Callable[[BuildLine], None]) -> None:
    """Build each kind into its folder below ``out``; raises what a builder raises."""
    for number, kind in enumerate(kinds):
        folder = out / kind
        folder.mkdir(parents=True)

        def progress(share: float, message: str = "", number: int = number, kind: str = kind) -> None:
            say(BuildLine(progress=round((number + share) / len(kinds), 4), message=message or kind))

        progress(0.0)
        info = _BUILDERS[kind](snapshot, folder, progress)
        say(BuildLine(built=kind, info=dict(info)))


def read_products(snapshot: Path) -> Iterator[Product]:
    """Yield the products of a snapshot."""
    decoder = msgspec.json.Decoder(Product)
    with (snapshot / PRODUCTS_FILE).open("rb") as file:
        for line in file:
            yield decoder.decode(line)


def read_facts(snapshot: Path) -> SnapshotFacts:
    """Return what a snapshot says of itself."""
    return msgspec.json.decode((snapshot / FACTS_FILE).read_bytes(), type=SnapshotFacts)


def _recommender(snapshot: Path, out: Path, progress: Progress) -> Mapping[str, Any]:
    from appliance.recsys.training import train

    facts = read_facts(snapshot)
    info: Mapping[str, Any] = msgspec.to_builtins(
        train(snapshot, out, progress=progress, settings=facts.recommender, tune=facts.tune)
    )
    return info


def _search(snapshot: Path, out: Path, progress: Progress) -> Mapping[str, Any]:
    from appliance.search.build import build_index

    facts = read_facts(snapshot)
    return build_index(read_products(snapshot), out, progress, revision=facts.revision, total=facts.products)


def _evaluation(snapshot: Path, out: Path, progress: Progress) -> Mapping[str, Any]:
    from appliance.ops.evaluation.shop import evaluate

    facts = read_facts(snapshot)
    outcome = evaluate(snapshot, out, facts.recommender, k=facts.answer_length, tell=progress)
    return {"report": outcome.report, "predictions": list(outcome.predictions)}


_BUILDERS: dict[str, Builder] = {"recommender": _recommender, "search": _search, EVALUATION: _evaluation}


def _say(line: BuildLine) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    """End at once when standard input closes: a killed parent must not leave a builder that nobody waits for."""

    def watch() -> None:
        # Not sys.stdin: a thread that waits inside its buffer makes the interpreter abort at its end.
        while os.read(0, 1):
            pass
        os._exit(3)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _kinds(text: str) -> list[str]:
    wanted = text.split(",")
    if not set(wanted) <= set(_BUILDERS):
        raise argparse.ArgumentTypeError(f"known kinds: {', '.join(_BUILDERS)}")
    return [kind for kind in _BUILDERS if kind in wanted]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the child process and return its exit status."""
    parser = argparse.ArgumentParser(prog="appliance.ops.build", description="Build models from a snapshot.")
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kinds", type=_kinds, default=list(KINDS))
    parser.add_argument("--end-with-parent", action="store_true", help="end when standard input closes")
    options = parser.parse_args(arguments)
    if options.end_with_parent:
        _end_with_parent()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        build(options.snapshot, options.out, options.kinds, _say)
    except ApplianceError as error:
        _say(BuildLine(error=f"{error.message} {error.hint}".strip()))
        return 1
    except Exception as error:
        _say(BuildLine(error=f"{type(error).__name__}: {error}"))
        raise
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
