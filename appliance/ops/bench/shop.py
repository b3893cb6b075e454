"""Data directories of a wanted size, filled with the generated shop and trained, for benchmarks and acceptance runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from appliance.errors import ApplianceError

_MARK = "bench-shop.json"


def open_shop(
    folder: Path, *, products: int, interactions: int, progress: Callable[[str], None] | None = None
) -> list[str]:
    """Fill and train a shop in ``folder`` unless it is there; return its product handles.

    The work is done by ``appliance demo --prepare-only`` in a child process, so that its memory does not count.
    """
    mark = folder / _MARK
    if not mark.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if progress:
            progress("generating and training")
        command = [sys.executable, "-m", "appliance", "--data", str(folder), "demo", "--prepare-only"]
        command += ["--products", str(products), "--events", str(interactions), "--json"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise ApplianceError(f"The shop could not be prepared: {done.stderr.decode(errors='replace')[-500:]}")
        mark.write_bytes(done.stdout)
    return [str(handle) for handle in msgspec.json.decode(mark.read_bytes())["handles"]]
