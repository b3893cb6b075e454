"""From simulated columns to the interactions that the journal takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from appliance.domain import Interaction, InteractionType, Product, to_main
from appliance.ops.demo.shoppers import TYPES, EventColumns, simulate_columns
from appliance.settings import Weights

_COUNTED = frozenset({InteractionType.PURCHASE, InteractionType.ADD_TO_CART})
"""Types that carry quantity and price."""


def simulate(
    products: Sequence[Product],
    seed: int,
    now: float,
    visitors: int = 2000,
    events: int = 60_000,
    weights: Weights | None = None,
) -> list[Interaction]:
    """Return simulated interactions in order of time; the same arguments give the same ids and events."""
    columns = simulate_columns(products, seed, now, visitors, events)
    return list(interactions(columns, products, seed, weights or Weights()))


def interactions(
    columns: EventColumns, products: Sequence[Product], seed: int, weights: Weights
) -> Iterator[Interaction]:
    """Yield the events of the columns, oldest first, as if each had arrived when it happened.

    Ids depend on the seed and the place alone, so loading a simulation twice counts once.
    """
    kinds = [(kind.value, float(getattr(weights, kind.value)), kind in _COUNTED) for kind in TYPES]
    users = [f"kh{index:05d}" if known else "" for index, known in enumerate(columns.identified.tolist())]
    places = [_place(product) for product in products]
    searches = [_json({"query": query}) for query in columns.queries]
    for index, (visitor, session, product, code, quantity, at, query) in enumerate(_rows(columns)):
        name, weight, counted = kinds[code]
        at = round(at, 3)
        product_id, handle, metadata, priced = places[product] if product >= 0 else ("", "", "", "")
        if query >= 0:
            metadata = searches[query]
        elif counted:
            metadata = priced if quantity == 1 else priced.replace('"quantity":1', f'"quantity":{quantity}')
        yield Interaction(
            event_id=f"demo{seed}.{index}",
            user_id=users[visitor],
            session_id=f"demo{seed}.s{session:06d}",
            product_id=product_id,
            product_handle=handle,
            interaction_type=name,
            weight=weight * quantity,
            occurred_at=at,
            received_at=at,
            metadata=metadata,
        )


def _rows(columns: EventColumns) -> Iterator[tuple[int, int, int, int, int, float, int]]:
    """Yield (visitor, session, product, type, quantity, occurred_at, query) as plain numbers."""
    return zip(
        columns.visitor.tolist(),
        columns.session.tolist(),
        columns.product.tolist(),
        columns.type.tolist(),
        columns.quantity.tolist(),
        columns.occurred_at.tolist(),
        columns.query.tolist(),
        strict=True,
    )


def batches(stream: Iterator[Interaction], size: int) -> Iterator[list[Interaction]]:
    """Cut a stream into lists of ``size``; the last may be shorter."""
    while batch := list(islice(stream, size)):
        yield batch


def _place(product: Product) -> tuple[str, str, str, str]:
    """Return id, handle and the metadata of a view and of a cart event."""
    base: dict[str, object] = {"category": product.categories[-1]} if product.categories else {}
    price = None if product.price is None else to_main(product.price, product.currency)
    priced = base | {"quantity": 1, "price": price, "currency": product.currency}
    return product.id, product.handle, _json(base) if base else "", _json(priced)


def _json(value: dict[str, object] | dict[str, str]) -> str:
    return msgspec.json.encode(value).decode()
