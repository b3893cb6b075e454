"""How Annoy is compiled: a named processor baseline instead of its own ``-march=native``.

Run as a command it installs Annoy into the Python that runs it, as well as that can be done: without a compiler it
says so in one line and succeeds, because the product then searches vectors exactly (docs/decisions/0004).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

REQUIREMENT = "annoy>=1.17.3,<2"
BASELINES = {"x86-64-v2": "x86_64", "x86-64-v3": "x86_64", "armv8-a": "aarch64"}
"""Processor baseline (the compiler's ``-march``) and the machine that it belongs to."""
_FLAGS = (
    "-O3",
    "-march={baseline}",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-DANNOYLIB_MULTITHREADED_BUILD",
    "-std=c++14",
    "-D_CRT_SECURE_NO_WARNINGS",
    "-fpermissive",
)


def portable_baseline(machine: str) -> str | None:
    """Return the lowest baseline for a machine such as ``x86_64``; ``None`` leaves the flags to Annoy."""
    return next((name for name, of_machine in BASELINES.items() if of_machine == machine), None)


def build_environment(baseline: str | None) -> dict[str, str]:
    """Return this process's environment with the flags that make Annoy's build portable across the baseline."""
    environment = dict(os.environ)
    if baseline is not None:
        environment["ANNOY_COMPILER_ARGS"] = ",".join(_FLAGS).format(baseline=baseline)
    return environment


def main() -> int:
    """Install Annoy if this machine can build it; the exit status is 0 either way."""
    baseline = portable_baseline(platform.machine()) if platform.system() == "Linux" else None
    # A wheel cached by pip may have been built for another processor: build afresh.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-binary", "annoy", REQUIREMENT]
    done = subprocess.run(command, env=build_environment(baseline), capture_output=True, text=True)
    log = Path(sys.prefix) / "annoy-build.log"
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode == 0:
        print(f"Annoy is installed, built for {baseline or 'this processor'}.")
    else:
        print(f"Annoy could not be built here ({log} says why): vector search is exact, slower on large catalogues.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
