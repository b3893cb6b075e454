"""A client of Medusa with a clock of its own, talking to a script."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from appliance.medusa.client import MedusaClient
from appliance.settings import Medusa
from appliance.settings.sections import Secret

SECRET_KEY = "sk_0123456789abcdef"
URL = "http://medusa.test:9000"
EMPTY: dict[str, Any] = {"products": [], "count": 0}


class Clock:
    """Unix and monotonic seconds in one, moved by sleeping."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


class Thing(msgspec.Struct):
    """What the tests read."""

    id: str


def settings(**given: Any) -> Medusa:
    """Return settings with a secret key, changed by what is given."""
    return Medusa(**({"url": URL, "secret_key": Secret(SECRET_KEY)} | given))


def talk(
    handler: Callable[[httpx.Request], httpx.Response],
    clock: Clock | None = None,
    *,
    stopping: Callable[[], bool] = lambda: False,
    **given: Any,
) -> MedusaClient:
    """Return a client whose requests ``handler`` answers."""
    clock = clock or Clock()
    return MedusaClient(
        settings(**given),
        now=clock,
        clock=clock,
        sleep=clock.sleep,
        random=lambda: random.Random(1),
        transport=httpx.MockTransport(handler),
        stopping=stopping,
    )


def in_turn(*answers: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    """Give each request the next answer, and the last one for ever."""
    left = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, headers=found.headers, content=found.content)

    return answer
