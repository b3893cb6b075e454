"""Print the shape of the code: how long modules and functions are, and how much of it is typed.

``python scripts/code_shape.py [FOLDER]`` (default ``appliance``). Lines are physical lines; a function's run from its
``def`` to its last line, docstring included; nested functions count for themselves as well. A function is typed when
its result and every parameter but ``self`` and ``cls`` carry an annotation.
"""

from __future__ import annotations

import ast
import math
import sys
from pathlib import Path
from statistics import median
from typing import NamedTuple

MODULE_LIMIT = 400
FUNCTION_LIMIT = 40
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Measured(NamedTuple):
    """One module or function: its length in lines, and where it is."""

    lines: int
    place: str
    typed: bool = True


def measure(folder: Path) -> tuple[list[Measured], list[Measured]]:
    """Return the modules and the functions below a folder; empty package markers are left out."""
    modules: list[Measured] = []
    functions: list[Measured] = []
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not text.strip():
            continue
        modules.append(Measured(len(text.splitlines()), str(path)))
        for node in ast.walk(ast.parse(text, filename=str(path))):
            if isinstance(node, Function):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                functions.append(Measured(length, f"{path}:{node.lineno} {node.name}", _is_typed(node)))
    return modules, functions


def percentile(values: list[int], share: float) -> int:
    """Return the smallest value that at least ``share`` of the values do not exceed; 0 for no values."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0


def report(folder: Path) -> list[str]:
    """Return the lines to print for a folder."""
    modules, functions = measure(folder)
    lines = [f"Shape of {folder}/"]
    for name, found, limit in (("module", modules, MODULE_LIMIT), ("function", functions, FUNCTION_LIMIT)):
        sizes = [item.lines for item in found]
        long = sorted((item for item in found if item.lines > limit), reverse=True)
        lines.append(
            f"  lines a {name}: median {median(sizes) if sizes else 0:g}, 90th percentile {percentile(sizes, 0.9)}, "
            f"longest {max(sizes, default=0)} ({len(sizes)} {name}s, {len(long)} over {limit})"
        )
        lines += [f"    over {limit}: {item.place} ({item.lines})" for item in long]
    typed = sum(item.typed for item in functions)
    lines.append(f"  typed functions: {typed / len(functions):.1%}" if functions else "  no functions")
    return lines


def _is_typed(node: Function) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra is not None]
    named = [argument for argument in arguments if argument.arg not in ("self", "cls")]
    return node.returns is not None and all(argument.annotation is not None for argument in named)


if __name__ == "__main__":
    print("\n".join(report(Path(sys.argv[1] if len(sys.argv) > 1 else "appliance"))))
