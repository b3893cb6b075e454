"""Whose request it is when the server stands behind reverse proxies that the technician named."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_HEADER_READ = 2048
"""Bytes read of X-Forwarded-For, from its right end: what the nearest proxies wrote."""
_HOP_LENGTH = 64


class TrustedProxies:
    """The proxies of ``server.trusted_proxies``; from any other peer the header is worth nothing."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(entry, strict=False) for entry in entries]
        self.trusts = lru_cache(maxsize=4096)(self._trusts)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def client(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return the client's address: the right-most hop of ``X-Forwarded-For`` that is no trusted proxy.

        The peer itself where it is not trusted. Where every hop is trusted the first of them, where a hop is no
        address the one to its right: only what a trusted proxy vouches for counts.
        """
        if not self.trusts(peer):
            return peer
        joined = b",".join(value for name, value in headers if name == b"x-forwarded-for")
        client = peer
        for hop in reversed(joined[-_HEADER_READ:].decode("latin-1").split(",")):
            address = parse_hop(hop.strip())
            if address is None:
                break
            client = str(address)
            if not self.trusts(client):
                break
        return client

    def _trusts(self, address: str) -> bool:
        parsed = parse_hop(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def parse_hop(text: str) -> Address | None:
    """Return the address of a hop, which may carry a port or brackets; ``None`` when it holds none."""
    if len(text) > _HOP_LENGTH:
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
