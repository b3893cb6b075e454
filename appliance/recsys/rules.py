"""The owner's merchandising rules: the last stage, a pure function of the ranked list, the rules and the cards.

Where rules overlap, this is their order:

1. ``exclude`` beats everything: an excluded product is not shown even if it is pinned; nor is an unavailable one.
2. ``pin`` comes last and so beats ``boost`` and ``bury``: nothing moves what the owner placed. Of two pins for one
   place the older rule has it and the other takes the next place; of two pins of one product the older counts.
3. All boosts and buries that speak of a product count together, whatever their order: the factors are multiplied.

A pin of a group (category, tag, price, margin) places the group's best-ranked product that no older pin has placed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from appliance.domain import Placement, ProductCard, Rule, RuleTarget, to_main
from appliance.store.rule_values import span_of
from appliance.text import fold

_RANK_SHARE = 1e-3
"""Part of the best score that one place is worth by itself, so that rules move products without a score too."""


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
    rules: tuple[str, ...] = ()
    """Ids of the rules that moved or placed it, in the order of the rules."""


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
    """Whether a rule speaks of a product.

    Tags are compared folded, categories by handle. A product without a price or margin is in no range, nor is one
    whose price is in another currency than the range.
    """
    return _matcher(rule.target, rule.value)(card)


def spoken_of(rule: Rule, cards: Mapping[str, ProductCard]) -> int:
    """Return of how many published products a rule speaks."""
    if rule.target == "product":
        card = cards.get(rule.value)
        return int(card is not None and card.published)
    is_meant = _matcher(rule.target, rule.value)
    return sum(1 for card in cards.values() if card.published and is_meant(card))


def hidden_by(rules: Iterable[Rule]) -> Callable[[ProductCard], bool]:
    """Return the test for products that the rules hide."""
    excluding = [rule for rule in rules if rule.action == "exclude"]
    products = {rule.value for rule in excluding if rule.target == "product"}
    groups = [_matcher(rule.target, rule.value) for rule in excluding if rule.target != "product"]
    return lambda card: card.id in products or any(is_meant(card) for is_meant in groups)


def arrange(
    ranked: Sequence[Ranked], rules: Sequence[Rule], available: Callable[[str], ProductCard | None], limit: int
) -> list[Ranked]:
    """Return at most ``limit`` products in their final order.

    ``rules`` are those that hold now, the oldest first; ``available`` returns the card of a product that may be shown.
    """
    if not rules:
        return list(ranked[:limit])
    hidden = hidden_by(rules)
    shown = [item for item in ranked if not hidden(item.card)]
    return _pinned(_moved(shown, rules), rules, available)[:limit]


@lru_cache(maxsize=4096)
def _matcher(target: RuleTarget, value: str) -> Callable[[ProductCard], bool]:
    if target == "product":
        return lambda card: card.id == value
    if target == "category":
        return lambda card: value in card.categories
    if target == "tag":
        wanted = fold(value)
        return lambda card: wanted in _folded(card.tags)
    span = span_of(target, value)
    if target == "margin":
        return lambda card: card.margin is not None and span.holds(card.margin)
    return lambda card: (
        card.price is not None
        and span.currency in ("", card.currency)
        and span.holds(to_main(card.price, card.currency))
    )


@lru_cache(maxsize=65_536)
def _folded(tags: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(fold, tags))


def _moved(ranked: list[Ranked], rules: Sequence[Rule]) -> list[Ranked]:
    movers = [rule for rule in rules if rule.action in ("boost", "bury")]
    if not movers or not ranked:
        return ranked
    # A list that was made varied is not in score order: each place keeps a score of its own rank.
    places = sorted((item.score for item in ranked), reverse=True)
    step = _RANK_SHARE * (places[0] if places[0] > 0 else 1.0)
    worths = [max(score, 0.0) + step * (len(places) - place) for place, score in enumerate(places)]
    moved = [_applied(item, movers) for item in ranked]
    order = sorted(range(len(ranked)), key=lambda place: -worths[place] * moved[place][1])
    return [moved[place][0] for place in order]


def _applied(item: Ranked, movers: Sequence[Rule]) -> tuple[Ranked, float]:
    factor, names = 1.0, []
    for rule in movers:
        if matches(rule, item.card):
            strength = max(rule.strength, 1e-6)
            factor *= strength if rule.action == "boost" else 1.0 / strength
            names.append(rule.id)
    if not names:
        return item, 1.0
    return item._replace(score=item.score * factor, rules=(*item.rules, *names)), factor


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
        taken[place] = item._replace(source="pinned", rules=(*item.rules, rule.id))
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
