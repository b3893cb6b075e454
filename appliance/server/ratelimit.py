"""Token buckets per client address, in bounded memory.

A bucket is one number: the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371, which
admits exactly what a token bucket admits). An address whose bucket is full is forgotten.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from functools import lru_cache

from appliance.settings import Settings

KEYED_FACTOR = 10
"""How much more a secret key may send than an address."""
STRICT_PER_SECOND = 0.2
STRICT_BURST = 10
"""Claim codes and privacy requests: ten at once, then one every five seconds."""


EVENTS_PER_TOKEN = 10
"""A batch of events from a browser costs as many requests as it has tens of events."""
CHATTING_SESSIONS = 5
"""Sessions behind one address, as in a household or an office, that may use up their messages at the same time."""
_EPSILON = 1e-6


class TokenBuckets:
    """One bucket a key: ``rate`` tokens a second flow in, ``burst`` fit. Used from the event loop's thread only."""

    def __init__(
        self,
        rate: float,
        burst: float,
        *,
        capacity: int = 65_536,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 1.0 / rate
        # The last digits of a sum of floats must not cost a token.
        self._slack = (max(burst, 1.0) - 1.0) / rate + _EPSILON
        self._capacity = capacity
        self._clock = clock
        self._full_at: dict[str, float] = {}
        self._next_sweep = clock() + self._sweep_seconds

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, tokens: float = 1.0) -> float:
        """Take some tokens, at most what fits into the bucket; return 0.0, or the seconds until they are there."""
        more = min(max(0.0, tokens - 1.0) * self._interval, self._slack - _EPSILON)
        now = self._clock()
        full_at = self._full_at.get(key, 0.0)
        if full_at <= now:
            full_at = now
            if now >= self._next_sweep or len(self._full_at) >= self._capacity:
                self._sweep(now)
        elif full_at - now + more > self._slack:
            return full_at - now + more - self._slack
        self._full_at[key] = full_at + self._interval + more
        return 0.0

    @property
    def _sweep_seconds(self) -> float:
        return max(10.0, self._slack)

    def _sweep(self, now: float) -> None:
        """Forget full buckets; when too many are left, also the oldest, so that memory stays bounded."""
        self._next_sweep = now + self._sweep_seconds
        kept = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        surplus = len(kept) - self._capacity * 3 // 4
        for key in list(kept)[: max(0, surplus)]:
            del kept[key]
        self._full_at = kept


class RateLimiter:
    """The buckets of the server: by address, by secret key, the strict one of a few routes, and those of the chat."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        server = settings.server
        self.enabled = server.rate_limit == "on"
        rate, burst = server.requests_per_second, server.request_burst
        self._burst = burst
        self._by_address = TokenBuckets(rate, burst, clock=clock)
        self._by_key = TokenBuckets(rate * KEYED_FACTOR, burst * KEYED_FACTOR, clock=clock)
        self._strict = TokenBuckets(STRICT_PER_SECOND, STRICT_BURST, clock=clock)
        messages = settings.assistant.messages_per_minute
        self._chat_session = TokenBuckets(messages / 60, messages, clock=clock)
        of_address = messages * CHATTING_SESSIONS
        self._chat_address = TokenBuckets(of_address / 60, of_address, clock=clock)

    def wait(self, address: str, key_id: str, *, strict: bool) -> float:
        """Return 0.0 when a request may pass, else the seconds to wait. ``key_id`` is that of a verified key, or ''."""
        if not self.enabled:
            return 0.0
        client = client_key(address)
        waiting = self._by_key.take(key_id) if key_id else self._by_address.take(client)
        if not waiting and strict:
            waiting = self._strict.take(client)
        return waiting

    def wait_for_events(self, address: str, events: int) -> float:
        """Charge an address for the events of a request that has passed; return 0.0, or the seconds to wait.

        Ten events or fewer are in the request's own token, every ten more cost another, at most a full bucket
        together.
        """
        more = min(-(-events // EVENTS_PER_TOKEN), self._burst) - 1
        return self._by_address.take(client_key(address), more) if self.enabled and more > 0 else 0.0

    def wait_for_chat(self, address: str, session_id: str) -> float:
        """Charge a session, and an address unless it is ``''``, for a message; return 0.0, or the seconds to wait."""
        if not self.enabled:
            return 0.0
        waiting = self._chat_address.take(client_key(address)) if address else 0.0
        return waiting or self._chat_session.take(session_id)

    def __len__(self) -> int:
        chat = len(self._chat_session) + len(self._chat_address)
        return len(self._by_address) + len(self._by_key) + len(self._strict) + chat


@lru_cache(maxsize=4096)
def client_key(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 network that one IPv6 household gets."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)).network_address)


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    """Return whether an address is this machine's loopback."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return parsed.is_loopback
