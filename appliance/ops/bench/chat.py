"""Chat through HTTP at a fixed rate: mixed messages in both languages, each session a short conversation."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from appliance.errors import Unavailable
from appliance.ops.bench import load
from appliance.ops.bench.shop import open_shop
from appliance.ops.bench.target import serving
from appliance.ops.process import read_running

CONVERSATIONS: tuple[tuple[str, ...], ...] = (
    ("shop oi co balo da nao duoi 1 trieu ko", "cái thứ hai còn hàng không", "rẻ hơn nữa có không", "cảm ơn shop"),
    ("hi, do you have leather bags under 500k?", "the second one, is it in stock?", "something cheaper", "thanks"),
    ("xin chào", "phí ship về Đà Nẵng bao nhiêu", "mấy ngày nhận được hàng", "đổi trả thế nào"),
    ("đơn hàng của mình tới đâu rồi", "LV-90001", "0901234567", "cho mình gặp nhân viên"),
    ("tìm giày sneaker trắng size 42", "so sánh 2 mẫu đầu", "có màu khác không", "ok"),
    ("where is my order?", "I don't know the number", "how long does shipping take?", "what is the return policy?"),
    ("tui deo cheo nu mau den", "gia bao nhieu v", "con size k shop", "thoi de sau nha"),
    ("gợi ý quà cho mẹ tầm 300k", "xem thêm", "cái đầu tiên", "shop mở cửa mấy giờ"),
)
"""With and without marks, shop talk, English, references, orders, policies: what a day brings."""
_SESSIONS = 400
_INTERACTIONS = 200
"""Interactions a product, up to as many as the other benchmarks have."""
_MOST_INTERACTIONS = 1_000_000


class ChatRow(msgspec.Struct, frozen=True):
    """One route at one size of shop; latencies count from the moment a message was due."""

    shop: str
    route: str
    load: load.LoadResult


class ChatReport(msgspec.Struct, frozen=True):
    """All sizes and routes."""

    rate: float
    """Messages a second."""
    rows: list[ChatRow]


def run(
    work: Path,
    *,
    products: Sequence[int] = (300, 50_000),
    rate: float = 100.0,
    seconds: float = 10.0,
    clients: int = 16,
    progress: Callable[[str], None] | None = None,
) -> ChatReport:
    """Measure shops of so many products in folders under ``work``; a shop already there is used again."""
    say = progress or (lambda _: None)
    rows: list[ChatRow] = []
    for size in products:
        interactions = min(size * _INTERACTIONS, _MOST_INTERACTIONS)
        say(f"opening a shop of {size:,} products and {interactions:,} interactions")
        folder = work / f"shop-{size}"
        open_shop(folder, products=size, interactions=interactions, progress=say)
        with serving(folder, noop=True) as target:
            rows += _rows(target.port, f"{size} products", "/noop", rate, seconds, clients, say)
    return ChatReport(rate, rows)


def run_beside(
    data_dir: Path,
    *,
    rate: float = 100.0,
    seconds: float = 10.0,
    clients: int = 16,
    progress: Callable[[str], None] | None = None,
) -> ChatReport:
    """Measure the process that serves a data directory, which must run with ``APPLIANCE_RATE_LIMIT=off``.

    Raises ``Unavailable`` when none runs. The messages stay in its store as conversations.
    """
    running = read_running(data_dir)
    if running is None:
        raise Unavailable("No appliance serves this data directory.", hint="Start it with `appliance serve`.")
    port = int(running.url.rsplit(":", 1)[1])
    say = progress or (lambda _: None)
    return ChatReport(rate, _rows(port, "running", "/healthz", rate, seconds, clients, say))


def messages(run_id: str) -> list[bytes]:
    """Return requests of many sessions side by side, each in the order of its conversation.

    A session's next message comes after every other session had one, so that none waits for its own last answer.
    """
    talks = [
        (f"bench-{run_id}-{number}", talk)
        for number, talk in zip(range(_SESSIONS), itertools.cycle(CONVERSATIONS), strict=False)
    ]
    return [
        load.post("/v1/chat", msgspec.json.encode({"session_id": session, "message": talk[place]}))
        for place in range(len(CONVERSATIONS[0]))
        for session, talk in talks
    ]


def _rows(
    port: int, shop: str, noop: str, rate: float, seconds: float, clients: int, say: Callable[[str], None]
) -> list[ChatRow]:
    rows: list[ChatRow] = []
    for route, requests in ((noop, [load.get(noop)]), ("/v1/chat", messages(f"{time.time_ns():x}"))):
        say(f"{shop}: {route}")
        load.run(load.paced(port, requests, per_second=rate, clients=clients, seconds=1.0))
        result = load.run(load.paced(port, requests, per_second=rate, clients=clients, seconds=seconds))
        rows.append(ChatRow(shop, route, result))
    return rows
