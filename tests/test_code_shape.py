"""The script that prints the shape of the code."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def shape(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parent.parent / "scripts"))
    import code_shape

    return code_shape


def test_functions_are_measured_and_their_types_counted(tmp_path: Path, shape: ModuleType) -> None:
    (tmp_path / "a.py").write_text(
        "class C:\n    def typed(self, a: int, *rest: int) -> int:\n        return a\n\n"
        "    def bare(self, a):\n        pass\n"
    )
    (tmp_path / "empty.py").write_text("")
    modules, functions = shape.measure(tmp_path)
    assert [module.lines for module in modules] == [6]
    assert [(function.lines, function.typed) for function in functions] == [(2, True), (2, False)]


def test_what_is_too_long_is_named(tmp_path: Path, shape: ModuleType) -> None:
    body = "\n".join(["    pass"] * 41)
    (tmp_path / "long.py").write_text(f"def tall() -> None:\n{body}\n")
    lines = shape.report(tmp_path)
    assert any("1 over 40" in line for line in lines)
    assert any("long.py:1 tall (42)" in line for line in lines)


@pytest.mark.parametrize(("values", "expected"), [([], 0), ([7], 7), (list(range(1, 11)), 9), ([1] * 9 + [50, 60], 50)])
def test_ninetieth_percentile(values: list[int], expected: int, shape: ModuleType) -> None:
    assert shape.percentile(values, 0.9) == expected
