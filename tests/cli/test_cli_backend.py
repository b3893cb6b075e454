"""What commands ask of the running process, and how its answers and errors come back."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from appliance.cli.backend import RemoteBackend, remote_client
from appliance.errors import ApplianceError, Unavailable
from appliance.ops.importing.http_sink import HttpSink
from appliance.ops.process import RunningProcess

RUNNING = RunningProcess(1, "http://127.0.0.1:1", "adm_x")


def _backend(answer: Callable[[httpx.Request], httpx.Response]) -> RemoteBackend:
    client = httpx.Client(base_url="http://box", transport=httpx.MockTransport(answer))
    return RemoteBackend(client, RUNNING, sleep=lambda _: None)


def test_absent_parameters_are_left_out() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"query": dict(request.url.params)})

    answered = _backend(answer).call(
        "GET", "/v1/search", params={"q": "ba lô", "size": "", "sort": None, "in_stock": True}
    )
    assert answered == {"query": {"q": "ba lô", "in_stock": "true"}}


def test_a_problem_becomes_an_error_with_its_code_and_hint() -> None:
    problem = {"title": "Not found", "detail": "There is no such product.", "code": "not_found", "hint": "Search."}
    backend = _backend(lambda _: httpx.Response(404, json=problem))
    with pytest.raises(ApplianceError, match="no such product") as caught:
        backend.call("GET", "/v1/products/x")
    assert (caught.value.code, caught.value.hint, caught.value.exit_code) == ("not_found", "Search.", 2)


def test_an_answer_that_is_no_problem_still_becomes_an_error() -> None:
    with pytest.raises(ApplianceError, match="Bad Gateway"):
        _backend(lambda _: httpx.Response(502, text="<html>")).call("GET", "/readyz")


def test_a_process_that_does_not_answer_is_unavailable() -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Unavailable, match="does not answer"):
        _backend(gone).call("GET", "/readyz")


@pytest.mark.parametrize(("end", "told"), [("done", ""), ("failed", "no room")])
def test_a_training_is_followed_to_its_end(end: str, told: str) -> None:
    states = iter(["queued", "running", end])
    seen: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.url.path))
        if request.method == "POST":
            assert json.loads(request.content) == {"kind": "train", "args": {"search_only": True}}
        job = {"id": "j1", "state": next(states), "progress": 0.5, "message": "fit", "error": told}
        return httpx.Response(200, json=job | {"result": {"seconds": 1}})

    progress: list[float] = []
    backend = _backend(answer)
    if end == "done":
        assert backend.train(search_only=True, tell=lambda fraction, _: progress.append(fraction)) == {"seconds": 1}
    else:
        with pytest.raises(ApplianceError, match=told):
            backend.train(search_only=True, tell=lambda fraction, _: progress.append(fraction))
    assert seen == [("POST", "/v1/admin/jobs"), ("GET", "/v1/admin/jobs/j1"), ("GET", "/v1/admin/jobs/j1")]
    assert progress == [0.5, 0.5]


def test_the_client_carries_the_local_token_and_uses_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    with remote_client(RUNNING, "vi") as client:
        assert client.headers["Authorization"] == "Bearer adm_x"
        assert client.headers["Accept-Language"] == "vi"
        assert not client.trust_env
        assert isinstance(RemoteBackend(client, RUNNING).sink(), HttpSink)
