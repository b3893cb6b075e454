"""``appliance serve``: the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.messages import Locale, translate
from appliance.settings import LoadedSettings

if TYPE_CHECKING:
    from appliance.ops.process import RunningProcess

_SWITCH_SECONDS = 0.001
"""How long a background thread may keep the interpreter while the event loop waits; Python's own 5 ms add up over the
several turns of one request."""

Ready = Callable[[str], None]
"""Told the address once requests are answered."""


@click.command()
@click.option("--host", help="Address to listen on. [default: server.host, 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 chooses a free one. [default: server.port, 8000]")
@click.option("--noop", is_flag=True, hidden=True, help="Add an endpoint that does nothing, for benchmarks.")
@json_option
@pass_session
def serve(session: Session, host: str | None, port: int | None, noop: bool) -> None:
    """Serve the shop until it is stopped (Ctrl-C or SIGTERM)."""
    data_dir = session.prepare()
    loaded = session.load({"server.host": host, "server.port": port})
    run_process(session, data_dir, loaded, noop=noop)


def run_process(
    session: Session, data_dir: Path, loaded: LoadedSettings, *, noop: bool = False, on_ready: Ready | None = None
) -> None:
    """Own the data directory and serve it; returns after an orderly stop. Raises ``ApplianceError``."""
    from appliance.cli.logs import configure
    from appliance.ops.process import ProcessLock, RunningProcess
    from appliance.ops.starts import StartGuard

    configure(loaded.settings.server, quiet=False)
    sys.setswitchinterval(_SWITCH_SECONDS)
    stop_asked = _heed_stop()
    with ProcessLock(data_dir), ExitStack() as undo:
        guard = StartGuard(data_dir)
        try:
            safe_mode = guard.begin()
            from appliance.runtime import Runtime
            from appliance.server.serve import run

            runtime = Runtime.open(data_dir, loaded, safe_mode=safe_mode)
            undo.callback(runtime.stop)  # a start that fails leaves no store open
            if stop_asked.is_set():
                guard.stopped()
                return

            def ready(host: str, port: int) -> None:
                url = local_url(host, port)
                _say_where(data_dir, RunningProcess(os.getpid(), url, runtime.local_token))
                guard.ready()
                _announce(session, url, runtime.access.claim_code(), safe_mode=safe_mode)
                if on_ready is not None:
                    on_ready(url)
                if stop_asked.is_set():
                    signal.raise_signal(signal.SIGTERM)  # now that the server heeds it

            run(runtime, on_ready=ready, noop=noop)
        except BaseException as error:
            _note_end(guard, error)
            raise
        guard.stopped()


def _heed_stop() -> threading.Event:
    """Have SIGTERM remembered until the server has its own handler: it would kill, and that counts as a crash."""
    asked = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda _number, _frame: asked.set())
    return asked


def local_url(host: str, port: int) -> str:
    """Return the address at which this machine reaches a server that listens on ``host``."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104  compared, not bound
    return (
        f"http://[{reachable}]:{port}"
        if ":" in reachable.strip("[]") and "[" not in reachable
        else (f"http://{reachable}:{port}")
    )


def _say_where(data_dir: Path, running: RunningProcess) -> None:
    import structlog

    from appliance.ops.process import write_process_file

    try:
        write_process_file(data_dir, running)
    except OSError as error:
        # On a full or read-only disk shoppers are served all the same; only commands beside the process miss it.
        structlog.get_logger(__name__).warning("process_file_not_written", error=str(error))


def _note_end(guard: object, error: BaseException) -> None:
    """A refusal that a person can understand is no crash; anything else counts towards safe mode."""
    from appliance.errors import ApplianceError
    from appliance.ops.starts import StartGuard

    assert isinstance(guard, StartGuard)
    if isinstance(error, (ApplianceError, KeyboardInterrupt)):
        guard.stopped()
    else:
        guard.failed()


def _announce(session: Session, url: str, claim_code: str | None, *, safe_mode: bool) -> None:
    locale: Locale = session.locale
    if session.as_json:
        output.print_json({"url": url, "pid": os.getpid(), "claim_code": claim_code, "safe_mode": safe_mode})
        return
    output.print_line(translate("cli.serving", locale, url=url))
    if safe_mode:
        output.print_line(translate("cli.safe_mode", locale))
    if claim_code is not None:
        output.print_line(translate("cli.claim", locale, code=claim_code, url=url))
    output.print_line(translate("cli.serve_next", locale, url=url))


COMMANDS = {"serve": serve}
