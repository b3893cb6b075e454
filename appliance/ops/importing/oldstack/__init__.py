"""What a shop brings along from the five-service stack: its tables as files, as a dump, or live from PostgreSQL."""

from __future__ import annotations

from appliance.ops.importing.oldstack.report import OldStackReport, TableReport
from appliance.ops.importing.oldstack.run import import_postgres

__all__ = ["OldStackReport", "TableReport", "import_postgres"]
