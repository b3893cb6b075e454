"""Log lines go to stderr: for people on a terminal, as JSON under a service manager."""

from __future__ import annotations

import io
import logging
import sys
from typing import TextIO, cast

import structlog

from appliance.settings import Server

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Stderr(io.TextIOBase):
    """Whatever ``sys.stderr`` is at the moment of writing, so that who redirects it is followed."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure(settings: Server, *, quiet: bool) -> None:
    """Set up the log of this process; ``quiet`` keeps to errors, for commands that talk to a person themselves."""
    level = logging.ERROR if quiet else _LEVELS[settings.log_level]
    is_human = settings.log_format == "human" or (settings.log_format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if is_human
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=not is_human),
            structlog.processors.StackInfoRenderer(),
            *(() if is_human else (structlog.processors.format_exc_info,)),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        stream=sys.stderr, level=max(level, logging.WARNING), format="%(levelname)s %(name)s %(message)s"
    )
