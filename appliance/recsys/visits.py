"""What one request starts from: the visitor's profile, the page and the cart, as anchors and bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from appliance.domain import Placement
from appliance.recsys import profiles
from appliance.recsys.base import Anchors, Ints, anchors_of
from appliance.recsys.blend import Decays
from appliance.recsys.profiles import Entry

FOCUS_STRENGTH = 3.0
TASTE_SHARE = 0.15
"""How much of the visitor's taste counts where a page or a cart is about other products."""

_DAY = 86_400.0

Barred = Literal["page", "cart", "bought"]


class Visit(NamedTuple):
    """What one request starts from. Arrays of codes are oldest first unless said otherwise."""

    content: Anchors
    """What the visitor likes and the page is about, as strongly as it speaks for products of its kind."""
    collaborative: Anchors
    """The same, as strongly as it speaks for what other people liked with it."""
    trail: Ints
    """The visitor's products in the order of their latest interaction, the page's product last."""
    session: Ints
    """The same of this visit alone."""
    seen: Ints
    barred: Mapping[int, Barred]
    """Codes that must not be shown, and why."""
    focus: frozenset[int]
    """The products that the page or the cart is about."""
    cart: frozenset[int]
    known: int
    """Distinct products that the visitor and the page speak of: what the blend's weights go by."""


def visit_of(
    entries: list[Entry],
    placement: Placement,
    now: float,
    *,
    decays: Decays,
    page: int = -1,
    bought: frozenset[int] = frozenset(),
) -> Visit:
    """Return the start of a request. ``page`` is the code of the page's product, -1 for none.

    ``entries`` are the visitor's, newest first; ``bought`` are those bought too lately to be offered again.
    """
    cart = [entry.code for entry in entries if entry.flags & profiles.CARTED]
    focus = [page] if page >= 0 else cart if placement == "cart" else []
    barred: dict[int, Barred] = dict.fromkeys(bought, "bought")
    barred.update(dict.fromkeys(cart, "cart"))
    if page >= 0:
        barred[page] = "page"
    return Visit(
        content=_focused(focus, profiles.taste(entries, decays.content)),
        collaborative=_focused(focus, profiles.taste(entries, decays.collaborative)),
        trail=_ending_in(profiles.history(entries).codes, page),
        session=_ending_in(profiles.session_items(entries, now), page),
        seen=np.array([entry.code for entry in entries], np.int32),
        barred=barred,
        focus=frozenset(focus),
        cart=frozenset(cart),
        known=len({entry.code for entry in entries} | set(focus)),
    )


def fingerprint(entries: list[Entry], now: float) -> str:
    """Return a name for what an answer depends on of a visitor: two visitors with one name get one answer.

    Ages count in days, as finely as they matter; ``''`` for a visitor of whom nothing is known.
    """
    if not entries:
        return ""
    latest = entries[0].at
    parts = [str(len(profiles.session_items(entries, now)))]
    for entry in entries:
        bought = int((now - entry.bought_at) // _DAY) if entry.flags & profiles.BOUGHT else 0
        parts.append(f"{entry.code}.{entry.strength:.1f}.{entry.flags}.{int((latest - entry.at) // _DAY)}.{bought}")
    return "|".join(parts)


def _ending_in(codes: Ints, page: int) -> Ints:
    if page < 0:
        return codes
    return np.append(codes[codes != page], np.int32(page))


def _focused(focus: Sequence[int], taste: Anchors) -> Anchors:
    """Return the page's or cart's products first, the visitor's taste well behind; without focus the taste alone."""
    if not focus:
        return taste
    pairs = [(code, FOCUS_STRENGTH) for code in focus]
    pairs += [
        (code, TASTE_SHARE * strength)
        for code, strength in zip(taste.codes.tolist(), taste.strengths.tolist(), strict=True)
        if code not in focus
    ]
    return anchors_of(pairs)
