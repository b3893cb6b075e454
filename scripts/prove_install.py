"""Prove that the appliance installs without compiler and without internet. ``prove_install.py WHEELHOUSE``

Three installs, each on a PATH that holds Python and the core utilities alone, and in a network namespace without
interfaces where the system lets us make one (``unshare``): the wheelhouse as it is; the wheelhouse with one altered
byte, which must be refused; and the appliance's own wheel without Annoy, which must still start.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_TOOLS = ("sh", "env", "dirname", "pwd", "sha256sum", "cat", "mkdir", "ln", "rm", "ls", "uname")
_COMPILERS = ("cc", "c++", "gcc", "g++", "clang", "clang++", "make", "ld")


def bare_path(folder: Path) -> Path:
    """Fill a folder with links to Python and the core utilities and return it."""
    folder.mkdir()
    for tool in _TOOLS:
        if found := shutil.which(tool):
            (folder / tool).symlink_to(found)
    (folder / "python3").symlink_to(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
    present = [name for name in _COMPILERS if shutil.which(name, path=str(folder))]
    assert not present, present
    return folder


def offline() -> list[str]:
    """Return the prefix that runs a command without network, or nothing where namespaces are not allowed."""
    for prefix in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
        if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
            return [str(shutil.which("unshare")), *prefix[1:]]
    print("network namespaces are not allowed here: proved without compiler only")
    return []


class Box:
    """A bare machine to install on."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._prefix = offline()
        self._environment = {"PATH": str(bare_path(scratch / "bin")), "HOME": str(scratch), "LANG": "C.UTF-8"}

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command on it."""
        words = [*self._prefix, *map(str, command)]
        return subprocess.run(words, env=self._environment, capture_output=True, text=True, cwd=self.scratch)

    def must(self, *command: str | Path) -> str:
        """Run a command that has to succeed and return what it printed."""
        done = self.run(*command)
        if done.returncode != 0:
            raise SystemExit(f"FAILED {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return done.stdout


def prove_wheelhouse(box: Box, wheelhouse: Path) -> None:
    """Install the wheelhouse and use what it brought."""
    started = time.monotonic()
    box.must("sh", wheelhouse / "install.sh", box.scratch / "shop")
    seconds = time.monotonic() - started
    python = box.scratch / "shop" / "bin" / "python"
    box.must(python, "-c", "import annoy; i = annoy.AnnoyIndex(8, 'angular'); i.add_item(0, [1.0] * 8); i.build(2)")
    box.must(python, "-m", "appliance", "--help")
    size = sum(path.stat().st_size for path in (box.scratch / "shop").rglob("*") if not path.is_symlink())
    print(f"ok: installed in {seconds:.0f} s, {size / 1e6:.0f} MB; `appliance --help` and Annoy work")


def prove_tampering(box: Box, wheelhouse: Path) -> None:
    """Alter one byte of a wheel: the check sums refuse it, and so does pip should somebody renew the check sums."""
    altered = box.scratch / "altered"
    shutil.copytree(wheelhouse, altered)
    victim = next(altered.glob("huey-*.whl"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    for name in ("by SHA256SUMS", "by pip's hashes"):
        done = box.run("sh", altered / "install.sh", box.scratch / "refused")
        if done.returncode == 0 or (box.scratch / "refused" / "bin" / "appliance").exists():
            raise SystemExit(f"FAILED: an altered wheel was installed ({name})")
        print(f"ok: altered {victim.name} refused {name}: {(done.stderr or done.stdout).strip().splitlines()[0]}")
        sums = box.must("sh", "-c", f"cd '{altered}' && rm SHA256SUMS && sha256sum *")
        (altered / "SHA256SUMS").write_text(sums, encoding="utf-8")


def prove_without_annoy(box: Box, wheelhouse: Path) -> None:
    """Install our wheel where Annoy can be neither fetched nor built."""
    partial = box.scratch / "partial"
    shutil.copytree(wheelhouse, partial, ignore=shutil.ignore_patterns("annoy-*"))
    box.must("python3", "-m", "venv", box.scratch / "plain")
    python = box.scratch / "plain" / "bin" / "python"
    box.must(python, "-m", "pip", "install", "-q", "--no-index", "--find-links", partial, "shop-appliance")
    if box.run(python, "-c", "import annoy").returncode == 0:
        raise SystemExit("FAILED: Annoy is there, so nothing was proved")
    box.must(python, "-m", "appliance", "--help")
    print("ok: the wheel installs and `appliance --help` works without Annoy")


def main() -> int:
    """Run the three proofs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheelhouse", type=Path)
    wheelhouse = parser.parse_args().wheelhouse.resolve()
    with tempfile.TemporaryDirectory(prefix="prove-install-") as name:
        box = Box(Path(name))
        prove_wheelhouse(box, wheelhouse)
        prove_tampering(box, wheelhouse)
        prove_without_annoy(box, wheelhouse)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
