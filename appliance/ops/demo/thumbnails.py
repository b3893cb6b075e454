"""Pictures of the demo's products, drawn on the fly: a silhouette of the kind in the product's first colour.

The drawing uses presentation attributes only, so it stays correct under a content security policy without inline
styles, and it names no other file.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

from appliance.data_files import read_data
from appliance.domain import Product
from appliance.ops.demo.words import kind_of_category, kinds, words

_DEFAULT_SILHOUETTE, _DEFAULT_COLOUR = "handbag", "#b08968"
_METAL = "#d9b65c"
_PAPERS = ("#f6f1e9", "#eef2f1", "#f3eef4", "#f5efe9", "#eef1f6", "#f4f3ea")
_INK, _WHITE = (32, 30, 34), (255, 255, 255)
_NEARLY_WHITE = 200.0


def svg(product: Product) -> str:
    """Return the picture of a product as an SVG document (400 by 400); the same product, the same picture."""
    colour = _first_colour(product)
    paper = _PAPERS[zlib.crc32(product.handle.encode()) % len(_PAPERS)]
    shape = _silhouettes()[_silhouette(product)]
    light = _mix(colour, _WHITE, 0.3)
    if _luminance(colour) > _NEARLY_WHITE:
        # It would vanish into its paper and its own highlights.
        paper, light = _mix(paper, _INK, 0.13), _mix(colour, _INK, 0.06)
    for mark, value in (("{m}", colour), ("{d}", _mix(colour, _INK, 0.36)), ("{l}", light), ("{a}", _METAL)):
        shape = shape.replace(mark, value)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400">'
        f'<rect width="400" height="400" fill="{paper}"/>'
        f'<ellipse cx="200" cy="338" rx="146" ry="16" fill="{_mix(paper, _INK, 0.1)}"/>{shape.strip()}</svg>'
    )


@lru_cache(maxsize=1)
def _silhouettes() -> dict[str, str]:
    return read_data("appliance.ops.demo", "silhouettes", dict[str, str])


def _silhouette(product: Product) -> str:
    key = kind_of_category().get(product.categories[-1] if product.categories else "")
    return kinds().kinds[key].silhouette if key else _DEFAULT_SILHOUETTE


def _first_colour(product: Product) -> str:
    known = words().colours
    named = (known[variant.color].hex for variant in product.variants if variant.color in known)
    return next(named, _DEFAULT_COLOUR)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mix(colour: str, other: tuple[int, int, int], part: float) -> str:
    """Blend ``part`` of another colour in."""
    parts = (round(a + (b - a) * part) for a, b in zip(_rgb(colour), other, strict=True))
    return "#" + "".join(f"{value:02x}" for value in parts)


def _luminance(colour: str) -> float:
    """Return perceived brightness from 0 to 255 (ITU-R BT.601)."""
    red, green, blue = _rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue
