"""A process that pushes, for tests that kill it: ``push_child.py FOLDER URL SECRET_KEY``.

Prints a line for each edit that was dealt with, and last the report.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import appliance.__main__  # noqa: F401  (swaps in the newer SQLite before anything imports sqlite3)

if __name__ == "__main__":
    import msgspec
    from owner_shop import OwnerShop

    from appliance.medusa.client import MedusaClient
    from appliance.settings import Medusa
    from appliance.settings.sections import Secret

    folder, url, key = sys.argv[1:]
    client = MedusaClient(Medusa(url=url, secret_key=Secret(key)))
    shop = OwnerShop(Path(folder), client, time.time)
    report = shop.push.run(lambda share, _stage: print(f"dealt {share:.3f}", flush=True), at_once=True)
    print(msgspec.json.encode(report).decode(), flush=True)
    shop.close()
