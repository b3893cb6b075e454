"""The root command: where the data is, and which module holds which command."""

from __future__ import annotations

import difflib
import importlib
import sys
from pathlib import Path
from typing import cast

import click

from appliance import __version__
from appliance.cli.failures import guarded
from appliance.cli.session import Session, default_data_dir

_COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("serving", "Serve the shop over HTTP."),
    "demo": ("demo", "Open a shop with generated products and shoppers, and say what to try."),
    "import": ("importing", "Import products or interactions from CSV, JSONL or Parquet."),
    "train": ("training", "Build the recommender and the search index now."),
    "recommend": ("shelves", "Recommend products for a visitor and a place."),
    "similar": ("shelves", "List products like one."),
    "popular": ("shelves", "List what shoppers look at and buy most."),
    "search": ("searching", "Search products."),
    "chat": ("chatting", "Talk to the shop assistant."),
    "faq": ("faq", "List, add, remove or try the assistant's answers."),
    "evaluate": ("evaluating", "Measure the quality of recommendations, search and the assistant."),
    "rules": ("rules", "List, add or remove merchandising rules: pin, boost, bury, exclude."),
    "experiment": ("experiments", "Compare two strategies and read which does better."),
    "analytics": ("experiments", "Show what recommendations led to."),
    "jobs": ("jobs", "Show, start, watch and cancel background jobs."),
    "sync": ("syncing", "Keep the shop in step with its Medusa server."),
    "settings": ("settings", "Show or change settings, with where each value comes from."),
    "token": ("tokens", "Create, list or revoke tokens and keys."),
    "status": ("status", "Tell how the shop does."),
    "bench": ("bench", "Measure this box against its own limits."),
}
"""Command → (module in this package, help); a module holds its commands in ``COMMANDS``."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"appliance.cli.{_COMMANDS[cmd_name][0]}")
        return cast("click.Command", module.COMMANDS[cmd_name])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="APPLIANCE_DATA",
    metavar="DIR",
    help="Data directory; created when absent. [default: the platform's, or APPLIANCE_DATA]",
)
@click.version_option(__version__, prog_name="appliance")
@click.pass_context
def root(ctx: click.Context, data: Path | None) -> None:
    """Recommendations, search and a shop assistant for a Medusa storefront, on the shop's own box.

    Put --data before the command and --json after it; with --json stdout is one JSON value.
    """
    session = cast("Session", ctx.obj)
    source = ctx.get_parameter_source("data")
    session.is_data_named = source is click.core.ParameterSource.COMMANDLINE
    session.data_dir = data if data is not None else default_data_dir()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    sys.exit(guarded(root, given, Session(as_json="--json" in given)))
