"""Which size probably fits: a plain table for adults in Vietnam, and shoe sizes from the length of the foot.

The table is general advice. It follows what Vietnamese fashion shops print as their usual chart: letter sizes by
height and weight, where weight decides and height may move it up by one. A shop's own chart goes first.
Shoe size: Paris points, two thirds of a centimetre each, over the length of the last, which is the foot and about
1.5 cm of room (ISO/TS 19407): size = 1.5 · (foot + 1.5).
"""

from __future__ import annotations

import re
from typing import Literal

Gender = Literal["men", "women"]
LETTERS = ("XS", "S", "M", "L", "XL", "XXL", "3XL")
FOOT_CM = (20, 32)
"""Lengths of adult feet that the rule holds for."""
HEIGHT_CM, WEIGHT_KG = (130, 210), (30, 140)

_WEIGHT: dict[Gender, tuple[tuple[int, str], ...]] = {
    "women": ((41, "XS"), (47, "S"), (53, "M"), (59, "L"), (66, "XL"), (74, "XXL"), (999, "3XL")),
    "men": ((48, "XS"), (57, "S"), (65, "M"), (72, "L"), (80, "XL"), (90, "XXL"), (999, "3XL")),
}
"""Heaviest weight in kg of each letter."""
_HEIGHT: dict[Gender, tuple[tuple[int, str], ...]] = {
    "women": ((150, "XS"), (156, "S"), (162, "M"), (167, "L"), (172, "XL"), (999, "XXL")),
    "men": ((160, "XS"), (166, "S"), (171, "M"), (176, "L"), (181, "XL"), (999, "XXL")),
}
"""Tallest height in cm of each letter."""
_WAIST: dict[Gender, tuple[tuple[int, int], ...]] = {
    "women": ((43, 25), (46, 26), (49, 27), (52, 28), (56, 29), (60, 30), (65, 31), (999, 32)),
    "men": ((52, 28), (57, 29), (61, 30), (65, 31), (70, 32), (75, 33), (81, 34), (999, 36)),
}
"""Heaviest weight in kg of each waist size of trousers, in inches."""
_CHART = re.compile(
    r"(?P<size>\d?X{0,3}[SL]|M|\d{2})\s*[:=(]?\s*(?:[^;,\n]*?)(?P<low>\d{2,3})\s*(?:-|–|đến|to)\s*(?P<high>\d{2,3})\s*kg",
    re.IGNORECASE,
)


def letter(height: int | None, weight: int | None, gender: Gender) -> str:
    """Return the letter size for a height in cm and a weight in kg; one may be missing."""
    by_weight = _row(_WEIGHT[gender], weight) if weight is not None else ""
    by_height = _row(_HEIGHT[gender], height) if height is not None else ""
    if not by_weight or not by_height:
        return by_weight or by_height
    first, second = LETTERS.index(by_weight), LETTERS.index(by_height)
    return LETTERS[first + 1] if second > first else by_weight


def waist(weight: int, gender: Gender) -> int:
    """Return the waist size of trousers for a weight in kg."""
    return next(size for most, size in _WAIST[gender] if weight <= most)


def shoe(foot_cm: int) -> int:
    """Return the European shoe size for the length of a foot."""
    return round(1.5 * (foot_cm + 1.5))


def chart_size(chart: str, weight: int) -> str:
    """Return the size that a shop's own chart gives for a weight (``M: 50-58kg``), ``''`` when it tells none."""
    for row in _CHART.finditer(chart[:2000]):
        if int(row["low"]) <= weight <= int(row["high"]):
            return row["size"].upper()
    return ""


def nearest(wanted: str, there: list[str]) -> str:
    """Return the size that comes nearest to one, the larger of two; ``''`` where sizes cannot be compared."""
    order = {name.upper(): place for place, name in enumerate(LETTERS)} | {"2XL": 5, "XXXL": 6}
    if wanted.isdigit():
        numbers = [name for name in there if name.isdigit()]
        return min(numbers, key=lambda name: (abs(int(name) - int(wanted)), -int(name)), default="")
    place = order.get(wanted.upper())
    letters = [name for name in there if name.upper() in order]
    if place is None or not letters:
        return ""
    return min(letters, key=lambda name: (abs(order[name.upper()] - place), -order[name.upper()]))


def _row(table: tuple[tuple[int, str], ...], value: int) -> str:
    return next(size for most, size in table if value <= most)
