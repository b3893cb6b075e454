"""How much memory this process has needed."""

from __future__ import annotations

import sys


def peak_rss_mb() -> float:
    """Return this process's largest resident memory so far in MiB, 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
