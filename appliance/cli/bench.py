"""``appliance bench``: what this box can do, beside its own limits."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session

_WORK = click.option(
    "--work", type=click.Path(file_okay=False, path_type=Path), help="Folder to work in and keep. [default: temporary]"
)


@click.group()
def bench() -> None:
    """Measure this box; each figure stands beside an endpoint that does nothing, taken in the same run."""


@bench.command()
@_WORK
@click.option("--seconds", type=click.FloatRange(min=0.1), default=4.0, show_default=True, help="Length of a phase.")
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True)
@json_option
@pass_session
def ingest(session: Session, /, work: Path | None, **options: Any) -> None:
    """Measure durable events a second through HTTP, singly and in batches."""
    _run(session, "ingest", work, options)


@bench.command()
@_WORK
@click.option("--seconds", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="Length of a phase.")
@json_option
@pass_session
def serve(session: Session, /, work: Path | None, **options: Any) -> None:
    """Measure latency and throughput of similar, popular and search, on 300 and on 50,000 products."""
    _run(session, "serve", work, options)


@bench.command()
@_WORK
@json_option
@pass_session
def recommend(session: Session, /, work: Path | None, **options: Any) -> None:
    """Measure recommendations cold, cached and after a click, on 300 and on 50,000 products."""
    _run(session, "recommend", work, options)


@bench.command()
@_WORK
@json_option
@pass_session
def paths(session: Session, /, work: Path | None, **options: Any) -> None:
    """Measure the access paths of the interaction log at a million events."""
    _run(session, "paths", work, options)


@bench.command()
@_WORK
@click.option("--running", is_flag=True, help="Measure the process that serves --data; start it with no rate limit.")
@click.option("--products", type=click.IntRange(1), multiple=True, help="Size of a shop. [default: 300 and 50000]")
@click.option("--rate", type=click.FloatRange(min=1), default=100.0, show_default=True, help="Messages a second.")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Length of a phase.")
@json_option
@pass_session
def chat(session: Session, /, work: Path | None, running: bool, products: tuple[int, ...], **options: Any) -> None:
    """Measure how long shoppers wait for the assistant at a fixed rate, on 300 and on 50,000 products."""
    if running:
        from appliance.ops.bench.chat import run_beside

        _print(session, run_beside(session.data_dir, progress=output.say, **options))
    else:
        _run(session, "chat", work, options | ({"products": products} if products else {}))


def _run(session: Session, name: str, work: Path | None, options: dict[str, Any]) -> None:
    module = importlib.import_module(f"appliance.ops.bench.{name}")
    with _folder(work) as folder:
        report = module.run(folder, progress=output.say, **options)
    _print(session, report)


def _print(session: Session, report: Any) -> None:
    if session.as_json:
        output.print_json(report)
        return
    for field, value in msgspec.to_builtins(report).items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = [_flat(row) for row in value]
            output.print_table(list(rows[0]), [list(row.values()) for row in rows])
        else:
            output.print_line(f"{field}: {output.cell_text(value)}")


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        flat |= (
            {f"{key}.{inner}": content for inner, content in value.items()} if isinstance(value, dict) else {key: value}
        )
    return flat


@contextmanager
def _folder(work: Path | None) -> Iterator[Path]:
    if work is not None:
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield work
        return
    with tempfile.TemporaryDirectory(prefix="appliance-bench-") as made:
        yield Path(made)


COMMANDS = {"bench": bench}
