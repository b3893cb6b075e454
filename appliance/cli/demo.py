"""``appliance demo``: a shop to try, opened in a scratch directory."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.errors import Conflict
from appliance.messages import translate
from appliance.settings import LoadedSettings

if TYPE_CHECKING:
    from appliance.cli.backend import Tell
    from appliance.cli.local import LocalBackend

MARK = "demo.json"
"""Says that a data directory holds the demo shop, and what is in it."""


class Prepared(msgspec.Struct, kw_only=True):
    """The demo shop as it was made."""

    data: str
    products: int
    interactions: int
    visitors: int
    seconds: float
    handles: list[str]
    order: tuple[str, str] | None = None
    """Number and phone number of an order to ask the assistant about."""


@click.command()
@click.option("--host", help="Address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 chooses a free one. [default: 8000]")
@click.option("--keep", is_flag=True, help="Keep the scratch directory at the end.")
@click.option("--products", type=click.IntRange(1, 200_000), default=300, show_default=True)
@click.option("--events", type=click.IntRange(0, 10_000_000), default=60_000, show_default=True)
@click.option("--prepare-only", is_flag=True, help="Fill and train, then end without serving.")
@json_option
@pass_session
def demo(
    session: Session, host: str | None, port: int | None, keep: bool, products: int, events: int, prepare_only: bool
) -> None:
    """Open a shop with generated products and shoppers, train it, serve it, and say what to try."""
    from appliance.cli.serving import run_process

    with _directory(session, keep=keep or prepare_only) as data_dir:
        loaded = session.load({"server.host": host, "server.port": port})
        prepared = _prepare(session, data_dir, loaded, products, events, tune=prepare_only)
        if prepare_only:
            _tell_prepared(session, prepared)
            return
        run_process(session, data_dir, loaded, on_ready=lambda url: _suggest(session, url, prepared))


@contextmanager
def _directory(session: Session, *, keep: bool) -> Iterator[Path]:
    """Hand out the named data directory, or a scratch one that is removed at the end.

    ``APPLIANCE_DATA`` does not count as named: a person who tries the demo must not find it in the real shop.
    """
    if session.is_data_named:
        yield session.prepare()
        return
    session.data_dir = Path(tempfile.mkdtemp(prefix="appliance-demo-"))
    try:
        yield session.data_dir
    finally:
        if keep:
            output.say(translate("cli.demo_kept", session.locale, data=session.data_dir))
        else:
            shutil.rmtree(session.data_dir, ignore_errors=True)


def _prepare(
    session: Session, data_dir: Path, loaded: LoadedSettings, products: int, events: int, *, tune: bool
) -> Prepared:
    """Fill and train the shop unless it is there. Raises ``Conflict`` where another shop is.

    Without ``tune`` the process trains anew once it serves.
    """
    mark = data_dir / MARK
    if mark.exists():
        return msgspec.json.decode(mark.read_bytes(), type=Prepared)
    from appliance.cli.local import LocalBackend
    from appliance.cli.logs import configure
    from appliance.ops.process import ProcessLock

    configure(loaded.settings.server, quiet=True)
    label = translate("cli.demo_filling", session.locale)
    with (
        ProcessLock(data_dir),
        LocalBackend.open(data_dir, loaded, session.locale) as backend,
        output.progress(label) as tell,
    ):
        prepared = _fill(backend, data_dir, products, events, tune=tune, tell=tell)
    mark.write_bytes(msgspec.json.encode(prepared))
    return prepared


def _fill(backend: LocalBackend, data_dir: Path, products: int, events: int, *, tune: bool, tell: Tell) -> Prepared:
    from appliance.ops.demo.answers import order_to_look_up
    from appliance.ops.demo.loader import DemoSize, fill

    runtime = backend.runtime
    if len(runtime.catalogue.cards()):
        raise Conflict(
            f"{data_dir} already holds a shop.", hint="Name an empty directory, or leave --data out for a scratch one."
        )
    began = time.monotonic()
    backend.sink()
    report = fill(
        runtime.catalogue,
        runtime.journal,
        now=time.time(),
        faq=runtime.faq,
        orders=runtime.orders,
        size=DemoSize(products=products, events=events),
        weights=runtime.settings.weights,
        progress=lambda fraction, part: tell(fraction * 0.4, ""),
    )
    backend.train(search_only=False, tune=tune, tell=lambda fraction, text: tell(0.4 + fraction * 0.6, ""))
    return Prepared(
        data=str(data_dir),
        products=report.products,
        interactions=report.interactions,
        visitors=report.visitors,
        seconds=round(time.monotonic() - began, 2),
        handles=list(report.handles),
        order=order_to_look_up() if report.orders else None,
    )


def _tell_prepared(session: Session, prepared: Prepared) -> None:
    if session.as_json:
        output.print_json(prepared)
        return
    output.print_line(_sizes(session, prepared))
    output.say(translate("cli.demo_kept", session.locale, data=prepared.data))


def _sizes(session: Session, prepared: Prepared) -> str:
    figures: dict[str, Any] = {
        "products": f"{prepared.products:,}",
        "visitors": f"{prepared.visitors:,}",
        "events": f"{prepared.interactions:,}",
        "seconds": prepared.seconds,
    }
    return translate("cli.demo_sizes", session.locale, **figures)


def _suggest(session: Session, url: str, prepared: Prepared) -> None:
    """Print what to try; stdout stays one JSON value with ``--json``."""
    commands = [*_requests(url, prepared), *_questions(url, prepared)]
    write = output.say if session.as_json else output.print_line
    write(_sizes(session, prepared))
    write(translate("cli.demo_try", session.locale))
    for number, command in enumerate(commands, 1):
        write(f"{number}. {translate(f'cli.demo_try_{number}', session.locale)}")
        write(f"   {command}")
    write(translate("cli.demo_page", session.locale, url=f"{url}/demo/"))


def _requests(url: str, prepared: Prepared) -> tuple[str, ...]:
    """Return the calls of a storefront."""
    first = prepared.handles[0]
    event = f'{{"events":[{{"type":"add_to_cart","product_handle":"{first}","session_id":"demo"}}]}}'
    return (
        f"curl '{url}/v1/search?q=balo+da&limit=3'",
        f"curl '{url}/v1/products/popular?limit=3'",
        f"curl '{url}/v1/products/{first}/similar?limit=3'",
        f"curl -H 'Content-Type: application/json' -d '{event}' {url}/v1/events",
        f"curl '{url}/v1/recommendations?session_id=demo&limit=3'",
    )


def _questions(url: str, prepared: Prepared) -> tuple[str, ...]:
    """Return questions to the assistant, in both languages; none for a shop from before it had answers."""
    if prepared.order is None:
        return ()
    number, phone = prepared.order
    question = '{"session_id":"demo","message":"phí ship đi Đà Nẵng bao nhiêu shop"}'
    talk = f"{_program()} --data {shlex.quote(prepared.data)} chat"
    return (
        f"curl -H 'Content-Type: application/json' -d '{question}' {url}/v1/chat",
        f'{talk} "don {number} cua minh toi dau roi, sdt {phone}"',
        f'{talk} "do you have sneakers under 900k, and can I return them?"',
    )


def _program() -> str:
    """Return how to start this program from another terminal: ``make run`` puts it on no path."""
    started = Path(sys.argv[0])
    if shutil.which("appliance"):
        return "appliance"
    if started.stem == "appliance":
        return shlex.quote(str(started.absolute()))
    return f"{shlex.quote(sys.executable)} -m appliance"


COMMANDS = {"demo": demo}
