"""Write docs/reference.md: every command, setting, route, error code, issue and metric, read from the code itself.

python scripts/reference.py           # writes the file
python scripts/reference.py --check   # exit code 1 when the file is out of date
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from litestar.testing import TestClient
from prometheus_client.metrics import MetricWrapperBase

import appliance.__main__  # noqa: F401  (the newer SQLite, before anything imports sqlite3)
from appliance import errors
from appliance.cli.root import root
from appliance.cli.settings import field_meanings
from appliance.messages import catalogue
from appliance.metrics import Metrics
from appliance.runtime import Runtime
from appliance.server.app import create_app
from appliance.settings import Settings, env_name, flatten, load_settings

FILE = Path(__file__).resolve().parent.parent / "docs" / "reference.md"


def main() -> None:
    """Write or check the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = reference()
    if parser.parse_args().check:
        if FILE.read_text(encoding="utf-8") != text:
            sys.exit("docs/reference.md is out of date: python scripts/reference.py writes it anew.")
        return
    FILE.write_text(text, encoding="utf-8")


def reference() -> str:
    """Return the whole page."""
    parts = [
        "# Reference\n\nWritten by `python scripts/reference.py` from the code; a test keeps it current.",
        _section("Commands", ["command", "does"], _commands(root, "appliance")),
        _section("Settings", ["setting", "environment", "default", "meaning"], _settings()),
        _section("Routes", ["route", "what", "answers"], _routes()),
        _section("Error codes", ["code", "status", "meaning"], _errors()),
        _section("Issues", ["code", "the owner reads", "next step"], _issues()),
        _section("Metrics", ["metric", "kind", "labels", "meaning"], _metrics()),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, head: list[str], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [f"## {title}", "", "| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _commands(found, f"{path} {name}")
        return
    arguments = "".join(
        f" {parameter.human_readable_name}" for parameter in command.params if isinstance(parameter, click.Argument)
    )
    yield f"`{path}{arguments}`", (command.help or "").split("\n\n")[0]


def _settings() -> Iterator[tuple[str, ...]]:
    meanings = field_meanings()
    for path, default in flatten(Settings()):
        shown = ", ".join(default) if isinstance(default, tuple) else str(default)
        yield f"`{path}`", f"`{env_name(path)}`", f"`{shown}`" if shown else "", meanings[path]


def _routes() -> Iterator[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        runtime = Runtime.open(Path(folder), load_settings(Path(folder), environ={}))
        with TestClient(create_app(runtime), base_url="http://localhost") as client:
            paths: dict[str, Any] = client.get("/schema/openapi.json").json()["paths"]
    for path, operations in sorted(paths.items()):
        for method, operation in operations.items():
            yield f"`{method.upper()} {path}`", operation.get("summary", ""), " ".join(sorted(operation["responses"]))


def _errors() -> Iterator[tuple[str, ...]]:
    for name in ("appliance.store.products", "appliance.ops.builder"):
        importlib.import_module(name)
    known: dict[str, type[errors.ApplianceError]] = {}
    waiting = [errors.ApplianceError]
    while waiting:
        kind = waiting.pop()
        known.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    for code, kind in sorted(known.items()):
        yield f"`{code}`", str(kind.status), (kind.__doc__ or "").split("\n\n")[0]


def _issues() -> Iterator[tuple[str, ...]]:
    english = catalogue("en")
    for key in sorted(english):
        if key.startswith("issue.") and not key.endswith(".fix"):
            yield f"`{key.removeprefix('issue.')}`", english[key], english.get(f"{key}.fix", "")


def _metrics() -> Iterator[tuple[str, ...]]:
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            described = next(iter(metric.describe()))
            name = described.name + ("_total" if described.type == "counter" else "")
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)
            yield f"`{name}`", described.type, labels, described.documentation


if __name__ == "__main__":
    main()
