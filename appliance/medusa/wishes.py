"""What the owner wants of a mirrored product, turned into edits in Medusa's own units and ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from appliance import domain
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.medusa import records
from appliance.medusa.overlay import (
    PUBLISHED,
    plain,
    same,
    stock_item_of,
    value_of,
    variant_of,
    with_edits,
    with_plain_price,
)
from appliance.medusa.pricing import Offer, shelf_price
from appliance.store.normalise import MAX_LINE, clean_text
from appliance.store.outbox import Edit, EditField
from appliance.text import clean_line

Thing = tuple[EditField, str, str]
"""Of one product: the field, the variant and the part that an edit changes."""


class VariantWish(msgspec.Struct, frozen=True, kw_only=True):
    """A change of one variant; what is left out stays."""

    id: str
    prices: Mapping[str, Decimal | None] = {}
    """By currency, in main units; ``None`` takes the price away."""
    stock: int | UnsetType | None = UNSET
    """Pieces that can be sold, as the shop counts them: in all, or at ``location``."""
    location: str = ""
    """Id or name of a stock location."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a product; what is left out stays."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    status: Literal["published", "draft"] | UnsetType = UNSET
    tags: Collection[str] | UnsetType = UNSET
    categories: Collection[str] | UnsetType = UNSET
    """Ids, handles, names or paths."""
    variants: Collection[VariantWish] = ()


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What of the shop a wish is understood by."""

    shown_categories: Collection[str]
    """Ids of the categories that shoppers see; a product stays in the others, which the owner is not shown."""
    category_id: Callable[[str], str]
    """Gives the id of a category by what people call it; ``''`` for none."""
    currencies: Collection[str]
    """Codes in capitals of the currencies that the shop sells in; empty: unknown."""
    locations: Mapping[str, str]
    """Names of the stock locations by id."""
    default_location: str = ""
    region_id: str = ""
    """Of the region whose prices the shop shows."""
    region_name: str = ""
    offers: Mapping[str, Sequence[Offer]] = {}
    """Prices of the price lists in force, by variant."""
    list_title: Callable[[str], str] = lambda _price_id: ""
    """Gives the title of the price list that a price is of, by the price's id."""


class Translation:
    """Turns the wish about one product into edits, and names each thing that the owner decided."""

    def __init__(
        self,
        product: records.Product,
        items: Mapping[str, records.InventoryItem],
        shown: domain.Product,
        shop: Surroundings,
    ) -> None:
        """``product`` and ``items`` are Medusa's with the waiting edits laid over; ``shown`` is what shoppers see."""
        self._product, self._items, self._shown, self._shop = product, items, shown, shop
        self.edits: list[Edit] = []
        self.decided: set[Thing] = set()

    def read(self, wish: Wish) -> None:
        """Note the edits of a wish. What the shop shows already is no change.

        Raises ``Conflict`` or ``InvalidInput`` for what Medusa could not be told, ``NotFound`` for an unknown variant.
        """
        if wish.title is not UNSET:
            title = clean_line(wish.title)[:MAX_LINE]
            self._want("title", title, title == self._shown.title)
        if wish.description is not UNSET:
            text = clean_text(wish.description)
            self._want("description", text, text == self._shown.description)
        if wish.status is not UNSET:
            self._status(wish.status)
        if wish.tags is not UNSET:
            tags = sorted({tag for text in wish.tags if (tag := clean_line(text))})
            self._want("tags", tags, set(tags) == set(self._shown.tags))
        if wish.categories is not UNSET:
            self._categories(wish.categories)
        for variant in wish.variants:
            self._variant(variant)

    def _want(self, field: EditField, value: Any, is_shown: bool, variant_id: str = "", part: str = "") -> None:
        thing = (field, variant_id, part)
        if thing in self.decided:
            raise InvalidInput("One request changes the same thing twice.", fields=((field, "is named twice"),))
        self.decided.add(thing)
        edit = Edit(
            id=str(uuid.uuid4()),
            field=field,
            product_id=self._product.id,
            variant_id=variant_id,
            part=part,
            value=value,
        )
        base = value_of(self._product, self._items, edit)
        if is_shown or same(edit, base, value):
            return
        edit = msgspec.structs.replace(edit, base=base)
        self._product, self._items = with_edits(self._product, self._items, [edit])
        self.edits.append(edit)

    def _status(self, wanted: Literal["published", "draft"]) -> None:
        is_shown = wanted == self._shown.status
        if not is_shown and wanted == PUBLISHED == self._product.status:
            raise Conflict(
                "The product is published in Medusa, but in none of the storefront's sales channels.",
                hint="Put it into a sales channel in Medusa.",
            )
        self._want("status", wanted, is_shown)

    def _categories(self, names: Collection[str]) -> None:
        wanted: set[str] = set()
        for name in names:
            id_ = self._shop.category_id(name)
            if not id_:
                raise Conflict(
                    f"Medusa has no category {clean_line(name)[:100]!r}.",
                    hint="Name one that the shop has, by its handle or path, or make it in Medusa first.",
                )
            wanted.add(id_)
        shown = set(self._shop.shown_categories)
        unseen = set(self._product.categories) - shown
        self._want("categories", sorted(wanted | unseen), wanted == set(self._product.categories) & shown)

    def _variant(self, wish: VariantWish) -> None:
        variant = variant_of(self._product, wish.id)
        shown = next((one for one in self._shown.variants if one.id == wish.id), None)
        if variant is None or shown is None:
            raise NotFound("The product has no such variant.")
        for code, amount in wish.prices.items():
            self._price(variant, shown, code.upper(), amount)
        if wish.stock is not UNSET:
            self._stock(variant, shown, wish.stock, wish.location)

    def _price(self, variant: records.Variant, shown: domain.Variant, currency: str, amount: Decimal | None) -> None:
        if self._shop.currencies and currency not in self._shop.currencies:
            raise Conflict(f"The shop does not sell in {currency}.", hint="Add the currency in Medusa's settings.")
        try:
            minor = None if amount is None else domain.to_minor(amount, currency)
        except ValueError as error:
            raise Conflict(f"The price does not fit its currency: {error}.") from None
        now = shown.price if currency == self._shown.currency else (shown.prices or {}).get(currency)
        if minor != now:
            self._require_effect(variant, currency, amount)
        value = None if amount is None else plain(amount)
        self._want("price", value, minor == now, shown.id, currency)

    def _require_effect(self, variant: records.Variant, currency: str, amount: Decimal | None) -> None:
        """Raise ``Conflict`` where another price decides: a plain one would change nothing here, but other regions."""
        region = self._shop.region_id if currency == self._shown.currency else ""
        prices = with_plain_price(variant.prices, currency, amount)
        offers = self._shop.offers.get(variant.id, ())
        decides = shelf_price(prices, offers, currency, region)
        if decides == amount:
            return
        if shelf_price(prices, (), currency, region) != amount:
            raise Conflict(
                f"In the region {clean_line(self._shop.region_name)[:100]!r} the variant has a price of its own.",
                hint="Change the price of this region in Medusa, or remove it there; then the plain price holds.",
            )
        listed = (offer.price for offer in offers if offer.price.currency_code.upper() == currency)
        title = next((self._shop.list_title(price.id) for price in listed if price.amount == decides), "")
        raise Conflict(
            f"The price list {clean_line(title)[:100]!r} decides the variant's price at present.",
            hint="Change or end the price list in Medusa, or change the price when it is over.",
        )

    def _stock(self, variant: records.Variant, shown: domain.Variant, wanted: int | None, location: str) -> None:
        item_id = stock_item_of(self._product, variant.id)
        if wanted is None or not variant.manage_inventory:
            raise Conflict(
                "Whether a variant's stock is counted is decided in Medusa.",
                hint="Switch stock management of the variant on or off in Medusa.",
            )
        if not item_id:
            raise Conflict(
                "The variant has no stock item of its own, or is made up of several.",
                hint="Set the stock of the items in Medusa.",
            )
        item = self._items.get(item_id) or records.InventoryItem(id=item_id)
        place = self._place(item, location)
        required = max(variant.inventory_items[0].required_quantity, 1)
        mine = next((level for level in item.location_levels if level.location_id == place), None)
        reserved = mine.reserved_quantity if mine else Decimal(0)
        stocked = wanted * required + reserved
        if not location:
            elsewhere = [level for level in item.location_levels if level.location_id != place]
            stocked -= sum((level.stocked_quantity - level.reserved_quantity for level in elsewhere), Decimal(0))
        if stocked < reserved:
            raise Conflict(
                f"More than {wanted} can be sold from other stock locations alone.",
                hint="Name the stock location whose stock is meant.",
            )
        now = (shown.levels or {}).get(place) if location else shown.stock
        self._want("stock", int(stocked), wanted == now, variant.id, place)

    def _place(self, item: records.InventoryItem, wanted: str) -> str:
        """Return the id of the location whose stock is meant."""
        if wanted:
            found = [id_ for id_, name in self._shop.locations.items() if wanted in (id_, name)]
            if len(found) != 1:
                raise Conflict(f"Medusa has no single stock location {clean_line(wanted)[:100]!r}.")
            return found[0]
        stocked = [level.location_id for level in item.location_levels]
        for places in (stocked, [self._shop.default_location], list(self._shop.locations)):
            likely = [place for place in places if place]
            if len(likely) == 1:
                return likely[0]
            if self._shop.default_location in likely:
                return self._shop.default_location
        raise Conflict(
            "The variant lies at several stock locations.", hint="Name the stock location whose stock is meant."
        )


def thing_of(edit: Edit) -> Thing:
    """Return what an edit changes of its product."""
    return edit.field, edit.variant_id, edit.part
