"""Import of products and interactions from files, streaming and in constant memory."""

from __future__ import annotations

from appliance.ops.importing.report import ImportReport
from appliance.ops.importing.run import import_interactions, import_products

__all__ = ["ImportReport", "import_interactions", "import_products"]
