"""The access paths of the data design at a million interactions: how each is answered, and how fast."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import msgspec
import psutil

from appliance.domain import Interaction, ProductCard
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.settings import Settings
from appliance.store.analytics import Analytics
from appliance.store.cache import Cache
from appliance.store.interactions import InteractionLog
from appliance.store.journal_rows import JournalRow

_PRODUCTS = 50_000
_NEIGHBOURS = 50
_USERS = 60_000
_CATEGORIES = 40
_TYPES = ("view",) * 6 + ("click",) * 3 + ("add_to_cart", "purchase", "wishlist")
_ROW = 1000
_ROWS_A_MERGE = 20
_QUERIES = 400
_BEGAN = 1_700_000_000.0

_INDEX = "B-tree on disk (recent.db)"
_PACKED = "packed row in a B-tree (recent.db)"


class PathResult(msgspec.Struct, frozen=True):
    """One query of the design; milliseconds."""

    query: str
    path: str
    p50_ms: float
    p95_ms: float


class PathsReport(msgspec.Struct, frozen=True):
    """The paths, and what building and keeping them costs."""

    interactions: int
    paths: list[PathResult]
    merged_per_second: float
    indexed_per_second: float
    log_mb: float
    index_mb: float
    rss_mb: float
    """Resident memory of the whole process after the queries."""


def run(
    work: Path, *, interactions: int = 1_000_000, seed: int = 0, progress: Callable[[str], None] | None = None
) -> PathsReport:
    """Build a log in an empty folder, time each access path, and weigh what was built."""
    say = progress or (lambda _: None)
    settings, metrics, issues = Settings(), Metrics(), IssueBoard()
    analytics = Analytics(work, settings.analytics, metrics, issues)
    log = InteractionLog(analytics)
    say(f"merging {interactions} interactions")
    merge_rate = _merge(log, interactions, seed)
    say("building the index")
    began = time.perf_counter()
    log.follow()
    index_rate = interactions / (time.perf_counter() - began)
    say("writing neighbours and tastes")
    _tabulate(log, seed)
    analytics.checkpoint()
    cache = Cache(work / "cache", settings.cache, metrics, issues)
    say("asking")
    paths = _ask(log, cache, seed)
    rss = psutil.Process().memory_info().rss
    cache.close()
    log.close()
    analytics.close()
    return PathsReport(
        interactions=interactions,
        paths=paths,
        merged_per_second=round(merge_rate),
        indexed_per_second=round(index_rate),
        log_mb=_megabytes(work / "analytics.duckdb"),
        index_mb=_megabytes(work / "recent.db"),
        rss_mb=round(rss / 1e6, 1),
    )


def _merge(log: InteractionLog, interactions: int, seed: int) -> float:
    """Merge the interactions as the merger does; return how many a second, their making not counted."""
    known = SimpleNamespace()

    def resolve(name: str) -> ProductCard:
        known.id = name
        return known  # type: ignore[return-value]

    encode = msgspec.json.Encoder().encode
    seconds, rows = 0.0, list[JournalRow]()
    events = _events(interactions, random.Random(seed))
    for seq in range(1, -(-interactions // _ROW) + 1):
        batch = [event for event, _ in zip(events, range(min(_ROW, interactions - (seq - 1) * _ROW)), strict=False)]
        rows.append(JournalRow(seq, "events", len(batch), encode(batch).decode()))
        if len(rows) == _ROWS_A_MERGE or seq * _ROW >= interactions:
            began = time.perf_counter()
            log.merge("bench", rows, resolve)
            seconds += time.perf_counter() - began
            rows = []
    return interactions / seconds


def _events(count: int, draw: random.Random) -> Iterator[Interaction]:
    """Yield sessions of one to eight events, as they come in: interleaved by nobody, ordered in time."""
    made = 0
    while made < count:
        session = f"sess_{draw.getrandbits(60):015x}"
        user = _user(draw) if draw.random() < 0.4 else ""
        for _ in range(draw.randint(1, 8)):
            made += 1
            product = int(draw.paretovariate(0.6)) % _PRODUCTS
            at = _BEGAN + made
            metadata = f'{{"category":"cat-{product % _CATEGORIES}"}}' if draw.random() < 0.3 else ""
            yield Interaction(
                f"{draw.getrandbits(128):032x}",
                user,
                session,
                _product(product),
                f"san-pham-{product}",
                draw.choice(_TYPES),
                1.0,
                at,
                at,
                "",
                metadata,
            )


def _tabulate(log: InteractionLog, seed: int) -> None:
    draw = random.Random(seed + 1)
    log.replace_similarities(
        (_product(one), _product(draw.randrange(_PRODUCTS)), draw.random(), draw.random(), draw.random())
        for one in range(_PRODUCTS)
        for _ in range(_NEIGHBOURS)
    )
    log.replace_preferences(
        (f"cus_{user:08d}", f"cat-{draw.randrange(_CATEGORIES)}", draw.random())
        for user in range(_USERS)
        for _ in range(5)
    )


def _ask(log: InteractionLog, cache: Cache, seed: int) -> list[PathResult]:
    draw = random.Random(seed + 2)
    sessions = _some_sessions(log, draw)
    for session in sessions:
        cache.set(f"key-{session}", {"items": []}, 300.0, tag=session)
    users = [_user(draw) for _ in range(_QUERIES)]
    products = [_product(int(draw.paretovariate(0.6)) % _PRODUCTS) for _ in range(_QUERIES)]
    return [
        _time("recent interactions of a user", _INDEX, log.recent_of_user, users),
        _time("interactions of a product by type", _INDEX, lambda product: log.of_product(product, "view"), products),
        _time("a session in order", _INDEX, log.of_session, sessions),
        _time("preferences of a user", _PACKED, log.preferences, users),
        _time("top categories", "running totals (DuckDB)", lambda _: log.top_categories(), users),
        _time("similar products by score", _PACKED, log.similar, products),
        _time("cache validity of a user", "memory", cache.fresh, sessions),
    ]


def _some_sessions(log: InteractionLog, draw: random.Random) -> list[str]:
    arrays = log.export_arrays()
    return [arrays.sessions[draw.randrange(len(arrays.sessions))] for _ in range(_QUERIES)]


def _time(query: str, path: str, ask: Callable[[str], object], keys: Sequence[str]) -> PathResult:
    times = []
    for key in keys:
        began = time.perf_counter()
        ask(key)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return PathResult(query, path, round(times[len(times) // 2], 3), round(times[int(len(times) * 0.95)], 3))


def _user(draw: random.Random) -> str:
    return f"cus_{draw.randrange(_USERS):08d}"


def _product(number: int) -> str:
    return f"prod_{number:06d}"


def _megabytes(file: Path) -> float:
    return round(file.stat().st_size / 1e6, 1)
