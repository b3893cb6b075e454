"""What each visitor did lately, in memory: bounded, updated by every event, so that the next answer knows the click.

A session and a customer have profiles of their own, and a request sees those that it names: who knows only a session
id never learns a customer's taste through it. ``identify`` copies a guest's history into the customer's profile.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from appliance.domain import Interaction, InteractionType
from appliance.recsys.base import Anchors, Doubles, Ints, anchors_of

MAX_ITEMS = 32
"""Distinct products remembered for a visitor."""
MAX_ANCHORS = 20
VISIT_GAP_SECONDS = 1800.0
CARTED, BOUGHT = 1, 2
_AGE_HALF_LIFE = 30 * 86_400.0
_MAX_STRENGTH = 10.0
_MAX_TIME = 2.0**32 - 1


class Entry(NamedTuple):
    """One product of a profile."""

    code: int
    strength: float
    """Sum of the weights of what was done with it."""
    at: float
    """Unix seconds of the latest interaction."""
    flags: int
    bought_at: float = 0.0
    """Unix seconds of the latest purchase; 0 for none."""


class History(NamedTuple):
    """A visitor's products, each once at its latest interaction, the oldest first."""

    codes: Ints
    times: Doubles
    """Unix seconds."""


class _Profile:
    """The products of one visitor in order of their latest interaction, packed: about 900 bytes when full."""

    __slots__ = ("bought", "codes", "flags", "strengths", "times")

    def __init__(self) -> None:
        self.codes = array("i")
        self.strengths = array("f")
        self.times = array("d")
        self.flags = array("B")
        self.bought = array("I")

    def put(self, code: int, weight: float, at: float, raised: int, lowered: int, bought_at: float = 0.0) -> None:
        strength, flags, bought = 0.0, 0, int(min(max(bought_at, 0.0), _MAX_TIME))
        try:
            place = self.codes.index(code)
        except ValueError:
            if weight < 0:
                return  # taking back what was never seen says nothing
        else:
            strength, flags = self.strengths[place], self.flags[place]
            bought = max(bought, self.bought[place])
            at = max(at, self.times[place])
            self._remove(place)
        place = len(self.times)
        while place and self.times[place - 1] > at:
            place -= 1
        self.codes.insert(place, code)
        self.strengths.insert(place, min(_MAX_STRENGTH, max(0.0, strength + weight)))
        self.times.insert(place, at)
        self.flags.insert(place, (flags | raised) & ~lowered)
        self.bought.insert(place, bought)
        if len(self.codes) > MAX_ITEMS:
            self._remove(self._least())

    def entries(self) -> list[Entry]:
        columns = (self.codes, self.strengths, self.times, self.flags, self.bought)
        return [Entry(*row) for row in zip(*columns, strict=True)]

    def _least(self) -> int:
        """Return the place of the oldest product that was only looked at: cart and purchases are barred by memory.

        They may fill half of the profile; beyond that the oldest of them goes.
        """
        looked_at = sum(map(bool, self.flags)) <= MAX_ITEMS // 2
        return next(place for place, flags in enumerate(self.flags) if bool(flags) != looked_at)

    def _remove(self, place: int) -> None:
        for column in (self.codes, self.strengths, self.times, self.flags, self.bought):
            del column[place]


class Profiles:
    """The profiles of the last ``limit`` active visitors. Every method may be called from any thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._profiles: OrderedDict[str, _Profile] = OrderedDict()

    def __len__(self) -> int:
        return len(self._profiles)

    def record(self, interaction: Interaction, code: int) -> None:
        """Take in one event with a known product."""
        kind = interaction.interaction_type
        raised, lowered = _FLAG_CHANGES.get(kind, (0, 0))
        if interaction.weight == 0 and not raised and not lowered:
            return
        at = interaction.occurred_at
        with self._lock:
            for key in _keys(interaction.user_id, interaction.session_id):
                self._open(key).put(code, interaction.weight, at, raised, lowered, at if raised & BOUGHT else 0.0)

    def identify(self, session_id: str, user_id: str) -> None:
        """Merge a guest's profile into the customer's; the session keeps its own."""
        if not session_id or not user_id:
            return
        with self._lock:
            guest = self._profiles.get(f"s{session_id}")
            if guest is not None:
                customer = self._open(f"u{user_id}")
                for entry in guest.entries():
                    customer.put(entry.code, entry.strength, entry.at, entry.flags, 0, entry.bought_at)

    def forget(self, user_id: str, session_id: str) -> None:
        """Remove the profiles of a customer and of a session."""
        with self._lock:
            for key in _keys(user_id, session_id):
                self._profiles.pop(key, None)

    def entries(self, user_id: str, session_id: str) -> list[Entry]:
        """Return what is known of a visitor, the newest first and each product once."""
        found: dict[int, Entry] = {}
        with self._lock:
            for key in _keys(user_id, session_id):
                profile = self._profiles.get(key)
                if profile is None:
                    continue
                self._profiles.move_to_end(key)
                for entry in reversed(profile.entries()):
                    known = found.get(entry.code)
                    found[entry.code] = entry if known is None else _joined(known, entry)
        return sorted(found.values(), key=lambda entry: -entry.at)

    def _open(self, key: str) -> _Profile:
        profile = self._profiles.get(key)
        if profile is None:
            profile = self._profiles[key] = _Profile()
            if len(self._profiles) > self._limit:
                self._profiles.popitem(last=False)
        else:
            self._profiles.move_to_end(key)
        return profile


def taste(entries: list[Entry], decay: float) -> Anchors:
    """Return a visitor's products as anchors: what was done with them, faded by their place and their age.

    ``decay`` is what a product is worth beside the one that came after it.

    The age counts from the visitor's latest product: taste does not fade because a customer stayed away.
    """
    latest = entries[0].at if entries else 0.0
    return anchors_of(
        (
            entry.code,
            max(0.1, entry.strength) ** 0.5 * decay**place * 0.5 ** (max(0.0, latest - entry.at) / _AGE_HALF_LIFE),
        )
        for place, entry in enumerate(entries[:MAX_ANCHORS])
        if entry.strength > 0
    )


def history(entries: list[Entry]) -> History:
    """Return what the visitor showed interest in, the oldest first: what the sequential models read."""
    liked = [entry for entry in reversed(entries) if entry.strength > 0]
    return History(np.array([entry.code for entry in liked], np.int32), np.array([entry.at for entry in liked]))


def session_items(entries: list[Entry], now: float) -> Ints:
    """Return the codes of the present visit, the oldest first; a visit ends with half an hour without interaction."""
    codes: list[int] = []
    until = now
    for entry in entries:
        if until - entry.at > VISIT_GAP_SECONDS:
            break
        until = entry.at
        if entry.strength > 0:
            codes.append(entry.code)
    return np.array(codes[::-1], np.int32)


def _keys(user_id: str, session_id: str) -> list[str]:
    return [kind + name for kind, name in (("u", user_id), ("s", session_id)) if name]


def _joined(first: Entry, second: Entry) -> Entry:
    newer = first if first.at >= second.at else second
    # A signed-in visitor's events stand in both profiles, so the strengths are not added.
    bought_at = max(first.bought_at, second.bought_at)
    return Entry(newer.code, max(first.strength, second.strength), newer.at, newer.flags, bought_at)


_FLAG_CHANGES: dict[str, tuple[int, int]] = {
    InteractionType.ADD_TO_CART: (CARTED, 0),
    InteractionType.REMOVE_FROM_CART: (0, CARTED),
    InteractionType.PURCHASE: (BOUGHT, CARTED),
    InteractionType.REFUND: (0, BOUGHT),
}
