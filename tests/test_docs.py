"""The documentation tells what the code does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from appliance.cli.settings import field_meanings
from appliance.settings import Settings, flatten

ROOT = Path(__file__).resolve().parent.parent


def test_every_setting_has_a_meaning() -> None:
    meanings = field_meanings()
    assert [path for path, _ in flatten(Settings()) if not meanings.get(path)] == []


def test_the_reference_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_links_to_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = [part.split(")")[0] for part in text.split("](")[1:]]
    assert targets
    assert [target for target in targets if not target.startswith("http") and not (ROOT / target).exists()] == []
