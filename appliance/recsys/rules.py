"""The owner's merchandising rules: the last stage, a pure function of the ranked list, the rules and the cards.

Excluded products leave the list; boosts and buries move products by a factor; pins put a product at its place. Pins
come last, so that nothing moves what the owner placed; an excluded or unavailable product is not shown even if pinned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from appliance.domain import Placement, ProductCard, Rule
from appliance.text import fold


class Ranked(NamedTuple):
    """A product in the ranked list. ``source`` and ``anchor`` say where its best evidence lies."""

    card: ProductCard
    score: float
    components: dict[str, float]
    source: str
    anchor: str = ""
    """Product id, or ``''``."""
    others: tuple[tuple[str, str], ...] = ()
    """(source, anchor) of the evidence that comes next, the strongest first."""


def active(rules: Iterable[Rule], placement: Placement, now: float) -> list[Rule]:
    """Return the rules that hold for a placement at this moment."""
    return [
        rule
        for rule in rules
        if rule.enabled
        and rule.placement in (None, placement)
        and (rule.starts_at is None or rule.starts_at <= now)
        and (rule.ends_at is None or now < rule.ends_at)
    ]


def matches(rule: Rule, card: ProductCard) -> bool:
    """Whether a rule speaks of a product. Tags are compared folded, categories by handle."""
    if rule.target == "product":
        return rule.value == card.id
    if rule.target == "category":
        return rule.value in card.categories
    return fold(rule.value) in {fold(tag) for tag in card.tags}


def hidden_by(rules: Iterable[Rule]) -> Callable[[ProductCard], bool]:
    """Return the test for products that the rules hide."""
    excluding = [rule for rule in rules if rule.action == "exclude"]
    products = {rule.value for rule in excluding if rule.target == "product"}
    groups = [rule for rule in excluding if rule.target != "product"]
    return lambda card: card.id in products or any(matches(rule, card) for rule in groups)


def arrange(
    ranked: Sequence[Ranked], rules: Sequence[Rule], available: Callable[[str], ProductCard | None], limit: int
) -> list[Ranked]:
    """Return at most ``limit`` products in their final order.

    ``rules`` are those that hold now; ``available`` returns the card of a product that may be shown. A pin of a
    category or tag places its best-ranked product. Where two pins want one place, the earlier rule has it and the
    other takes the next.
    """
    if not rules:
        return list(ranked[:limit])
    hidden = hidden_by(rules)
    shown = [item for item in ranked if not hidden(item.card)]
    return _pinned(_moved(shown, rules), rules, available)[:limit]


def _moved(ranked: list[Ranked], rules: Sequence[Rule]) -> list[Ranked]:
    movers = [rule for rule in rules if rule.action in ("boost", "bury")]
    if not movers:
        return ranked
    # A list that was made varied is not in score order: each place keeps a score of its own rank.
    places = sorted((item.score for item in ranked), reverse=True)
    factors = [_factor(item.card, movers) for item in ranked]
    order = sorted(range(len(ranked)), key=lambda place: -places[place] * factors[place])
    return [ranked[place]._replace(score=ranked[place].score * factors[place]) for place in order]


def _factor(card: ProductCard, movers: Sequence[Rule]) -> float:
    factor = 1.0
    for rule in movers:
        if matches(rule, card):
            strength = max(rule.strength, 1e-6)
            factor *= strength if rule.action == "boost" else 1.0 / strength
    return factor


def _pinned(
    ranked: list[Ranked], rules: Sequence[Rule], available: Callable[[str], ProductCard | None]
) -> list[Ranked]:
    hidden = hidden_by(rules)
    taken: dict[int, Ranked] = {}
    for rule in rules:
        if rule.action != "pin":
            continue
        held = {item.card.id for item in taken.values()}
        item = _pin_target(rule, [item for item in ranked if item.card.id not in held], available)
        if item is None or item.card.id in held or hidden(item.card):
            continue
        place = max(0, rule.position - 1)
        while place in taken:
            place += 1
        taken[place] = item._replace(source="pinned")
    return _interleaved(ranked, taken)


def _pin_target(rule: Rule, ranked: Sequence[Ranked], available: Callable[[str], ProductCard | None]) -> Ranked | None:
    for item in ranked:
        if matches(rule, item.card):
            return item
    card = available(rule.value) if rule.target == "product" else None
    return None if card is None else Ranked(card, 0.0, {}, "pinned")


def _interleaved(ranked: Iterable[Ranked], taken: Mapping[int, Ranked]) -> list[Ranked]:
    held = {item.card.id for item in taken.values()}
    others = [item for item in ranked if item.card.id not in held]
    out: list[Ranked] = []
    waiting = sorted(taken.items())
    while others or waiting:
        if waiting and (waiting[0][0] <= len(out) or not others):
            out.append(waiting.pop(0)[1])
        else:
            out.append(others.pop(0))
    return out
