"""``appliance import``: products, interactions, orders and FAQ entries from files; the old stack's history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import Any

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.domain import InteractionType
from appliance.messages import Locale, translate

_FORMATS = ("auto", "csv", "tsv", "jsonl", "lines", "parquet")


@click.group()
def import_() -> None:
    """Import products, interactions, orders or an FAQ from CSV, TSV, JSONL (each also .gz) or Parquet.

    `postgres` takes over the history of the stack that the appliance replaces.

    Bad rows are told with their line numbers and kept in import-rejects/ of the data directory; good rows are kept.
    Importing a file again updates what is there and counts no interaction twice.
    """


def _file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = json_option(command)
    command = click.option(
        "--format", "form", type=click.Choice(_FORMATS), default="auto", help="Told from the content unless given."
    )(command)
    return click.argument("file", type=click.Path(path_type=Path))(command)


@import_.command()
@_file_options
@pass_session
def products(session: Session, file: Path, form: Any) -> None:
    """Insert or update products.

    Columns: id, title; also description, categories, tags, price (main units), currency, handle, title_en, variants,
    attributes, thumbnail, status, collection, stock, in_stock, created_at.
    """
    from appliance.ops.importing import import_products

    _import(session, file, form, import_products)


@import_.command()
@_file_options
@click.option(
    "--type",
    "default_type",
    type=click.Choice([kind.value for kind in InteractionType]),
    default=InteractionType.VIEW.value,
    show_default=True,
    help="What rows without a type are.",
)
@click.option("--create-products", is_flag=True, help="Make a minimal catalogue entry for products nobody knows.")
@pass_session
def interactions(session: Session, file: Path, form: Any, default_type: str, create_products: bool) -> None:
    """Record what visitors did.

    Columns: user_id or session_id, product_id, interaction_type, occurred_at (RFC 3339 or Unix time); or a line a user
    without a header, `user item item …`, oldest first: those get times a minute apart that end now.
    """
    from appliance.ops.importing import import_interactions

    _import(
        session,
        file,
        form,
        import_interactions,
        settle=True,
        default_type=InteractionType(default_type),
        create_products=create_products,
    )


@import_.command()
@_file_options
@pass_session
def orders(session: Session, file: Path, form: Any) -> None:
    """Insert or update orders, for the assistant to look up.

    Columns: display_id; also id, status, phone, email, items (JSON list of title, quantity, total in main units),
    currency, placed_at, customer_id, tracking, carrier, expected_delivery, payment, metadata. Phone and e-mail are
    stored as keyed hashes only; names and addresses are not read.
    """
    from appliance.ops.importing import import_orders

    _import(session, file, form, import_orders)


@import_.command()
@_file_options
@pass_session
def faq(session: Session, file: Path, form: Any) -> None:
    """Insert or update the answers of the FAQ.

    Columns: intent and the answers vi and en; or question and answer in the shop's language; also questions_vi and
    questions_en (several parted by |), enabled, id.
    """
    from appliance.ops.importing import import_faq

    _import(session, file, form, import_faq)


@import_.command()
@click.argument("source")
@click.option("--columns", default="", help="The columns of an interactions file without a header, parted by commas.")
@click.option("--zone", default="", help="What times without a time zone are in, as Asia/Ho_Chi_Minh.  [default: UTC]")
@click.option("--create-products", is_flag=True, help="Make a minimal catalogue entry for products nobody knows.")
@json_option
@pass_session
def postgres(session: Session, source: str, columns: str, zone: str, create_products: bool) -> None:
    """Take over the history of the five-service stack (chatbot, recommender, PostgreSQL, Redis, cloud LLM).

    SOURCE is a file or folder with its tables (CSV with a header, COPY text, or pg_dump's plain format), or the
    address of the database, postgresql://user@host/name. Leave the password to PGPASSWORD or ~/.pgpass. The database
    is only read. rec_user_interactions is taken over; training makes the tables that were learned from it anew.
    """
    from appliance.cli.backend import open_backend
    from appliance.cli.old_stack import print_old_stack
    from appliance.ops.importing.oldstack import import_postgres

    names = [name.strip() for name in columns.split(",") if name.strip()]
    with open_backend(session) as backend, output.progress("postgres") as tell:
        report = import_postgres(
            source,
            backend.sink(),
            session.load().settings,
            data_dir=session.data_dir,
            locale=session.locale,
            columns=names,
            zone=_zone(zone),
            create_products=create_products,
            progress=_bytes(tell),
        )
        backend.settle(tell)
    print_old_stack(session, report)


def _zone(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo

    from appliance.text import require_time_zone

    if not name:
        return None
    try:
        require_time_zone(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--zone") from None
    return ZoneInfo(name)


def _import(
    session: Session, file: Path, form: Any, run: Callable[..., Any], *, settle: bool = False, **options: Any
) -> None:
    """Import a file with ``run``, which also takes the ``options``, and tell what became of it.

    ``settle`` waits until the log has what was written.
    """
    from appliance.cli.backend import open_backend

    with open_backend(session) as backend, output.progress(file.name) as tell:
        report = run(
            file,
            backend.sink(),
            session.load().settings,
            data_dir=session.data_dir,
            locale=session.locale,
            form=form,
            progress=_bytes(tell),
            **options,
        )
        if settle:
            backend.settle(tell)
    _print(session, report)


def _bytes(tell: Callable[[float, str], None]) -> Callable[[int, int], None]:
    return lambda done, total: tell(done / total if total else 1.0, "")


def _print(session: Session, report: Any) -> None:
    if session.as_json:
        output.print_json(report)
        return
    locale: Locale = session.locale
    figures = {
        name: f"{value:,}" for name in report.__struct_fields__ if isinstance(value := getattr(report, name), int)
    }
    output.print_line(
        translate(f"cli.imported_{report.kind}", locale, file=report.file, seconds=report.seconds, **figures)
    )
    if report.parked:
        output.say(translate("cli.parked", locale, parked=figures["parked"]))
    if report.created_products:
        output.say(translate("cli.created_products", locale, count=figures["created_products"]))
    if report.rejected:
        output.say(translate("cli.rejected", locale, rejected=figures["rejected"]))
        for row in report.first_rejected:
            output.say(translate("cli.rejected_row", locale, line=row.line, reason=output.safe(row.reason)))
        output.say(translate("cli.rejects_file", locale, path=report.rejects_file))
    if report.kind in ("products", "interactions"):
        output.say(translate("cli.after_import", locale))


COMMANDS = {"import": import_}
