"""Lines of a byte stream in constant memory: a line that is too long is skipped and reported, never held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

MAX_LINE_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 18


class ByteStream(Protocol):
    """Anything that hands out bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; empty at the end."""
        ...


class Line(NamedTuple):
    """One physical line without its line end."""

    number: int
    """Counted from 1."""
    data: bytes
    overlong: int = 0
    """The length in bytes of a line that was too long to keep; ``data`` is then empty."""


def read_lines(stream: ByteStream, *, newline: bytes = b"\n", max_bytes: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """Yield the lines of a stream. Holds at most ``max_bytes`` and one chunk, whatever the stream contains."""
    number = 0
    pending = b""
    skipped = 0
    while chunk := stream.read(_CHUNK_BYTES):
        parts = chunk.split(newline)
        tail = parts.pop()
        for part in parts:
            number += 1
            length = skipped + len(pending) + len(part)
            if length > max_bytes:
                yield Line(number, b"", length)
            else:
                yield Line(number, (pending + part).removesuffix(b"\r"))
            pending, skipped = b"", 0
        if skipped or len(pending) + len(tail) > max_bytes:
            skipped += len(pending) + len(tail)
            pending = b""
        else:
            pending += tail
    if skipped:
        yield Line(number + 1, b"", skipped)
    elif pending:
        yield Line(number + 1, pending.removesuffix(b"\r"))
