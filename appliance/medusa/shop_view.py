"""What of the shop decides how products are shown: region, channels, categories, and the price lists in force."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

import msgspec

from appliance.medusa import records
from appliance.medusa.pricing import Offer, offers_in_force
from appliance.medusa.projection import ShopFacts, shop_facts
from appliance.settings import Settings
from appliance.store.mirror import MirrorRepository
from appliance.store.state import StateRepository

R = TypeVar("R", bound=records.Identified)

BASIS = "medusa.basis"
"""Key of the state that holds for which currency, region and channels the products are shown."""
PRICED_AT = "medusa.priced_at"
"""Key of the state that holds the moment on Medusa's clock (Unix seconds) whose price lists products are shown with."""


class _Basis(msgspec.Struct, frozen=True):
    currency: str
    region_id: str
    channels: list[str] | None


class ShopView:
    """Gathers and keeps the facts. Whoever writes the mirror calls it, one thread at a time."""

    def __init__(
        self, repository: MirrorRepository, state: StateRepository, settings: Settings, clock: Callable[[], float]
    ) -> None:
        self._repository = repository
        self._state = state
        self._currency = settings.shop.currency
        self._region = settings.medusa.region
        self._has_key = bool(settings.medusa.publishable_key)
        self._facts: ShopFacts | None = None
        self._lists: list[records.PriceList] | None = None
        self.now = clock

    def facts(self) -> ShopFacts:
        """Return what products depend on, as it was last read.

        Price lists are those of the moment that is noted, not of now: all products show the same moment, also when the
        process was restarted between, and when it moves on it can be told which ones change.
        """
        if self._facts is None:
            self._facts = shop_facts(
                currency=self._currency,
                region_id=self._region_id(),
                channels=self._channels(),
                categories=all_records(self._repository, records.Category).values(),
                collections=all_records(self._repository, records.Collection).values(),
                types=all_records(self._repository, records.ProductType).values(),
                price_lists=self._price_lists(),
                now=self._shown_moment(),
            )
        return self._facts

    def forget(self, *, price_lists: bool = False) -> None:
        """Have the facts gathered anew: a record or the moment changed. Price lists are read anew only if they did."""
        self._facts = None
        if price_lists:
            self._lists = None

    def heads(self) -> list[records.PriceListHead]:
        """Return the price lists without their prices, in the order of ids."""
        return sorted(map(records.head_of, self._price_lists()), key=lambda head: head.id)

    def turns_by(self, moment: float) -> bool:
        """Tell whether a price list begins or ends between the moment that is shown and another one."""
        shown = self._noted_moment()
        if shown is None:
            return True
        first, last = sorted((shown, moment))
        dates = (at for one in self._price_lists() for at in (one.starts_at, one.ends_at) if at is not None)
        return any(first <= at.timestamp() <= last for at in dates)

    def offers_at(self, moment: float) -> Mapping[str, tuple[Offer, ...]]:
        """Return the prices of the lists that are in force at a moment, by variant."""
        return offers_in_force(self._price_lists(), self._region_id(), moment)

    def offers_of(self, lists: Iterable[records.PriceList]) -> Mapping[str, tuple[Offer, ...]]:
        """Return the prices of other lists that are in force at the moment that is shown, by variant."""
        return offers_in_force(lists, self._region_id(), self._shown_moment())

    def _noted_moment(self) -> float | None:
        text = self._state.get(PRICED_AT)
        return None if text is None else float(text)

    def _shown_moment(self) -> float:
        noted = self._noted_moment()
        return self.now() if noted is None else noted

    def _price_lists(self) -> list[records.PriceList]:
        if self._lists is None:
            self._lists = list(all_records(self._repository, records.PriceList).values())
        return self._lists

    def basis(self, channel_ids: Collection[str] | None) -> str:
        """Return, as text to compare and keep, for what the products are shown with these channels."""
        channels = None if channel_ids is None else sorted(channel_ids)
        return msgspec.json.encode(_Basis(self._currency, self._region_id(), channels)).decode()

    def _region_id(self) -> str:
        return region_id(all_records(self._repository, records.Region).values(), self._region, self._currency)

    def _channels(self) -> frozenset[str] | None:
        text = self._state.get(BASIS)
        if not self._has_key or text is None:
            return None
        channels = msgspec.json.decode(text, type=_Basis).channels
        return None if channels is None else frozenset(channels)


def all_records(repository: MirrorRepository, kind: type[R]) -> dict[str, R]:
    """Return every record of a kind by id."""
    decode = msgspec.json.Decoder(kind).decode
    return {id_: decode(body) for id_, body in repository.all(kind.kind).items()}


def region_id(regions: Iterable[records.Region], wanted: str, currency: str) -> str:
    """Return the id of the region whose prices are shown: the one that is named, else the first in the currency."""
    ordered = sorted(regions, key=lambda region: region.id)
    if wanted:
        return next((region.id for region in ordered if wanted in (region.id, region.name)), "")
    return next((region.id for region in ordered if region.currency_code.upper() == currency), "")
