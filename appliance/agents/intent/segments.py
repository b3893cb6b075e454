"""Cuts a message where a further request may begin."""

from __future__ import annotations

import itertools
import re

import msgspec

from appliance.agents.types import Utterance

_BREAK = re.compile(r"[,.;?!\n]")
_JOINTS = frozenset({"va", "and", "also", "plus", "xong", "then"})
_ADDING = _JOINTS | {"voi", "roi", "con"}
_LEAST_WORDS = 2
_MOST_PARTS = 4


def segments(utterance: Utterance) -> list[Utterance]:
    """Return the parts of a message, each an utterance of its own; one part means that there is nothing to cut.

    Cuts fall at punctuation and before words that join two requests; parts of one word stay with their neighbour.
    """
    tokens = utterance.tokens
    inside = _inside_mentions(utterance)
    cuts = [0]
    for place in range(1, len(tokens)):
        gap = utterance.text[tokens[place - 1].end : tokens[place].start]
        joint = tokens[place].folded in _JOINTS
        if (joint or _BREAK.search(gap)) and place not in inside:
            cuts.append(place)
    bounds = _merged([*cuts, len(tokens)], utterance)
    if not 3 <= len(bounds) <= _MOST_PARTS + 1:
        return [utterance]
    return [_part(utterance, first, last) for first, last in itertools.pairwise(bounds)]


def is_joined(part: Utterance) -> bool:
    """Tell whether a part begins with a word that adds a request to the one before ("với lại", "and")."""
    return bool(part.tokens) and part.tokens[0].folded in _ADDING


def _inside_mentions(utterance: Utterance) -> set[int]:
    """Return the places where a cut would part a value."""
    return {place for mention in utterance.mentions for place in range(mention.start + 1, mention.end)}


def _merged(bounds: list[int], utterance: Utterance) -> list[int]:
    """Drop cuts that would leave a part without enough words of its own."""
    polite = set(utterance.polite)
    words_before = [0, *itertools.accumulate(place not in polite for place in range(len(utterance.tokens)))]
    kept = [bounds[0]]
    for bound in bounds[1:-1]:
        words = words_before[bound] - words_before[kept[-1]]
        rest = words_before[-1] - words_before[bound]
        if words >= _LEAST_WORDS and rest >= _LEAST_WORDS:
            kept.append(bound)
    return [*kept, bounds[-1]]


def _part(utterance: Utterance, first: int, last: int) -> Utterance:
    tokens = utterance.tokens[first:last]
    mentions = tuple(
        msgspec.structs.replace(mention, start=mention.start - first, end=mention.end - first)
        for mention in utterance.mentions
        if first <= mention.start and mention.end <= last
    )
    return msgspec.structs.replace(
        utterance,
        tokens=tokens,
        mentions=mentions,
        polite=tuple(place - first for place in utterance.polite if first <= place < last),
        repairs=(),
    )
