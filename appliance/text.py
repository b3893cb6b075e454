"""Text folding and cleaning that search, chat and filters share.

One function decides when two spellings are the same word: ``fold``. Vietnamese letters are reduced to their base
letters (``đ`` included, which Unicode does not decompose), so ``Ba lô DA``, ``ba lo da`` and its NFD form are equal.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
# Control characters (newline and tab stay), zero-width characters and direction overrides.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SPACE = re.compile(r"\s+")
_MARKS = dict.fromkeys(range(768, 880))
_STROKE = str.maketrans({"đ": "d", "Đ": "d", "ð": "d", "Ð": "d"})
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?/?")


def fold(text: str) -> str:
    """Return the search form: NFD, combining marks dropped, đ to d, case folded."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text).translate(_MARKS).translate(_STROKE)
    return unicodedata.normalize("NFKC", decomposed).casefold()


def words(text: str) -> list[str]:
    """Return the folded words of a text in order; digits count as words, punctuation does not."""
    return _WORD.findall(fold(text))


def clean(text: str) -> str:
    """Replace characters that can drive a terminal or hide text; applied where text enters and where it is shown."""
    return _CONTROL.sub("\ufffd", text)


def clean_line(text: str) -> str:
    """Clean a text that must stay on one line: white space, newlines included, becomes single spaces."""
    return _SPACE.sub(" ", clean(unicodedata.normalize("NFC", text))).strip()


def slug(text: str) -> str:
    """Return a handle: folded words joined by hyphens, at most 80 characters; empty when there is no word."""
    return "-".join(words(text))[:80].strip("-")


def require_time_zone(name: str) -> None:
    """Raise ``ValueError`` unless this is the IANA name of a time zone; without zone data any name passes."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        try:
            ZoneInfo("UTC")
        except ZoneInfoNotFoundError:
            return
        raise ValueError(f"{name[:100]!r} is no time zone, as Asia/Ho_Chi_Minh or Europe/London") from None


def require_host(host: str) -> None:
    """Raise ``ValueError`` unless this is an IP address or what a host name can be: no scheme, port or wildcard."""
    import ipaddress

    try:
        ipaddress.ip_address(host)
    except ValueError:
        if len(host) > 253 or not _HOST_NAME.fullmatch(host) or host.rpartition(".")[2].isdigit():
            raise ValueError(
                f"{host[:100]!r} is no IP address or host name, as 127.0.0.1, ::1 or shop.vn (without scheme or port)"
            ) from None


def require_origin(origin: str) -> None:
    """Raise ``ValueError`` unless this is an origin as browsers send it: scheme://host or scheme://host:port."""
    match = _ORIGIN.fullmatch(origin)
    if match is None or not 0 < int(match["port"] or 1) < 65536:
        raise ValueError(
            f"{origin[:100]!r} is no origin, as https://shop.vn or http://localhost:3000 (no path, no *, small letters)"
        )
    require_host(match["host"].strip("[]"))
