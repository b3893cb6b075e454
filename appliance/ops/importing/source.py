"""What a file is, told from its content: opens it, names its format, and reads it through once before any import.

The first reading is what lets a damaged or wrongly encoded file be refused before a single row is written.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, cast

from appliance.ops.importing.delimited import BOM
from appliance.ops.importing.faults import FileFault
from appliance.ops.importing.lines import ByteStream, Line, read_lines
from appliance.store.parquet import ParquetFile, UnreadableParquet

Format = Literal["delimited", "jsonl", "sequences", "parquet"]
Progress = Callable[[int, int], None]
"""Told how many bytes of how many have been read."""

_SAMPLE_BYTES = 64 * 1024
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NEWLINES = re.compile(rb"[\r\n]")
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 27})
_MOST_CONTROL = 0.01
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
_BAD_LINES = 0.1
"""Share of lines that may be in another encoding before the file as a whole is."""
_TOLD_EVERY = 4 << 20


class Sample(NamedTuple):
    """The beginning of a text file."""

    text: str
    newline: bytes


class SourceFile:
    """A readable file: its name, size and whether it is compressed or Parquet."""

    def __init__(self, path: Path) -> None:
        """Check that there is such a file; raises ``FileFault`` for what can never be imported."""
        self.path = path
        self.name = path.name
        head = _head(path)
        self.size = path.stat().st_size
        self.gzip = head.startswith(_GZIP)
        self.parquet = head.startswith(_PARQUET)
        if head.startswith(_ZIP):
            raise FileFault("zip", file=self.name)

    @contextmanager
    def lines(self, newline: bytes, progress: Progress | None = None) -> Iterator[Iterator[Line]]:
        """Open the file and hand out its lines; a damaged stream raises ``FileFault`` while it is read."""
        with self._open(progress) as stream:
            yield self._guarded(read_lines(stream, newline=newline))

    def sample(self) -> Sample:
        """Read the beginning of a text file. Raises ``FileFault`` for binary, empty, or wrongly encoded content."""
        with self._open(None) as stream:
            try:
                data = stream.read(_SAMPLE_BYTES)
            except _DAMAGE as error:
                raise self._damaged(error) from None
        if not data.strip():
            raise FileFault("empty", file=self.name)
        if data.startswith(_UTF16) or _looks_utf16(data):
            raise FileFault("utf16", file=self.name)
        controls = sum(data.count(byte) for byte in _CONTROL)
        if b"\0" in data or controls > _MOST_CONTROL * len(data):
            raise FileFault("binary", file=self.name)
        if len(data) == _SAMPLE_BYTES and data[:1] not in b"{[" and not _NEWLINES.search(data):
            raise FileFault("first_line_long", file=self.name)
        newline = b"\r" if b"\r" in data and b"\n" not in data else b"\n"
        return Sample(data.decode("utf-8", "replace").removeprefix(BOM), newline)

    def check_text(self, newline: bytes, progress: Progress | None = None) -> None:
        """Read the whole file once. Raises ``FileFault`` when it is damaged or not UTF-8."""
        lines = foreign = other = 0
        first = 0
        with self.lines(newline, progress) as stream:
            for line in stream:
                lines += 1
                if line.data.isascii():
                    continue
                foreign += 1
                if not _is_utf8(line.data):
                    other += 1
                    first = first or line.number
        if other > foreign / 2 and other >= lines * _BAD_LINES:
            raise FileFault("not_utf8", file=self.name, line=first)

    def open_parquet(self) -> tuple[ParquetFile, int]:
        """Open a Parquet file, read it through once, and count its rows; raises ``FileFault`` for a damaged one."""
        try:
            parquet = ParquetFile(self.path)
        except UnreadableParquet as error:
            raise FileFault("parquet", file=self.name, reason=str(error)) from None
        try:
            rows = parquet.verify()
        except UnreadableParquet as error:
            parquet.close()
            raise FileFault("parquet", file=self.name, reason=str(error)) from None
        if rows == 0:
            parquet.close()
            raise FileFault("empty", file=self.name)
        return parquet, rows

    @contextmanager
    def _open(self, progress: Progress | None) -> Iterator[ByteStream]:
        with self.path.open("rb") as file:
            counted = _Counted(file, self.size, progress)
            stream = gzip.GzipFile(fileobj=cast("BinaryIO", counted)) if self.gzip else counted
            yield cast("ByteStream", stream)

    def _guarded(self, lines: Iterator[Line]) -> Iterator[Line]:
        try:
            yield from lines
        except _DAMAGE as error:
            raise self._damaged(error) from None

    def _damaged(self, error: BaseException) -> FileFault:
        return FileFault("gzip", file=self.name, reason=str(error) or type(error).__name__)


class _Counted(io.RawIOBase):
    """A file that tells how far it has been read."""

    def __init__(self, file: BinaryIO, size: int, progress: Progress | None) -> None:
        self._file = file
        self._size = size
        self._progress = progress
        self._done = self._told = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self._done += len(data)
        if self._progress is not None and (not data or self._done - self._told >= _TOLD_EVERY):
            self._told = self._done
            self._progress(self._done, self._size)
        return data

    def readable(self) -> bool:
        return True


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise FileFault("directory", file=str(path))
        if path.exists() and not path.is_file():
            raise FileFault("not_a_file", file=str(path))
        with path.open("rb") as file:
            head = file.read(8)
    except FileNotFoundError:
        raise FileFault("missing", file=str(path)) from None
    except OSError as error:
        raise FileFault("unreadable", file=str(path), reason=error.strerror or str(error)) from None
    if not head:
        raise FileFault("empty", file=path.name)
    return head


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _looks_utf16(data: bytes) -> bool:
    """Text in UTF-16 without a mark has a zero in every second byte of what is ASCII."""
    pairs = len(data) // 2
    zeros = max(data[0::2].count(0), data[1::2].count(0)), min(data[0::2].count(0), data[1::2].count(0))
    return pairs > 8 and zeros[0] > pairs * 0.4 and zeros[1] < pairs * 0.05
