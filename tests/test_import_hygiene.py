"""Which modules a start pulls in, and the import contracts, so that ``make test`` alone notices a breach."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {"duckdb", "litestar", "numpy", "scipy", "huey", "sqlite_utils", "httpx", "uvicorn", "annoy", "rapidfuzz"}
BASE = {"domain", "errors", "issues", "messages", "metrics", "settings", "text", "tui"}


def modules_after(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the modules that it loaded."""
    script = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_is_quick_because_it_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import runpy, sys
sys.argv = ["appliance", *{arguments!r}]
try:
    runpy.run_module("appliance", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
"""
    top = {name.partition(".")[0] for name in modules_after(code)}
    assert top & HEAVY == set()


def test_the_console_imports_the_base_only() -> None:
    rooms = {name.split(".")[1] for name in modules_after("import appliance.tui") if name.startswith("appliance.")}
    assert rooms <= BASE


@pytest.mark.parametrize("module", ["errors", "text", "messages", "domain", "settings", "issues"])
def test_the_base_is_light(module: str) -> None:
    top = {name.partition(".")[0] for name in modules_after(f"import appliance.{module}")}
    assert top & (HEAVY | {"rich", "click"}) == set()


def test_the_serving_process_leaves_scipy_to_the_builder() -> None:
    top = {name.partition(".")[0] for name in modules_after("import appliance.__main__, appliance.server.app")}
    assert top & {"scipy", "pyarrow", "pandas"} == set()


def test_the_rooms_depend_one_way() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    program = str(command) if command.exists() else shutil.which("lint-imports")
    assert program, "import-linter is part of the dev extra"
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
