"""How the last starts ended, so that three crashes in a row lead to safe mode.

A crash is a start that never became ready, a fatal signal (its trace is in ``crash.log``) or an unhandled error. A
process that was ready and was then killed from outside (power, ``kill -9``, out of memory) did not crash.
"""

from __future__ import annotations

import faulthandler
from pathlib import Path
from typing import Literal, TextIO

import msgspec
import structlog

SAFE_MODE_AFTER = 3

Phase = Literal["starting", "ready", "stopped", "failed"]


log = structlog.get_logger(__name__)


class _Record(msgspec.Struct):
    phase: Phase = "stopped"
    crashes: int = 0


class StartGuard:
    """Keeps ``starts.json`` and ``crash.log`` in the data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "starts.json"
        self._trace = data_dir / "crash.log"
        self._record = self._read()
        self._stream: TextIO | None = None

    def begin(self) -> bool:
        """Note that a start begins; return whether it should be in safe mode."""
        crashed = self._record.phase in ("starting", "failed") or self._left_a_trace()
        self._note("starting", self._record.crashes + 1 if crashed else 0)
        try:
            self._stream = self._trace.open("w", encoding="utf-8")
            faulthandler.enable(self._stream)
        except OSError as error:
            log.warning("crash_trace_off", error=str(error))
        return self._record.crashes >= SAFE_MODE_AFTER

    def ready(self) -> None:
        """Note that the process answers requests."""
        self._note("ready", self._record.crashes)

    def failed(self) -> None:
        """Note that an unhandled error ends the process."""
        self._note("failed", self._record.crashes)

    def stopped(self) -> None:
        """Note an orderly end, also a deliberate refusal to start."""
        self._note("stopped", 0)
        if self._stream is not None:
            faulthandler.disable()
            self._stream.close()
            self._stream = None

    @property
    def crashes(self) -> int:
        """Crashes in a row before this start."""
        return self._record.crashes

    def _left_a_trace(self) -> bool:
        return self._trace.exists() and self._trace.stat().st_size > 0

    def _note(self, phase: Phase, crashes: int) -> None:
        self._record = _Record(phase, crashes)
        beside = self._file.with_suffix(".new")
        try:
            beside.write_bytes(msgspec.json.encode(self._record))
            beside.replace(self._file)
        except OSError as error:
            # On a full or read-only disk the shop still answers; only this book is not kept.
            log.warning("start_not_noted", phase=phase, error=str(error))

    def _read(self) -> _Record:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Record)
        except (OSError, msgspec.DecodeError):
            return _Record()
