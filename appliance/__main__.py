"""Entry point: swaps in the newer SQLite before anything imports ``sqlite3``, then hands over to the command line."""

from __future__ import annotations

import sys

try:
    # Debian's SQLite has the WAL-reset corruption bug; sqlite-utils, huey and diskcache follow this swap.
    import pysqlite3
    import pysqlite3.dbapi2
except ImportError:
    pass
else:
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2


def main() -> None:
    """Run the command line."""
    from appliance.cli import main as run

    run()


if __name__ == "__main__":
    main()
