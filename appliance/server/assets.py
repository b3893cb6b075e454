"""Files that ship with the server, kept in memory with their validators and compressed forms."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from litestar import Response

from appliance.errors import NotFound
from appliance.server import compression
from appliance.server.exchange import Exchange

# Litestar adds the character set to text.
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
    ".txt": "text/plain",
}


class Asset:
    """One file."""

    def __init__(self, body: bytes, media_type: str) -> None:
        self.body = body
        self.media_type = media_type
        self.tag = f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'
        self._packed: dict[compression.Encoding, bytes] = {}

    def answer(self, exchange: Exchange, *, max_age: int = 0) -> Response[Any]:
        """Answer a request for this file: 304 when the client has it, compressed when it can be."""
        caching = f"public, max-age={max_age}" if max_age else "no-cache"
        headers = {"ETag": self.tag, "Cache-Control": caching}
        if matches(exchange.headers.get(b"if-none-match"), self.tag):
            return Response(None, status_code=304, headers=headers)
        body, encoding = self._encoded(exchange.headers.get(b"accept-encoding", b""))
        if encoding is not None:
            headers |= {"Content-Encoding": encoding, "Vary": "Accept-Encoding"}
        return Response(body, headers=headers, media_type=self.media_type)

    def _encoded(self, accepted: bytes) -> tuple[bytes, compression.Encoding | None]:
        worthwhile = len(self.body) >= compression.MINIMUM_BYTES
        encoding = compression.negotiate(accepted) if worthwhile else None
        if encoding is None or not compression.is_compressible(self.media_type.encode()):
            return self.body, None
        packed = self._packed.get(encoding)
        if packed is None:
            packed = self._packed[encoding] = compression.compress(self.body, encoding)
        return packed, encoding


def asset(path: str) -> Asset:
    """Return a file of ``appliance/server/static`` by its relative path. Raises ``NotFound``.

    Only what a walk of the package found can be asked for: no path of a client ever reaches the file system.
    """
    file = _files().get(path)
    if file is None:
        raise NotFound("There is nothing at this address.")
    return _load(path)


def matches(header: bytes | None, tag: str) -> bool:
    """Return whether an If-None-Match header names a validator (weak comparison, RFC 9110)."""
    if header is None:
        return False
    offered = [part.strip().removeprefix("W/") for part in header.decode("latin-1").split(",")]
    return tag in offered or "*" in offered


@lru_cache(maxsize=128)
def _load(path: str) -> Asset:
    suffix = path[path.rfind(".") :]
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return Asset(_files()[path].read_bytes(), media_type)


@lru_cache(maxsize=1)
def _files() -> dict[str, Traversable]:
    found: dict[str, Traversable] = {}
    _walk(resources.files("appliance.server").joinpath("static"), "", found)
    return found


def _walk(folder: Traversable, prefix: str, found: dict[str, Traversable]) -> None:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            _walk(entry, f"{name}/", found)
        elif not entry.name.startswith((".", "__")):
            found[name] = entry
