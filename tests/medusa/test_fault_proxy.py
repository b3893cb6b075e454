"""The proxy that spoils exchanges, before a tiny server that counts what reaches it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import faults
import httpx
import pytest
from fault_proxy import Fault, FaultProxy


class Shop(ThreadingHTTPServer):
    """Answers every request with what it was, and remembers it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.reached: list[str] = []


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        assert isinstance(self.server, Shop)
        self.server.reached.append(f"{self.command} {self.path}")
        said = json.dumps({"path": self.path, "body": body.decode(), "padding": "x" * 500}).encode()
        self.send_response(201 if self.command == "POST" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_any  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def proxy(shop: Shop) -> Iterator[FaultProxy]:
    with FaultProxy(f"http://127.0.0.1:{shop.server_port}") as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, timeout=10) as client:
        yield client


def test_without_a_rule_everything_passes_and_is_remembered(
    shop: Shop, proxy: FaultProxy, client: httpx.Client
) -> None:
    answer = client.post("/admin/products?x=1", json={"a": "đ"}, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, json.loads(answer.json()["body"])) == (201, {"a": "đ"})
    client.get("/health")
    first, second = proxy.seen()
    assert (first.method, first.path, first.query, first.idempotency_key) == ("POST", "/admin/products", "x=1", "k1")
    assert (json.loads(first.body), first.status, first.fault) == ({"a": "đ"}, 201, "")
    assert (second.number, second.path, second.is_write) == (1, "/health", False)
    assert second.at >= first.at
    assert shop.reached == ["POST /admin/products?x=1", "GET /health"]


def test_a_body_in_chunks_passes(client: httpx.Client) -> None:
    answer = client.post("/x", content=iter([b"one ", b"two"]))
    assert answer.json()["body"] == "one two"


@pytest.mark.parametrize(("fault", "reached"), [(faults.drop_before(), 0), (faults.drop_after(), 1)])
def test_a_dropped_connection(shop: Shop, proxy: FaultProxy, client: httpx.Client, fault: Fault, reached: int) -> None:
    proxy.add(fault, times=1)
    with pytest.raises(httpx.TransportError):
        client.post("/x", json={})
    assert len(shop.reached) == reached
    assert proxy.seen()[0].status == (201 if reached else None)
    assert client.get("/y").status_code == 200


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.status(500), 500),
        (faults.status(503), 503),
        (faults.rate_limited(3), 429),
        (faults.wrong_key(), 401),
        (faults.redirect_loop(), 302),
    ],
)
def test_an_error_in_place_of_the_answer(
    shop: Shop, proxy: FaultProxy, client: httpx.Client, fault: Fault, code: int
) -> None:
    proxy.add(fault)
    assert client.get("/x").status_code == code
    assert shop.reached == []


def test_a_rate_limit_says_when_to_come_back(proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.add(faults.rate_limited(3))
    assert client.get("/x").headers["retry-after"] == "3"


def test_a_redirect_never_ends(proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.add(faults.redirect_loop())
    with pytest.raises(httpx.TooManyRedirects):
        client.get("/x?a=1", follow_redirects=True)


def test_a_token_expires_once_and_a_key_never(proxy: FaultProxy, client: httpx.Client) -> None:
    rule = proxy.add(faults.expired_token(), times=1)
    assert client.get("/x", headers={"Authorization": "Basic abc"}).status_code == 200
    assert rule.applied == 0
    token = {"Authorization": "Bearer abc"}
    assert [client.get("/x", headers=token).status_code for _ in range(2)] == [401, 200]
    assert [seen.fault for seen in proxy.seen()] == ["", "expired_token", ""]


def test_a_hang_outlasts_a_patient_client(shop: Shop, proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.add(faults.hang(30))
    with pytest.raises(httpx.ReadTimeout):
        client.get("/x", timeout=0.2)
    assert shop.reached == []


def test_a_late_answer_had_its_effect(shop: Shop, proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.add(faults.late(30), times=1)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/x", timeout=0.5)
    assert shop.reached == ["POST /x"]


def test_closing_ends_a_hang(shop: Shop) -> None:
    with FaultProxy(f"http://127.0.0.1:{shop.server_port}") as proxy, ThreadPoolExecutor(1) as pool:
        proxy.add(faults.hang(60))
        asked = pool.submit(httpx.get, f"{proxy.url}/x", timeout=90)
        proxy.wait_for(lambda: len(proxy.seen()) == 1)
        proxy.close()
        assert isinstance(asked.exception(timeout=30), httpx.TransportError)


def test_a_body_shorter_than_its_length(shop: Shop, proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.add(faults.cut_short(), times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/x")
    assert shop.reached == ["GET /x"]


@pytest.mark.parametrize("fault", [faults.truncated(), faults.garbage(), faults.html()])
def test_what_is_no_json(proxy: FaultProxy, client: httpx.Client, fault: Fault) -> None:
    proxy.add(fault)
    answer = client.get("/x")
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()


def test_a_slow_answer_is_whole(proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.add(faults.slow_drip(0.3, pieces=3))
    began = time.monotonic()
    assert client.get("/x").json()["path"] == "/x"
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("declared", [True, False])
def test_a_huge_answer_is_json_of_that_size(proxy: FaultProxy, client: httpx.Client, declared: bool) -> None:
    proxy.add(faults.huge(3_500_000, declared=declared))
    answer = client.get("/x")
    assert (len(answer.content), answer.json()["products"]) == (3_500_000, [])
    assert ("content-length" in answer.headers) is declared


def test_a_client_may_leave_a_huge_answer(proxy: FaultProxy, client: httpx.Client) -> None:
    rule = proxy.add(faults.huge(), times=1)
    with client.stream("GET", "/x") as answer:
        assert next(answer.iter_raw(1000))
    assert (rule.applied, client.get("/y").status_code) == (1, 200)


def test_a_clock_two_hours_off(proxy: FaultProxy, client: httpx.Client) -> None:
    true = parsedate_to_datetime(client.get("/x").headers["date"])
    proxy.add(faults.wrong_clock(7200))
    answer = client.get("/x")
    assert len(answer.headers.get_list("date")) == 1
    assert 7190 < (parsedate_to_datetime(answer.headers["date"]) - true).total_seconds() < 7260


def test_rules_choose_by_method_path_and_number(proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.add(faults.status(500), method="WRITE", path="/admin/products*", times=2)
    proxy.add(faults.status(503), path="/store/*")
    codes = [client.post("/admin/products/1").status_code for _ in range(3)]
    assert codes == [500, 500, 201]
    assert client.get("/admin/products").status_code == 200
    assert client.get("/store/products").status_code == 503
    proxy.clear()
    assert client.get("/store/products").status_code == 200
    assert len(proxy.seen("/admin/*", "POST")) == 3
    proxy.forget()
    assert proxy.seen() == []


def test_chance_repeats_with_its_seed(proxy: FaultProxy, client: httpx.Client) -> None:
    def codes() -> list[int]:
        proxy.clear()
        proxy.add(faults.status(500), probability=0.5, seed=3)
        return [client.get("/x").status_code for _ in range(30)]

    first = codes()
    assert codes() == first
    assert 5 < first.count(500) < 25


def test_a_server_that_is_away_drops_the_connection() -> None:
    with FaultProxy("http://127.0.0.1:9") as proxy, pytest.raises(httpx.TransportError):
        httpx.get(f"{proxy.url}/x")


def test_many_clients_at_once_are_all_remembered(shop: Shop, proxy: FaultProxy) -> None:
    def ask(name: str) -> None:
        with httpx.Client(base_url=proxy.url, timeout=30) as client:
            for number in range(20):
                assert client.get(f"/{name}/{number}").status_code == 200

    threads = [threading.Thread(target=ask, args=(str(name),)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shop.reached) == 160
    assert [seen.number for seen in proxy.seen()] == list(range(160))
