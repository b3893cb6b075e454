"""Huey as a doorbell: it wakes a worker with a job's id and knows nothing else.

Huey delivers at most once, so a message may be lost with the process; the job's row is the truth and its sweep rings
again. Messages are JSON, so that a planted pickle in the file is never run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from huey import SqliteHuey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer


class _JsonSerializer(Serializer):
    """Keeps what a doorbell needs of a message: its id, the task and the job's id."""

    def _serialize(self, data: Message) -> bytes:
        return msgspec.json.encode((data.id, data.name, data.args))

    def _deserialize(self, data: bytes) -> Message:
        task_id, name, arguments = msgspec.json.decode(data, type=tuple[str, str, list[str]])
        return Message(task_id, name, args=tuple(arguments), kwargs={})


class _InProcessConsumer(Consumer):
    """A consumer whose host process keeps its own signal handlers."""

    def _set_signal_handlers(self) -> None:
        """Leave SIGTERM and SIGINT to the HTTP server; the stock handlers would make it unstoppable."""


class Doorbell:
    """Worker threads that call ``answer`` with the id of every ring. ``stop_seconds`` bounds a stop."""

    def __init__(self, path: Path, answer: Callable[[str], None], *, workers: int, stop_seconds: float) -> None:
        logging.getLogger("huey").setLevel(logging.WARNING)
        self._huey = SqliteHuey("jobs", filename=str(path), results=False, serializer=_JsonSerializer())
        self._task: Callable[[str], Any] = self._huey.task(name="doorbell")(answer)
        self._consumer = _InProcessConsumer(
            self._huey,
            workers=workers,
            periodic=False,
            initial_delay=0.05,
            max_delay=0.5,
            scheduler_interval=60,
            shutdown_timeout=stop_seconds,
        )

    def start(self) -> None:
        """Forget the rings of an earlier process and start the workers."""
        self._huey.storage.flush_queue()
        self._consumer.start()

    def ring(self, job_id: str) -> None:
        """Wake a worker for a job."""
        self._task(job_id)

    def silent(self) -> bool:
        """Whether every ring was heard, or lost."""
        return bool(self._huey.storage.queue_size() == 0)

    def revive(self) -> None:
        """Replace worker threads that died."""
        self._consumer.check_worker_health()

    def stop(self) -> None:
        """Let the workers end what they do, as far as the time allows."""
        self._consumer.stop(graceful=True)
        self._huey.storage.close()
