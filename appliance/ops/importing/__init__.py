"""Import of products, interactions, orders and FAQ entries from files, streaming and in constant memory."""

from __future__ import annotations

from appliance.ops.importing.report import ImportReport
from appliance.ops.importing.run import import_faq, import_interactions, import_orders, import_products

__all__ = ["ImportReport", "import_faq", "import_interactions", "import_orders", "import_products"]
