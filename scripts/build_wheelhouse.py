"""Build an offline, hash-pinned wheelhouse for one Python and one processor baseline.

``python scripts/build_wheelhouse.py --baseline x86-64-v2 --out wheelhouse`` needs the internet and, for Annoy, a C++
compiler. The folder it writes needs neither: ``sh install.sh [FOLDER]`` installs the appliance from a USB stick. The
Python that runs this script is the one that the wheelhouse is for.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # a plain script: its neighbours are not a package

from annoy_build import BASELINES, REQUIREMENT, build_environment
from wheelhouse_files import Wheel, read_wheels, write_bundle_files

ROOT = Path(__file__).resolve().parent.parent
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


class WheelhouseError(Exception):
    """The wheelhouse cannot be built; the message says why and what to do."""


def build(baseline: str, out: Path) -> list[Wheel]:
    """Fill ``out`` and return its wheels; raises ``WheelhouseError``. An older wheelhouse there is replaced."""
    if platform.system() != "Linux" or platform.machine() != BASELINES[baseline]:
        here = f"{platform.system()} {platform.machine()}"
        raise WheelhouseError(f"Annoy for {baseline} must be built on Linux {BASELINES[baseline]}, and this is {here}.")
    fresh = out.with_name(out.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _pip("wheel", "--no-deps", "--wheel-dir", fresh, ROOT)
    (ours,) = fresh.glob("shop_appliance-*.whl")
    # pip itself comes along: the installer runs it from its wheel, so that Debian's Python without ensurepip will do.
    _pip("wheel", "--no-cache-dir", "--wheel-dir", fresh, ours, "pip")
    _pip(
        "wheel",
        "--no-deps",
        "--no-cache-dir",
        "--no-binary",
        "annoy",
        "--wheel-dir",
        fresh,
        REQUIREMENT,
        baseline=baseline,
    )
    wheels = read_wheels(fresh)
    refuse_local_builds(wheels)
    write_bundle_files(fresh, wheels, baseline)
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return wheels


def refuse_local_builds(wheels: list[Wheel]) -> None:
    """Raise if a wheel other than Annoy was compiled here: nobody chose its processor baseline.

    Published wheels carry a ``manylinux`` tag; one that pip built carries plain ``linux``.
    """
    local = [wheel.file for wheel in wheels if "-linux_" in wheel.file and wheel.name != "annoy"]
    if local:
        raise WheelhouseError(
            f"No published wheel for this Python: {', '.join(local)} would be built for this processor only."
        )


def _pip(*arguments: str | Path, baseline: str | None = None) -> None:
    done = subprocess.run(
        [*_PIP, *map(str, arguments)], env=build_environment(baseline), capture_output=True, text=True
    )
    if done.returncode != 0:
        raise WheelhouseError(f"pip {arguments[0]} failed:\n{done.stdout}{done.stderr}")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline", choices=BASELINES, required=True, help="the oldest processor that must run it")
    parser.add_argument("--out", type=Path, default=ROOT / "wheelhouse", help="folder to write (default: wheelhouse)")
    options = parser.parse_args()
    try:
        wheels = build(options.baseline, options.out.resolve())
    except WheelhouseError as error:
        print(error, file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in options.out.iterdir()) / 1e6
    print(f"{options.out}: {len(wheels)} wheels, {size:.0f} MB, Annoy for {options.baseline}.")
    print(f"Install it with: sh {options.out}/install.sh")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
