"""A real store, catalogue, mirror and outbox that follow a Medusa, with the owner's edits and the push."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from small_medusa import DANANG, HANOI, FakeMedusa
from talking import Clock, talk

from appliance.issues import IssueBoard
from appliance.medusa import records
from appliance.medusa.client import MedusaClient
from appliance.medusa.edits import OwnerEdits
from appliance.medusa.mirror import Mirror
from appliance.medusa.projection import stock_items
from appliance.medusa.push import Push
from appliance.medusa.reading import Reader
from appliance.medusa.turns import Turns
from appliance.medusa.wishes import VariantWish, Wish
from appliance.medusa.writing import Writer
from appliance.settings import Medusa, Settings
from appliance.store.catalogue import Catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.mirror import MirrorRepository
from appliance.store.outbox import OutboxRepository
from appliance.store.sqlite import SqliteStore
from appliance.store.state import StateRepository


class OwnerShop:
    """The appliance's side."""

    def __init__(self, folder: Path, client: MedusaClient, clock: Any, **settings: Any) -> None:
        self.client, self.clock = client, clock
        self.settings = Settings(medusa=Medusa(url="http://medusa.test:9000", **settings))
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.catalogue = Catalogue(self.store, now=clock)
        self.outbox = OutboxRepository(self.store, clock)
        self.issues = IssueBoard(clock)
        state = StateRepository(self.store, "sync_state", clock)
        self.mirror = Mirror(self.catalogue, MirrorRepository(self.store), state, self.settings, clock)
        self.reader = Reader(client)
        self.exchange = Turns()
        self.edits = OwnerEdits(self.mirror, self.outbox, self.catalogue, self.issues, self.exchange, clock)
        self.push = Push(
            self.reader,
            Writer(client, retry=False),
            self.mirror,
            self.outbox,
            self.issues,
            self.settings.medusa,
            self.exchange,
            clock,
            random.Random(7),
        )

    def pull(self, ids: Sequence[str]) -> None:
        """Read some products with their stock into the mirror."""
        found = self.reader.read_products(ids)
        items = self.reader.inventory_items(stock_items(found.products))
        self.mirror.write_items({item.id: item for item in items})
        self.mirror.write_products(found.products, found.gone)

    def know_categories(self, categories: Mapping[str, str], hidden: Mapping[str, str] | None = None) -> None:
        """Mirror some categories, names by id."""
        named = [(id_, name, True) for id_, name in categories.items()]
        named += [(id_, name, False) for id_, name in (hidden or {}).items()]
        self.mirror.write_categories(
            [
                records.Category(
                    id=id_,
                    name=name,
                    handle=id_.removeprefix("pcat_"),
                    parent_category_id=None,
                    is_active=active,
                    is_internal=False,
                )
                for id_, name, active in named
            ]
        )

    def know_places(self, places: Mapping[str, str], default: str) -> None:
        """Mirror the stock locations and the store that names its default one."""
        self.mirror.write_locations([records.StockLocation(id=id_, name=name) for id_, name in places.items()])
        currencies = (records.StoreCurrency(currency_code="vnd"), records.StoreCurrency(currency_code="usd"))
        store = records.Store(id="store_1", default_location_id=default, supported_currencies=currencies)
        self.mirror.write_all(records.Store, [store])

    def want(self, product_id: str, *variants: VariantWish, **fields: Any) -> list[Any]:
        """Have the owner change a product."""
        return self.edits.change(product_id, Wish(variants=variants, **fields))

    def states(self) -> list[tuple[str, str]]:
        """Return state and outcome of all edits in their order."""
        return [(edit.state, edit.outcome) for edit in reversed(self.outbox.list(limit=1000))]

    def close(self) -> None:
        """Close the store and the connections."""
        self.client.close()
        self.store.close()


def shop_of_two(folder: Path, fake: FakeMedusa, **settings: Any) -> OwnerShop:
    """Open a shop that has read two products, two categories and two places of a Medusa in memory."""
    clock = Clock()
    shop = OwnerShop(folder, talk(fake, clock), clock, **settings)
    for product_id in ("a", "b"):
        fake.add(product_id)
    fake.categories.update(("pcat_giay", "pcat_tui"))
    shop.know_categories({"pcat_giay": "Giày", "pcat_tui": "Túi"})
    shop.know_places({HANOI: "Hà Nội", DANANG: "Đà Nẵng"}, HANOI)
    shop.pull(["a", "b"])
    return shop
