"""The command line: parses, calls the room that does the work, prints. Each command is imported when it is used."""

from __future__ import annotations

from appliance.cli.root import main

__all__ = ["main"]
