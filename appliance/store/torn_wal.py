"""Cuts the torn end off DuckDB's write-ahead log.

A power cut may leave the last, never synced writes of the log in part: some sectors new, some old. DuckDB takes a log
that merely ends early for what it is, but refuses one whose last entry fails its checksum, and with it the whole file.
What lies before that entry is whole, so the log is cut there. Nothing acknowledged is lost by it: the journal forgets
events only after the commit that holds them was synced, and merges the others again.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_TORN = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")


def cut_torn_end(database: Path, refusal: str, now: float) -> Path | None:
    """Cut the log at the entry that DuckDB's refusal names; return where the whole log was kept aside.

    Returns ``None`` when the refusal is about something else. Raises ``OSError``.
    """
    found = _TORN.search(refusal)
    wal = database.with_name(database.name + ".wal")
    if found is None or not wal.exists():
        return None
    position, size = int(found.group(1)), wal.stat().st_size
    if position > size:
        return None
    aside = wal.with_name(f"{wal.name}.torn-{int(now)}")
    shutil.copyfile(wal, aside)
    aside.chmod(0o600)
    with wal.open("r+b") as stream:
        stream.truncate(position)
        os.fsync(stream.fileno())
    log.warning("log_end_cut", kept=aside.name, bytes=size - position)
    return aside
