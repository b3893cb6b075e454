"""What an import did."""

from __future__ import annotations

import msgspec

from appliance.ops.importing.rejects import Rejection


class ImportReport(msgspec.Struct, kw_only=True):
    """The figures of one import; the same whether it wrote to the stores or through a running process."""

    kind: str
    """``products``, ``interactions``, ``orders`` or ``faq``."""
    file: str
    layout: str
    """What the file was found to be: delimited, jsonl, sequences or parquet."""
    read: int = 0
    """Rows read, good and bad; in a line-a-visitor file every visitor-item pair is a row."""
    accepted: int = 0
    inserted: int = 0
    """What is new, or interactions recorded; an interaction that was recorded before still counts once in the log."""
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    parked: int = 0
    """Interactions kept until the catalogue knows their product."""
    created_products: int = 0
    """Minimal catalogue entries made for unknown products."""
    reasons: dict[str, int] = {}
    """Rejected rows by code."""
    first_rejected: list[Rejection] = []
    """The first ten, in file order."""
    rejects_file: str = ""
    seconds: float = 0.0
