"""What model turns would have cost at a cloud provider's published prices."""

from __future__ import annotations

import msgspec

from appliance.settings import Assistant

TYPICAL_IN, TYPICAL_OUT = 500, 300
"""Tokens of one chat turn at a cloud model, by the customer's original estimate: $21.00 for 3,000 turns."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one turn."""

    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)


def cost_usd(usage: Usage, settings: Assistant) -> float:
    """Return the price of some tokens in US dollars."""
    return (usage.tokens_in * settings.price_in_usd + usage.tokens_out * settings.price_out_usd) / 1e6


def typical_cost_usd(turns: int, settings: Assistant) -> float:
    """Return what so many turns would have cost had each been sent to a cloud model."""
    return turns * cost_usd(Usage(TYPICAL_IN, TYPICAL_OUT), settings)
