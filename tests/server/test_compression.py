"""Compression is chosen by what both sides know, and gives back what went in."""

from __future__ import annotations

import gzip

import pytest

from appliance.server import compression


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (b"", None),
        (b"gzip", "gzip"),
        (b"GZIP;q=0.5", "gzip"),
        (b"gzip;q=0", None),
        (b"gzip; q=0.0, *", None),
        (b"br", None),
        (b"*", "gzip"),
        (b"identity", None),
        (b"\xff\xfe, gzip", "gzip"),
        (b"x-gzip", None),
    ],
)
def test_negotiation_without_zstd(accepted: bytes, expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "zstd_compressor", lambda: None)
    compression.negotiate.cache_clear()
    assert compression.negotiate(accepted) == expected
    compression.negotiate.cache_clear()


def test_zstd_is_preferred_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "zstd_compressor", lambda: lambda body: b"packed" + body)
    compression.negotiate.cache_clear()
    assert compression.negotiate(b"gzip, zstd") == "zstd"
    assert compression.compress(b"x", "zstd") == b"packedx"
    compression.negotiate.cache_clear()


def test_gzip_gives_back_what_went_in() -> None:
    body = "ba lô da ".encode() * 1000
    packed = compression.compress(body, "gzip")
    assert len(packed) < len(body) / 10
    assert gzip.decompress(packed) == body


def test_pictures_are_left_alone() -> None:
    assert compression.is_compressible(b"application/json")
    assert compression.is_compressible(b"image/svg+xml")
    assert not compression.is_compressible(b"image/png")
