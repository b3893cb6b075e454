"""The catalogue agent: finds products, says prices, stock and facts, compares, recommends, advises on sizes."""

from __future__ import annotations
