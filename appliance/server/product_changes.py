"""The owner's change of a product: a local one is changed here, a mirrored one here at once and in Medusa soon."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from appliance.domain import Product, Variant, to_minor
from appliance.errors import Conflict, InvalidInput, NotFound, Unavailable
from appliance.medusa.wishes import VariantWish, Wish
from appliance.runtime import Runtime
from appliance.server.admin_schemas import ProductPatch, VariantPatch
from appliance.store.catalogue import Catalogue
from appliance.store.mirror import MirrorRepository

_RETRY_SECONDS = 60.0


def change_product(runtime: Runtime, product: Product, data: ProductPatch) -> None:
    """Change what is named; search and recommendations know it at once.

    Raises ``NotFound`` for an unknown variant, ``Conflict`` or ``InvalidInput`` for what cannot be, ``Unavailable``
    for a product of a Medusa whose connection is switched off.
    """
    edits = runtime.medusa.edits if runtime.medusa else None
    if edits is None:
        _require_own(runtime, product.id)
    if edits is None or not edits.is_mirrored(product.id):
        runtime.catalogue.change(product.id, lambda former: _changed(former, data, runtime.catalogue))
    else:
        edits.change(product.id, _wish(product, data))


def _require_own(runtime: Runtime, product_id: str) -> None:
    """Raise ``Unavailable`` where the next reading of Medusa would write over a change: it cannot be queued now."""
    # Without an address there will be no reading: the shop was cut loose from its Medusa and is on its own.
    on_its_own = not runtime.settings.medusa.url and not runtime.safe_mode
    if on_its_own or not MirrorRepository(runtime.store).has("product", product_id):
        return
    raise Unavailable(
        "This product comes from Medusa, and the connection to Medusa is switched off.",
        retry_after=_RETRY_SECONDS,
        hint="See `appliance status` for the reason; until it is cured, change the product in Medusa.",
    )


def _wish(product: Product, data: ProductPatch) -> Wish:
    patches = _patches(product, data)
    return Wish(
        title=data.title,
        description=data.description,
        status=data.status,
        tags=data.tags,
        categories=data.categories,
        variants=[
            VariantWish(
                id=patch.id, prices=_amounts(patch, product.currency), stock=patch.stock, location=patch.location
            )
            for patch in patches.values()
        ],
    )


def _changed(former: Product, data: ProductPatch, catalogue: Catalogue) -> Product:
    named: dict[str, Any] = {
        field: value for field in ("title", "description", "status") if (value := getattr(data, field)) is not UNSET
    }
    if data.tags is not UNSET:
        named["tags"] = tuple(data.tags)
    if data.categories is not UNSET:
        known = {name: catalogue.category(name) for name in data.categories if name not in former.categories}
        named["categories"] = tuple(node.id if (node := known.get(name)) else name for name in data.categories)
    patches = _patches(former, data)
    variants = tuple(_variant(variant, patches.get(variant.id), former.currency) for variant in former.variants)
    return msgspec.structs.replace(former, **named, variants=variants)


def _patches(product: Product, data: ProductPatch) -> dict[str, VariantPatch]:
    """Return what shall become of which variant."""
    patches = {change.id: change for change in data.variants}
    if not patches.keys() <= {variant.id for variant in product.variants}:
        raise NotFound("The product has no such variant.")
    if data.price is not UNSET or data.stock is not UNSET:
        if len(product.variants) != 1 or patches:
            raise Conflict(
                "This product's variants have prices and stock of their own.",
                hint="Name them in variants: [{id, price, stock}].",
            )
        only = product.variants[0].id
        patches[only] = VariantPatch(id=only, price=data.price, stock=data.stock)
    return patches


def _amounts(patch: VariantPatch, currency: str) -> dict[str, Decimal | None]:
    """Return the prices that a patch names, in main units by currency."""
    if patch.price is not UNSET and currency in patch.prices:
        raise InvalidInput(
            "The price is named twice.", fields=(("prices", f"names {currency}, which price does already"),)
        )
    named: dict[str, float | None] = dict(patch.prices)
    if patch.price is not UNSET:
        named[currency] = patch.price
    return {code: None if amount is None else Decimal(str(amount)) for code, amount in named.items()}


def _variant(variant: Variant, change: VariantPatch | None, currency: str) -> Variant:
    if change is None:
        return variant
    if change.location:
        raise Conflict("The stock of this product is not kept by location.", hint="Leave location out.")
    named: dict[str, Any] = {}
    others = dict(variant.prices or {})
    for code, amount in _amounts(change, currency).items():
        try:
            minor = None if amount is None else to_minor(amount, code)
        except ValueError as error:
            raise Conflict(f"The price does not fit the product's currency: {error}.") from None
        if code == currency:
            named["price"] = minor
        elif minor is None:
            others.pop(code, None)
        else:
            others[code] = minor
    if change.stock is not UNSET:
        named |= {"stock": change.stock, "levels": None}
    return msgspec.structs.replace(variant, **named, prices=others if others != variant.prices else variant.prices)
