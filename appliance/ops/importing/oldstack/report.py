"""What an import of the old stack did, table by table."""

from __future__ import annotations

import msgspec

from appliance.ops.importing.oldstack.tables import Treatment
from appliance.ops.importing.rejects import Rejection


class TableReport(msgspec.Struct):
    """One table, or one file of it."""

    table: str
    """The stack's name; ``''`` for a file that is none of its tables."""
    where: str
    """The file or the database that it was read from."""
    treatment: Treatment
    why: str = ""
    """Why it was not taken over, in the reader's language."""
    read: int = 0
    """Rows read, good and bad; of a table that is not taken over, the rows it has."""
    accepted: int = 0
    events: int = 0
    """Events that the accepted rows are; one that was imported before still counts once in the log."""
    links: int = 0
    """Sessions told to be a user's; one that is linked already stays as it is."""
    rejected: int = 0
    parked: int = 0
    """Events kept until the catalogue knows their product."""
    created_products: int = 0
    reasons: dict[str, int] = {}
    """Rejected rows by code."""
    first_rejected: list[Rejection] = []
    """The first ten, by line of the file, or by row of a live table."""
    rejects_file: str = ""


class OldStackReport(msgspec.Struct, kw_only=True):
    """The figures of one import; the same whether it wrote to the stores or through a running process."""

    kind: str = "postgres"
    source: str
    """The file, the folder, or the database without user and password."""
    read: int = 0
    accepted: int = 0
    events: int = 0
    links: int = 0
    rejected: int = 0
    parked: int = 0
    created_products: int = 0
    tables: list[TableReport] = []
    seconds: float = 0.0
