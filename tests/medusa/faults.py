"""What a ``FaultProxy`` can do to an exchange. Every function returns a fault for ``FaultProxy.add``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import msgspec
from fault_proxy import Answer, Exchange, Fault

MEGABYTE = 1_000_000


def drop_before() -> Fault:
    """Close the connection; the server behind never sees the request."""

    def act(exchange: Exchange) -> bool:
        exchange.drop()
        return True

    return _named("drop_before", act)


def drop_after() -> Fault:
    """Forward the request and close the connection: the effect happened, its answer is lost."""

    def act(exchange: Exchange) -> bool:
        exchange.forward()
        exchange.drop()
        return True

    return _named("drop_after", act)


def status(code: int, message: str = "An unknown error occurred.", kind: str = "unknown_error") -> Fault:
    """Answer with an error as Medusa words it; nothing is forwarded."""
    return _named(f"status_{code}", _answering(_json(code, {"type": kind, "message": message, "code": kind})))


def rate_limited(seconds: int) -> Fault:
    """Answer 429 with ``Retry-After``; nothing is forwarded."""
    answer = _json(429, {"message": "Too many requests"})
    return _named("rate_limited", _answering(replace(answer, headers=[*answer.headers, ("Retry-After", str(seconds))])))


def wrong_key() -> Fault:
    """Answer 401, as Medusa does to an unknown key and while its database is away."""
    return _named("wrong_key", _answering(_json(401, {"message": "Unauthorized"})))


def expired_token() -> Fault:
    """Answer 401 to a request with a login's token; others pass. Add it with ``times=1`` to expire a token once."""

    def act(exchange: Exchange) -> bool:
        if not exchange.seen.headers.get("authorization", "").lower().startswith("bearer "):
            return False
        exchange.send(_json(401, {"message": "Unauthorized"}))
        return True

    return _named("expired_token", act)


def hang(seconds: float) -> Fault:
    """Say nothing for some seconds, then close the connection; nothing is forwarded."""

    def act(exchange: Exchange) -> bool:
        exchange.wait(seconds)
        exchange.drop()
        return True

    return _named("hang", act)


def late(seconds: float) -> Fault:
    """Forward the request at once and hold its answer back for some seconds."""

    def act(exchange: Exchange) -> bool:
        answer = exchange.forward()
        exchange.wait(seconds)
        _send_or_drop(exchange, answer)
        return True

    return _named("late", act)


def cut_short(share: float = 0.5) -> Fault:
    """Forward; send the whole ``Content-Length`` but only a share of the body, then close the connection."""

    def act(exchange: Exchange) -> bool:
        answer = exchange.forward()
        if answer is not None:
            kept = answer.body[: int(len(answer.body) * share)]
            answer = replace(answer, body=kept, declared_length=len(answer.body))
        _send_or_drop(exchange, answer)
        return True

    return _named("cut_short", act)


def truncated(share: float = 0.5) -> Fault:
    """Forward; send a share of the body with a ``Content-Length`` that matches it: the JSON ends in the middle."""

    def act(exchange: Exchange) -> bool:
        answer = exchange.forward()
        if answer is not None:
            answer = replace(answer, body=answer.body[: int(len(answer.body) * share)])
        _send_or_drop(exchange, answer)
        return True

    return _named("truncated", act)


def garbage(body: bytes = b'{"products": [\xff\x00\x1b}}') -> Fault:
    """Answer 200 with what calls itself JSON and is none; nothing is forwarded."""
    return _named("garbage", _answering(Answer(200, [("Content-Type", "application/json")], body)))


def html() -> Fault:
    """Answer 200 with a page, as a captive portal does; nothing is forwarded."""
    page = b"<!doctype html><title>Wi-Fi</title><p>Please sign in."
    return _named("html", _answering(Answer(200, [("Content-Type", "text/html; charset=utf-8")], page)))


def slow_drip(seconds: float, pieces: int = 20) -> Fault:
    """Forward; send the answer in pieces over some seconds."""

    def act(exchange: Exchange) -> bool:
        answer = exchange.forward()
        if answer is None:
            exchange.drop()
            return True
        exchange.send_bytes(answer.head())
        size = max(1, -(-len(answer.body) // pieces))
        for start in range(0, len(answer.body), size):
            exchange.wait(seconds / pieces)
            exchange.send_bytes(answer.body[start : start + size])
        return True

    return _named("slow_drip", act)


def huge(size: int = 100 * MEGABYTE, *, declared: bool = True) -> Fault:
    """Answer 200 with one JSON text of ``size`` bytes; undeclared, its length shows only as it comes."""

    def act(exchange: Exchange) -> bool:
        start, end = b'{"products": [], "padding": "', b'"}'
        kind = [("Content-Type", "application/json")]
        exchange.send_bytes(Answer(200, kind, b"", size if declared else -1).head() + start)
        left = size - len(start) - len(end)
        while left > 0 and exchange.keeps_open:
            piece = min(left, MEGABYTE)
            exchange.send_bytes(b"x" * piece)
            left -= piece
        exchange.send_bytes(end)
        if not declared:
            exchange.drop()
        return True

    return _named("huge", act)


def redirect_loop() -> Fault:
    """Answer 302 to the address that was asked for; nothing is forwarded."""

    def act(exchange: Exchange) -> bool:
        query = f"?{exchange.seen.query}" if exchange.seen.query else ""
        exchange.send(Answer(302, [("Location", exchange.seen.path + query)], b""))
        return True

    return _named("redirect_loop", act)


def wrong_clock(seconds: float) -> Fault:
    """Forward; move the ``Date`` header of the answer by some seconds."""

    def act(exchange: Exchange) -> bool:
        answer = exchange.forward()
        if answer is not None:
            dates = [value for name, value in answer.headers if name.lower() == "date"]
            said = parsedate_to_datetime(dates[0]) if dates else datetime.now(UTC)
            moved = format_datetime(said + timedelta(seconds=seconds), usegmt=True)
            others = [(name, value) for name, value in answer.headers if name.lower() != "date"]
            answer = replace(answer, headers=[*others, ("Date", moved)])
        _send_or_drop(exchange, answer)
        return True

    return _named("wrong_clock", act)


def _answering(answer: Answer) -> Fault:
    def act(exchange: Exchange) -> bool:
        exchange.send(answer)
        return True

    return act


def _json(code: int, body: dict[str, str]) -> Answer:
    return Answer(code, [("Content-Type", "application/json")], msgspec.json.encode(body))


def _send_or_drop(exchange: Exchange, answer: Answer | None) -> None:
    if answer is None:
        exchange.drop()
    else:
        exchange.send(answer)


def _named(name: str, fault: Fault) -> Fault:
    fault.__qualname__ = name
    return fault
