"""Compression of whole answers: zstd where the interpreter or a package brings it, gzip always."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

Encoding = Literal["zstd", "gzip"]

MINIMUM_BYTES = 1024
"""Below this a packet is a packet: compressing costs more than it saves."""
_GZIP_LEVEL = 3
_ZSTD_LEVEL = 3
_COMPRESSIBLE = (b"application/", b"text/", b"image/svg")


@lru_cache(maxsize=1)
def zstd_compressor() -> Callable[[bytes], bytes] | None:
    """Return a zstd function from the standard library (3.14) or an installed package, or ``None``."""
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return lambda body: bytes(module.compress(body, _ZSTD_LEVEL))
    return None


@lru_cache(maxsize=256)
def negotiate(accept_encoding: bytes) -> Encoding | None:
    """Return the best encoding that both sides know; a client refuses one with ``q=0``."""
    offered: dict[str, bool] = {}
    for part in accept_encoding.decode("latin-1").lower().split(","):
        name, _, parameters = part.partition(";")
        weight = parameters.replace(" ", "")
        offered[name.strip()] = weight not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    if offered.get("zstd") and zstd_compressor() is not None:
        return "zstd"
    return "gzip" if offered.get("gzip") or (offered.get("*") and "gzip" not in offered) else None


def compress(body: bytes, encoding: Encoding) -> bytes:
    """Return a body compressed."""
    zstd = zstd_compressor()
    if encoding == "zstd" and zstd is not None:
        return zstd(body)
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def is_compressible(content_type: bytes) -> bool:
    """Return whether a media type is text of some kind."""
    return content_type.startswith(_COMPRESSIBLE)
