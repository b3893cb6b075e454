"""What a person or a script sees: data on stdout, talk and progress on stderr. Nothing else writes to either."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from appliance.text import clean, clean_line

_WIDE = 200
"""Columns of a table that does not go to a terminal."""


def safe(text: str) -> str:
    """Return a text from data so that it cannot drive the terminal."""
    return clean(text)


def say(text: str, *, style: str = "") -> None:
    """Tell a person something, on stderr."""
    text = safe(text)
    is_loud = style.startswith("bold") and sys.stderr.isatty()
    click.echo(click.style(text, fg=style.rpartition(" ")[2] or None, bold=True) if is_loud else text, err=True)


def print_json(value: object) -> None:
    """Print one JSON value on stdout."""
    import msgspec

    data = msgspec.json.encode(value)
    click.echo(msgspec.json.format(data, indent=2) if sys.stdout.isatty() else data)


def print_line(text: str) -> None:
    """Print one line of data on stdout."""
    click.echo(clean_line(text))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on stdout; a cell that is a number stands at the right."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    table = Table(box=SIMPLE, show_edge=False, pad_edge=False)
    for place, heading in enumerate(headings):
        numeric = bool(rows) and all(isinstance(row[place], (int, float)) for row in rows)
        table.add_column(Text(heading), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell_text(cell)) for cell in row))
    console.print(table)


def cell_text(cell: object) -> str:
    """Return a cell as text that cannot drive the terminal."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.4g}" if abs(cell) < 1000 else f"{cell:,.0f}"
    return clean_line(str(cell))


@contextmanager
def progress(label: str) -> Iterator[Callable[[float, str], None]]:
    """Show a bar on stderr while a block runs, where stderr is a terminal; hand out (fraction, what is done now)."""
    if not sys.stderr.isatty():
        yield lambda fraction, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=1.0)

        def tell(fraction: float, text: str) -> None:
            bar.update(task, completed=fraction, description=clean_line(f"{label} {text}"))

        yield tell
