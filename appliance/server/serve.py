"""Runs the application in this process, in the main thread, until a signal."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn

from appliance.errors import Unavailable
from appliance.runtime import Runtime
from appliance.server.app import create_app
from appliance.server.protocol import GuardedProtocol, Limits, protocol_class
from appliance.settings import Settings

GRACE_SECONDS = 5
"""How long requests under way may take after a signal. Without it one slow client would keep the process for ever."""

OnReady = Callable[[str, int], None]


def run(
    runtime: Runtime,
    host: str | None = None,
    port: int | None = None,
    on_ready: OnReady | None = None,
    *,
    noop: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT, then stop in order and return.

    ``on_ready`` gets the host and the port that was bound (of interest for port 0) once requests are answered.
    Raises ``Unavailable`` when the address cannot be used or the start fails.
    """
    server = make_server(runtime, host, port, on_ready, noop=noop)
    try:
        server.run()
    except SystemExit as exit_:
        # uvicorn ends the interpreter when it cannot bind; here that is an error like any other.
        raise _not_listening(server.config.host, server.config.port, exit_.__context__) from exit_
    if not server.started:
        raise Unavailable("The appliance did not start; the log says why.")


def _not_listening(host: str, port: int, cause: BaseException | None) -> Unavailable:
    """Return the error that says why, where the system said so."""
    code = cause.errno if isinstance(cause, OSError) else None
    reason, hint = f"cannot listen on {host}:{port}", "The log says why."
    if isinstance(cause, socket.gaierror):
        reason, hint = (
            f"cannot listen on {host}: the name is unknown",
            "Give an IP address of this machine with --host.",
        )
    elif code == errno.EADDRINUSE:
        reason += ": another program uses the port"
        hint = "Choose another one with --port, or stop that program."
    elif code == errno.EADDRNOTAVAIL:
        reason += ": this machine has no such address"
        hint = "Choose one of its own with --host: 127.0.0.1, or 0.0.0.0 for the whole local network."
    elif code == errno.EACCES:
        reason, hint = f"{reason}: it is not permitted", "Ports below 1024 need rights: choose one above with --port."
    return Unavailable(f"The appliance {reason}.", hint=hint)


def make_server(
    runtime: Runtime,
    host: str | None = None,
    port: int | None = None,
    on_ready: OnReady | None = None,
    *,
    noop: bool = False,
) -> uvicorn.Server:
    """Return the server that ``run`` runs; setting its ``should_exit`` stops it."""
    return _Server(_config(runtime, host, port, noop=noop), runtime, on_ready)


def limits_of(settings: Settings) -> Limits:
    """Return the limits of a connection."""
    server = settings.server
    return Limits(
        header_bytes=server.max_header_bytes,
        header_timeout=server.header_timeout,
        body_timeout=server.body_timeout,
        connections=server.max_connections,
    )


def _config(runtime: Runtime, host: str | None, port: int | None, *, noop: bool) -> uvicorn.Config:
    settings = runtime.settings
    return uvicorn.Config(
        create_app(runtime, noop=noop),
        host=settings.server.host if host is None else host,
        port=settings.server.port if port is None else port,
        loop="asyncio" if sys.platform == "win32" else "uvloop",
        http=protocol_class(limits_of(settings)),
        ws="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """Tells when it listens, watches deadlines, and returns after a signal instead of dying of it."""

    def __init__(self, config: uvicorn.Config, runtime: Runtime, on_ready: OnReady | None) -> None:
        super().__init__(config)
        self._runtime = runtime
        self._on_ready = on_ready

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets=sockets)  # type: ignore[arg-type]
        if self.started and self._on_ready is not None:
            address = self.servers[0].sockets[0].getsockname()
            self._on_ready(str(address[0]), int(address[1]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Streams that watch the jobs would be waited for.
        if self._runtime.jobs is not None:
            self._runtime.jobs.feed.close()
        await super().shutdown(sockets=sockets)

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, GuardedProtocol):
                    connection.enforce(now)
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn would raise the signal again after the shutdown, and the parent would see a crash.
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
