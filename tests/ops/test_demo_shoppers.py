"""The simulated shoppers: a funnel, tastes that show, and the same events for the same seed."""

from __future__ import annotations

from collections import defaultdict

import msgspec
import numpy as np
import pytest

from appliance.domain import PRODUCTLESS, Interaction, InteractionType, Product
from appliance.ops.demo.catalogue import generate_products
from appliance.ops.demo.events import batches, simulate
from appliance.ops.demo.shoppers import PERIOD_DAYS, TYPES, EventColumns, simulate_columns
from appliance.ops.demo.words import kind_of_category, kinds, personas
from appliance.settings import Weights

NOW = 1_760_000_000.0
DAY = 86_400.0
VIEW, CLICK, CART, BUY = (
    TYPES.index(kind)
    for kind in (
        InteractionType.VIEW,
        InteractionType.CLICK,
        InteractionType.ADD_TO_CART,
        InteractionType.PURCHASE,
    )
)


@pytest.fixture(scope="module")
def products() -> list[Product]:
    return generate_products(7, NOW)


@pytest.fixture(scope="module")
def columns(products: list[Product]) -> EventColumns:
    return simulate_columns(products, 7, NOW)


@pytest.fixture(scope="module")
def events(products: list[Product]) -> list[Interaction]:
    return simulate(products, 7, NOW)


def kind_of(products: list[Product]) -> np.ndarray:
    names = sorted(kind_of_category())
    return np.array([names.index(product.categories[-1]) for product in products])


def test_counts_are_as_asked(columns: EventColumns) -> None:
    assert len(columns) == 60_000
    assert 1950 <= len(np.unique(columns.visitor)) <= 2000
    assert 4000 < len(np.unique(columns.session)) < 10_000
    assert 600 < columns.identified.sum() < 1000


def test_every_step_of_the_funnel_is_narrower(columns: EventColumns) -> None:
    counts = np.bincount(columns.type, minlength=len(TYPES))
    assert counts[VIEW] > counts[CLICK] > counts[CART] > counts[BUY] > 500
    assert 0.03 < counts[CART] / counts[VIEW] < 0.2
    assert 0.2 < counts[BUY] / counts[CART] < 0.7
    removed = counts[TYPES.index(InteractionType.REMOVE_FROM_CART)]
    assert 0 < removed < counts[CART] / 4
    assert counts[TYPES.index(InteractionType.SEARCH)] > 500


def test_a_purchase_follows_a_cart_and_a_view_of_the_same_visit(columns: EventColumns) -> None:
    seen: set[tuple[int, int]] = set()
    carted: set[tuple[int, int]] = set()
    for session, product, code in zip(columns.session, columns.product, columns.type, strict=True):
        key = (int(session), int(product))
        if code == VIEW:
            seen.add(key)
        elif code == CART:
            assert key in seen
            carted.add(key)
        elif code == BUY:
            assert key in carted


def test_times_are_ordered_in_the_last_60_days_and_busy_in_the_evening(columns: EventColumns) -> None:
    assert np.all(np.diff(columns.occurred_at) >= 0)
    assert columns.occurred_at[0] >= NOW - PERIOD_DAYS * DAY - 60 and columns.occurred_at[-1] <= NOW
    hour = ((columns.occurred_at + 7 * 3600) % DAY // 3600).astype(int)
    by_hour = np.bincount(hour, minlength=24)
    assert by_hour[20:23].mean() > 4 * by_hour[1:6].mean()


def test_nothing_is_seen_before_it_exists(columns: EventColumns, products: list[Product]) -> None:
    created = np.array([product.created_at for product in products])
    shown = (columns.product >= 0) & (columns.type == VIEW)
    assert np.all(columns.occurred_at[shown] > created[columns.product[shown]])


def test_popularity_has_a_long_tail(columns: EventColumns) -> None:
    views = np.sort(np.bincount(columns.product[columns.type == VIEW], minlength=300))[::-1]
    assert 0.25 < views[:30].sum() / views.sum() < 0.6
    assert np.count_nonzero(views) > 290


def test_visitors_look_at_what_their_persona_likes(columns: EventColumns, products: list[Product]) -> None:
    """For each persona, its own kinds take a far larger part of its views than of everybody's."""
    names, kind = sorted(kind_of_category()), kind_of(products)
    viewed = columns.type == VIEW
    kinds_seen, who = kind[columns.product[viewed]], columns.persona[columns.visitor[viewed]]
    for index, persona in enumerate(personas()):
        liked = [names.index(kinds().kinds[key].category) for key in persona.kinds]
        own = np.isin(kinds_seen[who == index], liked).mean()
        others = np.isin(kinds_seen[who != index], liked).mean()
        assert own > 0.6 and own > 1.2 * others, persona.name


def test_women_rarely_look_at_mens_products_and_the_other_way_round(
    columns: EventColumns, products: list[Product]
) -> None:
    gender = np.array([product.attributes["gender"] for product in products])
    viewed = columns.type == VIEW
    seen, who = gender[columns.product[viewed]], columns.persona[columns.visitor[viewed]]
    for index, persona in enumerate(personas()):
        opposite = {"nam": "nữ", "nữ": "nam"}.get(persona.gender)
        if opposite:
            assert (seen[who == index] == opposite).mean() < 0.12, persona.name


def test_baskets_hold_complements_far_above_chance(columns: EventColumns, products: list[Product]) -> None:
    """Pairs bought in one visit are of complementary kinds several times as often as random pairs of purchases."""
    names, kind = sorted(kind_of_category()), kind_of(products)
    goes = np.zeros((len(names), len(names)), dtype=bool)
    for item in kinds().kinds.values():
        for other in item.complements:
            goes[names.index(item.category), names.index(kinds().kinds[other].category)] = True
    goes |= goes.T
    bought = columns.type == BUY
    baskets: dict[int, list[int]] = defaultdict(list)
    for session, product in zip(columns.session[bought], columns.product[bought], strict=True):
        baskets[int(session)].append(int(product))
    pairs = [(a, b) for basket in baskets.values() for a in set(basket) for b in set(basket) if a < b]
    together = np.mean([goes[kind[a], kind[b]] for a, b in pairs])
    rng = np.random.default_rng(1)
    shuffled = rng.permutation(columns.product[bought])
    chance = np.mean(goes[kind[columns.product[bought]], kind[shuffled]])
    assert len(pairs) > 200
    assert together > 2.5 * chance


def test_neighbours_in_sessions_share_style_above_chance(columns: EventColumns, products: list[Product]) -> None:
    style = np.array([product.attributes["style"] for product in products])
    views = columns.type == VIEW
    order = np.lexsort((columns.occurred_at[views], columns.session[views]))
    session, product = columns.session[views][order], columns.product[views][order]
    next_to = (session[1:] == session[:-1]) & (product[1:] != product[:-1])
    same = (style[product[1:]] == style[product[:-1]])[next_to].mean()
    chance = (style[product] == style[np.random.default_rng(2).permutation(product)]).mean()
    assert same > 1.3 * chance


def test_sold_out_products_are_seldom_put_in_a_cart(columns: EventColumns, products: list[Product]) -> None:
    gone = np.array([not product.in_stock for product in products])
    views = np.bincount(columns.product[columns.type == VIEW], minlength=300)
    carts = np.bincount(columns.product[columns.type == CART], minlength=300)
    assert carts[gone].sum() / views[gone].sum() < 0.6 * carts[~gone].sum() / views[~gone].sum()


def test_the_same_seed_gives_the_same_events(products: list[Product], events: list[Interaction]) -> None:
    assert simulate(products, 7, NOW) == events
    assert simulate(products, 8, NOW) != events


def test_interactions_are_what_the_journal_takes(products: list[Product], events: list[Interaction]) -> None:
    by_id = {product.id: product for product in products}
    weights = Weights()
    assert len({event.event_id for event in events}) == len(events)
    for event in events:
        kind = InteractionType(event.interaction_type)
        assert event.session_id and (event.product_id in by_id or kind in PRODUCTLESS)
        quantity = msgspec.json.decode(event.metadata).get("quantity", 1) if event.metadata else 1
        assert event.weight == pytest.approx(getattr(weights, kind.value) * quantity)
        if event.product_id:
            assert event.product_handle == by_id[event.product_id].handle
            assert msgspec.json.decode(event.metadata)["category"] == by_id[event.product_id].categories[-1]
        if kind is InteractionType.SEARCH:
            assert msgspec.json.decode(event.metadata)["query"]


def test_signed_in_visitors_are_signed_in_throughout(events: list[Interaction]) -> None:
    users: dict[str, set[str]] = defaultdict(set)
    for event in events:
        users[event.session_id].add(event.user_id)
    assert all(len(named) == 1 for named in users.values())
    known = {user for named in users.values() for user in named if user}
    assert 600 < len(known) < 1000


def test_a_foreign_catalogue_can_be_simulated_too() -> None:
    plain = [Product(id=f"p{i}", handle=f"p{i}", title=f"P {i}", categories=("Khác",)) for i in range(20)]
    columns = simulate_columns(plain, 1, NOW, visitors=50, events=1000)
    assert len(columns) == 1000 and columns.queries == ()
    assert not np.any(columns.type == TYPES.index(InteractionType.SEARCH))


@pytest.mark.parametrize(("visitors", "events"), [(0, 10), (11, 10)])
def test_senseless_sizes_are_refused(products: list[Product], visitors: int, events: int) -> None:
    with pytest.raises(ValueError, match="needs products"):
        simulate_columns(products, 1, NOW, visitors, events)


def test_batches_keep_order_and_lose_nothing(events: list[Interaction]) -> None:
    cut = list(batches(iter(events[:2500]), 1000))
    assert [len(batch) for batch in cut] == [1000, 1000, 500]
    assert [event for batch in cut for event in batch] == events[:2500]
