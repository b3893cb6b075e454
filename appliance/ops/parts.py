"""The parts of the process: what each can do right now, and how one that fails to open is left off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec
import structlog

from appliance.errors import ApplianceError
from appliance.issues import IssueBoard, Severity

log = structlog.get_logger(__name__)

PartState = Literal["ok", "degraded", "off", "starting"]
T = TypeVar("T")


class Readiness(msgspec.Struct, frozen=True):
    """Whether the shop can be served, and the state of each part."""

    ready: bool
    parts: dict[str, PartState]
    safe_mode: bool = False


class Switch:
    """Opens a part, or leaves it off and says so on the issue board."""

    def __init__(self, issues: IssueBoard) -> None:
        self._issues = issues

    def unless(self, open_part: Callable[[], T], name: str, *, part: str = "") -> T | None:
        """Return the part, or ``None`` when it cannot be opened."""
        try:
            return open_part()
        except (ApplianceError, OSError) as error:
            log.error("part_off", part=name, error=str(error))
            self._issues.report(name, f"{name}_off", Severity.ERROR, part or name, str(error))
            return None
