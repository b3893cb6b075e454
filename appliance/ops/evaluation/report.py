"""What an evaluation hands back, and the clock that times its fits and queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from appliance.errors import InvalidInput
from appliance.recsys.memory import peak_rss_mb

Tell = Callable[[float, str], None]
"""Told the share done, from 0 to 1, and the stage."""


def silent(_share: float, _stage: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one evaluation."""

    report: dict[str, Any]
    """Flat and ready for JSON: number of cases, metrics, ``intervals``, costs, ``model`` and ``baselines``."""
    predictions: Iterable[dict[str, Any]]
    """One object a case in input order, ``{"user_id"|"session"|"query_id": …, "items": […]}``."""


class Clock:
    """Times stages by name and single queries."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._queries: list[float] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    @contextmanager
    def query(self, *, counted: bool = True) -> Iterator[None]:
        """Time one query, unless it is not to count."""
        began = time.perf_counter()
        yield
        if counted:
            self._queries.append(time.perf_counter() - began)

    def costs(self) -> dict[str, float]:
        """Return ``fit_s``, ``select_s``, ``peak_rss_mb``, ``query_p50_ms`` and ``query_p99_ms``."""
        times = 1000 * np.array(self._queries or [0.0])
        return {
            "fit_s": round(self.seconds.get("fit", 0.0), 3),
            "select_s": round(self.seconds.get("select", 0.0), 3),
            "peak_rss_mb": peak_rss_mb(),
            "query_p50_ms": round(float(np.quantile(times, 0.5)), 4),
            "query_p99_ms": round(float(np.quantile(times, 0.99)), 4),
        }


def write_predictions(path: Path, predictions: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line. Raises ``InvalidInput`` for a file that cannot be written."""
    encoder = msgspec.json.Encoder()
    try:
        with path.open("wb") as file:
            for line in predictions:
                file.write(encoder.encode(line) + b"\n")
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be written: {error.strerror}.", hint="Name a file in a folder that exists."
        ) from None


def named(ids: Sequence[str], rows: Iterable[int]) -> list[str]:
    """Return the ids of ranked rows; -1 is left out."""
    return [ids[row] for row in rows if row >= 0]
