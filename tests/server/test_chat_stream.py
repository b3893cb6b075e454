"""Streams over real sockets: the head comes at once, comments keep the line open, a client that leaves ends it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_shop import products

from appliance.agents.conversations import Conversations
from appliance.agents.pipeline import TurnInput, TurnResult
from appliance.runtime import Runtime
from appliance.server.routes import chat
from appliance.server.serve import make_server
from appliance.settings import load_settings

pytestmark = [pytest.mark.server]


class Slow:
    """The assistant behind a gate, as one that waits for a language model."""

    def __init__(self, runtime: Runtime) -> None:
        self.go = threading.Event()
        self.broken = False
        self._assistant = runtime.talk._assistant

    def turn(self, given: TurnInput) -> TurnResult:
        assert self.go.wait(20)
        if self.broken:
            raise OSError("disk gone")
        return self._assistant.turn(given)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Slow, Runtime]]:
    flags: dict[str, object] = {"server.rate_limit": "off", "server.port": 0}
    runtime = Runtime.open(tmp_path, load_settings(tmp_path, environ={}, flags=flags))
    runtime.catalogue.upsert(products())
    slow = Slow(runtime)
    stores = runtime.chat
    runtime.desk._conversations = Conversations(
        slow, stores.conversations, stores.unanswered, runtime.settings, runtime.metrics, runtime.issues
    )
    ready, found = threading.Event(), []

    def listening(host: str, port: int) -> None:
        found.append(f"http://{host}:{port}")
        ready.set()

    server = make_server(runtime, on_ready=listening)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(30)
    yield found[0], slow, runtime
    slow.go.set()
    server.should_exit = True
    thread.join(20)


def test_a_slow_answer_is_kept_alive_and_comes_whole(
    served: tuple[str, Slow, Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "_HEARTBEAT_SECONDS", 0.05)
    url, slow, _ = served
    seen: list[str] = []
    body = {"session_id": "s1", "message": "tìm túi xách"}
    with httpx.stream("POST", f"{url}/v1/chat/stream", json=body, timeout=20, trust_env=False) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            seen.append(line)
            if seen.count(": still here") == 3:
                slow.go.set()
    assert seen[0] == ": hello"
    assert [line for line in seen if line.startswith("event: ")][-1] == "event: done"


def test_a_client_that_leaves_ends_the_stream(
    served: tuple[str, Slow, Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "_HEARTBEAT_SECONDS", 0.05)
    ended = threading.Event()
    events = chat._events

    async def watched(*given: Any, **more: Any) -> AsyncIterator[bytes]:
        try:
            async for event in events(*given, **more):
                yield event
        finally:
            ended.set()

    monkeypatch.setattr(chat, "_events", watched)
    url, slow, runtime = served
    body = {"session_id": "s1", "message": "tìm túi xách"}
    with httpx.stream("POST", f"{url}/v1/chat/stream", json=body, timeout=20, trust_env=False) as answer:
        next(answer.iter_lines())
    assert ended.wait(5)
    assert not slow.go.is_set()
    slow.go.set()
    # The turn itself is not lost: the shopper finds it when they come back.
    assert runtime.talk.say("s1", "xin chào", now=runtime.now()).reply
    history = httpx.get(f"{url}/v1/chat/sessions/s1", trust_env=False).json()
    assert [turn["message"] for turn in history["turns"]] == ["tìm túi xách", "xin chào"]


def test_what_fails_after_the_head_is_an_apology_too(served: tuple[str, Slow, Runtime]) -> None:
    url, slow, _ = served
    slow.broken = True
    threading.Timer(0.6, slow.go.set).start()
    answer = httpx.post(
        f"{url}/v1/chat/stream", json={"session_id": "s1", "message": "hi"}, timeout=20, trust_env=False
    )
    assert answer.text.count("event: done") == 1
    assert "event: delta" in answer.text and "disk gone" not in answer.text
